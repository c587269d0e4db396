"""Tower: the clock tower, which everything else looks up to.

Built upwards in stages: a base with an arch to walk through, a shaft, the clock, the open belfry, the spire. Its one
rule: each stage is a little narrower than the one below, and a shadow line parts them.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Mesh, ball, box, grid, lathe, polygon, stud
from roomscale.assets.samples.openings import Hole, arch_ring, pane, reveal, wall, window
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.scenery import Scenery

NODE = "clock_tower"
BASE, SHAFT, CLOCK, BELFRY = 6.4, 8.2, 4.6, 4.2  # stage heights, metres
WIDE = 6.2


def build(scenery: Scenery) -> None:
    """The tower; local origin at the middle of its foot, front along +Z."""
    here = scenery.placed(at.TOWER[0], at.TERRACE, at.TOWER[1])
    _base(here)
    _shaft(here, BASE)
    _clock(here, BASE + SHAFT)
    _belfry(here, BASE + SHAFT + CLOCK)
    _spire(here, BASE + SHAFT + CLOCK + BELFRY)


def _sides(here: Scenery, half: float, y: float) -> list[Scenery]:
    """A wall frame for each of the four sides: x from 0 to 2 × half."""
    return [here.placed(0, y, 0, 90 * k).placed(-half, 0, half) for k in range(4)]


def _base(here: Scenery) -> None:
    """Rusticated stone with a passage from front to back."""
    half, passage = WIDE / 2, Hole(WIDE / 2 - 1.4, 0, 2.8, 4.3, arch=True)
    for k, frame in enumerate(_sides(here, half, 0)):
        holes = [passage] if k in (0, 2) else []
        frame.add(NODE, "ashlar", wall(WIDE, BASE, holes, 1.2))
        if holes:
            frame.add(NODE, "trim", reveal(passage, 3.1, floor=False))
            frame.add(NODE, "trim", arch_ring(2.8, 2.9, 0.42, 0.2, 11).at(half))
        for x in (0.35, WIDE - 0.35):
            for j in range(5):
                wide = 0.9 if j % 2 else 0.7
                frame.add(NODE, "trim", stud((wide, 1.06, 0.13)).at(x, 0.12 + 1.12 * j, 0))
    for x in (-1, 1):
        here.solid("tower_base", (half - 1.4, 24, WIDE), (x * (1.4 + (half - 1.4) / 2), 0, 0))
        for z in (-1, 1):
            here.add(NODE, "trim", box((1.9, 0.4, 0.24), 0.05, "n").at(x * (half - 0.86), 0, z * (half + 0.04)))
    here.solid("tower_over", (2.8, 2, WIDE), (0, 4.4, 0))
    here.add("lanterns", "lamp", lathe([(0.2, 0), (0.26, 0.2), (0.2, 0.5)], 8).at(0, 3.2, 0))
    here.add(NODE, "iron", box((0.04, 0.6, 0.04), 0.01).at(0, 3.7, 0))
    here.lamp((0, 3.3, 0), power=5.5, reach=14)
    for x in (-2.2, 2.2):
        here.add(NODE, "iron", box((0.08, 0.08, 0.5), 0.02).at(x, 3.5, half + 0.25))
        here.add("lanterns", "lamp", box((0.24, 0.4, 0.24), 0.05).at(x, 3.02, half + 0.45))
        here.add(NODE, "iron", box((0.34, 0.07, 0.34), 0.02).at(x, 3.42, half + 0.45))
        here.lamp((x, 3.2, half + 0.6), power=3.5, reach=11)
    _course(here, WIDE + 0.5, BASE - 0.2, 0.34)


def _course(here: Scenery, wide: float, y: float, tall: float) -> None:
    """A moulding all around, in two steps."""
    here.add(NODE, "trim", box((wide, tall * 0.6, wide), 0.07).at(0, y, 0))
    here.add(NODE, "trim", box((wide + 0.24, tall * 0.45, wide + 0.24), 0.06).at(0, y + tall * 0.58, 0))


def _shaft(here: Scenery, y: float) -> None:
    """Plain stone between pilasters, one tall window above another."""
    wide = WIDE - 0.5
    for k, frame in enumerate(_sides(here, wide / 2, y)):
        holes = [Hole(wide / 2 - 0.5, 0.9, 1.0, 2.4, arch=True), Hole(wide / 2 - 0.5, 4.6, 1.0, 2.4, arch=True)]
        frame.add(NODE, "stone", wall(wide, SHAFT, holes, 1.4))
        for j, hole in enumerate(holes):
            window(frame, NODE, hole, lit=None if (k + j) % 3 == 2 else (k + 2 * j + 1) % 8)
            frame.add(NODE, "trim", arch_ring(1.0, hole.top - 0.5, 0.2, 0.1, 5).at(wide / 2))
        for x in (0.45, wide - 0.45):
            frame.add(NODE, "trim", stud((0.66, SHAFT - 0.1, 0.14)).at(x, 0.05, 0))
    _course(here, wide + 0.4, y + SHAFT - 0.1, 0.4)


def _clock(here: Scenery, y: float) -> None:
    """Four faces that glow, ringed, ticked and handed."""
    wide = WIDE - 0.7
    for frame in _sides(here, wide / 2, y):
        frame.add(NODE, "stone", wall(wide, CLOCK, [], 1.0))
        face = frame.placed(wide / 2, CLOCK / 2 + 0.1, 0)
        face.add(NODE, "trim", _disc_ring(1.78, 1.5, 0.24))
        face.add(NODE, "clockface", _disc(1.52, 0.06))
        face.add(NODE, "iron", _flat_ring(1.46, 1.38, 0.075))
        for hour in range(12):
            angle = np.deg2rad(30 * hour)
            long = 0.26 if hour % 3 == 0 else 0.18
            w = 0.05 if hour % 3 == 0 else 0.03
            y0, y1 = 1.24 - long / 2, 1.24 + long / 2
            tick = polygon([(-w, y0, 0.08), (w, y0, 0.08), (w, y1, 0.08), (-w, y1, 0.08)], (0, 0, 1))
            face.add(NODE, "iron", tick.at(roll=float(np.rad2deg(-angle))))
        for angle, length, thick in ((-222, 0.72, 0.13), (-36, 1.12, 0.09)):
            hand = polygon(
                [
                    (-thick / 2, -0.22, 0.1),
                    (thick / 2, -0.22, 0.1),
                    (thick * 0.3, length, 0.1),
                    (-thick * 0.3, length, 0.1),
                ],
                (0, 0, 1),
            )
            face.add(NODE, "iron", hand.at(roll=angle))
        for x in (0.32, wide - 0.32):
            frame.add(NODE, "trim", stud((0.5, CLOCK - 0.1, 0.12)).at(x, 0.05, 0))
    for k in range(4):
        here.placed(0, y + CLOCK / 2, 0, 90 * k).lamp((0, 0, wide / 2 + 1.6), power=2.6, reach=10)
    _course(here, wide + 0.5, y + CLOCK - 0.1, 0.44)


def _disc(radius: float, z: float) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, 25)[:-1]
    points = [(radius * float(np.cos(a)), radius * float(np.sin(a)), z) for a in angle]
    return polygon(points, (0, 0, 1))


def _disc_ring(outer: float, inner: float, depth: float) -> Mesh:
    """A round moulding lying in the wall's plane."""
    profile = [(outer, 0), (outer - 0.05, depth), (inner + 0.04, depth), (inner, 0)]
    return lathe(profile, 20, sharp=True).at(pitch=90)


def _flat_ring(outer: float, inner: float, z: float) -> Mesh:
    return lathe([(outer, 0), (inner, 0.0001)], 24).at(pitch=90).at(0, 0, z)


def _belfry(here: Scenery, y: float) -> None:
    """Open arches, the bell, and warm light within."""
    wide = WIDE - 1.1
    for frame in _sides(here, wide / 2, y):
        hole = Hole(wide / 2 - 1.05, 0.7, 2.1, 2.9, arch=True)
        frame.add(NODE, "stone", wall(wide, BELFRY, [hole], 1.2))
        frame.add(NODE, "trim", reveal(hole, 0.5))
        frame.add(NODE, "trim", arch_ring(2.1, hole.top - 1.05, 0.26, 0.14, 9).at(wide / 2))
        frame.add(NODE, "trim", box((2.5, 0.16, 0.4), 0.04, "n").at(wide / 2, 0.62, 0.0))
        inner = wall(wide, BELFRY, [hole], 3).at(0, 0, -0.5)
        frame.add(NODE, "stone", Mesh(inner.positions, -inner.normals, inner.uvs, inner.triangles[:, ::-1]))
    bell = lathe([(0.75, 0), (0.6, 0.2), (0.48, 0.7), (0.4, 0.95), (0.12, 1.1), (0, 1.12)], 14)
    here.add("lanterns", "lamp", lathe([(0.16, 0), (0.2, 0.1), (0.12, 0.3)], 8).at(0, y + 0.75, 0))
    here.add(NODE, "iron", bell.at(0, y + 1.7, 0), box((3.6, 0.2, 0.2), 0.03).at(0, y + 2.85, 0))
    here.add(NODE, "stone", grid((-2, y + 0.5, 2), (4, 0, 0), (0, 0, -4), 2))
    here.lamp((0, y + 1.2, 0), power=5.0, reach=8)
    _course(here, wide + 0.5, y + BELFRY - 0.15, 0.42)


def _spire(here: Scenery, y: float) -> None:
    """A flared pyramid of slates, corner turrets, a gilded finial."""
    wide = WIDE - 0.5
    bend = wide / 2 * 1.414
    flare = [(bend, 0.18), (bend * 0.72, 1.1), (bend * 0.5, 3.0), (bend * 0.25, 5.6), (0.12, 8.2)]
    here.add(NODE, "roof", lathe(flare, 4, sharp=True).at(yaw=45).at(0, y, 0))
    here.add("lanterns", "lamp", ball(0.24, 1).at(0, y + 8.5, 0))
    here.add(NODE, "iron", lathe([(0.14, 0), (0.05, 0.3), (0.03, 1.6), (0, 1.7)], 6).at(0, y + 8.1, 0))
    for x in (-1, 1):
        for z in (-1, 1):
            corner = here.placed(x * (wide / 2 - 0.35), y + 0.1, z * (wide / 2 - 0.35))
            corner.add(NODE, "trim", box((0.62, 0.9, 0.62), 0.06, "b"))
            corner.add(NODE, "roof", lathe([(0.55, 0.9), (0.0, 2.3)], 4, sharp=True).at(yaw=45))
    for k in range(4):
        here.placed(0, y + 0.9, 0, 90 * k).placed(-0.45, 0, wide / 2 * 0.82).add(NODE, "window", _louvre())


def _louvre() -> Mesh:
    """A small lit lucarne in the spire."""
    return pane(Hole(0.0, 0.0, 0.9, 1.2, arch=True), 2, 0.0)
