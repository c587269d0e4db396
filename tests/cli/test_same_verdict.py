"""What Khronos's validator alone rejects, every command refuses that makes something of a scene, as `check` does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.cli.errors import BadScene
from roomscale.cli.output import Output
from roomscale.cli.publishing import prepare_scene
from roomscale.cli.watching import WATCHED
from roomscale.scenes import errors_of, open_scene, parse_scene
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator, ValidatorLimits
from roomscale.scenes.khronos.runner import SCRIPT
from roomscale.scenes.package import pack, verify, write_package
from tests.scenes.crafted import glb, triangle
from tests.support.house import free_port

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the validator is not built: python web/build_validator.py")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A turn with a number beyond 1, though its length is 1 as exactly as ours ask for: one of the scenes that
    `roomscale.scenes.khronos.is_covered` is in doubt about.
    """
    tree = triangle()
    tree["nodes"][0]["rotation"] = [0, 0, 0, 1.0003]
    path = tmp_path / "turned.glb"
    path.write_bytes(glb(tree))
    return path


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "roomscale.cli.app", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_our_own_checks_alone_let_it_pass(scene: Path) -> None:
    """Else the tests below would show nothing: then take another file."""
    assert errors_of(judge(open_scene(scene))) == []


def test_check_rejects_it(scene: Path) -> None:
    told = command("check", scene)
    assert told.returncode == 1
    assert "/nodes/0/rotation" in told.stdout
    assert command("check", scene, "--no-khronos").returncode == 0


@pytest.mark.parametrize("name", ["pack", "publish", "up"])
def test_no_command_makes_anything_of_it(scene: Path, name: str) -> None:
    out = scene.parent / "out"
    arguments: dict[str, tuple[str | Path, ...]] = {
        "pack": ("-o", out),
        "publish": ("--data", out),
        "up": ("--data", out, "--port", str(free_port())),
    }
    told = command(name, scene, *arguments[name])
    assert told.returncode == 1
    errors = [line for line in told.stderr.splitlines() if line.startswith("roomscale:")]
    assert len(errors) == 1
    assert "/nodes/0/rotation" in errors[0]
    assert "turned.glb` tells how" in errors[0]
    assert not out.exists()


def test_a_save_that_is_watched_is_refused_unless_asking_would_take_too_long(scene: Path) -> None:
    with Validator(WATCHED) as validator, pytest.raises(BadScene, match="/nodes/0/rotation"):
        prepare_scene(scene, Output(), validator=validator)
    with Validator(ValidatorLimits(file_bytes=scene.stat().st_size - 1)) as validator:
        assert prepare_scene(scene, Output(), validator=validator).glb


def test_a_packed_folder_that_holds_it_is_rejected(scene: Path, tmp_path: Path) -> None:
    write_package(pack(parse_scene(scene.read_bytes()))[0], tmp_path / "packed")
    assert errors_of(verify(tmp_path / "packed").findings) == []
    told = command("check", tmp_path / "packed")
    assert told.returncode == 1
    assert "VALUE_NOT_IN_RANGE" in told.stdout
