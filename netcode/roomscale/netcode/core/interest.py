"""Whom a participant is shown: the nearest, with room made for who speaks and who is looked at.

Rule: for each viewer the work is bounded, wherever everybody is. Everybody is sorted once along a Z-order curve, on
which a square of any size, on a grid of its own size, is one run. Candidates are those in the 3 x 3 cells around the
viewer; how large a cell is, is remembered for each viewer and fits how crowded it is there: 8 m at first, 1 m in a
throng, kilometres where nobody is near. So the choice is that of an exact search within a few percent, and exact
where a world is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.poses import Ints, Rows

FIRST_LEVEL: Final = 4
"""Where a viewer begins: cells of 8 m. Those of a level have sides of 0.512 m x 2^level."""
_TOP: Final = 16
"""The level whose one cell is all of a world."""
_FINEST: Final = 9
"""Millimetres, as a power of two: the side of the smallest cells."""
SMALL: Final = 256
"""Participants of a world up to whom everybody in it is a candidate."""
MOST: Final = 512
"""Candidates looked at for one viewer. Beyond them every second, third... is: it happens where people stand in one
another, and for half a second until smaller cells are taken."""
_FEW: Final = 1.5
"""Candidates, as a multiple of those wanted, below which larger cells are taken. (2.9 would be exact where people
stand evenly.)"""
_MANY: Final = 6.5
"""The same, above which smaller cells are the next time: a quarter of them is still enough."""
_SPEAKING: Final = 0.7
"""As how far away one who speaks counts, as a share of the true distance."""
_LOOKED_AT: Final = 0.3
"""By what share of their distance those straight ahead count as nearer; none to the side and behind."""
_STEP: Final = 1 / 64
"""Metres: a distance is rounded to these, so that with a place in the order it fits one 32-bit key."""
_ROW_BITS: Final = 13
_ROW_MASK: Final = (1 << _ROW_BITS) - 1
_FAR: Final = (1 << (32 - _ROW_BITS)) - 1
"""The distance of nobody, in steps."""
_NOWHERE: Final = 1e6
"""Metres: where nobody is."""
_CHUNK: Final = 96
"""Viewers handled at once, so that what is computed on the way stays in the cache."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]

_AROUND: Final = np.array([[-1], [0], [1]])


@dataclass(frozen=True, slots=True)
class Scene:
    """Everybody on the node, by row."""

    x: Ints
    """Millimetres."""
    y: Ints
    z: Ints
    yaw: Floats
    """Radians."""
    speaking: Bools
    world: Longs
    """Whose world this is; -1 in rows that nobody has."""


class Order:
    """The participants of a scene, at least one, along the curve."""

    def __init__(self, scene: Scene) -> None:
        rows = np.flatnonzero(scene.world >= 0)
        self._across = (scene.x >> _FINEST) + (1 << (_TOP - 1))
        self._along = (scene.z >> _FINEST) + (1 << (_TOP - 1))
        self._world = scene.world << 2 * _TOP
        keys = self._world[rows] | _curve(self._across[rows].astype(np.int64), self._along[rows].astype(np.int64))
        keys = keys << _ROW_BITS | rows
        keys.sort()
        self._keys = keys >> _ROW_BITS
        self.rows: Final = np.append(keys & _ROW_MASK, 0)
        """Everybody in order, and nobody."""
        self.place: Final = np.zeros(len(scene.x), np.intp)
        """Where in the order each row is."""
        self.place[self.rows] = np.arange(len(self.rows))
        self.x, self.y, self.z = (_metres(column)[self.rows] for column in (scene.x, scene.y, scene.z))
        self.x[-1] = _NOWHERE
        self.yaw: Final = scene.yaw[self.rows]
        speaking = scene.speaking[self.rows]
        self.weight: Final = np.where(speaking, np.float32(_SPEAKING / _STEP), np.float32(1 / _STEP))

    def runs(self, viewers: Rows, levels: Bytes) -> tuple[Longs, Longs]:
        """Who is in the 3 x 3 cells around each viewer: nine runs of the order, (starts, lengths), (viewers, 9)."""
        shift = levels.astype(np.int64)
        limit = 1 << (_TOP - shift)
        across = (self._across[viewers] >> shift) + _AROUND
        along = (self._along[viewers] >> shift) + _AROUND
        outside = ((across < 0) | (across >= limit))[:, None] | ((along < 0) | (along >= limit))
        cells = _curve(across[:, None], along) << 2 * shift | self._world[viewers]
        starts = self._keys.searchsorted(cells)
        lengths = self._keys.searchsorted(cells + (1 << 2 * shift)) - starts
        lengths[outside] = 0
        return starts.reshape(9, -1).T, lengths.reshape(9, -1).T


class Search:
    """Looks for the nearest. Keeps no state between calls but memory to compute in, which stays in the cache."""

    def __init__(self) -> None:
        self._floats = [np.empty(_CHUNK * MOST, np.float32) for _ in range(4)]
        self._places = np.empty(_CHUNK * MOST, np.intp)
        self._keys = np.empty(_CHUNK * MOST, np.uint32)

    def nearest(self, order: Order, viewers: Rows, levels: Bytes, small: Bools, limit: int) -> Rows:
        """For each viewer the rows of the `limit` nearest others, nearest first, padded with nobody.

        levels: each viewer's size of cells, changed in place. small: whose world has at most `SMALL` participants.
        """
        chosen = np.zeros((len(viewers), limit), np.intp)
        levels[(levels == _TOP) & ~small] = FIRST_LEVEL
        levels[small] = _TOP
        waiting = order.place[viewers].argsort()
        while len(waiting):
            starts, lengths = order.runs(viewers[waiting], levels[waiting])
            found = lengths.sum(axis=1)
            short = (found < limit * _FEW) & (levels[waiting] < _TOP)
            levels[waiting[short]] += 1
            levels[waiting[(found > limit * _MANY) & ~small[waiting] & (levels[waiting] > 0)]] -= 1
            ready = np.flatnonzero(~short)
            ready = ready[found[ready].argsort()]  # those alike in one chunk: less padding
            for part in np.split(ready, range(_CHUNK, len(ready), _CHUNK)):
                if len(part):
                    mine = waiting[part]
                    chosen[mine] = self._choose(order, viewers[mine], starts[part], lengths[part], limit)
            waiting = waiting[short]
        return chosen

    def _choose(self, order: Order, viewers: Rows, starts: Longs, lengths: Longs, limit: int) -> Rows:
        """The best of those in each viewer's runs, in order."""
        keys = self._rank(order, order.place[viewers][:, None], self._candidates(order, starts, lengths))
        keys.sort(axis=1)
        keys = keys[:, : limit + 1]  # with oneself, who is among the nearest
        rows = order.rows.take(keys & _ROW_MASK)
        rows[keys >= _FAR << _ROW_BITS] = 0
        others = rows != viewers[:, None]
        others[:, -1] &= ~others.all(axis=1)
        chosen = np.zeros((len(viewers), limit), np.intp)
        chosen[:, : rows.shape[1] - 1] = rows[others].reshape(len(viewers), -1)
        return chosen

    def _candidates(self, order: Order, starts: Longs, lengths: Longs) -> Rows:
        """The places in each viewer's runs, at most `MOST` of them, padded with nobody's."""
        flat = lengths.ravel()
        upto = flat.cumsum()
        places = np.empty(int(upto[-1]) + 1, np.intp)
        places[:-1] = np.repeat(starts.ravel() - upto + flat, flat)
        places[:-1] += np.arange(len(places) - 1)
        places[-1] = len(order.rows) - 1
        found = lengths.sum(axis=1)[:, None]
        first = (upto[8::9] - found[:, 0])[:, None]
        most = int(found.max())
        at = np.arange(min(most, MOST))
        index = self._places[: len(found) * len(at)].reshape(len(found), -1)
        np.add(first, at if most <= MOST else at * np.maximum(found, MOST) // MOST, out=index)
        np.copyto(index, len(places) - 1, where=at >= found)
        places.take(index, out=index, mode="clip")
        return index

    def _rank(self, order: Order, viewers: Rows, places: Rows) -> npt.NDArray[np.uint32]:
        """For each candidate how far it counts as being, above its place in the order: keys to be sorted."""
        dx, dz, ahead, other = (scratch[: places.size].reshape(places.shape) for scratch in self._floats)
        yaw = order.yaw[viewers]
        order.x.take(places, out=dx, mode="clip")
        dx -= order.x[viewers]
        order.z.take(places, out=dz, mode="clip")
        dz -= order.z[viewers]
        np.multiply(dx, np.sin(yaw) * np.float32(-_LOOKED_AT), out=ahead)
        np.multiply(dz, np.cos(yaw) * np.float32(_LOOKED_AT), out=other)
        ahead -= other
        np.maximum(ahead, np.float32(0), out=ahead)
        dx *= dx
        dz *= dz
        dx += dz
        order.y.take(places, out=other, mode="clip")
        other -= order.y[viewers]
        other *= other
        dx += other
        np.sqrt(dx, out=dx)
        dx -= ahead
        order.weight.take(places, out=other, mode="clip")
        dx *= other
        np.minimum(dx, np.float32(_FAR), out=dx)
        keys = self._keys[: places.size].reshape(places.shape)
        keys[...] = dx
        keys <<= _ROW_BITS
        low = other.view(np.uint32)
        low[...] = places
        keys |= low
        return keys


def _curve(across: Longs, along: Longs) -> Longs:
    """The place of cells on the Z-order curve: the bits of both numbers, one of each in turn."""
    return _spread(across) | _spread(along) << 1


def _spread(number: Longs) -> Longs:
    """Bits 0 to 15 of each number, with a gap after each."""
    number = (number | number << 8) & 0x00FF_00FF
    number = (number | number << 4) & 0x0F0F_0F0F
    number = (number | number << 2) & 0x3333_3333
    spread: Longs = (number | number << 1) & 0x5555_5555
    return spread


def _metres(millimetres: Ints) -> Floats:
    return millimetres.astype(np.float32) * np.float32(0.001)
