"""Portal: the arch that leads to the Gallery.

Its one rule: one reads from afar that it leads elsewhere: it is the only cyan light in a warm square.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Mesh, box, lathe, strip, surface
from roomscale.assets.samples.openings import arch_ring
from roomscale.assets.samples.scenery import Scenery

WIDTH, SPRING = 2.2, 2.0


def build(scenery: Scenery, x: float, z: float, yaw: float, *, node: str, link: str, title: str) -> None:
    """An arch on two round steps, its front along the frame's +Z; the link is a node in its middle."""
    here = scenery.placed(x, 0, z, yaw)
    steps = [(2.5, 0), (2.5, 0.14), (2.42, 0.17), (1.95, 0.17), (1.95, 0.31), (1.87, 0.34), (0, 0.34)]
    here.add("portal", "trim", lathe(steps, 24, sharp=True))
    here.solid("portal_step", (4.3, 0.17, 2.6), (0, 0, 0))
    here.solid("portal_step", (2.6, 0.17, 4.3), (0, 0, 0))
    here.solid("portal_step", (2.8, 0.34, 2.8), (0, 0, 0))
    up = here.placed(0, 0.34, 0)
    for side in (-1, 1):
        px = side * (WIDTH / 2 + 0.28)
        up.add("portal", "ashlar", box((0.56, SPRING, 0.62), 0.06, "b").at(px, 0, 0))
        up.add(
            "portal",
            "trim",
            box((0.72, 0.2, 0.78), 0.05).at(px, SPRING - 0.16, 0),
            box((0.72, 0.3, 0.78), 0.05).at(px, 0, 0),
        )
        up.solid("portal_pillar", (0.6, 3.4, 0.66), (px, 0, 0))
    stones = arch_ring(WIDTH, SPRING + 0.04, 0.5, 0.34, 13)
    up.add("portal", "trim", stones, stones.at(yaw=180), _soffit())
    up.add("portal", "portal", _surface())
    for z_side in (0.9, -0.9):
        up.lamp((0, 1.5, z_side), colour=(0.3, 0.95, 0.95), power=2.0, reach=8)
    extensions: dict[str, object] = {"OMI_link": {"uri": link, "title": title}}
    up.mark(node, (0, 1.1, 0), 0, extensions, {"roomscale": {"portal": {"width": WIDTH, "height": SPRING + WIDTH / 2}}})


def _soffit() -> Mesh:
    """The underside and the back of the arch's stones."""
    angle = np.linspace(0, np.pi, 14)
    rims = [
        np.stack([r * np.cos(angle), SPRING + 0.04 + r * np.sin(angle), np.full_like(angle, z)], 1)
        for r, z in ((WIDTH / 2, 0.01), (WIDTH / 2, -0.01), (WIDTH / 2 + 0.5, -0.01), (WIDTH / 2 + 0.5, 0.01))
    ]
    return strip(rims[3], rims[2])


def _surface() -> Mesh:
    """The glowing sheet, one for each side, its texture wound about the middle."""
    angle = np.linspace(0, np.pi, 13)
    rim = np.concatenate(
        [
            np.stack([WIDTH / 2 * np.cos(angle), SPRING + WIDTH / 2 * np.sin(angle)], 1),
            [[-WIDTH / 2, 0.0], [WIDTH / 2, 0.0]],
        ]
    )
    points = np.concatenate([[[0.0, 1.55]], rim])
    uvs = np.stack([0.5 + points[:, 0] / 3.4, 0.5 - (points[:, 1] - 1.55) / 3.4], 1)
    fan = np.array([(0, k + 1, (k + 1) % len(rim) + 1) for k in range(len(rim))])
    sheets = []
    for side in (1, -1):
        positions = np.concatenate([points, np.full((len(points), 1), 0.02 * side)], 1)
        sheets.append(surface(positions, np.tile([0.0, 0, side], (len(points), 1)), fan, uvs))
    first, second = sheets
    return Mesh(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.normals, second.normals]),
        np.concatenate([first.uvs, second.uvs]),
        np.concatenate([first.triangles, second.triangles + len(first.positions)]),
    )
