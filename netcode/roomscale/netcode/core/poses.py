"""Where everybody on a node is, kept as the 16-byte records that go on the wire.

Rule: a pose's body is copied into its record as it came and never decoded one by one; what needs numbers (who is
near whom) decodes everybody at once, in numpy. Rows are few and dense: what is done each tick is done for the rows
below `top` only. Row 0 is nobody, so that a list of rows can be padded.
"""

from __future__ import annotations

import heapq
from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.protocol import RECORD
from roomscale.netcode.core.wire import POSE_BODY

KNOWN_FLAGS: Final = 0x0F
"""The bits of a pose's flags that are passed on."""
NOBODY: Final = 0
"""The row that nobody has."""

Rows = npt.NDArray[np.intp]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Columns:
    """The poses of rows 0 to `top` as numbers, in wire units."""

    x: Ints
    y: Ints
    z: Ints
    yaw: npt.NDArray[np.uint16]
    pitch: npt.NDArray[np.int8]
    look: npt.NDArray[np.uint16]
    """gesture | flags << 8."""


class PoseTable:
    """A record for each participant, in a row of their own that they keep while they are there."""

    def __init__(self, capacity: int) -> None:
        self.size = capacity + 1
        """Rows in all, that of nobody included."""
        self.top = 1
        """One more than the highest row in use."""
        self._raw = bytearray(RECORD * self.size)
        self._flags = bytearray([KNOWN_FLAGS]) * self.size
        self._seqs = array("H", bytes(2 * self.size))
        self._stamps = array("H", bytes(2 * self.size))
        self._arrivals = array("d", bytes(8 * self.size))
        self._free = list(range(1, self.size))
        self.used: Final = np.zeros(self.size, np.bool_)
        """Which rows are somebody's."""
        self.words: Final = np.frombuffer(self._raw, "<u8").reshape(-1, 2)
        """The records as two words each: numpy gathers those fastest."""
        self.seqs: Final = np.frombuffer(self._seqs, np.uint16)
        """The seq of each one's newest pose, 0 before any."""
        self.stamps: Final = np.frombuffer(self._stamps, np.uint16)
        """When each pose was taken: the server's clock, ms modulo 65,536."""
        self.arrivals: Final = np.frombuffer(self._arrivals, np.float64)
        """When each pose came, seconds; 0 before any."""

    def add(self, peer: int, body: bytes, stamp: int) -> int:
        """A new row for a participant; `body` is a pose's 14 bytes."""
        row = heapq.heappop(self._free)
        self.used[row] = True
        self.top = max(self.top, row + 1)
        self._raw[row * RECORD : row * RECORD + 2] = peer.to_bytes(2, "little")
        self._flags[row] = KNOWN_FLAGS
        self.put(row, body, 0, stamp, 0.0)
        return row

    def put(self, row: int, body: bytes, seq: int, stamp: int, now: float) -> None:
        """The newest pose of a row, as the 14 bytes that came; `now`: seconds, when it came."""
        if len(body) != POSE_BODY:
            raise ValueError(f"a pose has {POSE_BODY} bytes, not {len(body)}")
        end = (row + 1) * RECORD
        self._raw[end - POSE_BODY : end] = body
        self._raw[end - 1] &= self._flags[row]
        self._seqs[row] = seq
        self._stamps[row] = stamp
        self._arrivals[row] = now

    def allow(self, row: int, flags: int) -> None:
        """Pass on no other bits of a row's flags than these, also of the pose that is there."""
        self._flags[row] = flags & KNOWN_FLAGS
        self._raw[(row + 1) * RECORD - 1] &= self._flags[row]

    def body(self, row: int) -> bytes:
        """The newest pose of a row, as its 14 bytes."""
        end = (row + 1) * RECORD
        return bytes(self._raw[end - POSE_BODY : end])

    def remove(self, row: int) -> None:
        """Free a row."""
        self._raw[row * RECORD : (row + 1) * RECORD] = bytes(RECORD)
        self.used[row] = False
        heapq.heappush(self._free, row)
        while self.top > 1 and not self.used[self.top - 1]:
            self.top -= 1

    @property
    def rows(self) -> Rows:
        """The rows in use."""
        return np.flatnonzero(self.used[: self.top])

    def columns(self) -> Columns:
        """The newest poses as numbers: copies."""

        def column(kind: str, at: int) -> npt.NDArray[np.generic]:
            return np.ndarray((self.top,), np.dtype(kind), self._raw, at, (RECORD,)).copy()

        def i24(at: int) -> Ints:
            wide = column("<i4", at).astype(np.int32, copy=False)  # three bytes of it, and one of what follows
            wide <<= 8
            wide >>= 8
            return wide

        return Columns(i24(2), i24(5), i24(8), column("<u2", 11), column("i1", 13), column("<u2", 14))  # type: ignore[arg-type]
