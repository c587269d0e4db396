"""Where a headless visitor walks: a circle of its own, on a place of its own in a square of them. Pure.

Rule: a place is a function of the visitor's number and the time; neighbours by number are neighbours in space, so that
each sees the next however many there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

SPACING: Final = 2.0
"""Metres between the middles of two circles."""
RADIUS: Final = 2.0
"""Metres; circles overlap, as a crowd's ways do."""
SPEED: Final = 1.4
"""Metres a second: walking."""

Place = tuple[float, float, float]
"""x, y, z in metres: the feet; Y up."""


@dataclass(frozen=True, slots=True)
class Circle:
    """The way of visitor `number` of `count`, around the world's origin on its ground."""

    number: int
    count: int
    moving: bool = True

    @property
    def middle(self) -> Place:
        """The place in the square: rows are filled to and fro."""
        side = math.isqrt(max(0, self.count - 1)) + 1
        row, column = divmod(self.number, side)
        if row % 2:
            column = side - 1 - column
        half = (side - 1) / 2
        return (column - half) * SPACING, 0.0, (row - half) * SPACING

    def at(self, now: float) -> tuple[Place, float]:
        """Where to be, and which way to look (yaw in radians), at `now` seconds of any clock."""
        x, y, z = self.middle
        if not self.moving:
            return (x, y, z), 0.0
        angle = (now * SPEED / RADIUS + 2.4 * self.number) % math.tau  # 2.4: no two neighbours in step
        return (x + RADIUS * math.cos(angle), y, z + RADIUS * math.sin(angle)), (math.pi - angle) % math.tau
