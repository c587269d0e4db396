"""Reflections: what the canal mirrors.

Under a translucent plane, a mirrored copy of what glows and of the fronts behind it looks exactly like a reflection, in
every viewer and from every side. Its one rule: only light and silhouettes; the water hides the rest.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Array, Mesh, grid, surface
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.scenery import Scenery

NODE = "reflections"
NEAR = 13.5  # metres from the middle of the canal beyond which nothing is mirrored


def build(scenery: Scenery) -> None:
    """Mirrors what has been built so far."""
    mirror = np.diag([1.0, -1.0, 1.0, 1.0])
    mirror[1, 3] = 2 * at.WATER
    panes = [
        _near(part)
        for (node, finish), parts in sorted(scenery.parts.items())
        if finish == "window" and node != "backdrop"
        for part in parts
    ]
    scenery.add(NODE, "window", *[pane.moved(mirror) for pane in panes if len(pane.triangles)])
    glows = []
    for lamp in scenery.lamps:
        warm = lamp.colour[0] > lamp.colour[2]
        if warm and lamp.power > 0.8 and abs(lamp.position[2] - 10) < NEAR:
            size = 0.12 + 0.02 * lamp.power
            glows.append(_spark(size).at(*lamp.position).moved(mirror))
    scenery.add(NODE, "paper", *glows)
    deep, tall = 2 * at.WATER, 9.5
    fronts = [
        grid((at.WEST - 0.4, deep - tall, at.SOUTH), (0, 0, at.NORTH - at.SOUTH), (0, tall, 0), 99),
        grid((at.EAST + 0.4, deep - tall, at.NORTH), (0, 0, at.SOUTH - at.NORTH), (0, tall, 0), 99),
        grid((at.WEST, deep - tall, at.NORTH - 0.4), (at.EAST - at.WEST, 0, 0), (0, tall, 0), 99),
        grid((at.EAST, deep - tall, at.SOUTH + 0.4), (at.WEST - at.EAST, 0, 0), (0, tall, 0), 99),
        grid((at.TOWER[0] - 3, deep - 24, at.TOWER[1] + 3), (6, 0, 0), (0, 24, 0), 99),
    ]
    scenery.add(NODE, "far", *fronts)


def _near(mesh: Mesh) -> Mesh:
    """The mesh, or nothing of it if it is far from the canal."""
    if abs(float(mesh.positions[:, 2].mean()) - 10.0) < NEAR:
        return mesh
    return Mesh(mesh.positions, mesh.normals, mesh.uvs, mesh.triangles[:0])


def _spark(radius: float) -> Mesh:
    """An octahedron: a light seen in moving water has no more shape than this."""
    points: Array = np.array([(1, 0, 0), (-1, 0, 0), (0, 2.6, 0), (0, -2.6, 0), (0, 0, 1), (0, 0, -1)]) * radius
    faces = [(a, b, c) for a in (0, 1) for b in (2, 3) for c in (4, 5)]
    return surface(points, points / np.linalg.norm(points, axis=1, keepdims=True), np.array(faces))
