"""How far anybody may have moved since the last tick, and where the world ends.

Rule: it measures and names who went too far; what is done about it (`core.simulation`) is not decided here. What it
does not know is the scene: walls and floors bind honest clients only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.messages import Pose
from roomscale.netcode.core.poses import Columns, Ints, PoseTable, Rows
from roomscale.netcode.core.settings import SimulationConfig

Floats = npt.NDArray[np.float32]


class Authority:
    """Keeps where everybody was at the last tick, and how much farther they may go: metres in store for each."""

    def __init__(self, table: PoseTable, config: SimulationConfig) -> None:
        self._table = table
        self._over: Final = np.float32(config.max_speed * 1000)
        self._up: Final = np.float32(config.max_climb * 1000)
        self._burst: Final = np.float32(config.speed_burst)
        self._low: Final = tuple(round((o - config.reach) * 1000) for o in config.origin)
        self._high: Final = tuple(round((o + config.reach) * 1000) for o in config.origin)
        self._x, self._y, self._z = (np.zeros(table.size, np.int32) for _ in range(3))
        self._words = table.words.copy()
        self._over_left: Floats = np.zeros(table.size, np.float32)
        self._up_left: Floats = np.zeros(table.size, np.float32)
        self._granted = np.zeros(table.size, np.bool_)

    def inside(self, pose: Pose) -> bool:
        """Whether a place is in the world."""
        at = (pose.x, pose.y, pose.z)
        return all(low <= v <= high for low, v, high in zip(self._low, at, self._high, strict=True))

    def within(self, pose: Pose) -> Pose:
        """The place in the world that is nearest to a pose's."""
        at = (pose.x, pose.y, pose.z)
        x, y, z = (max(low, min(high, v)) for low, v, high in zip(self._low, at, self._high, strict=True))
        return Pose(x, y, z, pose.yaw, pose.pitch, pose.gesture, pose.flags)

    def arrive(self, row: int) -> None:
        """Somebody new has this row: wherever they are, they may be, and all that may come at once may come."""
        self._over_left[row], self._up_left[row] = self._over * self._burst, self._up * self._burst
        self.grant(row)

    def grant(self, row: int) -> None:
        """Whatever this one's pose is at the next tick, it is where they may be, if it is in the world."""
        self._granted[row] = True

    def offenders(self, columns: Columns, seconds: float) -> Rows:
        """Who is where they cannot have come since the last tick, `seconds` ago; the others' movement is booked."""
        top = len(columns.x)
        over = np.hypot(_apart(columns.x, self._x), _apart(columns.z, self._z))
        up = np.abs(_apart(columns.y, self._y))
        far = self._spend(self._over_left[:top], over, self._over, seconds)
        far |= self._spend(self._up_left[:top], up, self._up, seconds)
        far &= ~self._granted[:top]
        for column, low, high in zip((columns.x, columns.y, columns.z), self._low, self._high, strict=True):
            far |= (column < low) | (column > high)
        far &= self._table.used[:top]
        return np.flatnonzero(far)

    def undo(self, row: int) -> None:
        """Put a row back to the pose of the last tick."""
        self._table.words[row] = self._words[row]

    def settle(self, columns: Columns) -> None:
        """Where everybody is now is where they may be."""
        top = len(columns.x)
        self._x[:top], self._y[:top], self._z[:top] = columns.x, columns.y, columns.z
        self._words[:top] = self._table.words[:top]
        self._granted[:] = False

    def _spend(self, left: Floats, moved: Floats, speed: np.float32, seconds: float) -> npt.NDArray[np.bool_]:
        left += speed * np.float32(seconds)
        np.minimum(left, speed * self._burst, out=left)
        far = moved > left
        left -= np.where(far, np.float32(0), moved)
        return far


def _apart(now: Ints, before: Ints) -> Floats:
    return (now - before[: len(now)]).astype(np.float32)
