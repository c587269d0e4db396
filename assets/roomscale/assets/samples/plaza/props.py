"""Props: what people have left in the square: benches, stalls, boats, barrels, pots.

Its one rule: each thing is of human size, since it is by these that one reads the size of everything else.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Mesh, beam, box, join, lathe, polygon, slab, smooth_surface, tube
from roomscale.assets.samples.geometry import quads as lattice
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.plaza.lights import paper_lantern
from roomscale.assets.samples.plaza.trees import hedge, tuft
from roomscale.assets.samples.scenery import Scenery

NODE = "props"
BENCHES = [
    (-5.6, -9.6, 150.0),
    (4.9, -4.2, -70.0),
    (-6.3, -1.6, 60.0),
    (-0.8, 18.2, 180.0),
    (7.2, 15.3, 180.0),
]


def build(scenery: Scenery) -> None:
    """Everything."""
    for x, z in ((-9.3, 18.4), (8.4, 19.2)):
        _cafe(scenery.placed(x, 0, z, x * 30))
    for k, (x, z, yaw) in enumerate(BENCHES):
        bench(scenery.placed(x, 0, z, yaw), NODE, f"bench_{k + 1}")
    _stall(scenery.placed(-15.6, 0, -7.6, 78), "plaster_rose")
    _stall(scenery.placed(12.6, 0, 2.2, -112), "plaster_pale")
    _boat(scenery.placed(-6.2, at.WATER, 9.0, 84), 4.6)
    _boat(scenery.placed(12.6, at.WATER, 11.2, -96), 4.2)
    for x, z in ((-14.0, -9.8), (-13.4, -10.4), (14.6, 2.9), (18.4, 15.2)):
        scenery.add(NODE, "timber", _barrel().at(x, 0, z, yaw=x * 50))
        scenery.solid("barrel", (0.62, 0.95, 0.62), (x, 0, z))
    for x, z, turn in ((-13.2, -9.3, 20), (14.9, 1.5, 50), (18.9, 14.6, 35)):
        scenery.placed(x, 0, z, turn).add(NODE, "timber", _crate())
        scenery.solid("crate", (0.7, 0.6, 0.7), (x, 0, z), yaw=turn)
    for x, z in ((-2.2, -15.2), (6.2, -15.2), (at.BRIDGE_X + 2.9, 17.2), (0.3, 3.0)):
        _pot(scenery.placed(x, at.TERRACE if z < at.TERRACE_EDGE else 0, z), x)
    for x, z, length, yaw in ((-19.6, 10.4, 0.0, 0), (9.0, 26.0, 5.0, 0), (-12.5, 26.0, 6.0, 0)):
        if length:
            scenery.placed(x, 0, z, yaw).add("trees", "leaf", hedge(length))
            scenery.solid("hedge", (length, 0.8, 0.6), (x, 0, z), yaw=yaw)


def _cafe(here: Scenery) -> None:
    """A round table with a candle lantern, and two stools."""
    here.add(NODE, "iron", lathe([(0.26, 0), (0.04, 0.06), (0.04, 0.7)], 7))
    here.add(NODE, "timber", lathe([(0.42, 0.7), (0.44, 0.74), (0.0, 0.745)], 12))
    here.add("lanterns", "lamp", lathe([(0.06, 0.76), (0.08, 0.9), (0.03, 0.96)], 6))
    here.lamp((0, 1.1, 0), power=1.0, reach=5)
    here.solid("table", (0.8, 0.76, 0.8), (0, 0, 0))
    for x, z in ((0.78, 0.15), (-0.7, 0.4)):
        stool = here.placed(x, 0, z)
        stool.add(NODE, "timber", lathe([(0.16, 0), (0.1, 0.3), (0.2, 0.42), (0.2, 0.46), (0.0, 0.47)], 8))
        stool.solid("stool", (0.4, 0.47, 0.4), (0, 0, 0))


def bench(here: Scenery, node: str, name: str) -> None:
    """A bench for two: stone feet, timber slats, a back; its sitters look along +Z."""
    for side in (-0.72, 0.72):
        here.add(node, "trim", box((0.14, 0.4, 0.46), 0.03, "b").at(side, 0, 0))
        here.add(node, "iron", beam((side, 0.44, -0.22), (side, 0.9, -0.34), 0.05, 0.05))
    for k in range(4):
        here.add(node, "timber", slab((1.9, 0.05, 0.1)).at(0, 0.41, -0.17 + 0.125 * k))
    for k in range(2):
        here.add(node, "timber", slab((1.9, 0.12, 0.04)).at(0, 0.6 + 0.17 * k, -0.27 - 0.045 * k, pitch=-14))
    here.solid(name, (1.9, 0.46, 0.5), (0, 0, 0))
    here.solid(f"{name}_back", (1.9, 0.9, 0.1), (0, 0, -0.3))
    for k, side in enumerate((-0.48, 0.48)):
        seat = {"back": [0, 0, -0.22], "knee": [0, 0, 0.2], "foot": [0, -0.46, 0.26]}
        here.mark(f"{name}_seat_{k + 1}", (side, 0.46, 0.02), 0, {"OMI_seat": seat})


def _stall(here: Scenery, cloth: str) -> None:
    """A market stall under striped cloth, a lantern in it, goods on its counter."""
    for x in (-1.5, 1.5):
        for z in (-0.8, 0.8):
            here.add(NODE, "timber", slab((0.1, 2.5 if z > 0 else 2.2, 0.1)).turned_uv().at(x, 0, z))
    here.add(NODE, "timber", box((3.2, 0.08, 1.0), 0.02).at(0, 0.9, 0.35), box((3.0, 0.8, 0.06), 0.02).at(0, 0.1, 0.78))
    stripes = 8
    wide = 3.6 / stripes
    for k in range(stripes):
        x0 = -1.8 + wide * k
        finish = cloth if k % 2 else ("plaster_pale" if cloth != "plaster_pale" else "plaster_teal")
        roof = polygon(
            [(x0, 2.15, -1.1), (x0 + wide, 2.15, -1.1), (x0 + wide, 2.62, 1.15), (x0, 2.62, 1.15)], (0, 0.98, -0.2)
        )
        under = Mesh(roof.positions, -roof.normals, roof.uvs, roof.triangles[:, ::-1])
        flap = polygon(
            [
                (x0, 2.62, 1.15),
                (x0 + wide, 2.62, 1.15),
                (x0 + wide, 2.4, 1.17),
                (x0 + wide / 2, 2.33, 1.17),
                (x0, 2.4, 1.17),
            ],
            (0, 0, 1),
        )
        here.add(NODE, finish, roof, flap, under)
    rng = np.random.default_rng(int(here.matrix[0, 3] * 10) % 97)
    for k in range(9):
        x, z = -1.3 + 0.32 * k, 0.3 + 0.12 * (k % 3)
        finish = ("plaster_ochre", "plaster_rose", "plaster_teal")[int(rng.integers(0, 3))]
        if k % 3 == 1:
            here.add(NODE, "timber", box((0.3, 0.16, 0.4), 0.02).at(x, 0.98, z))
        goods = lathe([(0.08, 0), (0.14, 0.12), (0.0, 0.28)], 6)
        here.add(NODE, finish, goods.at(x, 0.98 + (0.12 if k % 3 == 1 else 0), z))
    paper_lantern(here, "lanterns", (-0.9, 2.3, 0.7), 0.2)
    paper_lantern(here, "lanterns", (0.9, 2.3, 0.7), 0.2)
    here.solid("stall", (3.2, 1.0, 1.1), (0, 0, 0.35))


def _barrel() -> Mesh:
    """A barrel with its hoops' bulge."""
    profile = [(0.25, 0), (0.31, 0.2), (0.34, 0.46), (0.31, 0.72), (0.25, 0.92), (0.22, 0.9), (0.0, 0.9)]
    return lathe(profile, 9).turned_uv()


def _crate() -> Mesh:
    """A crate of boards."""
    body = slab((0.62, 0.52, 0.62)).at(0, 0.02, 0)
    rails = [slab((0.7, 0.1, 0.7)).at(0, y, 0) for y in (0.0, 0.46)]
    return join([body, *rails])


def _pot(here: Scenery, seed: float) -> None:
    """A terracotta pot with a clipped bush."""
    pot = [(0.26, 0), (0.36, 0.42), (0.42, 0.46), (0.42, 0.56), (0.34, 0.56), (0.3, 0.48), (0.0, 0.48)]
    here.add(NODE, "plaster_rose", lathe(pot, 8))
    here.add("trees", "leaf", tuft(0.46, int(abs(seed) * 10) + 3).at(0, 0.5, 0))
    here.solid("pot", (0.8, 1.1, 0.8), (0, 0, 0))


def _boat(here: Scenery, length: float) -> None:
    """A rowing boat lying on the water along x, with thwarts, oars and a lantern at its bow."""
    columns, rows = 8, 5
    t = np.linspace(-1, 1, columns + 1)
    width = 0.72 * np.sqrt(np.clip(1 - np.abs(t) ** 2.6, 0, 1)) + 0.03
    sheer = 0.36 + 0.32 * np.abs(t) ** 2.4
    angle = np.linspace(0, np.pi, rows + 1)
    positions = []
    for tt, w, top in zip(t, width, sheer, strict=True):
        z = -w * np.cos(angle)
        y = top - (top + 0.22) * np.sin(angle) ** 0.8
        positions.append(np.stack([np.full_like(z, tt * length / 2), y, z], 1))
    outer = smooth_surface(np.concatenate(positions), lattice(columns, rows))
    if outer.normals[len(outer.normals) // 2][1] > 0:
        outer = Mesh(outer.positions, -outer.normals, outer.uvs, outer.triangles[:, ::-1])
    inner = Mesh(outer.positions * [0.96, 1, 0.9] + [0, 0.03, 0], -outer.normals, outer.uvs, outer.triangles[:, ::-1])
    here.add(NODE, "plaster_teal", outer)
    here.add(NODE, "timber", inner)
    for side in (0, rows):
        rail = [positions[k][side] for k in range(columns + 1)]
        here.add(NODE, "timber", tube([tuple(p) for p in rail], [0.045] * len(rail), 4))
    for x in (-0.8, 0.3, 1.2):
        here.add(NODE, "timber", box((0.24, 0.05, 1.2), 0.01).at(x, 0.2, 0))
    here.add(NODE, "timber", beam((-1.4, 0.42, 0.3), (1.3, 0.3, 0.42), 0.05, 0.05))
    here.add(NODE, "iron", box((0.05, 0.8, 0.05), 0.01).at(length / 2 - 0.5, 0.3, 0))
    here.add("lanterns", "lamp", box((0.16, 0.24, 0.16), 0.03).at(length / 2 - 0.5, 1.08, 0))
    here.lamp((length / 2 - 0.5, 1.2, 0), power=1.2, reach=6)
