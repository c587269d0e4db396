"""A crowd that walks about, seeded: straight on and around bends, stops and starts, never far from where it began."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from roomscale.netcode.core import units
from roomscale.netcode.core.messages import Pose

TICK = 0.05
SPEED = 1.4
_BEND = 0.35
"""Radians a second, the spread of what each second adds to how a walker turns."""
_WALK = 4.0
"""Seconds from a start to a stop on average."""


@dataclass(slots=True)
class _Walker:
    x: float
    z: float
    home: tuple[float, float]
    yaw: float
    turn: float = 0.0
    speed: float = 0.0
    walks: bool = True


@dataclass(slots=True)
class Walkers:
    """`count` people, 4 m² each. rest: the share of them who stand, at any time."""

    count: int
    seed: int
    rest: float = 0.0
    _dice: random.Random = field(init=False)
    _people: list[_Walker] = field(init=False)

    def __post_init__(self) -> None:
        self._dice = dice = random.Random(self.seed)
        side = math.sqrt(self.count * 4)
        places = [(dice.random() * side, dice.random() * side) for _ in range(self.count)]
        self._people = [
            _Walker(x, z, (x, z), dice.random() * math.tau, walks=dice.random() >= self.rest) for x, z in places
        ]

    def poses(self) -> dict[int, Pose]:
        """Where everybody is, by peer id from 1."""
        return {i: units.pose(w.x, 0, w.z, w.yaw) for i, w in enumerate(self._people, 1)}

    def step(self) -> dict[int, Pose]:
        """A tick later."""
        stop = TICK / _WALK
        start = stop * (1 - self.rest) / self.rest if self.rest else 1.0
        for w in self._people:
            if self._dice.random() < (stop if w.walks and self.rest else 0.0 if w.walks else start):
                w.walks = not w.walks
            w.speed += ((SPEED if w.walks else 0.0) - w.speed) * 0.4
            if w.speed < 0.02:
                w.speed = w.turn = 0.0
                continue
            w.turn += -0.3 * w.turn + self._dice.gauss(0, _BEND)
            if math.hypot(w.x - w.home[0], w.z - w.home[1]) > 6:
                w.turn += 1.0
            w.yaw += w.turn * TICK
            w.x -= math.sin(w.yaw) * w.speed * TICK
            w.z -= math.cos(w.yaw) * w.speed * TICK
        return self.poses()
