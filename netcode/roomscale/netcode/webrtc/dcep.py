"""What runs on top of SCTP's streams: payload protocol identifiers (RFC 8831 §8) and the messages by which a peer opens
a data channel of its own (RFC 8832). Our own channels are negotiated: nobody opens them.

Rule: reading gives a value or raises one `BadDcep`, whatever the bytes; nothing here keeps state.
Left out: priorities, which nothing honours, and the deprecated identifiers of partial messages (52 and 54).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from roomscale.netcode.errors import BadDcep

PPID_DCEP: Final = 50
PPID_STRING: Final = 51
PPID_BINARY: Final = 53
PPID_STRING_EMPTY: Final = 56
PPID_BINARY_EMPTY: Final = 57
MAX_LABEL: Final = 256
"""Bytes of a label, and of a protocol's name: RFC 8832 allows 65,535, which nobody can read."""

_ACK: Final = 2
_OPEN: Final = 3
_UNORDERED: Final = 0x80
_OPEN_HEADER = struct.Struct("!BBHLHH")
"""Type, channel type, priority, reliability parameter, bytes of the label, bytes of the protocol."""


class Limit(IntEnum):
    """What limits the retransmission of a channel's messages: the low bits of the channel type."""

    NONE = 0
    """Reliable."""
    RETRANSMISSIONS = 1
    LIFETIME = 2
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class Open:
    """DATA_CHANNEL_OPEN: the channel has the number of the stream that this came on."""

    label: str
    protocol: str = ""
    ordered: bool = True
    limit: Limit = Limit.NONE
    amount: int = 0
    """Of retransmissions or milliseconds, where limited."""


@dataclass(frozen=True, slots=True)
class Ack:
    """DATA_CHANNEL_ACK."""


def read_dcep(data: bytes) -> Open | Ack:
    """A message with the payload protocol `PPID_DCEP`. Raises BadDcep."""
    if data[:1] == bytes((_ACK,)):
        if len(data) != 1:
            raise BadDcep(f"{len(data) - 1} bytes follow DATA_CHANNEL_ACK")
        return Ack()
    if data[:1] != bytes((_OPEN,)):
        raise BadDcep("neither DATA_CHANNEL_OPEN nor DATA_CHANNEL_ACK")
    if len(data) < _OPEN_HEADER.size:
        raise BadDcep(f"DATA_CHANNEL_OPEN of {len(data)} bytes")
    _, kind, _, amount, label, protocol = _OPEN_HEADER.unpack_from(data)
    start, middle, end = _OPEN_HEADER.size, _OPEN_HEADER.size + label, _OPEN_HEADER.size + label + protocol
    if max(label, protocol) > MAX_LABEL:
        raise BadDcep(f"a label of {label} bytes, a protocol of {protocol}; at most {MAX_LABEL}")
    if end != len(data):
        raise BadDcep(f"DATA_CHANNEL_OPEN of {len(data)} bytes announces {end}")
    if kind & ~_UNORDERED > max(Limit):
        raise BadDcep(f"channel type 0x{kind:02x}")
    try:
        texts = data[start:middle].decode("utf-8"), data[middle:end].decode("utf-8")
    except UnicodeDecodeError:
        raise BadDcep("a label or protocol that is not UTF-8") from None
    return Open(*texts, not kind & _UNORDERED, Limit(kind & ~_UNORDERED), amount)


def pack_dcep(message: Open | Ack) -> bytes:
    """The bytes of a message. Raises ValueError for a text that is too long: our mistake."""
    if isinstance(message, Ack):
        return bytes((_ACK,))
    label, protocol = message.label.encode("utf-8"), message.protocol.encode("utf-8")
    if max(len(label), len(protocol)) > MAX_LABEL:
        raise ValueError(f"a label of {len(label)} bytes, a protocol of {len(protocol)}; at most {MAX_LABEL}")
    kind = message.limit | (0 if message.ordered else _UNORDERED)
    return _OPEN_HEADER.pack(_OPEN, kind, 0, message.amount, len(label), len(protocol)) + label + protocol


def wrap(data: bytes | str) -> tuple[int, bytes]:
    """Payload protocol and payload of what an application sends. SCTP carries nothing empty: a zero byte stands in."""
    if isinstance(data, str):
        return (PPID_STRING, data.encode("utf-8")) if data else (PPID_STRING_EMPTY, b"\0")
    return (PPID_BINARY, data) if data else (PPID_BINARY_EMPTY, b"\0")


def unwrap(ppid: int, payload: bytes) -> bytes | str:
    """What the peer's application sent. Raises BadDcep for another payload protocol, and for text that is not UTF-8."""
    if ppid == PPID_BINARY:
        return payload
    if ppid == PPID_STRING:
        try:
            return payload.decode("utf-8")
        except UnicodeDecodeError:
            raise BadDcep("a text that is not UTF-8") from None
    if ppid == PPID_BINARY_EMPTY:
        return b""
    if ppid == PPID_STRING_EMPTY:
        return ""
    raise BadDcep(f"payload protocol {ppid}")
