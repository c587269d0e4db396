"""The crowd that every server is measured with: where each visitor is at each tick, the same for all of them.

It is not recorded but made, from a seed: a recording of 1,000 visitors for half a minute weighs a megabyte and can be
neither lengthened nor read, while the seed gives the same bytes on every machine (`test_crowd.py` holds their hash).
For that, nothing here uses numpy's distributions, which may change between its versions, but PCG64's bare stream.

Rule: pure, but for `write`. This file and `rivals/crowd.mjs` alone know the layout of the file.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

TICK_RATE: Final = 20
"""Ticks a second, Hz, of the trace and of every server."""
MAGIC: Final = b"RSCROWD1"
RECORD: Final = np.dtype([("x", "<i4"), ("z", "<i4"), ("yaw", "<u2"), ("pitch", "i1"), ("flags", "u1")])
"""A pose in our protocol's units: millimetres, 1/65536 turn, 1/127 quarter turn; bit 0 of the flags: speaking."""
SPACING: Final = 2.0
"""Metres between two homes in their square: 4 m² for each visitor."""
ROAM: Final = 6.0
"""Metres from home at most, on either axis, of where somebody wants to go: the crowd stays as dense as it began."""
ARRIVED: Final = 0.5
"""Metres from there that are near enough."""
WALKING: Final = (1.0, 1.8)
"""Metres a second, from slow to brisk."""
RUNNERS: Final = 0.05
"""Share of visitors who run, at `RUNNING` metres a second."""
RUNNING: Final = 4.0
TURNING: Final = 0.5
"""Radians at most that somebody turns in a tick towards where they go."""
SWAYING: Final = 0.018
"""Radians, the spread of what each tick adds to how fast a walker turns: nobody walks a straight line."""
NODDING: Final = 0.07
"""Radians a second, the spread of what each tick adds to how fast a walker's look goes up or down."""
WARM_UP: Final = 30 * TICK_RATE
"""Ticks walked before the first that counts, until walks and rests are out of step with each other."""

Crowd = npt.NDArray[np.void]
"""(ticks, visitors) of `RECORD`."""


class _Chance:
    """Even doubles below 1 from PCG64's stream, which numpy promises to keep."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def __call__(self, size: int) -> npt.NDArray[np.float64]:
        raw = np.asarray(self._bits.random_raw(size), np.uint64)
        return np.asarray((raw >> np.uint64(11)) * 2.0**-53, np.float64)


def crowd(visitors: int, ticks: int, *, moving: float = 1.0, seed: int = 1) -> Crowd:
    """Visitors who walk from place to place about their homes; `moving`: the share of them who do, at any time.

    The others rest where they arrived. Everybody begins or ends to speak every two seconds when all move, every
    eight when not: it is these changes that latency is measured by.
    """
    chance = _Chance(seed)
    side = int(np.ceil(np.sqrt(visitors)))
    row, column = np.divmod(np.arange(visitors), side)
    homes = (np.stack([column, row], axis=1) - (side - 1) / 2) * SPACING
    speed = WALKING[0] + (WALKING[1] - WALKING[0]) * chance(visitors)
    speed[chance(visitors) < RUNNERS] = RUNNING
    speed /= TICK_RATE
    period = (2 if moving >= 1 else 8) * TICK_RATE
    phase = (chance(visitors) * 2 * period).astype(np.int64)
    place, heading = homes.copy(), chance(visitors) * 2 * np.pi
    sway, pitch, nod = np.zeros(visitors), np.zeros(visitors), np.zeros(visitors)
    goal = homes + (2 * _pairs(chance, visitors) - 1) * ROAM
    rest = _rests(chance, visitors, moving, speed) * (chance(visitors) >= moving)
    records = np.zeros((ticks, visitors), RECORD)
    for tick in range(-WARM_UP, ticks):
        way = goal - place
        wanted = np.arctan2(-way[:, 0], -way[:, 1])
        turn = (wanted - heading + np.pi) % (2 * np.pi) - np.pi
        walks = rest <= 0
        sway += -0.3 * sway + SWAYING * _bells(chance, visitors)
        nod += -0.15 * nod - 0.05 * pitch + NODDING * _bells(chance, visitors)
        heading += (np.clip(turn, -TURNING, TURNING) + sway) * walks
        pitch += nod / TICK_RATE * walks
        place += np.stack([-np.sin(heading), -np.cos(heading)], axis=1) * (speed * walks)[:, None]
        there = walks & (np.hypot(way[:, 0], way[:, 1]) < ARRIVED)
        fresh, pauses = (2 * _pairs(chance, visitors) - 1) * ROAM, _rests(chance, visitors, moving, speed)
        goal[there] = (homes + fresh)[there]
        rest = np.where(there, pauses, rest - 1)
        if tick < 0:
            continue
        records["x"][tick] = np.round(place[:, 0] * 1000)
        records["z"][tick] = np.round(place[:, 1] * 1000)
        records["yaw"][tick] = np.round(heading / (2 * np.pi) * 65536).astype(np.int64) % 65536
        records["pitch"][tick] = np.round(np.clip(pitch / (np.pi / 2), -1, 1) * 127)
        records["flags"][tick] = (tick + phase) // period % 2
    return records


def write(path: Path, records: Crowd) -> None:
    """The file that the load clients of every server read."""
    ticks, visitors = records.shape
    path.write_bytes(MAGIC + struct.pack("<II", visitors, ticks) + records.tobytes())


def read(path: Path) -> Crowd:
    """What `write` wrote. Raises ValueError for another file."""
    raw = path.read_bytes()
    if raw[:8] != MAGIC:
        raise ValueError(f"{path} is no trace")
    visitors, ticks = struct.unpack_from("<II", raw, 8)
    return np.frombuffer(raw, RECORD, offset=16).reshape(ticks, visitors)


def row(ticks: int, tick: int) -> int:
    """Where in a trace of `ticks` rows a tick stands: beyond its end it is walked backwards, and so on."""
    turn = tick % (2 * ticks - 2)
    return turn if turn < ticks else 2 * ticks - 2 - turn


def _bells(chance: _Chance, visitors: int) -> npt.NDArray[np.float64]:
    """Near enough to a normal distribution: the sum of three even ones, of variance 1."""
    return np.asarray((chance(3 * visitors).reshape(3, visitors).sum(axis=0) - 1.5) * 2, np.float64)


def _pairs(chance: _Chance, visitors: int) -> npt.NDArray[np.float64]:
    return chance(2 * visitors).reshape(visitors, 2)


def _rests(chance: _Chance, visitors: int, moving: float, speed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ticks of rest, so long after a way of average length at this speed that `moving` of the time is walked."""
    if moving >= 1:
        return chance(visitors) * 0
    average = 0.5214 * 2 * ROAM - ARRIVED  # metres: what lies between two places in a square, of its side
    return chance(visitors) * 2 * (average / speed) * (1 - moving) / moving
