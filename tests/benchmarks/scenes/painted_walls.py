"""A made scene whose images have every role, so that their quality is seen where there are no real files.

Rule: made from seeds, the same bytes each time; shapes with edges, slopes and grain, as painters and bakers leave them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes import to_glb
from tests.scenes.painted import Pixels, painted, saved

Floats = NDArray[np.floating[Any]]
EDGE: Final = 1024


def every_role(edge: int = EDGE) -> bytes:
    """A triangle's .glb with a painted wall (JPEG), leaves cut out by alpha, normals and occlusion-roughness-metal."""
    rng = np.random.default_rng(5)
    height, grain = _bumps(rng, edge), rng.normal(0, 1, (edge, edge)).astype(np.float32)
    bricks = _bricks(edge)
    wall = _bytes(np.stack([150 + 60 * height, 110 + 50 * height * bricks, 90 + 40 * bricks], 2) + 4 * grain[..., None])
    inside = _bumps(rng, edge) > 0.05
    leaves = np.where(inside[..., None], _bytes(np.stack([60 + 40 * height, 140 + 50 * height, 40 + grain], 2)), 0)
    normals = _normals((height + 0.1 * bricks) * edge / 40)
    packed = _bytes(np.stack([200 + 55 * height, 140 + 60 * height * bricks + 3 * grain, 255 * (bricks < 0.5)], 2))
    cut = np.dstack([leaves, np.where(inside, 255, 0)]).astype(np.uint8)
    files = [saved(wall, "JPEG", quality=95), saved(cut), saved(normals), saved(packed)]
    surface = {"baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 3}}
    materials: list[dict[str, Any]] = [
        {"pbrMetallicRoughness": surface, "normalTexture": {"index": 2}, "occlusionTexture": {"index": 3}},
        {"pbrMetallicRoughness": {"baseColorTexture": {"index": 1}}, "alphaMode": "MASK"},
    ]
    primitive = {"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1}
    meshes = [{"name": name, "primitives": [primitive | {"material": n}]} for n, name in enumerate(("wall", "leaves"))]
    nodes = [{"name": "wall", "mesh": 0}, {"name": "leaves", "mesh": 1}]
    return to_glb(painted(*files, materials=materials, meshes=meshes, nodes=nodes, scenes=[{"nodes": [0, 1]}]))


def _bumps(rng: np.random.Generator, edge: int) -> Floats:
    """Soft hills of several sizes, about -1 to 1."""
    total = np.zeros((edge, edge), np.float32)
    for size, strength in ((6, 1.0), (24, 0.5), (96, 0.25)):
        hills = Image.fromarray(rng.normal(0, 0.5, (size, size)).astype(np.float32))
        total += strength * np.asarray(hills.resize((edge, edge), Image.Resampling.BICUBIC), np.float32)
    return total


def _bricks(edge: int) -> Floats:
    """0 in the joints, 1 on the bricks."""
    across, down = np.meshgrid(np.arange(edge), np.arange(edge))
    row = down // (edge // 16)
    joints = (down % (edge // 16) < 4) | ((across + row % 2 * edge // 16) % (edge // 8) < 4)
    return np.where(joints, 0, 1).astype(np.float32)


def _normals(height: Floats) -> Pixels:
    slope_y, slope_x = np.gradient(height)
    vectors = np.stack([-slope_x, slope_y, np.ones_like(height)], axis=2)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return _bytes((vectors + 1) * 127.5)


def _bytes(values: Floats) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
