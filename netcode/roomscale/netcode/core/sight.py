"""Whom each viewer has in sight, and which of them are told of in which packet.

Rule: all of it is counted in packets of that viewer, so that one at 5 Hz misses nobody. While they move the nearest 12
of 64 in sight are told of at 20 Hz, the next 20 at 10 Hz, the other half at 5 Hz; everybody once a second, whatever
they do; who has come into sight thrice within half a second, or, if near, in each packet of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.interest import FIRST_LEVEL, SMALL, Order, Scene, Search
from roomscale.netcode.core.motion import KEYED, MOVED, MOVES, REFRESH_SHIFT, REFRESHES, SOMEBODY
from roomscale.netcode.core.poses import Rows

RESELECT: Final = 10
"""Ticks after which a viewer's sight is chosen anew: a tenth of all viewers at each tick."""
BEAT: Final = 4
"""Ticks from one keep-alive to the next: 5 Hz. Also the longest interval."""
INTERVALS: Final = (1, 2, 4)
"""Ticks from one packet to the next, for a viewer: 20, 10 and 5 Hz."""
_CHUNK: Final = 128
"""Viewers compared at once."""
_SETTLED: Final = 3
"""Choices in a row from which on a Delta will do to tell of somebody again: the first time it is a keyframe."""
_LOYALTY: Final = 8
"""Places by which somebody must be nearer than the last in sight to come into it: at the border nobody flickers."""

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]


class Packet(NamedTuple):
    """The packets of one tick, a line for each viewer."""

    viewers: Rows
    intervals: Bytes
    """Ticks from one packet to the next."""
    sight: Rows
    """Who is in sight, (viewers, limit)."""
    told: Bools
    """Which of them are told of."""
    keyed: Bools
    """Which of those by a keyframe."""


def _near(limit: int) -> int:
    """How many of those in sight are near."""
    return limit * 3 // 16


def _asked(limit: int) -> Bytes:
    """By interval and turn, what is asked of the state of each in sight: [interval][turn % 4][place in sight]."""
    place = np.arange(limit)
    period = np.where(place < _near(limit), 1, np.where(place < limit // 2, 2, 4))
    asked = np.empty((len(INTERVALS), 4, limit), np.uint8)
    for i, interval in enumerate(INTERVALS):
        every = np.maximum(period // interval, 1)
        moving = np.where(np.maximum(period, interval) < 4, MOVES, MOVED)
        for turn in range(4):
            asked[i, turn] = np.where((place + turn) % every == 0, moving, 0) | KEYED
    return asked


_PACES: Final = np.array([0, 0, 1, 0, 2], np.uint8)
"""The index in `INTERVALS` of an interval."""
_FRESH_EVERY: Final = np.array([4, 2, 1], np.uint8)
"""By interval: each which of a viewer's packets since the choice tells of those new in sight. Three in all."""


class Sights:
    """By row of the viewer."""

    def __init__(self, size: int, limit: int) -> None:
        self._limit = limit
        self._near: Final = _near(limit)
        self._asked: Final = _asked(limit).reshape(-1, limit)
        self._rows = np.zeros((size, limit), np.uint16)
        self._new = np.zeros((size, limit), np.uint8)
        """`SOMEBODY` for those who were not in sight before the last choice."""
        self._choices = np.zeros((size, limit), np.uint8)
        """At how many choices in a row each has been in sight, up to `_SETTLED`."""
        self._search = Search()
        self._chosen = np.zeros(size, np.int64)
        """The tick of the last choice."""
        self._levels = np.full(size, FIRST_LEVEL, np.uint8)
        self._turn = np.zeros(size, np.uint8)
        self._since = np.zeros(size, np.uint8)
        """Packets since the choice."""
        self._pace = np.ones(size, np.uint8)
        """Ticks from one packet to the next."""
        self._known = np.zeros(_CHUNK * size, np.uint8)
        """Scratch: a line of rows for each of some viewers."""
        self._due = np.zeros(size, np.bool_)
        """Who is to have their sight chosen at this tick, whatever their turn."""

    def of(self, viewers: Rows) -> Rows:
        """Who is in sight of each, nearest first; row 0 is nobody."""
        return self._rows[viewers].astype(np.intp)

    def add(self, row: int) -> None:
        """A new viewer, who sees nobody yet."""
        self._rows[row] = self._new[row] = self._choices[row] = 0
        self._levels[row] = FIRST_LEVEL
        self._pace[row] = 1
        self._due[row] = True

    def remove(self, gone: list[int]) -> None:
        """These are in nobody's sight any more: their rows are free for others."""
        away = np.zeros(len(self._due), np.bool_)
        away[gone] = True
        self._rows[away.take(self._rows)] = 0
        self._rows[gone] = 0

    def pace(self, row: int, interval: int) -> None:
        """A viewer's packets come every `interval` ticks from now on, one of `INTERVALS`."""
        self._pace[row] = interval

    def choose(self, scene: Scene, tick: int, changed: set[int]) -> None:
        """Choose the sight of those whose turn it is, and of all in small worlds where somebody came or went."""
        present = np.flatnonzero(scene.world >= 0)
        if not len(present):
            return
        people = np.bincount(scene.world[present])
        small = people[scene.world] <= max(SMALL, self._limit + 1)
        due = self._due[: len(small)]
        due |= (np.arange(len(small)) + tick) % RESELECT == 0
        if changed:
            tiny = people[scene.world] <= self._limit + 1
            due |= tiny & np.isin(scene.world, list(changed))
        due &= scene.world >= 0
        viewers = np.flatnonzero(due)
        due[:] = False
        if len(viewers):
            levels = self._levels[viewers]
            found = self._search.nearest(Order(scene), viewers, levels, small[viewers], self._limit + _LOYALTY)
            self._levels[viewers] = levels
            chosen, before = self._keep(found, self._recall(viewers, found))
            before -= (before == 1) & (tick - self._chosen[viewers] < RESELECT)[:, None]  # still new
            self._new[viewers] = (before == 0) * np.uint8(SOMEBODY)
            self._choices[viewers] = np.minimum(before + 1, _SETTLED)
            self._rows[viewers] = chosen
            self._chosen[viewers] = tick
            self._since[viewers] = 0

    def whose_turn(self, viewers: Rows, tick: int, slowest: int) -> tuple[Rows, Bytes]:
        """(viewers, intervals) of those who are told something at this tick. slowest: the least interval, ticks."""
        intervals = np.maximum(self._pace[viewers], slowest)
        mine = (tick + viewers) % intervals == 0
        return (viewers, intervals) if mine.all() else (viewers[mine], intervals[mine])

    def packet(self, viewers: Rows, intervals: Bytes, state: Bytes, tick: int) -> Packet:
        """What these viewers' packets of this tick tell.

        A packet that would tell nothing is left out, unless it is a keep-alive.
        """
        pace = _PACES[intervals]
        sight = self.of(viewers)
        asked = self._asked.take(pace * 4 + self._turn[viewers] % 4, axis=0)
        fresh = self._since[viewers] % _FRESH_EVERY[pace] == 0
        asked[fresh] |= self._new[viewers[fresh]]
        asked[:, : self._near] |= self._new[:, : self._near][viewers]
        beat, light = self._ask_again(asked, tick + viewers)
        asked &= state.take(sight)
        told = asked & ~np.uint8(KEYED) != 0
        keyed = asked >= KEYED  # that bit, or one of those above it
        keyed[light] = (asked[light] & KEYED != 0) | (self._choices[viewers[light]] < _SETTLED)
        keyed &= told
        self._turn[viewers] += 1
        self._since[viewers] += 1
        worth = beat | told.any(axis=1)
        if worth.all():
            return Packet(viewers, intervals, sight, told, keyed)
        return Packet(viewers[worth], intervals[worth], sight[worth], told[worth], keyed[worth])

    def _ask_again(self, asked: Bytes, phase: Longs) -> tuple[Bools, Rows]:
        """At a viewer's keep-alive ask for a fifth of those in sight, whatever they do.

        Returns whose keep-alive it is, and for whom a Delta is enough: two times out of three it is.
        """
        beat = phase % BEAT == 0
        mine = np.flatnonzero(beat)
        number = phase[mine] // BEAT
        refresh = np.uint8(1) << (REFRESH_SHIFT + number % REFRESHES).astype(np.uint8)
        asked[mine] |= refresh[:, None]
        return beat, mine[number // REFRESHES % 3 != 0]

    def _keep(self, found: Rows, before: Bytes) -> tuple[Rows, Bytes]:
        """The best of those found, in order; whoever was not in sight `before` counts as `_LOYALTY` places farther."""
        place = np.arange(found.shape[1], dtype=np.int16)
        order = place + (before == 0) * np.int16(_LOYALTY)
        order <<= 8
        order |= place
        order.sort(axis=1)
        best = (order[:, : self._limit] & 0xFF).astype(np.intp)
        line = np.arange(len(found))[:, None] * found.shape[1]
        return found.take(best + line), before.take(best + line)

    def _recall(self, viewers: Rows, found: Rows) -> Bytes:
        """At how many choices in a row those found for each viewer have been in sight so far; 0 for nobody."""
        before = np.empty(found.shape, np.uint8)
        for start in range(0, len(viewers), _CHUNK):
            part = slice(start, start + _CHUNK)
            held = self.of(viewers[part])
            line = np.arange(len(held))[:, None] * len(self._due)
            held += line
            self._known[held] = self._choices[viewers[part]]
            self._known[line] = 0
            before[part] = self._known.take(found[part] + line)
            self._known[held] = 0
        return before
