"""Whom a participant is told about: everybody, or the nearest when there are too many for one packet.

Rule: a pure function from places to indices. Exact and quadratic in the number of participants (3 ms for 500):
it serves the worlds of one core today, and whatever replaces it keeps its signature.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.poses import Places, Rows

_CHUNK: Final = 128
"""Viewers handled at once, so that the distance matrix stays in the cache (128 x 1,000 x 4 bytes)."""


def nearest(places: Places, limit: int) -> Rows:
    """For each of n participants, the indices of the `limit` nearest others (of all others when there are fewer).

    places: (n, 3) millimetres. Returns (n, min(limit, n - 1)), without order within a row; never oneself.
    """
    n = len(places)
    if n - 1 <= limit:
        others = np.arange(max(n - 1, 0))
        return np.asarray(others + (others >= np.arange(n)[:, None]), np.intp)
    metres = places.astype(np.float32) / np.float32(1000)
    chosen = np.empty((n, limit), np.intp)
    for start in range(0, n, _CHUNK):
        chosen[start : start + _CHUNK] = _nearest_of(metres, start, limit)
    return chosen


def _nearest_of(metres: npt.NDArray[np.float32], start: int, limit: int) -> Rows:
    viewers = metres[start : start + _CHUNK]
    apart = ((metres[None, :, :] - viewers[:, None, :]) ** 2).sum(axis=2)
    apart[np.arange(len(viewers)), np.arange(start, start + len(viewers))] = np.inf  # not oneself
    return np.argpartition(apart, limit - 1, axis=1)[:, :limit]
