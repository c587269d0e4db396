"""Tidy: what nobody can see goes, what is the same vertex becomes one.

Its one rule: exact and conservative. A triangle goes only if it looks away from every point of the box in which
visitors' eyes can be.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Array, Mesh

Bounds = tuple[tuple[float, float, float], tuple[float, float, float]]


def culled(mesh: Mesh, eyes: Bounds) -> Mesh:
    """The mesh less the triangles that face away from the whole box `eyes` (its least and greatest corner)."""
    a, b, c = (mesh.positions[mesh.triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    low, high = np.array(eyes[0]), np.array(eyes[1])
    farthest = (normal * np.where(normal > 0, high, low)).sum(axis=1)
    seen = farthest > (normal * a).sum(axis=1) + 1e-9
    return welded(Mesh(mesh.positions, mesh.normals, mesh.uvs, mesh.triangles[seen]))


def welded(mesh: Mesh) -> Mesh:
    """Vertices that agree to a tenth of a millimetre (and in normal and texture) joined, unused ones dropped."""
    key = np.concatenate(
        [np.round(mesh.positions * 1e4), np.round(mesh.normals * 127), np.round(mesh.uvs * 1e3)], axis=1
    ).astype(np.int64)
    used = np.unique(mesh.triangles)
    _, first, inverse = np.unique(key[used], axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    chosen = used[first[order]]
    target = np.zeros(len(mesh.positions), dtype=np.int64)
    target[used] = rank[inverse.reshape(-1)]
    triangles = target[mesh.triangles]
    return Mesh(mesh.positions[chosen], mesh.normals[chosen], _pick(mesh.uvs, chosen), triangles)


def _pick(values: Array, chosen: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Array:
    picked: Array = values[chosen]
    return picked
