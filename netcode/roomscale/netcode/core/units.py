"""Metres and radians to the integers of a pose and back: the one place that rounds.

Rule: round(v) = floor(v + 0.5), then clamp to the field, in every language alike. Not a number is an error.
"""

from __future__ import annotations

import math
from typing import Final

from roomscale.netcode.core.messages import Pose

PLACE_LIMIT: Final = 8_388_607
"""Millimetres: the largest i24. A world reaches 8.388 km from its origin."""
TURN: Final = 65_536
"""Steps of yaw in one turn: 0.0055 degrees each."""
PITCH_STEPS: Final = 127
"""Steps of pitch in a quarter turn: 0.71 degrees each."""


def _round(value: float) -> int:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no place and no angle")
    return math.floor(value + 0.5)


def _millimetres(metres: float) -> int:
    return max(-PLACE_LIMIT, min(PLACE_LIMIT, _round(metres * 1000)))


def pose(
    x: float, y: float, z: float, yaw: float = 0.0, pitch: float = 0.0, *, gesture: int = 0, flags: int = 0
) -> Pose:
    """A pose from metres (feet; Y up, right-handed) and radians (yaw 0 looks along -Z, counter-clockwise from above).

    Raises ValueError for infinities and NaN; a place beyond 8.388 km is clamped.
    """
    steps = _round(pitch / (math.pi / 2) * PITCH_STEPS)
    return Pose(
        _millimetres(x),
        _millimetres(y),
        _millimetres(z),
        _round(yaw / math.tau * TURN) % TURN,
        max(-PITCH_STEPS, min(PITCH_STEPS, steps)),
        gesture,
        flags,
    )


def metres(p: Pose) -> tuple[float, float, float]:
    """The feet of a pose, in metres."""
    return p.x / 1000, p.y / 1000, p.z / 1000


def yaw(p: Pose) -> float:
    """The yaw of a pose in radians, from 0 up to one turn."""
    return p.yaw / TURN * math.tau


def pitch(p: Pose) -> float:
    """The pitch of a pose in radians, positive up; at most a quarter turn."""
    return max(-1.0, p.pitch / PITCH_STEPS) * math.pi / 2
