"""How long it takes to open large scenes; the limits are those that issue 4 sets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from roomscale.scenes import check, errors_of, open_scene
from roomscale.scenes.container import build_glb
from tests.benchmarks.record import record
from tests.scenes.crafted import BINARY, jpeg, triangle

pytestmark = pytest.mark.proof


def textured(path: Path, megabytes: int = 54, images: int = 69) -> None:
    """A scene of one mesh with 131,000 vertices and many images, like Sponza in size."""
    rng = np.random.default_rng(1)
    positions = rng.random((131_000, 3), dtype=np.float32)
    indices = rng.integers(0, len(positions), 786_000, dtype=np.uint32)
    each = (megabytes * 1_000_000 - positions.nbytes - indices.nbytes) // images // 4 * 4
    head = jpeg(1024, 1024)[:-2]
    pieces = [positions.tobytes(), indices.tobytes(), *((head + rng.bytes(each))[:each] for _ in range(images))]
    tree = triangle()
    tree["bufferViews"], offset = [], 0
    for piece in pieces:
        tree["bufferViews"].append({"buffer": 0, "byteOffset": offset, "byteLength": len(piece)})
        offset += len(piece)
    bounds = {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
    tree["accessors"][0] |= {"count": len(positions), **bounds}
    tree["accessors"][1] |= {"count": len(indices), "componentType": 5125}
    tree["images"] = [{"bufferView": 2 + number, "mimeType": "image/jpeg"} for number in range(images)]
    tree["textures"] = [{"source": number} for number in range(images)]
    tree["buffers"][0]["byteLength"] = offset
    path.write_bytes(build_glb(json.dumps(tree).encode(), pieces))


def many_nodes(path: Path, count: int = 20_000) -> None:
    """Nodes with names, transforms and extras, all of one mesh: 4.9 MB of JSON."""
    rng = np.random.default_rng(2)
    turns = rng.standard_normal((count, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    tree = triangle()
    tree["nodes"] = [
        {
            "name": f"Object_{number:05d}.mesh",
            "mesh": 0,
            "translation": rng.random(3).round(6).tolist(),
            "rotation": turns[number].tolist(),
            "scale": [1.0, 1.0, 1.0],
            "extras": {"id": number},
        }
        for number in range(count)
    ]
    tree["scenes"] = [{"nodes": list(range(count))}]
    path.write_bytes(build_glb(json.dumps(tree).encode(), [BINARY]))


@pytest.fixture(scope="module")
def lines() -> Iterator[list[str]]:
    """The rows of the table in docs/benchmarks.md, written there once all are seen."""
    rows: list[str] = []
    yield rows
    if rows:
        head = ["| scene | size, MB | opened in, ms | limit, ms |", "| --- | ---: | ---: | ---: |"]
        record("scenes", "pytest -m proof tests/benchmarks/test_scene_reading.py", "\n".join([*head, *rows]))


@pytest.mark.parametrize(("make", "seconds"), [(textured, 0.05), (many_nodes, 0.3)])
def test_large_scenes_open_quickly(
    make: Callable[[Path], None], seconds: float, tmp_path: Path, lines: list[str]
) -> None:
    path = tmp_path / "scene.glb"
    make(path)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        scene = open_scene(path)
        best = min(best, time.perf_counter() - start)
    title = (make.__doc__ or "").partition(".")[0].partition(":")[0]
    lines.append(f"| {title} | {path.stat().st_size / 1e6:.1f} | {best * 1000:.1f} | {seconds * 1000:.0f} |")
    assert errors_of(check(scene)) == []
    assert best < seconds
