"""All that a scene shows that is made of triangles, in the world, whichever nodes draw it: compared as sets.

Two sets of points whose members can be paired no further apart than d have sorted projections no further apart than d,
on any line; so sets are compared by their projections on some lines, and need no pairing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import Scene
from roomscale.scenes.accessors import read, read_floats
from roomscale.scenes.instances import Copies
from roomscale.scenes.placement import world_matrices

Floats = NDArray[np.float64]
_LINES = 12


def triangles(scene: Scene) -> dict[str, Floats]:
    """Name of material → triangles (n, 3, 6) that still meshes show: corners and their normals, wound as they are seen.

    What has a skin, morph targets or another mode is left out.
    """
    copies, found = Copies(scene), dict[str, list[Floats]]()
    for index, matrix in sorted(world_matrices(scene).items()):
        node = scene.list_of("nodes")[index]
        if "mesh" not in node or "skin" in node:
            continue
        places = copies.of(node, matrix)
        for primitive in scene.list_of("meshes")[node["mesh"]]["primitives"]:
            if primitive.get("mode", 4) == 4 and "targets" not in primitive and "POSITION" in primitive["attributes"]:
                for place in places:
                    found.setdefault(_material(scene, primitive), []).append(_placed(scene, primitive, place))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _material(scene: Scene, primitive: dict[str, Any]) -> str:
    return str(scene.list_of("materials")[primitive["material"]].get("name")) if "material" in primitive else ""


def _placed(scene: Scene, primitive: dict[str, Any], matrix: Floats) -> Floats:
    attributes = primitive["attributes"]
    points = read_floats(scene, attributes["POSITION"]).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    normals = np.zeros_like(points)
    if "NORMAL" in attributes and np.linalg.det(matrix[:3, :3]):
        turned = read_floats(scene, attributes["NORMAL"]).astype(np.float64) @ np.linalg.inv(matrix[:3, :3])
        lengths = np.linalg.norm(turned, axis=1, keepdims=True)
        normals = turned / np.where(lengths > 0, lengths, 1)
    corners = read(scene, primitive["indices"])[:, 0] if "indices" in primitive else np.arange(len(points))
    corners = corners[: len(corners) // 3 * 3].reshape(-1, 3)
    if np.linalg.det(matrix[:3, :3]) < 0:
        corners = corners[:, ::-1]
    return np.concatenate([points, normals], axis=1)[corners]


def differs(before: Scene, after: Scene, most: float, turned: float = 1e-3) -> str:
    """What is shown elsewhere or otherwise than before, in words; "" if nothing is.

    `most`: metres that a corner may have moved. `turned`: how far the tip of a normal may have.
    """
    old, new = triangles(before), triangles(after)
    counts, others = ({name: len(each) for name, each in found.items()} for found in (old, new))
    if counts != others:
        return f"{counts} triangles became {others}"
    for name, table in old.items():
        other = new[name]
        if (off := _apart(_corners(table), _corners(other))) > most:
            return f"corners of {name!r} are off by {off:.6f}"
        longest = float(np.abs(np.diff(table[..., :3], axis=1)).max(initial=0.0))
        if (off := _apart(_places(table), _places(other))) > most + 8 * most * longest:
            return f"triangles of {name!r} are off, or turned, by {off:.6f}"
        if (off := _apart(table.reshape(-1, 6), other.reshape(-1, 6))) > most + turned:
            return f"normals of {name!r} are off by {off:.6f}"
    return ""


def _corners(table: Floats) -> Floats:
    return table[..., :3].reshape(-1, 3)


def _places(table: Floats) -> Floats:
    """The middle of each triangle and its area as a vector, which says where its front is: (n, 6)."""
    points = table[..., :3]
    areas = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    return np.concatenate([points.mean(axis=1), areas], axis=1)


def _apart(one: Floats, other: Floats) -> float:
    """How far the members of two sets are apart at least, seen along the lines on which they are the furthest."""
    lines = np.random.default_rng(5).normal(size=(one.shape[1], _LINES))
    lines /= np.linalg.norm(lines, axis=0)
    left, right = (np.sort(points @ lines, axis=0) for points in (one, other))
    return float(np.abs(left - right).max(initial=0.0))
