"""Hall: the Gallery's room: a nave with bays, a coffered rim, a long skylight, an apse for the portal.

Its one rule: the walls are quiet; light falls on the pictures.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.gallery.pictures import PAINTERS, cell
from roomscale.assets.samples.geometry import Mesh, beam, box, grid, lathe, polygon, slab, stud
from roomscale.assets.samples.openings import Hole, arch_ring, bars, pane, reveal, wall
from roomscale.assets.samples.plaza.props import bench
from roomscale.assets.samples.plaza.trees import tuft
from roomscale.assets.samples.scenery import Scenery

HALF, LONG, TALL = 6.4, 12.6, 5.2  # metres: half width, half length, height of the cornice
BAYS = 5
RIM = 1.9  # metres of solid ceiling along each side


def build(scenery: Scenery) -> None:
    """The whole room; its long axis is z, the entrance south, the portal's apse north."""
    _floor(scenery)
    _ceiling(scenery)
    for side in (-1, 1):
        _long_wall(scenery.placed(side * HALF, 0, side * -LONG, -90 * side), side)
    _end_wall(scenery.placed(-HALF, 0, -LONG), apse=True)
    _end_wall(scenery.placed(HALF, 0, LONG, 180), apse=False)
    for k, z in enumerate((-3.4, 3.4)):
        for turn in (90, -90):
            place = scenery.placed(0.42 * (1 if turn > 0 else -1), 0, z, turn)
            bench(place, "furniture", f"bench_{2 * k + (1 if turn > 0 else 2)}")
    _plinth(scenery)


def _floor(scenery: Scenery) -> None:
    """Boards with a pale border; the collider is a slab of the same size."""
    boards = grid((-HALF + 0.7, 0, LONG - 0.7), (2 * HALF - 1.4, 0, 0), (0, 0, -2 * LONG + 1.4), 0.9)
    scenery.add("hall", "boards", boards)
    for x0, z0, x1, z1 in (
        (-HALF, -LONG, -HALF + 0.7, LONG),
        (HALF - 0.7, -LONG, HALF, LONG),
        (-HALF + 0.7, -LONG, HALF - 0.7, -LONG + 0.7),
        (-HALF + 0.7, LONG - 0.7, HALF - 0.7, LONG),
    ):
        scenery.add("hall", "paving", grid((x0, 0.0, z1), (x1 - x0, 0, 0), (0, 0, z0 - z1), 0.9))
    scenery.walk(grid((-HALF - 0.5, 0, LONG + 0.5), (2 * HALF + 1, 0, 0), (0, 0, -2 * LONG - 1), 99))


def _ceiling(scenery: Scenery) -> None:
    """A rim on both sides, beams across the open middle, glazing bars: the sky shows between."""
    for side in (-1, 1):
        x0, x1 = side * HALF, side * (HALF - RIM)
        low = grid((min(x0, x1), TALL + 0.3, -LONG), (RIM, 0, 0), (0, 0, 2 * LONG), 1.3)
        scenery.add("hall", "plaster_pale", low)
        well = grid((x1, TALL + 0.3, side * LONG), (0, 0, -side * 2 * LONG), (0, 0.9, 0), 1.6)
        scenery.add("hall", "plaster_pale", well)
        cornice = box((0.34, 0.3, 2 * LONG), 0.06).at(side * (HALF - 0.12), TALL, 0)
        scenery.add("hall", "trim", cornice, box((0.2, 0.16, 2 * LONG), 0.04).at(x1 - side * 0.02, TALL + 0.2, 0))
    reach = HALF - RIM
    for k in range(BAYS + 1):
        z = -LONG + 2 * LONG * k / BAYS
        scenery.add("hall", "timber", box((2 * reach, 0.36, 0.2), 0.03).at(0, TALL + 0.75, z))
        for side in (-1, 1):
            scenery.add("hall", "timber", beam((0, TALL + 2.3, z), (side * reach, TALL + 1.2, z), 0.14, 0.2))
    for k in range(31):
        z = -LONG + 2 * LONG * k / 30
        for side in (-1, 1):
            scenery.add(
                "hall", "iron", beam((0, TALL + 2.32, z), (side * reach, TALL + 1.22, z), 0.05, 0.06, 0.01, "lr")
            )
    for x, y in ((0, 2.34), (-reach / 2, 1.8), (reach / 2, 1.8)):
        scenery.add("hall", "iron", beam((x, TALL + y, -LONG), (x, TALL + y, LONG), 0.07, 0.09, 0.02))


def _long_wall(here: Scenery, side: int) -> None:
    """Bays between pilasters, a picture in each (a large one in the middle), a lamp above it."""
    length = 2 * LONG
    here.add("hall", "plaster_pale", wall(length, TALL, [], 0.85, bottom=0.0))
    here.add("hall", "plaster_teal", grid((0, 0.001, 0.025), (length, 0, 0), (0, 1.0, 0), 0.9))
    here.add("hall", "trim", box((length, 0.2, 0.1), 0.03, "nb").at(length / 2, 0, 0.02))
    here.add("hall", "trim", box((length, 0.09, 0.09), 0.03, "n").at(length / 2, 1.0, 0.03))
    pitch = length / BAYS
    for k in range(BAYS + 1):
        x = min(max(pitch * k, 0.25), length - 0.25)
        here.add("hall", "trim", stud((0.46, TALL - 1.3, 0.16)).at(x, 0.95, 0), stud((0.58, 0.95, 0.22)).at(x, 0, 0))
        here.add("hall", "trim", stud((0.62, 0.3, 0.26)).at(x, TALL - 0.35, 0))
    for k in range(BAYS):
        number = (k + (0 if side > 0 else BAYS)) % len(PAINTERS)
        large = k == 2
        _picture(here.placed(pitch * (k + 0.5)), number, 2.5 if large else 1.9, 2.5 if large else 1.9)
    here.solid("wall", (length, 7, 0.5), (length / 2, 0, -0.25))


def _picture(here: Scenery, number: int, wide: float, tall: float) -> None:
    """A framed canvas centred on x = 0 at the height of eyes, and the lamp that lights it."""
    y = 2.62 - tall / 2
    u0, v0, u1, v1 = cell(number)
    corners = [(-wide / 2, y, 0.07), (wide / 2, y, 0.07), (wide / 2, y + tall, 0.07), (-wide / 2, y + tall, 0.07)]
    uvs = np.array([(u0, v1), (u1, v1), (u1, v0), (u0, v0)])
    here.add("pictures", "canvas", polygon(corners, (0, 0, 1)).with_uv(uvs))
    finish = ("timber", "gilt")[number % 2]
    edge = 0.15
    for side in (-1, 1):
        upright = stud((edge, tall + 2 * edge, 0.13)).at(side * (wide + edge) / 2, y - edge, 0)
        here.add("pictures", finish, upright, stud((wide, edge, 0.12)).at(0, y + tall if side > 0 else y - edge, 0))
    top = y + tall + edge
    here.add("pictures", "gilt", beam((0, top, 0.05), (0, top + 0.22, 0.34), 0.03, 0.03, 0.01))
    here.add("pictures", "gilt", box((wide * 0.5, 0.07, 0.09), 0.02).at(0, top + 0.17, 0.36))
    here.add("pictures", "lamp", slab((wide * 0.46, 0.02, 0.05)).at(0, top + 0.15, 0.36))
    for x in (-wide * 0.22, wide * 0.22):
        here.lamp((x, top + 0.1, 0.5), colour=(1.0, 0.80, 0.55), power=1.6, reach=6.0)
    here.add("pictures", "trim", stud((0.3, 0.14, 0.02)).at(wide / 2 - 0.15, y - edge - 0.3, 0))


def _end_wall(here: Scenery, *, apse: bool) -> None:
    """A gabled end: an arched niche for the portal, or a great closed door."""
    wide = 2 * HALF
    hole = Hole(HALF - 2.1, 0, 4.2, 4.4, arch=True) if apse else Hole(HALF - 1.3, 0, 2.6, 3.7, arch=True)
    here.add("hall", "plaster_pale", wall(wide, TALL + 1.2, [hole], 0.9))
    tip = [(0, TALL + 1.2, 0), (wide, TALL + 1.2, 0), (HALF, TALL + 2.4, 0)]
    here.add("hall", "plaster_pale", polygon(tip, (0, 0, 1)))
    depth = 1.1 if apse else 0.4
    here.add("hall", "trim", reveal(hole, depth, floor=False))
    here.add("hall", "trim", arch_ring(hole.width, hole.top - hole.width / 2, 0.34, 0.14, 13).at(HALF))
    if apse:
        here.add("hall", "plaster_teal", wall(4.2, 4.4, [], 0.8).at(hole.x, 0, -depth))
        here.add("hall", "paving", grid((hole.x, 0, 0), (4.2, 0, 0), (0, 0, -depth), 0.8))
    else:
        leaf_top = hole.top - 1.3
        leaf = grid((hole.x, 0, -depth), (2.6, 0, 0), (0, leaf_top, 0), 0.8)
        here.add("hall", "timber", leaf.turned_uv(), slab((0.08, leaf_top, 0.05)).at(HALF, 0, -depth))
        for x in (-0.65, 0.65):
            for y in (0.3, 1.35):
                here.add("hall", "timber", stud((1.0, 0.9, 0.07)).turned_uv().at(HALF + x, y, -depth))
        fan = Hole(hole.x, leaf_top, 2.6, 1.3, arch=True)
        here.add("hall", "window", pane(fan, 2, depth))
        here.add("hall", "iron", bars(fan, 6, 1, depth))
        here.lamp((HALF, leaf_top + 0.4, 0.8), power=1.2, reach=7)
    here.add("hall", "plaster_teal", *_dado(wide, hole))
    for x in (hole.x - 1.0, hole.right + 1.0):
        here.add("pictures", "gilt", stud((0.14, 0.4, 0.1)).at(x, 2.3, 0))
        here.add("pictures", "lamp", lathe([(0.09, 0), (0.15, 0.34)], 8).at(x, 2.5, 0.2))
        here.lamp((x, 2.7, 0.5), power=1.7, reach=6)
        _urn(here.placed(x, 0, 0.55), int(x * 7))
    here.solid("end_wall", (hole.x, 8, 0.5), (hole.x / 2, 0, -0.25))
    here.solid("end_wall", (hole.x, 8, 0.5), (wide - hole.x / 2, 0, -0.25))
    here.solid("end_niche", (hole.width, 8, 0.5), (HALF, 0, -depth - 0.25))


def _dado(wide: float, hole: Hole) -> list[Mesh]:
    """The painted lower wall on both sides of an opening."""
    left = grid((0, 0.001, 0.02), (hole.x - 0.36, 0, 0), (0, 1.0, 0), 0.9)
    return [left, left.at(wide - hole.x + 0.36, 0, 0)]


def _urn(here: Scenery, seed: int) -> None:
    """A big pot with a shrub."""
    pot = [(0.2, 0), (0.3, 0.1), (0.34, 0.42), (0.24, 0.56), (0.3, 0.62), (0.26, 0.6), (0.0, 0.58)]
    here.add("furniture", "plaster_rose", lathe(pot, 12))
    here.add("furniture", "leaf", tuft(0.46, seed).at(0, 0.68, 0), tuft(0.3, seed + 5).at(0.05, 1.05, 0.02))
    here.solid("urn", (0.7, 1.2, 0.7), (0, 0, 0))


def _plinth(scenery: Scenery) -> None:
    """A sculpture in the middle: three rings within one another."""
    here = scenery.placed(0, 0, 0)
    here.add("furniture", "trim", box((1.5, 0.16, 1.5), 0.04, "b"), box((1.1, 0.8, 1.1), 0.05, "b").at(0, 0.16, 0))
    here.add("furniture", "trim", box((1.24, 0.1, 1.24), 0.04).at(0, 0.96, 0))
    for radius, pitch, yaw, thick in ((0.78, 74, 0, 0.06), (0.6, 30, 50, 0.055), (0.43, 100, 110, 0.05)):
        here.add("furniture", "gilt", _ring(radius, thick).at(0, 1.95, 0, yaw, pitch))
    here.add(
        "furniture",
        "lamp",
        lathe([(0.02, -0.15), (0.13, -0.08), (0.16, 0), (0.13, 0.08), (0.02, 0.15)], 12).at(0, 1.95, 0),
    )
    here.lamp((0, 1.95, 0), power=1.6, reach=6)
    here.solid("plinth", (1.5, 1.1, 1.5), (0, 0, 0))


def _ring(radius: float, thick: float) -> Mesh:
    """A torus about Y."""
    angle = np.linspace(0, 2 * np.pi, 9)
    profile = [(radius + thick * float(np.cos(a)), thick * float(np.sin(a))) for a in angle]
    return lathe(profile, 28)
