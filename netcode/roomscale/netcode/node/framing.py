"""The messages of a WebSocket (PROTOCOL.md, "Over a WebSocket"), and how they pass the gate. Sans-IO.

A WebSocket message is a kind and what belongs to it. Between gate and node, on a Unix stream, each has its length
before it: a big-endian u16.

Rule: nothing is kept beyond one message that is not complete yet.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

from roomscale.netcode.core.messages import MAX_MESSAGE as MAX_FRAME
from roomscale.netcode.errors import SocketBroken

MAX_MESSAGE: Final = 1 + MAX_FRAME
"""Bytes of a WebSocket message: its kind and a frame."""
KEY_CHARS: Final = 43
"""A key: 256 bits in unpadded URL-safe base64."""
_LENGTH: Final = struct.Struct(">H")
_COUNT: Final = struct.Struct("<I")


class Kind(IntEnum):
    """The first byte of a message. Those of frames are `Channel`'s numbers."""

    EVENTS = 0
    POSES = 1
    RECEIPT = 2
    """To the server: u32, how many messages after OPEN have come, modulo 2^32."""
    KEY = 3
    """To the server, first of all: the key. To the client, with nothing behind it: OPEN, the key was good."""
    LEAVE = 4
    """To the server, last of all, with nothing behind it: this visitor goes for good."""


OPEN: Final = bytes([Kind.KEY])
LEAVE: Final = bytes([Kind.LEAVE])


def key_message(key: str) -> bytes:
    """The client's first message."""
    return OPEN + key.encode("ascii")


def receipt(count: int) -> bytes:
    """The message that says how many have come."""
    return bytes([Kind.RECEIPT]) + _COUNT.pack(count & 0xFFFF_FFFF)


def read_receipt(message: bytes) -> int:
    """The count of a receipt. Raises SocketBroken."""
    if len(message) != 1 + _COUNT.size:
        raise SocketBroken(f"a receipt of {len(message)} bytes")
    count: int = _COUNT.unpack_from(message, 1)[0]
    return count


def pack(message: bytes) -> bytes:
    """A message as it stands in the stream."""
    return _LENGTH.pack(len(message)) + message


class Unpacker:
    """Cuts the stream into messages."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now. Raises SocketBroken for one that is empty or too long."""
        if self._rest:
            data = self._rest + data
        messages = []
        at, end = 0, len(data)
        while end - at >= _LENGTH.size:
            size = _LENGTH.unpack_from(data, at)[0]
            if not 0 < size <= MAX_MESSAGE:
                raise SocketBroken(f"a message of {size} bytes, at most {MAX_MESSAGE}")
            if end - at - _LENGTH.size < size:
                break
            at += _LENGTH.size
            messages.append(data[at : at + size])
            at += size
        self._rest = data[at:]
        return messages
