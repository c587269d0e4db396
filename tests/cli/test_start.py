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


def test_help_loads_no_room_of_the_house() -> None:
    assert sorted(loaded("--help") & (NETWORK | SELDOM | SCENES)) == []
    assert sorted(loaded("pack", "--help") & (NETWORK | SELDOM | SCENES)) == []


def test_packing_loads_no_network_and_no_image_library_for_a_scene_without_images(scene: Path, tmp_path: Path) -> None:
    modules = loaded("pack", str(scene), "-o", str(tmp_path / "packed.glb"), "--single")
    assert sorted(modules & (NETWORK | SELDOM | RICH)) == []
    assert sorted(loaded("pack", str(scene), "-o", str(tmp_path / "package")) & (NETWORK | SELDOM | RICH)) == []


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


def test_looking_at_a_scene_starts_no_webassembly(scene: Path) -> None:
    assert sorted(loaded("inspect", str(scene)) & (NETWORK | SELDOM | RICH | {"wasmtime"})) == []
    assert sorted(loaded("check", str(scene)) & (NETWORK | SELDOM | RICH | {"wasmtime"})) == []
