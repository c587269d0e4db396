"""Lights: lantern posts, paper lanterns on strings, and the few real lights that specular highlights need.

Its one rule: whatever glows is also a lamp of the bake, so light and its source never part.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import lathe, tube
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.scenery import Point, Scenery

POSTS: list[tuple[float, float]] = [
    (-8.0, 14.6),
    (11.0, 14.6),
    (-5.5, 5.6),
    (10.5, 5.6),
    (-14.5, -4.0),
    (8.2, -9.8),
    (-9.6, -12.6),
    (-17.6, 14.8),
    (17.8, 5.8),
]


def build(scenery: Scenery) -> None:
    """All posts and strings."""
    for x, z in POSTS:
        foot = scenery.placed(x, 0, z)
        post(foot, height=3.3, power=5.0)
        foot.solid("lantern_post", (0.34, 3.6, 0.34), (0, 0, 0))
    tower = (at.TOWER[0], 9.4, at.TOWER[1] + 3.1)
    for end, count in (
        ((at.WEST + 0.3, 7.0, -8.0), 8),
        ((at.EAST - 0.3, 7.2, -9.0), 8),
        ((-9.6, 3.75, -12.6), 5),
        ((8.2, 3.75, -9.8), 5),
    ):
        festoon(scenery, tower, end, count)
    festoon(scenery, (-8.0, 3.75, 14.6), (at.BRIDGE_X - 1.9, 2.9, 16.7), 4)
    festoon(scenery, (11.0, 3.75, 14.6), (at.BRIDGE_X + 1.9, 2.9, 16.7), 4)


def post(foot: Scenery, height: float, power: float) -> None:
    """A cast post with a four-sided lantern on top; local origin at its foot."""
    shaft = [(0.17, 0.0), (0.15, 0.16), (0.08, 0.3), (0.06, height - 0.35), (0.1, height - 0.3)]
    shaft.append((0.05, height))
    foot.add("lanterns", "iron", lathe(shaft, 6))
    lamp = lathe([(0.13, 0), (0.2, 0.42)], 4, sharp=True).at(yaw=45)
    foot.add("lanterns", "lamp", lamp.at(0, height + 0.02, 0))
    roof = lathe([(0.27, 0), (0.25, 0.04), (0.1, 0.2), (0.04, 0.24), (0.05, 0.3), (0.0, 0.36)], 4, sharp=True)
    foot.add("lanterns", "iron", roof.at(yaw=45).at(0, height + 0.44, 0))
    foot.add("lanterns", "iron", lathe([(0.16, 0), (0.001, 0.02)], 4).at(yaw=45).at(0, height, 0))
    for k in range(4):
        angle = np.pi / 4 + np.pi / 2 * k
        a = (0.135 * float(np.cos(angle)), height + 0.02, 0.135 * float(np.sin(angle)))
        b = (0.205 * float(np.cos(angle)), height + 0.46, 0.205 * float(np.sin(angle)))
        foot.add("lanterns", "iron", tube([a, b], [0.016, 0.016], 3))
    foot.lamp((0, height + 0.2, 0), power=power, reach=13)


def festoon(scenery: Scenery, start: Point, end: Point, count: int, sag: float = 0.09) -> None:
    """A wire between two points with paper lanterns of two sizes hanging from it."""
    a, b = np.array(start), np.array(end)
    span = float(np.linalg.norm(b - a))
    t = np.linspace(0, 1, 10)
    wire = a + (b - a) * t[:, None]
    wire[:, 1] -= sag * span * 4 * t * (1 - t)
    scenery.add("lanterns", "iron", tube(wire.tolist(), [0.012] * len(wire), 3))
    for k in range(count):
        s = (k + 0.75) / (count + 0.5)
        x, y, z = (float(np.interp(s, t, wire[:, axis])) for axis in range(3))
        size = 0.24 if k % 3 else 0.32
        paper_lantern(scenery, "lanterns", (x, y - 0.1, z), size)


def paper_lantern(scenery: Scenery, node: str, top: Point, radius: float) -> None:
    """A round paper lantern hanging from a point."""
    x, y, z = top
    profile = [(0.36, -0.8), (0.98, -0.3), (0.98, 0.3), (0.36, 0.8)]
    shape = lathe([(radius * r, radius * 0.85 * h) for r, h in profile], 7)
    scenery.add(node, "paper", shape.at(x, y - radius, z))
    cap = lathe([(radius * 0.4, 0), (0.001, 0.09)], 5)
    scenery.add(node, "iron", cap.at(x, y - radius * 0.34, z))
    scenery.lamp((x, y - radius, z), colour=(1.0, 0.50, 0.17), power=1.2, reach=9)
