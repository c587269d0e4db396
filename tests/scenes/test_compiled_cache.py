"""Machine code kept between processes: trusted only where nobody else can have written it."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roomscale.scenes.meshopt import compiled, decode, encode_vertices, machine, runtime

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is kept where files have no owner")

COMPILER = Path(__file__)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, in which nothing was compiled yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ROOMSCALE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    start_anew()
    yield tmp_path
    start_anew()


def start_anew() -> None:
    """As a new process does: with no module compiled."""
    machine._module.cache_clear()
    runtime._of_this_thread().clear()


def kept_files() -> list[Path]:
    folder = compiled.folder()
    assert folder is not None
    return sorted(folder.glob("*"))


def works() -> bool:
    table = np.arange(400, dtype=np.uint32).reshape(100, 4)
    return np.array_equal(decode(encode_vertices(table), 100, 16, "ATTRIBUTES").view(np.uint32), table)


def test_what_was_compiled_is_kept_for_this_user_alone_and_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert works()
    files = kept_files()
    assert len(files) == 2  # the encoder and the decoder
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    start_anew()
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "keep", lambda *_: pytest.fail("it was compiled again"))
        assert works()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign code"])
def test_a_damaged_file_is_not_run_and_is_made_anew(damage: str) -> None:
    assert works()
    whole = {path: path.read_bytes() for path in kept_files()}
    for path, data in whole.items():
        broken = {"cut": data[:-9], "flipped": data[:-1] + bytes([data[-1] ^ 1]), "empty": b""}
        path.write_bytes(broken.get(damage, bytes(32) + data[32:]))
    start_anew()
    assert works()
    assert {path: path.read_bytes() for path in kept_files()} == whole


def test_code_of_another_wasmtime_is_asked_for_by_another_name(tmp_path: Path) -> None:
    compiled.keep(b"wasm", COMPILER, b"code")
    assert compiled.find(b"wasm", COMPILER) == b"code"
    assert compiled.find(b"other wasm", COMPILER) is None
    other = tmp_path / "wasmtime.py"
    other.write_text("")
    assert compiled.find(b"wasm", other) is None


def test_bytes_that_are_whole_but_no_code_for_this_machine_are_compiled_anew() -> None:
    assert works()
    source = (Path(machine.__file__).with_name("wasm") / "encoder.wasm").read_bytes()
    compiler = Path(sys.modules["wasmtime"].__file__ or "")
    compiled.keep(source, compiler, b"no code at all")
    start_anew()
    assert works()
    assert (compiled.find(source, compiler) or b"") != b"no code at all"


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o707])
def test_a_folder_that_others_can_write_to_is_not_used(mode: int) -> None:
    compiled.keep(b"wasm", COMPILER, b"code")
    folder = kept_files()[0].parent
    folder.chmod(mode)
    assert compiled.find(b"wasm", COMPILER) is None
    compiled.keep(b"more wasm", COMPILER, b"code")
    assert len(kept_files()) == 1
    folder.chmod(0o700)
    assert compiled.find(b"wasm", COMPILER) == b"code"


def test_a_file_that_others_can_write_to_is_not_used() -> None:
    compiled.keep(b"wasm", COMPILER, b"code")
    kept_files()[0].chmod(0o660)
    assert compiled.find(b"wasm", COMPILER) is None


def test_symlinks_are_not_followed(tmp_path: Path) -> None:
    compiled.keep(b"wasm", COMPILER, b"code")
    file = kept_files()[0]
    elsewhere = tmp_path / "elsewhere"
    shutil.move(file, elsewhere)
    file.symlink_to(elsewhere)
    assert compiled.find(b"wasm", COMPILER) is None
    file.unlink()
    shutil.move(elsewhere, file)
    moved = tmp_path / "moved"
    shutil.move(file.parent, moved)
    file.parent.symlink_to(moved)
    assert compiled.find(b"wasm", COMPILER) is None


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else_is_not_used() -> None:
    compiled.keep(b"wasm", COMPILER, b"code")
    file = kept_files()[0]
    os.chown(file, 12345, 12345)
    assert compiled.find(b"wasm", COMPILER) is None
    os.chown(file, 0, 0)
    os.chown(file.parent, 12345, 12345)
    assert compiled.find(b"wasm", COMPILER) is None


def test_without_a_place_to_keep_it_all_works_the_same(home: Path) -> None:
    (home / ".cache").write_text("a file where the folder should be")
    (home / "Library").write_text("")
    assert works()
