"""Whom each viewer has in sight, and which of them are told of in which packet.

Rule: all of it follows from the tick and the viewer's row, so that the viewers of a tick fall into few groups that are
told of the same places in their sight. While they move the nearest 12 of 64 in sight are told of at 20 Hz, the next 20
at 10 Hz, the other half at 5 Hz; everybody once a second, whatever they do; who has come into sight at three
keep-alives in a row, or, if near, in each packet until sight is chosen anew. Whose gesture or flags have changed is
news, which goes to everybody who sees them in the very next packet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.interest import FIRST_LEVEL, SMALL, Order, Scene, Search
from roomscale.netcode.core.motion import KEYED, MOVED, MOVES, REFRESH_SHIFT, REFRESHES
from roomscale.netcode.core.poses import Rows

BEAT: Final = 4
"""Ticks from one keep-alive to the next: 5 Hz. Also the longest interval."""
RESELECT: Final = 3
"""Keep-alives after which a viewer's sight is chosen anew, just before one of them tells of newcomers."""
PER_BEAT: Final = 1000
"""Viewers for whom that is done between two keep-alives at most: more wait longer for their turn."""
INTERVALS: Final = (1, 2, 4)
"""Ticks from one packet to the next, for a viewer: 20, 10 and 5 Hz."""
_LIGHT: Final = 3
"""Everybody in sight is told of again each second; by a keyframe once in so many times."""
_SETTLED: Final = 3
"""Choices in a row from which on a Delta will do for that: the first time it is a keyframe."""
_LOYALTY: Final = 8
"""Places by which somebody must be nearer than the last in sight to come into it: at the border nobody flickers."""
_PART: Final = 1280
"""Viewers of a group handled at once, so that what is computed on the way stays in the cache."""
_CHUNK: Final = 128
"""Viewers whose old and new sights are compared at once."""

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]


class Packet(NamedTuple):
    """What the packets of some viewers tell. The records of all of them follow one another, viewer by viewer."""

    viewers: Rows
    intervals: Bytes
    """Of each viewer: ticks from one packet to the next."""
    counts: Longs
    """Of each viewer: records."""
    keyframes: Longs
    """Of each viewer: how many of those are keyframes."""
    rows: Rows
    """Of each record: of whom."""
    keyed: Bools
    """Of each record: whether it is a keyframe."""


class _Plan(NamedTuple):
    """Which places in sight a packet asks for. The places of a tier are a slice of sight."""

    slices: tuple[slice, ...]
    asked: Bytes
    """Which bits of the state of whoever is at each of these places are asked for: padded to whole words."""
    others: Bools
    """By place: whether it is not among these."""


def _plan(limit: int, interval: int, turn: int, *, everyone: bool) -> _Plan:
    """The places that are due in a viewer's `turn`; or all of them, of whom those not due are not asked for moving."""
    near, middle = limit * 3 // 16, limit // 2
    slices, asked = [], []
    for start, end, period in ((0, near, 1), (near, middle, 2), (middle, limit, 4)):
        every = max(1, period // interval)
        moving = MOVES if max(period, interval) < BEAT else MOVED
        due = (np.arange(start, end) + turn) % every == 0
        first = start + int(due.argmax()) if due.any() else end
        slices.append(slice(start, end) if everyone else slice(first, end, every))
        asked.append(np.where(due, moving, 0)[slice(None) if everyone else due])
    places = np.concatenate(asked).astype(np.uint8)
    others = np.ones(limit, np.bool_)
    for tier in slices:
        others[tier] = False
    return _Plan(tuple(slices), np.pad(places, (0, -len(places) % 8)), others)


class Sights:
    """By row of the viewer."""

    def __init__(self, size: int, limit: int) -> None:
        self._limit = limit
        self._near = limit * 3 // 16
        self._plans: Final = {
            (interval, left): _plan(limit, interval, left // interval, everyone=left == 0)
            for interval in INTERVALS
            for left in range(0, BEAT, interval)
        }
        self._rows = np.zeros((size, limit), np.uint16)
        self._new = np.zeros((size, limit), np.bool_)
        """Who was not in sight before the last choice."""
        self._choices = np.zeros((size, limit), np.uint8)
        """At how many choices in a row each has been in sight, up to `_SETTLED`."""
        self._search = Search()
        self._chosen = np.zeros(size, np.int64)
        """The tick of the last choice."""
        self._levels = np.full(size, FIRST_LEVEL, np.uint8)
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
        lost = away.take(self._rows)
        self._rows[lost] = 0
        self._new[lost] = False
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
        period = BEAT * max(RESELECT, -(-len(present) // PER_BEAT))
        due = self._due[: len(small)]
        due |= (np.arange(len(small)) + tick) % period == 0
        if changed:
            tiny = people[scene.world] <= self._limit + 1
            due |= tiny & np.isin(scene.world, list(changed))
        due &= scene.world >= 0
        viewers = np.flatnonzero(due)
        due[:] = False
        if not len(viewers):
            return
        levels = self._levels[viewers]
        found = self._search.nearest(Order(scene), viewers, levels, small[viewers], self._limit + _LOYALTY)
        self._levels[viewers] = levels
        chosen, before = self._keep(found, self._recall(viewers, found))
        before -= (before == 1) & (tick - self._chosen[viewers] < period)[:, None]  # still new
        self._new[viewers] = (before == 0) & (chosen != 0)
        self._choices[viewers] = np.minimum(before + 1, _SETTLED)
        self._rows[viewers] = chosen
        self._chosen[viewers] = tick

    def whose_turn(self, viewers: Rows, tick: int, slowest: int) -> Rows:
        """Those of some viewers who are told something at this tick. slowest: the least interval, ticks."""
        found: Rows = viewers[(tick + viewers) % np.maximum(self._pace[viewers], slowest) == 0]
        return found

    def packets(self, viewers: Rows, state: Bytes, news: Longs, tick: int, slowest: int) -> Iterator[Packet]:
        """What is told at this tick. A packet that would tell nothing is left out, unless it is a keep-alive.

        news: by row, the tick at which there was news of each. slowest: the least interval, ticks.
        """
        pace = np.maximum(self._pace[viewers], slowest)
        fresh = {interval: _any(tick - news < interval) for interval in INTERVALS}
        left = (tick + viewers) % BEAT
        for (interval, when), plan in self._plans.items():
            group = viewers[(pace == interval) & (left == when)]
            for part in np.split(group, range(_PART, len(group), _PART)):
                if len(part):
                    packet = self._packet(part, interval, plan, state, fresh[interval], tick, keep_alive=when == 0)
                    yield packet if when == 0 else _worth_sending(packet)

    def _packet(
        self,
        viewers: Rows,
        interval: int,
        plan: _Plan,
        state: Bytes,
        fresh: Bools | None,
        tick: int,
        *,
        keep_alive: bool,
    ) -> Packet:
        mine = self._rows[viewers]
        sight = np.zeros((len(viewers), len(plan.asked)), np.intp)
        at = 0
        for tier in plan.slices:
            places = mine[:, tier]
            sight[:, at : at + places.shape[1]] = places
            at += places.shape[1]
        asked = state.take(sight)
        told = asked & plan.asked != 0
        keyed = asked & KEYED != 0
        if keep_alive:
            self._tell_again(viewers, asked, told, keyed, tick)
            if fresh is not None:
                told[:, : self._limit] |= fresh.take(mine)
        else:
            new = self._new[viewers, : self._near] if self._near else self._new[viewers, :0]
            told[:, : self._near] |= new
            keyed[:, : self._near] |= new
        keyed &= told
        counts, keyframes = _count(told), _count(keyed)
        records = np.flatnonzero(told)
        rows, keys = sight.ravel().take(records), keyed.ravel().take(records)
        packet = Packet(viewers, np.full(len(viewers), interval, np.uint8), counts, keyframes, rows, keys)
        if fresh is None or keep_alive:
            return packet
        return _with_news(packet, fresh.take(mine) & plan.others, mine, state)

    def _tell_again(self, viewers: Rows, asked: Bytes, told: Bools, keyed: Bools, tick: int) -> None:
        """At a keep-alive tell of those new in sight, and of a fifth of all, whatever they do."""
        number = (tick + viewers) // BEAT
        bit = np.uint8(1) << (REFRESH_SHIFT + number % REFRESHES).astype(np.uint8)
        again = asked & bit[:, None] != 0
        told |= again
        again[:, : self._limit] &= (number // REFRESHES % _LIGHT == 0)[:, None] | (self._choices[viewers] < _SETTLED)
        keyed |= again
        new = self._new[viewers]
        told[:, : self._limit] |= new
        keyed[:, : self._limit] |= new

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


def _with_news(packet: Packet, news: Bools, sight: npt.NDArray[np.uint16], state: Bytes) -> Packet:
    """Also tell each viewer of those in their sight of whom there is `news`, whom the packet does not tell of yet."""
    lines, places = np.nonzero(news)
    if not len(lines):
        return packet
    who = sight[lines, places].astype(np.intp)
    keyed = state[who] & KEYED != 0
    at = packet.counts.cumsum()[lines]
    return packet._replace(
        counts=packet.counts + np.bincount(lines, minlength=len(sight)),
        keyframes=packet.keyframes + np.bincount(lines[keyed], minlength=len(sight)),
        rows=np.insert(packet.rows, at, who),
        keyed=np.insert(packet.keyed, at, keyed),
    )


def _worth_sending(packet: Packet) -> Packet:
    """The same without the packets that would tell nothing."""
    worth = packet.counts > 0
    viewers, intervals = packet.viewers[worth], packet.intervals[worth]
    return Packet(viewers, intervals, packet.counts[worth], packet.keyframes[worth], packet.rows, packet.keyed)


def _any(which: Bools) -> Bools | None:
    """The same, or None where it is true of nobody: mostly there is no news."""
    return which if which.any() else None


def _count(lines: Bools) -> Longs:
    """How many are true in each line of whole words. (Eight at once: bytes added up in a word, then across it.)"""
    sums: npt.NDArray[np.uint64] = lines.view(np.uint64).sum(axis=1)
    sums *= np.uint64(0x0101_0101_0101_0101)
    sums >>= np.uint64(56)
    return sums.view(np.int64)
