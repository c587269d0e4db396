"""What starting a command loads: nothing that it does not need, or a creator waits for it each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.scenes.container import build_glb
from roomscale.scenes.khronos.runner import SCRIPT
from tests.scenes.crafted import BINARY, triangle

NETWORK = {"aiohttp", "aiortc", "asyncio", "fastapi", "httpx", "nio", "pydantic_settings", "ssl", "uvicorn", "uvloop"}
SELDOM = {"PIL", "filelock", "py_mini_racer", "pygltflib", "sqlite3"}
SCENES = {"numpy", "wasmtime", "roomscale.scenes"}
RICH = {"rich.console", "rich.progress"}
LATER = {"concurrent.futures", "http", "importlib.metadata", "multiprocessing", "secrets", "tomllib"}
"""Of Python's own, what no command needs for a plain scene."""
JOINING = {f"roomscale.scenes.transforms.{name}" for name in ("instance", "join", "still")}
AUTHORING = {f"roomscale.scenes.authoring.{name}" for name in ("applying", "said", "work")}


def loaded(*arguments: str) -> set[str]:
    """The modules that `roomscale` has loaded when it ends."""
    script = (
        "import json, sys\n"
        "from roomscale.cli.app import main\n"
        "sys.argv[0] = 'roomscale'\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "triangle.glb"
    path.write_bytes(build_glb(json.dumps(triangle()).encode(), [BINARY]))
    return path


def rooms(modules: set[str], *names: str) -> list[str]:
    """Which of these packages of ours were loaded, or anything in them."""
    found = (f"roomscale.{name}" for name in names)
    return [name for name in found if any(module == name or module.startswith(f"{name}.") for module in modules)]


def test_help_loads_no_room_of_the_house() -> None:
    for line in (["--help"], ["pack", "--help"], ["--version"]):
        modules = loaded(*line)
        assert sorted(modules & (NETWORK | SELDOM | SCENES)) == []
        assert rooms(modules, "scenes", "worlds", "netcode", "assets", "cli.config") == []


def test_a_command_loads_no_other_command(scene: Path) -> None:
    for command in ("check", "inspect"):
        modules = loaded(command, str(scene))
        assert [name for name in modules if name.startswith("roomscale.cli.commands.")] == [
            f"roomscale.cli.commands.{command}"
        ]


def test_packing_loads_no_network_and_no_image_library_for_a_scene_without_images(scene: Path, tmp_path: Path) -> None:
    unwanted = NETWORK | SELDOM | RICH | LATER | JOINING | AUTHORING
    modules = loaded("pack", str(scene), "-o", str(tmp_path / "packed.glb"), "--single")
    assert sorted(modules & unwanted) == []
    assert rooms(modules, "scenes.package", "scenes.basis", "scenes.draco", "scenes.pixels", "scenes.view") == []
    modules = loaded("pack", str(scene), "-o", str(tmp_path / "package"))
    assert sorted(modules & unwanted) == []
    assert rooms(modules, "scenes.basis", "scenes.pixels", "scenes.view") == []


def processes(*arguments: str) -> int:
    """How many processes `roomscale` starts."""
    script = (
        "import sys\n"
        "started = []\n"
        "sys.addaudithook(lambda event, _: started.append(event) if event == 'subprocess.Popen' else None)\n"
        "from roomscale.cli.app import main\n"
        "sys.argv[0] = 'roomscale'\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(len(started), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1])


@pytest.mark.skipif(not SCRIPT.exists(), reason="the validator is not built: python web/build_validator.py")
def test_packing_starts_khronos_validator_only_in_doubt(scene: Path, tmp_path: Path) -> None:
    target = ("-o", str(tmp_path / "packed.glb"), "--single")
    assert processes("pack", str(scene), *target) == 0
    tree = triangle()
    tree["nodes"][0]["matrix"] = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]
    scene.write_bytes(build_glb(json.dumps(tree).encode(), [BINARY]))
    assert processes("pack", str(scene), *target) == 1


def test_looking_at_a_scene_loads_nothing_that_packs(scene: Path) -> None:
    for command in ("inspect", "check"):
        modules = loaded(command, str(scene))
        assert sorted(modules & (NETWORK | SELDOM | RICH | LATER | AUTHORING | {"wasmtime"})) == []
        assert rooms(modules, "scenes.transforms", "scenes.meshopt", "scenes.single", "scenes.basis") == []
