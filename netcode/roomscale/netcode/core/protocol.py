"""The codec of PROTOCOL.md, versions 1 and 2: bytes to one frozen dataclass per message, and back.

Rule: decoding gives a value or raises one `ProtocolError`, whatever the bytes; nothing here keeps state.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, TypeVar

from roomscale.netcode.core.messages import (
    MAX_MESSAGE,
    MAX_RECORDS,
    Channel,
    ClientMessage,
    Correct,
    Enter,
    Entrant,
    Goodbye,
    Hello,
    Here,
    Jump,
    JumpReason,
    Leave,
    Message,
    Notice,
    Ping,
    Pong,
    PoseUpdate,
    Record,
    Role,
    ServerMessage,
    Sight,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.records import pack_record, read_record
from roomscale.netcode.core.wire import POSE_BODY, Reader, ascii8, bits, pack_pose, str8, uint, want
from roomscale.netcode.errors import ProtocolError

POSE_TYPE: Final = 0x10
HERE_TYPE: Final = 0x11
ENTER_TYPE: Final = 0x82
SNAPSHOT_TYPE: Final = 0x90
SIGHT_TYPE: Final = 0x91
RECORD: Final = 2 + POSE_BODY
"""Bytes of a SNAPSHOT's record."""
SNAPSHOT_HEADER: Final = struct.Struct("<BIIHB")
"""type, tick, server ms, last seq, count: what `core.snapshot` puts before the gathered records."""
SIGHT_HEADER: Final = struct.Struct("<BBBHIIB")
"""type, interval, lead, last seq, tick, server ms, count."""
_HERE: Final = struct.Struct("<BHHB")
"""type, seq, at, jumps below corrections."""

_POSE_SIZE: Final = 1 + 2 + 4 + POSE_BODY
_HERE_SIZE: Final = _HERE.size + POSE_BODY


def split_here(data: bytes) -> tuple[int, int, int, bytes]:
    """(seq, at, jumps | corrections << 4, the pose's 14 bytes) of a HERE frame: the server copies the body as it is.

    Raises ProtocolError; its caller has looked at neither the type nor the length.
    """
    if len(data) != _HERE_SIZE or data[0] != HERE_TYPE:
        decode_client(Channel.POSES, data)  # names what is wrong
        raise ProtocolError("type", "a pose of another version")
    _, seq, at, era = _HERE.unpack_from(data)
    return seq, at, era, data[6:]


def split_pose(data: bytes) -> tuple[int, bytes]:
    """(seq, the pose's 14 bytes) of a POSE frame, version 1's HERE. Raises ProtocolError like `split_here`."""
    if len(data) != _POSE_SIZE or data[0] != POSE_TYPE:
        decode_client(Channel.POSES, data)
        raise ProtocolError("type", "a pose of another version")
    return int.from_bytes(data[1:3], "little"), data[7:]


def _read_hello(r: Reader) -> Hello:
    newest, oldest = r.uint(2), r.uint(2)
    want(1 <= oldest <= newest, f"versions {oldest} to {newest}")
    return Hello(newest, oldest, r.str8(), r.ascii8(), r.pose())


def _read_welcome(r: Reader) -> Welcome:
    version, peer, tick, rate = r.uint(2), r.peer(), r.uint(4), r.uint(1)
    want(rate > 0, "tick rate 0")
    return Welcome(version, peer, tick, rate, r.uint(4), r.uint(2), r.str8())


def _read_entrant(r: Reader) -> Entrant:
    peer, role = r.peer(), r.uint(1)
    want(role <= Role.OWNER, f"role {role}")
    return Entrant(peer, role, r.str8(), r.str8(), r.str8())


def _read_enter(r: Reader) -> Enter:
    count = r.uint(1)
    want(count > 0, "nobody enters")
    return Enter(tuple(_read_entrant(r) for _ in range(count)))


def _read_leave(r: Reader) -> Leave:
    count = r.uint(1)
    want(count > 0, "nobody leaves")
    return Leave(tuple(r.peer() for _ in range(count)))


def _read_snapshot(r: Reader) -> Snapshot:
    tick, server_ms, last_seq, count = r.uint(4), r.uint(4), r.uint(2), r.uint(1)
    want(count <= MAX_RECORDS, f"{count} records")
    return Snapshot(tick, server_ms, last_seq, tuple(Record(r.peer(), r.pose()) for _ in range(count)))


def _read_jump(r: Reader) -> Jump:
    reason, jumps = r.uint(1), r.uint(1)
    want(reason in set(JumpReason), f"reason {reason}")
    want(jumps < 16, f"jump {jumps}")
    return Jump(reason, jumps, r.pose())


def _read_here(r: Reader) -> Here:
    seq, at, era = r.uint(2), r.uint(2), r.uint(1)
    return Here(seq, at, era & 15, era >> 4, r.pose())


def _read_correct(r: Reader) -> Correct:
    corrections = r.uint(1)
    want(corrections < 16, f"correction {corrections}")
    return Correct(corrections, r.pose())


def _read_sight(r: Reader) -> Sight:
    interval = r.uint(1)
    want(interval > 0, "interval 0")
    lead, last_seq, tick, server_ms, count = r.uint(1), r.uint(2), r.uint(4), r.uint(4), r.uint(1)
    want(count <= MAX_RECORDS, f"{count} records")
    return Sight(interval, lead, last_seq, tick, server_ms, tuple(read_record(r) for _ in range(count)))


_FROM_CLIENT: dict[int, tuple[Channel, Callable[[Reader], ClientMessage]]] = {
    0x01: (Channel.EVENTS, _read_hello),
    0x02: (Channel.EVENTS, lambda r: Ping(r.uint(4))),
    0x04: (Channel.EVENTS, _read_jump),
    HERE_TYPE: (Channel.POSES, _read_here),
    POSE_TYPE: (Channel.POSES, lambda r: PoseUpdate(r.uint(2), r.uint(4), r.pose())),
}
_FROM_SERVER: dict[int, tuple[Channel, Callable[[Reader], ServerMessage]]] = {
    0x81: (Channel.EVENTS, _read_welcome),
    ENTER_TYPE: (Channel.EVENTS, _read_enter),
    0x83: (Channel.EVENTS, _read_leave),
    0x84: (Channel.EVENTS, lambda r: Pong(r.uint(4), r.uint(4), r.uint(4))),
    0x85: (Channel.EVENTS, lambda r: Notice(r.uint(1), r.str8())),
    0x86: (Channel.EVENTS, lambda r: Goodbye(r.uint(1), r.str8())),
    0x88: (Channel.EVENTS, _read_correct),
    SNAPSHOT_TYPE: (Channel.POSES, _read_snapshot),
    SIGHT_TYPE: (Channel.POSES, _read_sight),
}


_M = TypeVar("_M")
_Table = dict[int, tuple[Channel, Callable[[Reader], _M]]]


def _decode(table: _Table[_M], channel: Channel, data: bytes) -> _M:
    if not data:
        raise ProtocolError("empty", "a frame without a type")
    if len(data) > MAX_MESSAGE:
        raise ProtocolError("size", f"{len(data)} bytes, at most {MAX_MESSAGE}")
    home, read = table.get(data[0], (None, None))
    if read is None or home != channel:
        raise ProtocolError("type", f"0x{data[0]:02x} on {channel.name.lower()}")
    reader = Reader(data)
    message = read(reader)
    reader.end()
    return message


def decode_client(channel: Channel, data: bytes) -> ClientMessage:
    """What a client sent. Raises ProtocolError."""
    return _decode(_FROM_CLIENT, channel, data)


def decode_server(channel: Channel, data: bytes) -> ServerMessage:
    """What the server sent. Raises ProtocolError."""
    return _decode(_FROM_SERVER, channel, data)


def encode_entrant(e: Entrant) -> bytes:
    """One entry of ENTER, which `core.frames` fills frames with."""
    return uint(e.peer, 2) + uint(e.role, 1) + str8(e.user_id) + str8(e.name) + str8(e.avatar)


def _encode_client(message: ClientMessage) -> bytes:
    match message:
        case Hello(newest, oldest, client, avatar, pose):
            return b"\x01" + uint(newest, 2) + uint(oldest, 2) + str8(client) + ascii8(avatar) + pack_pose(pose)
        case Ping(client_ms):
            return b"\x02" + uint(client_ms, 4)
        case Jump(reason, jumps, pose):
            return b"\x04" + uint(reason, 1) + uint(bits((jumps, 4)), 1) + pack_pose(pose)
        case PoseUpdate(seq, last_tick, pose):
            return b"\x10" + uint(seq, 2) + uint(last_tick, 4) + pack_pose(pose)
        case Here(seq, at, jumps, corrections, pose):
            era = bits((jumps, 4), (corrections, 4))
            return b"\x11" + uint(seq, 2) + uint(at, 2) + uint(era, 1) + pack_pose(pose)


def _encode_server(message: ServerMessage) -> bytes:
    match message:
        case Welcome(version, peer, tick, rate, ms, capacity, name):
            head = b"\x81" + uint(version, 2) + uint(peer, 2) + uint(tick, 4)
            return head + uint(rate, 1) + uint(ms, 4) + uint(capacity, 2) + str8(name)
        case Enter(entrants):
            return b"\x82" + uint(len(entrants), 1) + b"".join(map(encode_entrant, entrants))
        case Leave(peers):
            return b"\x83" + uint(len(peers), 1) + b"".join(uint(p, 2) for p in peers)
        case Pong(client_ms, tick, ms):
            return b"\x84" + uint(client_ms, 4) + uint(tick, 4) + uint(ms, 4)
        case Notice(code, text):
            return b"\x85" + uint(code, 1) + str8(text)
        case Goodbye(code, reason):
            return b"\x86" + uint(code, 1) + str8(reason)
        case Correct(corrections, pose):
            return b"\x88" + uint(bits((corrections, 4)), 1) + pack_pose(pose)
        case Snapshot(tick, ms, seq, records):
            head = b"\x90" + uint(tick, 4) + uint(ms, 4) + uint(seq, 2) + uint(len(records), 1)
            return head + b"".join(uint(r.peer, 2) + pack_pose(r.pose) for r in records)
        case Sight(interval, lead, seq, tick, ms, sighted):
            head = b"\x91" + uint(interval, 1) + uint(lead, 1) + uint(seq, 2) + uint(tick, 4) + uint(ms, 4)
            return head + uint(len(sighted), 1) + b"".join(map(pack_record, sighted))


def encode(message: Message) -> bytes:
    """The frame of a message. Raises ValueError for what does not fit the wire: a mistake of ours."""
    data = _encode_client(message) if isinstance(message, ClientMessage) else _encode_server(message)
    if len(data) > MAX_MESSAGE:
        raise ValueError(f"{type(message).__name__} of {len(data)} bytes, at most {MAX_MESSAGE}")
    return data


def channel_of(message: Message) -> Channel:
    """The data channel that a message belongs on."""
    return Channel.POSES if isinstance(message, PoseUpdate | Here | Snapshot | Sight) else Channel.EVENTS


def newer(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b`, modulo 65,536 (RFC 1982)."""
    return 0 < (a - b) & 0xFFFF < 0x8000
