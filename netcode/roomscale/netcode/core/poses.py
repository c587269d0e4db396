"""Where everybody in one world is, kept as the 16-byte records that go on the wire.

Rule: a POSE's body is copied into its record as it came and never decoded one by one; what needs numbers (who is
near whom) decodes all of a world at once, in numpy.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from roomscale.netcode.core.protocol import POSE_BODY, RECORD

RECORD_DTYPE: Final = np.dtype(
    [("peer", "<u2"), ("place", "u1", (3, 3)), ("yaw", "<u2"), ("pitch", "i1"), ("gesture", "u1"), ("flags", "u1")]
)
"""One record of a SNAPSHOT. `place` holds three little-endian i24, millimetres."""
KNOWN_FLAGS: Final = 0x0F
"""The bits of a pose's flags that are passed on."""
_FIRST_ROWS: Final = 16

Rows = npt.NDArray[np.intp]
Places = npt.NDArray[np.int32]


class PoseTable:
    """The records of one world's participants, each in a row of its own that it keeps while it is there."""

    def __init__(self) -> None:
        self._raw = bytearray(RECORD * _FIRST_ROWS)
        self._free = list(range(_FIRST_ROWS - 1, -1, -1))
        self._used: list[int] = []
        self._rows: Rows = np.empty(0, np.intp)

    def __len__(self) -> int:
        return len(self._used)

    @property
    def rows(self) -> Rows:
        """The rows in use, in the order in which their owners came."""
        return self._rows

    def add(self, peer: int, body: bytes) -> int:
        """A new row for a participant; `body` is a pose's 14 bytes."""
        if not self._free:
            self._grow()
        row = self._free.pop()
        self._raw[row * RECORD : row * RECORD + 2] = peer.to_bytes(2, "little")
        self.put(row, body)
        self._used.append(row)
        self._rows = np.array(self._used, np.intp)
        return row

    def put(self, row: int, body: bytes) -> None:
        """The newest pose of a row, as the 14 bytes that came."""
        if len(body) != POSE_BODY:
            raise ValueError(f"a pose has {POSE_BODY} bytes, not {len(body)}")
        at = row * RECORD
        self._raw[at + 2 : at + RECORD] = body
        self._raw[at + RECORD - 1] &= KNOWN_FLAGS

    def remove(self, row: int) -> None:
        """Free a row."""
        self._used.remove(row)
        self._free.append(row)
        self._rows = np.array(self._used, np.intp)

    def records(self) -> npt.NDArray[np.void]:
        """The records in use, in the order of `rows`: a copy, shape (n,), `RECORD_DTYPE`."""
        return np.frombuffer(self._raw, RECORD_DTYPE)[self._rows]

    def _grow(self) -> None:
        rows = len(self._raw) // RECORD
        # A new buffer instead of extend(): numpy may hold a view of the old one.
        self._raw = self._raw + bytearray(RECORD * rows)
        self._free.extend(range(2 * rows - 1, rows - 1, -1))


def places(records: npt.NDArray[np.void]) -> Places:
    """The feet of some records in millimetres, shape (n, 3)."""
    b = records["place"].astype(np.int32)
    v = b[:, :, 0] | b[:, :, 1] << 8 | b[:, :, 2] << 16
    signed: Places = (v ^ 0x80_0000) - 0x80_0000
    return signed
