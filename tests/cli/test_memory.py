"""Peak memory stays within 4 × the input + 200 MB + the largest decoded image for each worker that has one, children
included, whatever the scene: what many gigabytes of worlds on a small machine depend on.

What is measured is all resident memory, added up over the process and its children while they run, programs and mapped
files among it (`tests.benchmarks.scenes.measure`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from roomscale.scenes import SceneError, open_scene
from roomscale.scenes.accessors import layout_of
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS
from roomscale.scenes.images import BadImage, read_header
from tests.benchmarks.scenes import generate
from tests.benchmarks.scenes.measure import run
from tests.scenes import heavy

SHARED = Path(__file__).parents[3] / "shared" / "gltf"
BASE, TIMES = 200_000_000, 4
PIXEL = 4
"""Bytes of a decoded pixel."""
WORKERS = 2
CODES = (0, 1, 2)
"""Taken, refused, unreadable: a traceback ends with 1 too, so what was said is looked at."""
PATIENCE = 900.0
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="resident memory of a tree of processes is Linux's")


def bound_of(path: Path) -> int:
    """The most bytes that any command may take for a scene. Compressed geometry counts as what it unpacks to."""
    try:
        scene = open_scene(path)
    except SceneError:
        return TIMES * path.stat().st_size + BASE
    size, pixels = path.stat().st_size, []
    for name in scene.named_files():
        with suppress(OSError):
            size += (path.parent / name).stat().st_size
    if not {"KHR_draco_mesh_compression", *MESHOPT_EXTENSIONS}.isdisjoint(scene.list_of("extensionsUsed")):
        with suppress(SceneError):
            size += sum(layout_of(accessor, "").decoded_bytes for accessor in scene.list_of("accessors"))
    for image in scene.list_of("images"):
        with suppress(SceneError, BadImage, KeyError, AttributeError):
            data = scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], "")
            header = read_header(data)
            pixels.append(header.width * header.height)  # type: ignore[union-attr]
    return TIMES * size + BASE + PIXEL * sum(sorted(pixels)[-1:] * min(WORKERS, len(pixels)))


def excess(path: Path, folder: Path, *commands: str) -> list[str]:
    """What took more than it may, in words."""
    anew = ["--workers", str(WORKERS), "--no-cache"]
    lines = {
        "pack": ["pack", str(path), "-o", str(folder / "packed"), *anew, "--limit", "2G"],
        "single": ["pack", str(path), "-o", str(folder / "one.glb"), "--single", *anew],
        "check": ["check", str(path)],
        "inspect": ["inspect", str(path)],
    }
    most, log, told = bound_of(path), folder / "log", []
    for name in commands or lines:
        cost = run([sys.executable, "-m", "roomscale.cli.app", *lines[name]], log, codes=CODES, most_seconds=PATIENCE)
        said = log.read_text("utf-8", "replace")
        assert "Traceback" not in said, f"{name} {path.name}: {said[-2000:]}"
        print(f"{path.name} {name}: {cost.memory / 1e6:.0f} of {most / 1e6:.0f} MB")
        if cost.memory > most:
            told.append(f"{name} {path.name}: {cost.memory / 1e6:.0f} MB, more than {most / 1e6:.0f}")
    return told


def test_a_small_file_that_stands_for_much_takes_no_more_than_its_images(tmp_path: Path) -> None:
    scene = tmp_path / "scene.glb"
    scene.write_bytes(heavy.painted([heavy.blank(4096), heavy.blank(4096, 1)], "image/png"))
    assert excess(scene, tmp_path, "pack") == []


def test_zeros_that_no_byte_stands_for_are_not_made(tmp_path: Path) -> None:
    scene = tmp_path / "scene.glb"
    scene.write_bytes(heavy.nothing_but_zeros(20, 2_000_000))
    assert excess(scene, tmp_path, "pack") == []


HEAVY: dict[str, Callable[[], bytes]] = {
    "textures-1k.glb": lambda: generate.textured(50),
    "textures-4k.glb": lambda: heavy.painted([heavy.picture(4096, seed) for seed in range(8)], "image/jpeg"),
    "texture-8k.glb": lambda: heavy.painted([heavy.picture(8192)], "image/jpeg"),
    "blank-8k.glb": lambda: heavy.painted([heavy.blank(8192)], "image/png"),
    "blanks-8k.glb": lambda: heavy.painted([heavy.blank(8192, number) for number in range(4)], "image/png"),
    "mesh-60mb.glb": lambda: heavy.mesh(1040),
    "nodes-20000.glb": generate.many_nodes,
    "clips.glb": lambda: heavy.clips(200, 6000),
    "faces.glb": lambda: heavy.faces(150, 100, 500),
    "few-bytes-of-faces.glb": lambda: heavy.faces(700, 100, 10),
    "zeros.glb": lambda: heavy.nothing_but_zeros(40, 2_700_000),
    "draco.glb": lambda: heavy.draco(700),
    "data-uri.gltf": lambda: heavy.written_out(40),
}


@pytest.mark.proof
@pytest.mark.timeout(4 * PATIENCE)
@pytest.mark.parametrize("name", HEAVY)
def test_scenes_that_hurt_stay_within_the_bound(name: str, tmp_path: Path) -> None:
    scene = tmp_path / name
    scene.write_bytes(HEAVY[name]())
    assert excess(scene, tmp_path) == []


@pytest.mark.proof
@pytest.mark.timeout(24 * PATIENCE)
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")
def test_real_scenes_stay_within_the_bound(tmp_path: Path) -> None:
    told = []
    for path in sorted(SHARED.rglob("*")):
        if path.suffix in (".glb", ".gltf", ".vrm") and "ValidatorFixtures" not in path.parts:
            told += excess(path, tmp_path)
    assert told == []


@pytest.mark.proof
@pytest.mark.timeout(PATIENCE)
def test_both_cores_are_used(tmp_path: Path) -> None:
    """A figure for docs/benchmarks.md, no assertion on time: seconds of processor for each second of packing."""
    scene = tmp_path / "scene.glb"
    scene.write_bytes(generate.textured(20))
    command = [sys.executable, "-m", "roomscale.cli.app", "pack", str(scene), "-o", str(tmp_path / "packed")]
    cost = run(command, tmp_path / "log", most_seconds=PATIENCE)
    print(f"{cost.cpu:.1f} s of processor in {cost.seconds:.1f} s, {os.cpu_count()} cores")
    assert cost.cpu > 0
