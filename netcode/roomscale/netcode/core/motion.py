"""Everybody's records for this tick, encoded once, and what is known of how everybody moves.

Rule: a Delta is true for whoever knows any pose of the last `REFERENCE_TICKS`: where that cannot be promised (a
leap, a fall), and around each change that a Delta does not carry, keyframes go instead. So nobody's loss of one packet
delays anything but that packet.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.messages import REFERENCE_TICKS, Flags
from roomscale.netcode.core.poses import Columns, Ints, PoseTable
from roomscale.netcode.core.records import AGE_MS, KEYFRAME, OLDEST, WINDOW, WINDOW_Y

MOVES: Final = 1
"""Bit of a state: has moved within `SHORTLY`; who is near is told of it."""
MOVED: Final = 2
"""Bit of a state: has moved within `LATELY`; who is far, and told of more rarely, is told of it still."""
KEYED: Final = 4
"""Bit of a state: a Delta would not tell all, or would mislead."""
REFRESH_SHIFT: Final = 3
REFRESHES: Final = 5
"""Bits of a state above those: each row has one of five, which says at which keep-alive a viewer is told anyway."""
SOMEBODY: Final = 0xFF << REFRESH_SHIFT & 0xFF
"""All of those: a state has one of them if it is somebody's."""
SHORTLY: Final = 4
"""Ticks: at 20 Hz four packets, so that one lost does not leave a wrong end."""
LATELY: Final = 8
"""Ticks: two packets at 5 Hz."""
_BLOCK: Final = 8
"""Ticks whose least and greatest places are kept together."""
_BLOCKS: Final = REFERENCE_TICKS // _BLOCK
_SLACK: Final = 4
"""Centimetres by which the window of a Delta is not used up: both ends are rounded."""
_LIMITS: Final = np.array([[WINDOW], [WINDOW_Y], [WINDOW]], np.int32) // 2 - _SLACK
_SPEAKING: Final = Flags.SPEAKING << 8


Bools = npt.NDArray[np.bool_]


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
        self._moved = np.full(size, -LATELY, np.int64)
        """The tick at which each moved last."""
        self._keyed = np.zeros(size, np.int64)
        """The tick until which each is keyed."""
        self.news = np.full(size, -LATELY, np.int64)
        """The tick at which each one's gesture or flags changed last: news to everybody who sees them."""
        self._blocks = np.zeros((_BLOCKS, 2, 3, size), np.int32)
        """The least and the greatest places of the last full blocks of ticks, centimetres."""
        self._before = np.zeros((2, 3, size), np.int32)
        """The same of them all."""
        self._block = np.zeros((2, 3, size), np.int32)
        """The same of the block that is under way."""
        self._number = 0
        self._born: list[int] = []

    def add(self, row: int) -> None:
        """Somebody has this row from now on."""
        self._base[row] = 1 << (REFRESH_SHIFT + row % REFRESHES)
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
        moved, changes = self._encode(columns, centimetres, self._ages(server_ms, top))
        self.news[:top][changes != 0] = tick
        looks = changes & np.uint16(0xFFFF ^ _SPEAKING) != 0
        moved[self._born] = True
        self._born.clear()
        unsafe |= self._follow(moved, looks, tick)
        ago = tick - self._moved[:top]
        state = unsafe * np.uint8(KEYED)
        state |= (ago < LATELY) * np.uint8(MOVED)
        state |= (ago < SHORTLY) * np.uint8(MOVES)
        state |= self._base[:top]
        state *= self._base[:top] != 0
        self.state[:top] = state

    def _follow(self, moved: Bools, looks: Bools, tick: int) -> Bools:
        """Who is keyed: for a short while who begins to move, for longer whose gesture or flags changed."""
        last, keyed = self._moved[: len(moved)], self._keyed[: len(moved)]
        moved |= looks
        starts = moved & (tick - last >= SHORTLY)
        last[moved] = tick
        keyed[starts] = np.maximum(keyed[starts], tick + SHORTLY)
        keyed[looks] = tick + LATELY
        found: Bools = keyed > tick
        return found

    def _ages(self, server_ms: int, top: int) -> npt.NDArray[np.uint8]:
        """How old each pose is, in steps of `AGE_MS`."""
        ms = (np.uint16(server_ms & 0xFFFF) - self._table.stamps[:top]).view(np.int16)
        return ((np.clip(ms, 0, OLDEST * AGE_MS) + AGE_MS // 2) // AGE_MS).astype(np.uint8)

    def _encode(
        self, c: Columns, centimetres: Ints, ages: npt.NDArray[np.uint8]
    ) -> tuple[Bools, npt.NDArray[np.uint16]]:
        """Fill in the words; returns whose Delta changed, and which bits of everybody's look did."""
        top = len(ages)
        words = self._table.words[:top]
        x, y, z = centimetres.view(np.uint32)
        pitch = ((c.pitch.astype(np.int32) + 1) >> 1).clip(-64, 63).view(np.uint32)
        low = words[:, 0].astype(np.uint32) & 0x1FFF
        low |= (x & (WINDOW - 1)) << 14
        low |= (pitch & 127) << 25
        high = z & (WINDOW - 1)
        high |= (y & (WINDOW_Y - 1)) << 11
        high |= (c.look & np.uint16(_SPEAKING) != 0).astype(np.uint32) << 19
        high |= ((c.yaw.astype(np.uint32) + 128 >> 8) & 255) << 20
        halves = self._halves[:top]
        moved = (halves[:, 0] != low) | (halves[:, 1] != high)
        halves[:, 0], halves[:, 1] = low, high
        changes = self._look[:top] ^ c.look
        self._look[:top] = c.look
        self.first[:top, 0] = low
        self.first[:top, 0] |= (high | ages.astype(np.uint32) << 28).astype(np.uint64) << np.uint64(32)
        self.first[:top, 1] = words[:, 0] | np.uint64(KEYFRAME)
        self.second[:top] = words[:, 1] | ages.astype(np.uint64) << np.uint64(60)
        return moved, changes

    def _watch(self, centimetres: Ints, tick: int) -> Bools:
        """Remember where everybody was; who was so far from here within `REFERENCE_TICKS` that a Delta may mislead."""
        top = centimetres.shape[1]
        for row in self._born:
            for known in (self._before, self._block, *self._blocks):
                known[:, :, row] = centimetres[:, row]
        low, high = self._block[:, :, :top]
        if tick // _BLOCK != self._number:
            self._blocks[self._number % _BLOCKS] = self._block
            self._number = tick // _BLOCK
            self._blocks[:, 0, :, :top].min(axis=0, out=self._before[0, :, :top])
            self._blocks[:, 1, :, :top].max(axis=0, out=self._before[1, :, :top])
            low[:] = high[:] = centimetres
        else:
            np.minimum(low, centimetres, out=low)
            np.maximum(high, centimetres, out=high)
        far = np.maximum(high, self._before[1, :, :top])
        far -= centimetres
        near = np.minimum(low, self._before[0, :, :top])
        np.subtract(centimetres, near, out=near)
        np.maximum(far, near, out=far)
        unsafe: Bools = (far > _LIMITS).any(axis=0)
        return unsafe
