"""Backdrop: the town beyond the square, and hills beyond the town.

Its one rule: nothing here is ever reached, so it is silhouettes with a few lit windows, paler the farther away.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Mesh, box, lathe, polygon, slab, smooth_surface
from roomscale.assets.samples.geometry import quads as lattice
from roomscale.assets.samples.openings import Hole, pane
from roomscale.assets.samples.scenery import Scenery

NODE = "backdrop"


def build(scenery: Scenery) -> None:
    """Roofs behind the rows, two far towers, a ring of hills."""
    rng = np.random.default_rng(3)
    for k in range(26):
        angle = 2 * np.pi * (k + rng.uniform(-0.3, 0.3)) / 26
        far = rng.uniform(40, 62)
        _block(
            scenery.placed(far * float(np.sin(angle)), -2, -far * float(np.cos(angle)), float(-np.rad2deg(angle))), rng
        )
    for x, z, tall in ((-38.0, -52.0, 26.0), (46.0, -44.0, 21.0), (30.0, 50.0, 20.0)):
        _steeple(scenery.placed(x, 0, z), tall)
    for radius, low, high, seed in ((120.0, 5.0, 17.0, 4), (175.0, 14.0, 26.0, 5)):
        scenery.add(NODE, "far", _hills(radius, low, high, seed))


def _block(here: Scenery, rng: np.random.Generator) -> None:
    """One far house: a box, a ridge roof, some light."""
    wide, tall, deep = rng.uniform(8, 14), rng.uniform(9, 15), rng.uniform(7, 10)
    here.add(NODE, "far", slab((wide, tall, deep)))
    ridge = tall + rng.uniform(2.5, 4.5)
    a, b = wide / 2 + 0.3, deep / 2 + 0.3
    front = [(-a, tall - 0.2, b), (a, tall - 0.2, b), (a, ridge, 0), (-a, ridge, 0)]
    here.add(NODE, "far", polygon(front, (0, 0.75, 0.65)))
    for side in (-1, 1):
        here.add(
            NODE,
            "far",
            polygon(
                [(side * wide / 2, tall, b), (side * wide / 2, tall, -b), (side * wide / 2, ridge, 0)], (side, 0, 0)
            ),
        )
    here.add(NODE, "far", slab((1.0, 2.4, 0.9)).at(wide * 0.25, ridge - 1.4, 0.4))
    for _ in range(int(rng.integers(2, 5))):
        hole = Hole(float(rng.uniform(-wide * 0.4, wide * 0.35)), float(rng.uniform(tall * 0.45, tall - 2)), 0.9, 1.3)
        here.add(NODE, "window", pane(hole, int(rng.integers(0, 8)), -deep / 2 - 0.05))


def _steeple(here: Scenery, tall: float) -> None:
    """A church tower far off."""
    here.add(NODE, "far", box((5, tall, 5), 0.1, "b"))
    here.add(NODE, "far", lathe([(4.2, tall), (2.6, tall + 1.6), (1.2, tall + 6.0), (0.05, tall + 13.0)], 6))
    for yaw in (0, 90, 180, 270):
        here.placed(0, 0, 0, yaw).add(NODE, "window", pane(Hole(-0.6, tall - 4, 1.2, 2.4, arch=True), 2, -2.56))


def _hills(radius: float, low: float, high: float, seed: int) -> Mesh:
    """A ring of ridges."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 49)
    height = low + (high - low) * (
        0.5
        + 0.25 * np.sin(3 * angle + rng.uniform(0, 6))
        + 0.15 * np.sin(7 * angle + rng.uniform(0, 6))
        + 0.1 * np.sin(17 * angle + rng.uniform(0, 6))
    )
    rings = []
    for share, reach in ((0.0, 0.9), (0.55, 0.95), (1.0, 1.0)):
        rings.append(np.stack([radius * reach * np.sin(angle), height * share - 3, -radius * reach * np.cos(angle)], 1))
    mesh = smooth_surface(np.concatenate(rings), lattice(2, 48))
    if (mesh.normals[:, [0, 2]] * mesh.positions[:, [0, 2]]).sum() > 0:
        mesh = Mesh(mesh.positions, -mesh.normals, mesh.uvs, mesh.triangles[:, ::-1])
    return mesh
