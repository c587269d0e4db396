"""Layout: where things stand in the Plaza, in metres; x east, y up, z south.

The visitor arrives on the south quay and looks north: over the canal and its bridge, across the square with the
fountain, up the stairs to the clock tower. Its one rule: positions that two modules must agree on live here.
"""

from __future__ import annotations

WEST, EAST = -21.0, 21.0
NORTH, SOUTH = -27.0, 27.0
CANAL_NORTH, CANAL_SOUTH = 7.0, 13.0
WATER = -0.85
BED = -1.55
TERRACE_EDGE = -16.0
TERRACE = 1.2
STAIRS = (-4.0, 8.0)  # west and east end of the stairs up to the terrace
BRIDGE_X, BRIDGE_WIDTH = 3.0, 3.6
BRIDGE_HALF, BRIDGE_RISE = 6.6, 1.5
TOWER = (2.0, -22.6)
FOUNTAIN = (-0.8, -5.2)
TREE = (-11.0, 2.2)
PORTAL = (13.2, -3.4)
PORTAL_YAW = -62.0  # its front looks towards the bridge's foot
SPAWN = (-4.2, 21.2)
SPAWN_YAW = -8.0  # a little to the right: the tower stands over the bridge
STEPS_WEST, STEPS_EAST = -14.5, -11.5  # water stairs in the south quay wall
