"""The frames of one tick: SIGHT for each viewer, and SNAPSHOT for those of version 1.

Rule: nothing is encoded here. Records lie ready (`core.motion`, `core.poses`) and are gathered for everybody at once;
the work for one viewer is one slice.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.motion import Motion
from roomscale.netcode.core.poses import PoseTable, Rows
from roomscale.netcode.core.protocol import RECORD, SIGHT_HEADER, SIGHT_TYPE, SNAPSHOT_HEADER, SNAPSHOT_TYPE
from roomscale.netcode.core.sight import Bytes, Packet

HEADER_DTYPE: Final = np.dtype(
    [
        ("pad", "u1", 2),
        ("type", "u1"),
        ("interval", "u1"),
        ("lead", "u1"),
        ("last_seq", "<u2"),
        ("tick", "<u4"),
        ("server_ms", "<u4"),
        ("count", "u1"),
    ],
)
"""A SIGHT's header behind two bytes that are not sent, so that it fills two words like a keyframe."""
_PAD: Final = HEADER_DTYPE.itemsize - SIGHT_HEADER.size
_HEADER_WORDS: Final = HEADER_DTYPE.itemsize // 8
_NO_LEAD: Final = 255
"""A lead that says nothing: the newest pose came too long ago."""


def leads(arrivals: npt.NDArray[np.float64], now: float) -> Bytes:
    """Milliseconds from the arrival of each one's newest pose to now, at most 255."""
    return np.clip((now - arrivals) * 1000, 0, _NO_LEAD).astype(np.uint8)


def together(packets: list[Packet]) -> Packet:
    """Several packets as one."""
    return packets[0] if len(packets) == 1 else Packet(*map(np.concatenate, zip(*packets, strict=True)))


class Gathering:
    """Gathers SIGHTs. Keeps no state between calls but memory to compute in, which stays in the cache."""

    def __init__(self) -> None:
        self._records = np.empty(0, "<u8")
        self._words = np.empty(0, "<u8")

    def sights(self, motion: Motion, packet: Packet, heads: npt.NDArray[np.void]) -> list[bytes]:
        """A SIGHT for each viewer. heads: `HEADER_DTYPE`, all but type, interval and count."""
        heads["type"], heads["interval"], heads["count"] = SIGHT_TYPE, packet.intervals, packet.counts
        sizes = packet.counts + packet.keyframes + _HEADER_WORDS
        ends = sizes.cumsum()
        starts = ends - sizes
        records, words = self._room(len(packet.rows), int(sizes.sum()))
        head = heads.view("<u8").reshape(-1, _HEADER_WORDS)
        words[starts], words[starts + 1] = head[:, 0], head[:, 1]
        keys = np.flatnonzero(packet.keyed)
        to = _positions(packet.counts, keys)
        words[to[keys] + 1] = motion.second.take(packet.rows[keys])
        at = packet.rows * 2
        at[keys] += 1
        words[to] = motion.first.ravel().take(at, out=records, mode="clip")
        frames = words.tobytes()
        spans = zip((starts * 8 + _PAD).tolist(), (ends * 8).tolist(), strict=True)
        return [frames[start:end] for start, end in spans]

    def _room(self, records: int, words: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        if len(self._records) < records:
            self._records = np.empty(2 * records, "<u8")
        if len(self._words) < words:
            self._words = np.empty(2 * words, "<u8")
        return self._records[:records], self._words[:words]


def _positions(counts: npt.NDArray[np.int64], keys: Rows) -> Rows:
    """The word at which each record begins: behind all records before it, keyframes twice, and the headers."""
    n = int(counts.sum())
    to = np.arange(n)
    to += np.repeat(np.arange(_HEADER_WORDS, (len(counts) + 1) * _HEADER_WORDS, _HEADER_WORDS), counts)
    gaps = np.empty(len(keys) + 1, np.int64)
    gaps[:-1] = keys
    gaps[-1] = n - 1
    gaps[1:] -= keys
    gaps[0] += 1
    to += np.repeat(np.arange(len(gaps)), gaps)
    return to


def snapshots(table: PoseTable, viewers: Rows, sight: Rows, tick: int, server_ms: int) -> list[bytes]:
    """A SNAPSHOT, version 1, for each viewer: all in sight, at each tick."""
    counts = np.count_nonzero(sight, axis=1)
    records = table.words.take(sight[sight != 0], axis=0).tobytes()
    ends = counts.cumsum() * RECORD
    return [
        SNAPSHOT_HEADER.pack(SNAPSHOT_TYPE, tick, server_ms, seq, count) + records[end - count * RECORD : end]
        for seq, count, end in zip(table.seqs[viewers].tolist(), counts.tolist(), ends.tolist(), strict=True)
    ]
