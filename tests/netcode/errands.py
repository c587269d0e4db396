"""Somebody who walks, for tests and for load: turns, stops, runs, jumps, as the browser's body does.

Rule: the same script gives the same way everywhere: no clock and no chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from roomscale.netcode.core import units
from roomscale.netcode.core.messages import Flags, Pose

WALK: Final = 2.2
"""Metres a second, as `web/src/walk/body.ts` has it; so are the others."""
RUN: Final = 4.5
_GRAVITY: Final = 15.0
_JUMP: Final = 5.05
_GRIP: Final = 24.0
_AIR_GRIP: Final = 8.0
STEP: Final = 0.005
"""Seconds of one step."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of the way: for so many seconds, in that direction (x, z; any length but 0), at that speed."""

    seconds: float
    x: float
    z: float
    speed: float
    jump: bool = False
    """Whether it begins with a jump."""


def errand(speed: float) -> tuple[Leg, ...]:
    """10 s of going about: straight on, a right angle, a stop, about turn, a zigzag, a jump, a rest."""
    return (
        Leg(1.5, 0, -1, speed),
        Leg(1.2, 1, 0, speed),
        Leg(0.8, 1, 0, 0.0),
        Leg(1.3, -1, 0, speed),
        Leg(0.5, -3, 4, speed),
        Leg(0.5, -3, -4, speed),
        Leg(0.5, -3, 4, speed),
        Leg(1.6, 4, 3, speed, jump=True),
        Leg(0.6, 0, 1, speed),
        Leg(1.5, 0, 1, 0.0),
    )


@dataclass(slots=True)
class Walker:
    """Walks some legs over and over. `x`, `y`, `z`: metres, where it is; set them to begin elsewhere."""

    legs: tuple[Leg, ...]
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    _vx: float = 0.0
    _vy: float = 0.0
    _vz: float = 0.0
    _leg: int = 0
    _left: float = field(init=False)

    def __post_init__(self) -> None:
        self._left = self.legs[0].seconds

    def step(self) -> None:
        """`STEP` seconds pass."""
        if self._left < STEP / 2:
            self._leg = (self._leg + 1) % len(self.legs)
            self._left = self.legs[self._leg].seconds
            if self.legs[self._leg].jump and self.y <= 0:
                self._vy = _JUMP
        self._left -= STEP
        leg = self.legs[self._leg]
        length = math.sqrt(leg.x * leg.x + leg.z * leg.z)
        dx, dz = leg.x / length * leg.speed - self._vx, leg.z / length * leg.speed - self._vz
        missing = math.sqrt(dx * dx + dz * dz)
        grip = (_GRIP if self.y <= 0 else _AIR_GRIP) * STEP
        share = min(1.0, grip / missing) if missing > 0 else 0.0
        self._vx += dx * share
        self._vz += dz * share
        self.x += self._vx * STEP
        self.z += self._vz * STEP
        if self.y > 0 or self._vy > 0:
            self._vy -= _GRAVITY * STEP
            self.y += self._vy * STEP
            if self.y <= 0:
                self.y = self._vy = 0.0

    def pose(self) -> Pose:
        """Where it is, looking where it goes."""
        leg = self.legs[self._leg]
        flags = Flags.IN_THE_AIR if self.y > 0 else 0
        if leg.speed > WALK:
            flags |= Flags.RUNNING
        return units.pose(self.x, self.y, self.z, math.atan2(-leg.x, -leg.z), flags=flags)
