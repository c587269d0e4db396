"""Ground: the square, the quays, the canal between them, and the terrace with its stairs.

Its one rule: what one sees and what one walks on are made in the same place, so that they agree.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Mesh, box, grid, lathe, polygon
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.scenery import Scenery

NODE = "ground"
COPING = 2.1  # metres: length of one coping stone


def build(scenery: Scenery) -> None:
    """All of it."""
    _quays(scenery)
    _canal(scenery)
    _terrace(scenery)
    _paving(scenery)
    _water_stairs(scenery)


def flat(west: float, north: float, east: float, south: float, y: float, step: float) -> Mesh:
    """A level patch facing up."""
    return grid((west, y, south), (east - west, 0, 0), (0, 0, north - south), step)


def _quays(scenery: Scenery) -> None:
    """Cobbles north and south of the canal; the bays of the water stairs are left out."""
    north = flat(at.WEST, at.TERRACE_EDGE, at.EAST, at.CANAL_NORTH, 0, 1.4)
    south = [
        flat(at.WEST, at.CANAL_SOUTH, at.STEPS_WEST, at.CANAL_SOUTH + 1.4, 0, 1.0),
        flat(at.STEPS_EAST, at.CANAL_SOUTH, at.EAST, at.CANAL_SOUTH + 1.4, 0, 1.0),
        flat(at.WEST, at.CANAL_SOUTH + 1.4, at.EAST, at.SOUTH + 0.5, 0, 1.4),
    ]
    scenery.add(NODE, "cobble", north, *south)
    scenery.walk(
        flat(at.WEST - 1, at.NORTH, at.EAST + 1, at.CANAL_NORTH, 0, 99),
        flat(at.WEST - 1, at.CANAL_SOUTH, at.STEPS_WEST, at.CANAL_SOUTH + 1.4, 0, 99),
        flat(at.STEPS_EAST, at.CANAL_SOUTH, at.EAST + 1, at.CANAL_SOUTH + 1.4, 0, 99),
        flat(at.WEST - 1, at.CANAL_SOUTH + 1.4, at.EAST + 1, at.SOUTH + 2, 0, 99),
        flat(at.WEST - 2, at.CANAL_NORTH - 0.2, at.EAST + 2, at.CANAL_SOUTH + 2.6, at.BED, 99),
    )


def _canal(scenery: Scenery) -> None:
    """Walls twice as deep as the water's level (their lower half is their own reflection), coping, water."""
    deep = at.WATER * 2
    for z, facing in ((at.CANAL_NORTH, 1), (at.CANAL_SOUTH, -1)):
        start = at.WEST - 4 if facing > 0 else at.EAST + 4
        face = grid((start, deep, z), (facing * (at.EAST - at.WEST + 8), 0, 0), (0, -deep, 0), 1.0)
        scenery.add(NODE, "ashlar", face)
        scenery.walk(grid((start, at.BED, z), (facing * (at.EAST - at.WEST + 8), 0, 0), (0, -at.BED, 0), 99))
        x = at.WEST
        while x < at.EAST - 0.1:
            middle = x + COPING / 2
            on_bridge = abs(middle - at.BRIDGE_X) < at.BRIDGE_WIDTH / 2 + 0.4
            on_stairs = facing < 0 and at.STEPS_WEST - 0.6 < middle < at.STEPS_EAST + 0.6
            if not on_bridge and not on_stairs:
                stone = box((COPING - 0.02, 0.34, 0.5), 0.05, "b").at(middle, -0.16, z - facing * 0.2)
                scenery.add(NODE, "trim", stone)
            x += COPING
    water = flat(at.WEST - 4, at.CANAL_NORTH, at.EAST + 4, at.CANAL_SOUTH + 1.4, at.WATER, 1.4)
    scenery.add("water", "water", water)


def _terrace(scenery: Scenery) -> None:
    """The raised ground before the north row, its retaining wall and the stairs."""
    top = flat(at.WEST, at.NORTH, at.EAST, at.TERRACE_EDGE, at.TERRACE, 1.5)
    scenery.add(NODE, "paving", top)
    west, east = at.STAIRS
    for left, right in ((at.WEST, west), (east, at.EAST)):
        face = grid((left, 0, at.TERRACE_EDGE), (right - left, 0, 0), (0, at.TERRACE, 0), 1.0)
        scenery.add(NODE, "ashlar", face)
        count = round((right - left) / COPING)
        for k in range(count):
            wide = (right - left) / count
            stone = box((wide - 0.02, 0.16, 0.5), 0.04).at(
                left + wide * (k + 0.5), at.TERRACE - 0.04, at.TERRACE_EDGE - 0.15
            )
            scenery.add(NODE, "trim", stone)
        _balustrade(scenery, left, right)
    steps = 8
    run, rise = 0.36, at.TERRACE / 8
    for k in range(steps):
        depth = run * (steps - k)
        step = box((east - west, rise, run + 0.12), 0.035, "b")
        z = at.TERRACE_EDGE + depth - run / 2 - 0.05
        scenery.add(NODE, "trim", step.at((east + west) / 2, rise * k, z))
    foot = at.TERRACE_EDGE + run * steps
    ramp = polygon(
        [(west, 0, foot), (east, 0, foot), (east, at.TERRACE, at.TERRACE_EDGE), (west, at.TERRACE, at.TERRACE_EDGE)],
        (0, 0.9, 0.4),
    )
    walls = [
        grid((left, 0, at.TERRACE_EDGE), (right - left, 0, 0), (0, at.TERRACE, 0), 99)
        for left, right in ((at.WEST - 1, west), (east, at.EAST + 1))
    ]
    scenery.walk(ramp, *walls, flat(at.WEST - 1, at.NORTH - 2, at.EAST + 1, at.TERRACE_EDGE, at.TERRACE, 99))
    for x, side in ((west, -1), (east, 1)):
        for k in range(2):
            size = (0.7, 0.75 + 0.6 * k, run * steps * 0.5)
            z = at.TERRACE_EDGE + run * steps * (0.75 - 0.5 * k)
            scenery.add(NODE, "ashlar", box(size, 0.05, "b").at(x + side * 0.35, 0, z))
            scenery.add(NODE, "trim", box((0.84, 0.12, size[2] + 0.1), 0.04).at(x + side * 0.35, size[1], z))
            scenery.solid("stair_cheek", (0.7, size[1] + 0.12, size[2]), (x + side * 0.35, 0, z))


def _balustrade(scenery: Scenery, left: float, right: float) -> None:
    """Turned balusters under a rail along the terrace's edge."""
    profile = [(0.08, 0), (0.05, 0.12), (0.1, 0.3), (0.055, 0.5), (0.08, 0.6)]
    baluster = lathe(profile, 5)
    z, y = at.TERRACE_EDGE - 0.15, at.TERRACE + 0.12
    count = int((right - left) / 0.95)
    for k in range(count):
        scenery.add(NODE, "trim", baluster.at(left + (k + 0.5) * (right - left) / count, y, z))
    rail = box((right - left, 0.14, 0.32), 0.04).at((left + right) / 2, y + 0.6, z)
    scenery.add(NODE, "trim", rail)
    for x in (left + 0.25, right - 0.25):
        scenery.add(NODE, "trim", box((0.46, 0.86, 0.46), 0.05, "b").at(x, at.TERRACE, z))
        scenery.add(NODE, "trim", box((0.56, 0.1, 0.56), 0.04).at(x, at.TERRACE + 0.86, z))
    scenery.solid("balustrade", (right - left, 1.0, 0.34), ((left + right) / 2, at.TERRACE, z))


def _paving(scenery: Scenery) -> None:
    """Pale bands in the cobbles: a ring about the fountain, and the way from the bridge to the stairs."""
    x, z = at.FOUNTAIN
    for inner, outer in ((3.9, 4.5), (6.6, 7.0)):
        ring = lathe([(outer, 0.018), (inner, 0.02)], 36)
        scenery.add(NODE, "paving", ring.at(x, 0, z))
    x, z = at.SPAWN
    for inner, outer in ((1.5, 2.0), (0.0, 0.55)):
        scenery.add(NODE, "paving", lathe([(outer, 0.014), (inner, 0.016)], 28).at(x, 0, z - 0.4))
    for west, east in ((at.WEST, at.BRIDGE_X - 2.6), (at.BRIDGE_X + 2.6, at.EAST)):
        border = flat(west, at.CANAL_SOUTH + 1.45, east, at.CANAL_SOUTH + 2.15, 0.012, 1.6)
        scenery.add(NODE, "paving", border)
    south = at.CANAL_NORTH - 3.4
    for side in (-1, 1):
        length = south - (at.TERRACE_EDGE + 3.0)
        for k in range(9):
            piece = length / 9
            band = box((0.42, 0.06, piece - 0.03), 0.02, "b")
            scenery.add(NODE, "paving", band.at(at.BRIDGE_X - 0.5 + side * 2.3, -0.04, south - piece * (k + 0.5)))


def _water_stairs(scenery: Scenery) -> None:
    """Steps from the south quay down to the water, and a ramp for the feet."""
    west, east = at.STEPS_WEST, at.STEPS_EAST
    count = 7
    for k in range(count):
        rise = -at.BED / count
        z = at.CANAL_SOUTH + 1.4 - 0.2 * k - 0.1
        height = 0.5
        step = box((east - west, height, 0.22), 0.03, "b").at((west + east) / 2, -rise * (k + 1) - height + rise, z)
        scenery.add(NODE, "trim", step)
    for x, facing in ((west, 1), (east, -1)):
        cheek = grid(
            (x, at.BED, at.CANAL_SOUTH + (1.4 if facing > 0 else 0)), (0, 0, -1.4 * facing), (0, -at.BED, 0), 1
        )
        scenery.add(NODE, "ashlar", cheek)
    corners = [
        (west, 0, at.CANAL_SOUTH + 1.4),
        (east, 0, at.CANAL_SOUTH + 1.4),
        (east, at.BED, at.CANAL_SOUTH - 0.6),
        (west, at.BED, at.CANAL_SOUTH - 0.6),
    ]
    normal = np.cross(np.subtract(corners[1], corners[0]), np.subtract(corners[2], corners[0]))
    scenery.walk(polygon(corners, normal * np.sign(normal[1])))
