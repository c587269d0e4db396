"""The fields of PROTOCOL.md: integers, texts and poses to bytes, and back.

Rule: reading gives a value or raises one `ProtocolError`, for the bytes are a stranger's; writing raises ValueError,
for a value that does not fit is a mistake of ours.
"""

from __future__ import annotations

import struct
from typing import Final

from roomscale.netcode.core.messages import MAX_STR8, Pose
from roomscale.netcode.errors import ProtocolError

POSE_BODY: Final = 14
"""Bytes of a pose."""

_ANGLES = struct.Struct("<HbBB")


def is_ascii8(text: str) -> bool:
    """Whether a text may stand in an ascii8: printable ASCII without spaces, at most 255 characters."""
    return len(text) <= MAX_STR8 and all("!" <= c <= "~" for c in text)


def want(good: bool, detail: str) -> None:
    """Raise ProtocolError ("value") unless something holds."""
    if not good:
        raise ProtocolError("value", detail)


class Reader:
    """Walks over one frame; each step gives a field or raises `ProtocolError`."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 1  # the type byte is read already

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        at = self._at
        if at + size > len(self._data):
            raise ProtocolError("short", f"{size} more bytes wanted at {at}, the frame has {len(self._data)}")
        self._at = at + size
        return self._data[at : at + size]

    def uint(self, size: int) -> int:
        """An unsigned little-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def str8(self) -> str:
        """A text: one byte of length, then UTF-8."""
        raw = self.take(self.uint(1))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("text", "a text is not UTF-8") from None

    def ascii8(self) -> str:
        """A str8 of printable ASCII without spaces."""
        text = self.str8()
        want(is_ascii8(text), "not printable ASCII without spaces")
        return text

    def peer(self) -> int:
        """A participant's id, never 0."""
        peer = self.uint(2)
        want(peer != 0, "peer 0 is nobody")
        return peer

    def pose(self) -> Pose:
        """A pose: every 14 bytes are one."""
        return unpack_pose(self.take(POSE_BODY))

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise ProtocolError("long", f"{len(self._data) - self._at} bytes follow the message")


def unpack_pose(body: bytes) -> Pose:
    """A pose from its 14 bytes; any 14 bytes are a pose."""
    yaw, pitch, gesture, flags = _ANGLES.unpack_from(body, 9)
    x, y, z = (int.from_bytes(body[at : at + 3], "little", signed=True) for at in (0, 3, 6))
    return Pose(x, y, z, yaw, pitch, gesture, flags)


def pack_pose(pose: Pose) -> bytes:
    """The 14 bytes of a pose. Raises ValueError for a number that does not fit its field."""
    try:
        place = b"".join(v.to_bytes(3, "little", signed=True) for v in (pose.x, pose.y, pose.z))
        return place + _ANGLES.pack(pose.yaw, pose.pitch, pose.gesture, pose.flags)
    except (OverflowError, struct.error) as error:
        raise ValueError(f"{pose} does not fit the wire: {error}") from None


def uint(value: int, size: int) -> bytes:
    """An unsigned little-endian integer of `size` bytes. Raises ValueError when it does not fit."""
    try:
        return value.to_bytes(size, "little")
    except OverflowError:
        raise ValueError(f"{value} does not fit u{8 * size}") from None


def str8(text: str) -> bytes:
    """A str8. Raises ValueError beyond 255 bytes of UTF-8 and for lone surrogates."""
    raw = text.encode("utf-8")
    if len(raw) > MAX_STR8:
        raise ValueError(f"a text of {len(raw)} bytes does not fit str8")
    return bytes((len(raw),)) + raw


def ascii8(text: str) -> bytes:
    """An ascii8. Raises ValueError for anything else."""
    if not is_ascii8(text):
        raise ValueError(f"{text!r} is not printable ASCII without spaces")
    return str8(text)


def bits(*fields: tuple[int, int]) -> int:
    """Unsigned fields (value, width) packed from the lowest bit up. Raises ValueError when one does not fit."""
    word, at = 0, 0
    for value, width in fields:
        if not 0 <= value < 1 << width:
            raise ValueError(f"{value} does not fit u{width}")
        word |= value << at
        at += width
    return word


def signed(value: int, width: int) -> tuple[int, int]:
    """A signed field for `bits`, as two's complement. Raises ValueError when it does not fit."""
    if not -(1 << (width - 1)) <= value < 1 << (width - 1):
        raise ValueError(f"{value} does not fit i{width}")
    return value & ((1 << width) - 1), width
