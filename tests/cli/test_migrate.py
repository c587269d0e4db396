"""`roomscale migrate` as its user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.scenes import open_scene
from roomscale.scenes.view import view
from tests.scenes.crafted import glb, triangle, with_extension


def migrate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "roomscale.cli.app", "migrate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A scene for Third Room."""
    path = tmp_path / "old.glb"
    path.write_bytes(glb(with_extension("MX_spawn_point", node={})))
    return path


def test_it_writes_the_present_forms_and_says_so(old: Path, tmp_path: Path) -> None:
    result = migrate(str(old), "-o", str(tmp_path / "new.glb"))
    assert (result.returncode, result.stdout) == (0, f"{tmp_path / 'new.glb'}\n")
    assert "MX_spawn_point are OMI_spawn_point now" in result.stderr
    assert [spawn.form for spawn in view(open_scene(tmp_path / "new.glb")).spawn_points] == ["OMI_spawn_point"]


def test_both_forms_on_request_and_json_for_scripts(old: Path, tmp_path: Path) -> None:
    result = migrate(str(old), "-o", str(tmp_path / "new.glb"), "--keep-old", "--json")
    told = json.loads(result.stdout)
    assert told["changed"] is True
    assert [note["code"] for note in told["notes"]] == ["MIGRATED"]
    assert {spawn.form for spawn in view(open_scene(tmp_path / "new.glb")).spawn_points} == {
        "MX_spawn_point",
        "OMI_spawn_point",
    }


def test_what_stays_in_an_old_form_is_said(tmp_path: Path) -> None:
    tree = triangle()
    tree["scenes"][0]["extensions"] = {"MX_background": {"backgroundTexture": 0}}
    tree["extensionsUsed"] = ["MX_background"]
    (tmp_path / "old.glb").write_bytes(glb(tree))
    result = migrate(str(tmp_path / "old.glb"), "-o", str(tmp_path / "new.glb"))
    assert result.returncode == 0
    assert "this MX_background names no texture" in result.stderr
    assert "nothing of it is in an old form" not in result.stderr


@pytest.mark.parametrize(
    ("source", "out", "code"), [("old.glb", "old.glb", 2), ("old.glb", "a.txt", 2), ("no.glb", "a.glb", 2)]
)
def test_a_mistake_is_one_line_and_writes_nothing(old: Path, tmp_path: Path, source: str, out: str, code: int) -> None:
    before = old.read_bytes()
    result = migrate(str(tmp_path / source), "-o", str(tmp_path / out))
    assert result.returncode == code
    assert [line[:10] for line in result.stderr.splitlines()] == ["roomscale:"]
    assert old.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.glb"]
