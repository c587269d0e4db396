"""Everybody's records for this tick, encoded once, and what is known of how everybody moves.

Rule: a Delta is true for whoever knows any pose of the last `REFERENCE_TICKS`: where that cannot be promised (a
leap, a fall), and around each change that a Delta does not carry, keyframes go instead. So nobody's loss of one packet
delays anything but that packet.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.messages import REFERENCE_TICKS
from roomscale.netcode.core.poses import Columns, Ints, PoseTable
from roomscale.netcode.core.records import AGE_MS, KEYFRAME, OLDEST, WINDOW, WINDOW_Y

ACTIVE: Final = 1
"""Bit of a state: moved lately, so is told at full rate."""
KEYED: Final = 2
"""Bit of a state: must be told by a keyframe."""
PRESENT: Final = 4
"""Bit of a state: is somebody."""
REFRESH_SHIFT: Final = 3
REFRESHES: Final = 5
"""Bits of a state above those: one of five, which says at which of its keep-alives a viewer is told anyway."""
LINGER: Final = 8
"""Ticks for which a change is told on: at 5 Hz twice, so that one lost packet does not leave a wrong end."""
_BLOCK: Final = 4
"""Ticks whose least and greatest places are kept together."""
_BLOCKS: Final = REFERENCE_TICKS // _BLOCK
_SLACK: Final = 4
"""Centimetres by which the window of a Delta is not used up: both ends are rounded."""


class Motion:
    """By row: the state, and the words of a Delta and of a Keyframe."""

    def __init__(self, table: PoseTable) -> None:
        size = table.size
        self._table = table
        self.state = np.zeros(size, np.uint8)
        self.first = np.zeros((size, 2), "<u8")
        """The first word of a record: of its Delta, of its Keyframe."""
        self.second = np.zeros(size, "<u8")
        """The second word of a Keyframe."""
        self.places: Ints = np.zeros((3, size), np.int32)
        """x, y, z, millimetres."""
        self._halves = np.zeros((size, 2), "<u4")
        self._look = np.zeros(size, np.uint16)
        self._base = np.zeros(size, np.uint8)
        self._active = np.zeros(size, np.int64)
        self._keyed = np.zeros(size, np.int64)
        self._low, self._high = (np.zeros((3, size), np.int32) for _ in range(2))
        self._lows, self._highs = (np.zeros((_BLOCKS, 3, size), np.int32) for _ in range(2))
        self._block = 0
        self._born: list[int] = []

    def add(self, row: int) -> None:
        """Somebody has this row from now on."""
        self._base[row] = PRESENT | 1 << (REFRESH_SHIFT + row % REFRESHES)
        self._born.append(row)

    def remove(self, row: int) -> None:
        """Nobody has this row any more."""
        self._base[row] = self.state[row] = 0
        if row in self._born:
            self._born.remove(row)

    def update(self, columns: Columns, server_ms: int, tick: int) -> None:
        """The records and states of this tick. server_ms: the server's clock at the tick."""
        top = len(columns.x)
        places = self.places[:, :top]
        places[0], places[1], places[2] = columns.x, columns.y, columns.z
        centimetres = (places + 5) // 10
        unsafe = self._watch(centimetres, tick)
        moved, looks = self._encode(columns, centimetres, self._ages(server_ms, top))
        moved[self._born] = True
        self._born.clear()
        self._follow(moved, looks, tick)
        keyed = unsafe | (self._keyed[:top] > tick)
        state = self._base[:top] | np.where(keyed, np.uint8(KEYED), np.uint8(0))
        state |= self._active[:top] > tick
        state[self._base[:top] == 0] = 0
        self.state[:top] = state

    def _follow(self, moved: npt.NDArray[np.bool_], looks: npt.NDArray[np.bool_], tick: int) -> None:
        """Who moves is active for a while; who begins to, or looks another way than before, is keyed for as long."""
        active, keyed = self._active[: len(moved)], self._keyed[: len(moved)]
        moved |= looks
        starts = moved & (active <= tick)
        active[moved] = tick + LINGER
        keyed[starts | looks] = tick + LINGER

    def _ages(self, server_ms: int, top: int) -> npt.NDArray[np.uint8]:
        """How old each pose is, in steps of `AGE_MS`."""
        ms = (np.uint16(server_ms & 0xFFFF) - self._table.stamps[:top]).view(np.int16)
        return ((np.clip(ms, 0, OLDEST * AGE_MS) + AGE_MS // 2) // AGE_MS).astype(np.uint8)

    def _encode(
        self, c: Columns, centimetres: Ints, ages: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Fill in the words; returns who moved by a step of a Delta, and whose gesture or flags changed."""
        top = len(ages)
        words = self._table.words[:top]
        x, y, z = centimetres.view(np.uint32)
        pitch = ((c.pitch.astype(np.int32) + 1) >> 1).clip(-64, 63).view(np.uint32)
        low = words[:, 0].astype(np.uint32) & 0x1FFF
        low |= (x & (WINDOW - 1)) << 14
        low |= (pitch & 127) << 25
        high = z & (WINDOW - 1)
        high |= (y & (WINDOW_Y - 1)) << 11
        high |= ((c.yaw.astype(np.uint32) + 128 >> 8) & 255) << 20
        halves = self._halves[:top]
        moved = (halves[:, 0] != low) | (halves[:, 1] != high)
        halves[:, 0], halves[:, 1] = low, high
        looks = self._look[:top] != c.look
        self._look[:top] = c.look
        self.first[:top, 0] = low
        self.first[:top, 0] |= (high | ages.astype(np.uint32) << 28).astype(np.uint64) << np.uint64(32)
        self.first[:top, 1] = words[:, 0] | np.uint64(KEYFRAME)
        self.second[:top] = words[:, 1] | ages.astype(np.uint64) << np.uint64(60)
        return moved, looks

    def _watch(self, centimetres: Ints, tick: int) -> npt.NDArray[np.bool_]:
        """Remember where everybody was; who was so far from here within `REFERENCE_TICKS` that a Delta may mislead."""
        top = centimetres.shape[1]
        for row in self._born:
            self._lows[:, :, row] = self._highs[:, :, row] = centimetres[:, row]
            self._low[:, row] = self._high[:, row] = centimetres[:, row]
        low, high = self._low[:, :top], self._high[:, :top]
        if tick // _BLOCK != self._block:
            self._lows[self._block % _BLOCKS], self._highs[self._block % _BLOCKS] = self._low, self._high
            self._block = tick // _BLOCK
            low[:] = high[:] = centimetres
        else:
            np.minimum(low, centimetres, out=low)
            np.maximum(high, centimetres, out=high)
        span_low = np.minimum(self._lows[:, :, :top].min(axis=0), low)
        span_high = np.maximum(self._highs[:, :, :top].max(axis=0), high)
        limits = np.array([[WINDOW], [WINDOW_Y], [WINDOW]]) // 2 - _SLACK
        span = np.maximum(span_high - centimetres, centimetres - span_low)
        unsafe: npt.NDArray[np.bool_] = (span > limits).any(axis=0)
        return unsafe
