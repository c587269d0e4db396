"""Town: which houses stand around the square, and what closes its corners.

Its one rule: the rows shut the square in on all sides, so that nobody can walk out of the world.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import box
from roomscale.assets.samples.openings import Hole, arch_ring, reveal, wall, window
from roomscale.assets.samples.plaza import layout as at
from roomscale.assets.samples.plaza.houses import House, eaves, row
from roomscale.assets.samples.scenery import Scenery

NORTH_ROW = [
    House(6.2, 3, "plaster_ochre", "point", "door", 1, "timber"),
    House(5.4, 3, "plaster_teal", "steps", "shop", 2, plain=True),
    House(6.4, 3, "plaster_pale", "eaves", "arcade", 3),
    House(10.0, 2, "plaster_rose", "eaves", "arcade", 4, plain=True),
    House(6.4, 4, "plaster_pale", "steps", "door", 5, "leaf"),
    House(7.6, 3, "plaster_ochre", "eaves", "shop", 6, "plaster_teal"),
]
WEST_ROW = [
    House(5.6, 3, "plaster_rose", "steps", "door", 11, "leaf"),
    House(6.6, 3, "plaster_pale", "eaves", "shop", 12, "plaster_teal"),
    House(5.4, 4, "plaster_teal", "point", "door", 13),
    House(5.4, 3, "plaster_ochre", "steps", "shop", 14),
]
EAST_ROW = [
    House(6.0, 3, "plaster_teal", "steps", "shop", 21),
    House(10.4, 3, "plaster_ochre", "eaves", "arcade", 22, "leaf"),
    House(6.6, 4, "plaster_rose", "point", "door", 23, "timber"),
]
SOUTH_ROW = [
    House(6.4, 3, "plaster_teal", "eaves", "door", 31, plain=True),
    House(5.6, 4, "plaster_rose", "steps", "shop", 32, plain=True),
    House(6.0, 3, "plaster_ochre", "point", "door", 33, plain=True),
    House(7.6, 3, "plaster_pale", "eaves", "arcade", 34, plain=True),
    House(5.6, 3, "plaster_teal", "steps", "door", 35, plain=True),
    House(5.2, 3, "plaster_rose", "point", "shop", 36, plain=True),
    House(5.6, 3, "plaster_ochre", "eaves", "door", 37, plain=True),
]
QUAY_WEST = [
    House(7.0, 3, "plaster_pale", "eaves", "door", 41, plain=True),
    House(6.5, 3, "plaster_ochre", "steps", "door", 42, plain=True),
]
QUAY_EAST = [
    House(6.5, 3, "plaster_rose", "point", "door", 51, plain=True),
    House(7.0, 3, "plaster_teal", "eaves", "door", 52, plain=True),
]


def build(scenery: Scenery) -> None:
    """The five rows, and the water gates under which the canal leaves."""
    row(scenery.placed(at.WEST, at.TERRACE, at.NORTH), "town_north", NORTH_ROW)
    row(scenery.placed(at.WEST, 0, at.CANAL_NORTH, 90), "town_north", WEST_ROW)
    row(scenery.placed(at.EAST, 0, -16.0, -90), "town_north", EAST_ROW)
    row(scenery.placed(at.EAST, 0, at.SOUTH, 180), "town_south", SOUTH_ROW)
    row(scenery.placed(at.WEST, 0, at.SOUTH, 90), "town_south", QUAY_WEST)
    row(scenery.placed(at.EAST, 0, at.CANAL_SOUTH + 0.5, -90), "town_south", QUAY_EAST)
    for x, yaw, name in ((at.WEST, 90, "town_north"), (at.EAST, -90, "town_north")):
        middle = (at.CANAL_NORTH + at.CANAL_SOUTH) / 2
        _water_gate(scenery.placed(x, 0, middle, yaw), name)
    for x, yaw in ((at.WEST, 90), (at.EAST, -90)):
        end = scenery.placed(x, 0, -21.6, yaw)
        _garden_wall(end.placed(-5.8), "town_north", 11.4)


def _water_gate(here: Scenery, node: str) -> None:
    """A house astride the canal, its front along +Z, an arch over the water."""
    wide = at.CANAL_SOUTH - at.CANAL_NORTH + 1.2
    here = here.placed(-wide / 2)
    arch = Hole(wide / 2 - 2.4, 0, 4.8, 2.75, arch=True)
    lower = here.placed(0, at.WATER * 2)
    lower.add(node, "ashlar", wall(wide, 4.9, [arch], 1.4))
    lower.add(node, "ashlar", reveal(arch, 1.5, floor=False))
    lower.add(node, "trim", arch_ring(4.8, arch.top - 2.4, 0.34, 0.14, 13).at(wide / 2))
    lower.add("backdrop", "far", wall(wide, 4.5, [], 9).at(0, 0, -1.5))
    here.add(node, "trim", box((wide, 0.2, 0.3), 0.05, "n").at(wide / 2, 3.2, 0.06))
    above = House(wide, 2, "plaster_pale", "eaves", "door", 61, "timber")
    _upper(here, node, above)
    here.solid("water_gate", (wide, 9, 2), (wide / 2, at.BED, -1.2))


def _upper(here: Scenery, node: str, house: House) -> None:
    """The storeys of a house without its ground floor."""
    lifted = here.placed(0, 3.2)
    holes = [Hole(house.width * (k + 0.5) / 3 - 0.5, 0.8, 1.0, 1.5) for k in range(3)]
    for k, hole in enumerate(holes):
        window(lifted, node, hole, lit=k + 1, shutters="timber")
    lifted.add(node, house.finish, wall(house.width, house.height - 3.2, holes))
    eaves(here, node, house, np.random.default_rng(house.seed))


def _garden_wall(here: Scenery, node: str, length: float) -> None:
    """A high wall with a coping, its face along +Z."""
    here.add(node, "ashlar", wall(length, 5.2, [], 1.4))
    here.add(node, "trim", box((length, 0.25, 0.7), 0.06).at(length / 2, 5.2, -0.1))
    here.solid("garden_wall", (length, 7, 0.6), (length / 2, 0, -0.3))
