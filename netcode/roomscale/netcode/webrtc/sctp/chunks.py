"""The codec: packets to chunks, chunks to values, and back (RFC 9260 §3, RFC 3758 §3, RFC 6525 §3 and §4).

Rule: reading gives a value or raises one `BadSctp`, whatever the bytes, in work bounded by their number; nothing here
keeps state. The association reads the two commonest chunks, a whole DATA and a SACK without gaps, by itself.
Left out: AUTH, ASCONF, I-DATA, ECN and zero checksums, none of which we announce.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp.config import MAX_CHUNKS

DATA: Final = 0
INIT: Final = 1
INIT_ACK: Final = 2
SACK: Final = 3
HEARTBEAT: Final = 4
HEARTBEAT_ACK: Final = 5
ABORT: Final = 6
SHUTDOWN: Final = 7
SHUTDOWN_ACK: Final = 8
ERROR: Final = 9
COOKIE_ECHO: Final = 10
COOKIE_ACK: Final = 11
SHUTDOWN_COMPLETE: Final = 14
RE_CONFIG: Final = 130
FORWARD_TSN: Final = 192

LAST: Final = 1
FIRST: Final = 2
WHOLE: Final = 3
UNORDERED: Final = 4
IMMEDIATE: Final = 8
"""Flags of DATA; IMMEDIATE asks for a SACK at once (RFC 7053)."""
TAG_REFLECTED: Final = 1
"""The T flag of ABORT and SHUTDOWN COMPLETE: the verification tag is the receiver's peer's."""

STATE_COOKIE: Final = 7
SUPPORTED_EXTENSIONS: Final = 0x8008
FORWARD_TSN_SUPPORTED: Final = 0xC000
_INIT_PARAMETERS: Final = frozenset({5, 6, 9, 11, 12})
"""Parameters of INIT that the RFC defines and we have no use for: addresses, their types, cookie preservative."""
OUTGOING_RESET: Final = 13
INCOMING_RESET: Final = 14
TSN_RESET: Final = 15
RESET_RESPONSE: Final = 16
ADD_OUTGOING: Final = 17
ADD_INCOMING: Final = 18

CAUSE_STREAM: Final = 1
CAUSE_STALE_COOKIE: Final = 3
CAUSE_UNRECOGNISED_CHUNK: Final = 6
CAUSE_NO_DATA: Final = 9
CAUSE_USER: Final = 12
CAUSE_VIOLATION: Final = 13

MAX_PARAMETERS: Final = 32
"""Parameters of one chunk that are looked at."""

PACKET_HEADER: Final = struct.Struct("!HHL")
"""Source port, destination port, verification tag; the checksum follows."""
CHECKSUM: Final = struct.Struct("<L")
HEADER_SIZE: Final = 12
CHUNK_HEADER: Final = struct.Struct("!BBH")
DATA_HEADER: Final = struct.Struct("!BBHLHHL")
"""Type, flags, length, TSN, stream, stream sequence number, payload protocol."""
SACK_HEADER: Final = struct.Struct("!BBHLLHH")
"""Type, flags, length, cumulative TSN, window, gap blocks, duplicates."""
_DATA_BODY = struct.Struct("!LHHL")
_SACK_BODY = struct.Struct("!LLHH")
_INIT_BODY = struct.Struct("!LLHHL")
_PAIR = struct.Struct("!HH")
_U32 = struct.Struct("!L")


class Chunk(NamedTuple):
    """A chunk without its header and padding."""

    kind: int
    flags: int
    body: bytes


class Init(NamedTuple):
    """The fixed part of INIT and INIT ACK, and what we look for in their parameters."""

    tag: int
    window: int
    outbound: int
    inbound: int
    tsn: int
    forward_tsn: bool
    """Whether the sender understands FORWARD TSN."""
    cookie: bytes
    """Of INIT ACK; empty where there is none."""


class Gaps(NamedTuple):
    """A SACK with all it says, duplicates excepted: nothing is made of them."""

    cumulative: int
    window: int
    blocks: tuple[tuple[int, int], ...]


Parameter = tuple[int, bytes]


def split(data: bytes, at: int = 0) -> list[Chunk]:
    """The chunks of a packet from `at` on. Padding may be missing at its end. Raises BadSctp."""
    chunks: list[Chunk] = []
    size = len(data)
    while at < size:
        if len(chunks) == MAX_CHUNKS:
            raise BadSctp(f"more than {MAX_CHUNKS} chunks in a packet")
        if at + 4 > size:
            raise BadSctp(f"{size - at} bytes follow the last chunk")
        kind, flags, length = CHUNK_HEADER.unpack_from(data, at)
        if not 4 <= length <= size - at:
            raise BadSctp(f"a chunk of {length} bytes, {size - at} are left")
        chunks.append(Chunk(kind, flags, data[at + 4 : at + length]))
        at += (length + 3) & ~3
    return chunks


def pack(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    """A chunk, padded."""
    return CHUNK_HEADER.pack(kind, flags, 4 + len(body)) + body + bytes(-len(body) & 3)


def bundle(chunks: Iterable[bytes], room: int) -> list[bytes]:
    """Chunks, in their order, into as few bodies of packets of at most `room` bytes as that allows."""
    bodies: list[bytes] = []
    body = b""
    for chunk in chunks:
        if body and len(body) + len(chunk) > room:
            bodies.append(body)
            body = b""
        body += chunk
    if body:
        bodies.append(body)
    return bodies


def read_parameters(data: bytes, at: int = 0) -> list[Parameter]:
    """Type and value of each parameter from `at` on. Raises BadSctp."""
    parameters: list[Parameter] = []
    size = len(data)
    while at < size:
        if at + 4 > size or len(parameters) == MAX_PARAMETERS:
            raise BadSctp("parameters that end nowhere")
        kind, length = _PAIR.unpack_from(data, at)
        if not 4 <= length <= size - at:
            raise BadSctp(f"a parameter of {length} bytes, {size - at} are left")
        parameters.append((kind, data[at + 4 : at + length]))
        at += (length + 3) & ~3
    return parameters


def pack_parameters(parameters: Sequence[Parameter]) -> bytes:
    """Parameters, or error causes; the last one's padding is the chunk's."""
    parts = [_PAIR.pack(kind, 4 + len(value)) + value + bytes(-len(value) & 3) for kind, value in parameters]
    body = b"".join(parts)
    return body[: len(body) - (-len(parameters[-1][1]) & 3)] if parameters else body


def read_data(body: bytes) -> tuple[int, int, int, int, bytes]:
    """TSN, stream, stream sequence number, payload protocol and payload of DATA. Raises BadSctp."""
    if len(body) < 12:
        raise BadSctp(f"DATA of {len(body)} bytes")
    tsn, stream, ssn, ppid = _DATA_BODY.unpack_from(body)
    return tsn, stream, ssn, ppid, body[12:]


def read_sack(body: bytes) -> Gaps:
    """A SACK (RFC 9260 §3.3.4). Raises BadSctp, also where its gap blocks are not in ascending order."""
    if len(body) < 12:
        raise BadSctp(f"a SACK of {len(body)} bytes")
    cumulative, window, count, duplicates = _SACK_BODY.unpack_from(body)
    if len(body) != 12 + 4 * (count + duplicates):
        raise BadSctp(f"a SACK of {len(body)} bytes with {count} gap blocks and {duplicates} duplicates")
    blocks = tuple(_PAIR.iter_unpack(body[12 : 12 + 4 * count]))
    end = 0
    for first, last in blocks:
        if not end < first <= last:
            raise BadSctp(f"a gap block from {first} to {last} after {end}")
        end = last
    return Gaps(cumulative, window, blocks)


def pack_sack(cumulative: int, window: int, blocks: Sequence[tuple[int, int]], duplicates: Sequence[int]) -> bytes:
    """A SACK chunk."""
    head = SACK_HEADER.pack(
        SACK, 0, 16 + 4 * (len(blocks) + len(duplicates)), cumulative, window, len(blocks), len(duplicates)
    )
    return head + b"".join(_PAIR.pack(*b) for b in blocks) + b"".join(_U32.pack(d) for d in duplicates)


def read_forward_tsn(body: bytes) -> tuple[int, list[tuple[int, int]]]:
    """The new cumulative TSN and the (stream, stream sequence number) pairs skipped up to. Raises BadSctp."""
    if len(body) < 4 or len(body) & 3:
        raise BadSctp(f"FORWARD TSN of {len(body)} bytes")
    return _U32.unpack_from(body)[0], list(_PAIR.iter_unpack(body[4:]))


def pack_forward_tsn(cumulative: int, skipped: Iterable[tuple[int, int]]) -> bytes:
    """A FORWARD TSN chunk (RFC 3758 §3.2)."""
    return pack(FORWARD_TSN, _U32.pack(cumulative) + b"".join(_PAIR.pack(*s) for s in skipped))


def read_init(body: bytes) -> Init:
    """INIT or INIT ACK. Raises BadSctp, also for a tag, a window or a number of streams that §3.3.2 forbids."""
    if len(body) < 16:
        raise BadSctp(f"INIT of {len(body)} bytes")
    tag, window, outbound, inbound, tsn = _INIT_BODY.unpack_from(body)
    if not (tag and outbound and inbound and window >= 1500):
        raise BadSctp(f"INIT with tag {tag}, {outbound} and {inbound} streams, a window of {window}")
    forward_tsn, cookie = False, b""
    for kind, value in read_parameters(body, 16):
        if kind == STATE_COOKIE:
            cookie = value
        elif kind == FORWARD_TSN_SUPPORTED or (kind == SUPPORTED_EXTENSIONS and FORWARD_TSN in value):
            forward_tsn = True
        elif not kind & 0x8000 and kind not in _INIT_PARAMETERS:
            break  # a parameter unknown to us that forbids going on (§3.2.1)
    return Init(tag, window, outbound, inbound, tsn, forward_tsn, cookie)


def pack_init(kind: int, init: Init) -> bytes:
    """INIT or INIT ACK, announcing FORWARD TSN and RE-CONFIG."""
    parameters: list[Parameter] = [(STATE_COOKIE, init.cookie)] if init.cookie else []
    parameters += [(FORWARD_TSN_SUPPORTED, b""), (SUPPORTED_EXTENSIONS, bytes((FORWARD_TSN, RE_CONFIG)))]
    return pack(kind, _INIT_BODY.pack(*init[:5]) + pack_parameters(parameters))


def pack_causes(kind: int, cause: int, information: bytes, flags: int = 0) -> bytes:
    """ABORT or ERROR with one cause (RFC 9260 §3.3.10)."""
    return pack(kind, pack_parameters([(cause, information)]), flags)
