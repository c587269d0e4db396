"""Compiled netcode is taken where it fits these sources, and is the same netcode."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.netcode import compiled
from roomscale.netcode.errors import CannotCompile

SMALL = ("core/units.py", "core/overload.py")
"""Enough for a group of two; the whole takes minutes."""
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_compiler
@pytest.mark.timeout(300)
def test_what_was_built_is_imported_in_place_of_its_sources(tmp_path: Path) -> None:
    assert compiled.find(SMALL, tmp_path) is None
    stale = tmp_path / ("0" * 32)
    stale.mkdir(parents=True)
    built = compiled.build(SMALL, tmp_path)
    assert compiled.find(SMALL, tmp_path) == built
    assert list(tmp_path.iterdir()) == [built]  # neither what it was built in, nor builds of other sources
    said = python(f"""
from pathlib import Path
from roomscale.netcode import compiled
print(compiled.activate({SMALL!r}, Path({str(tmp_path)!r})))
from roomscale.netcode.core import overload, clock
print(overload.__file__.endswith(".py"), clock.__file__.endswith(".py"), overload.Overload().interval)
""")
    assert said.splitlines() == ["True", "False True 1"]


def test_without_a_build_the_sources_run() -> None:
    said = python("""
from pathlib import Path
from roomscale.netcode import compiled
print(compiled.activate(folder=Path("/nowhere")))
from roomscale.netcode.core import overload
print(overload.__file__.endswith(".py"))
""")
    assert said.split() == ["False", "True"]


def test_a_build_of_other_modules_is_another() -> None:
    assert compiled.fingerprint(SMALL) == compiled.fingerprint(SMALL)
    assert compiled.fingerprint(SMALL) != compiled.fingerprint(SMALL[:1])


def test_nothing_is_replaced_once_a_part_was_imported(tmp_path: Path) -> None:
    import roomscale.netcode.core.units  # noqa: F401, PLC0415 - what this is about

    (tmp_path / compiled.fingerprint(SMALL)).mkdir()
    before = list(sys.meta_path)
    assert not compiled.activate(SMALL, tmp_path)
    assert sys.meta_path == before


@needs_compiler
def test_a_build_that_fails_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(CannotCompile, match="C compiler"):
        compiled.build(SMALL[:1], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.proof
@pytest.mark.timeout(3000)
@needs_compiler
def test_the_compiled_node_passes_the_tests_of_the_node(tmp_path: Path) -> None:
    compiled.build(folder=tmp_path)
    plugin = tmp_path / "with_compiled.py"
    plugin.write_text(
        "from pathlib import Path\nfrom roomscale.netcode import compiled\n"
        f"assert compiled.activate(folder=Path({str(tmp_path)!r}))\n"
    )
    root = Path(__file__).parents[2]
    rooms = ["core", "webrtc", "node"]
    where = [str(root / "tests" / "netcode" / room) for room in rooms]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "with_compiled", "-m", "not proof", *where],
        cwd=root, env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
