"""The codec of PROTOCOL.md, version 1: bytes to one frozen dataclass per message, and back.

Rule: decoding gives a value or raises one `ProtocolError`, whatever the bytes; nothing here keeps state.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, TypeVar

from roomscale.netcode.core.messages import (
    MAX_MESSAGE,
    MAX_RECORDS,
    MAX_STR8,
    Channel,
    ClientMessage,
    Enter,
    Entrant,
    Goodbye,
    Hello,
    Leave,
    Message,
    Notice,
    Ping,
    Pong,
    Pose,
    PoseUpdate,
    Record,
    Role,
    ServerMessage,
    Snapshot,
    Welcome,
)
from roomscale.netcode.errors import ProtocolError

POSE_BODY: Final = 14
"""Bytes of a pose."""
RECORD: Final = 2 + POSE_BODY
"""Bytes of a snapshot's record."""
SNAPSHOT_HEADER: Final = struct.Struct("<BIIHB")
"""type, tick, server ms, last seq, count: what `core.snapshot` puts before the gathered records."""
POSE_TYPE: Final = 0x10
SNAPSHOT_TYPE: Final = 0x90
_POSE_SIZE: Final = 1 + 2 + 4 + POSE_BODY

_SEQ_TICK = struct.Struct("<HI")
_ANGLES = struct.Struct("<HbBB")


def is_ascii8(text: str) -> bool:
    """Whether a text may stand in an ascii8: printable ASCII without spaces, at most 255 characters."""
    return len(text) <= MAX_STR8 and all("!" <= c <= "~" for c in text)


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
        _want(is_ascii8(text), "not printable ASCII without spaces")
        return text

    def peer(self) -> int:
        """A participant's id, never 0."""
        peer = self.uint(2)
        _want(peer != 0, "peer 0 is nobody")
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
    """The 14 bytes of a pose. Raises ValueError for a number that does not fit its field: a mistake of ours."""
    try:
        place = b"".join(v.to_bytes(3, "little", signed=True) for v in (pose.x, pose.y, pose.z))
        return place + _ANGLES.pack(pose.yaw, pose.pitch, pose.gesture, pose.flags)
    except (OverflowError, struct.error) as error:
        raise ValueError(f"{pose} does not fit the wire: {error}") from None


def split_pose(data: bytes) -> tuple[int, int, bytes]:
    """(seq, last tick seen, the pose's 14 bytes) of a POSE frame: the server copies the body as it is.

    Raises ProtocolError; its caller has looked at neither the type nor the length.
    """
    if len(data) != _POSE_SIZE or data[0] != POSE_TYPE:
        decode_client(Channel.POSES, data)  # names what is wrong
    seq, last_tick = _SEQ_TICK.unpack_from(data, 1)
    return seq, last_tick, data[7:]


def _u(value: int, size: int) -> bytes:
    """An unsigned little-endian integer."""
    try:
        return value.to_bytes(size, "little")
    except OverflowError:
        raise ValueError(f"{value} does not fit u{8 * size}") from None


def _s(text: str) -> bytes:
    """A str8. Raises ValueError beyond 255 bytes of UTF-8 and for lone surrogates."""
    raw = text.encode("utf-8")
    if len(raw) > MAX_STR8:
        raise ValueError(f"a text of {len(raw)} bytes does not fit str8")
    return bytes((len(raw),)) + raw


def _want(good: bool, detail: str) -> None:
    if not good:
        raise ProtocolError("value", detail)


def _read_hello(r: Reader) -> Hello:
    newest, oldest = r.uint(2), r.uint(2)
    _want(1 <= oldest <= newest, f"versions {oldest} to {newest}")
    return Hello(newest, oldest, r.str8(), r.ascii8(), r.pose())


def _read_welcome(r: Reader) -> Welcome:
    version, peer, tick, rate = r.uint(2), r.peer(), r.uint(4), r.uint(1)
    _want(rate > 0, "tick rate 0")
    return Welcome(version, peer, tick, rate, r.uint(4), r.uint(2), r.str8())


def _read_entrant(r: Reader) -> Entrant:
    peer, role = r.peer(), r.uint(1)
    _want(role <= Role.OWNER, f"role {role}")
    return Entrant(peer, role, r.str8(), r.str8(), r.str8())


def _read_enter(r: Reader) -> Enter:
    count = r.uint(1)
    _want(count > 0, "nobody enters")
    return Enter(tuple(_read_entrant(r) for _ in range(count)))


def _read_leave(r: Reader) -> Leave:
    count = r.uint(1)
    _want(count > 0, "nobody leaves")
    return Leave(tuple(r.peer() for _ in range(count)))


def _read_snapshot(r: Reader) -> Snapshot:
    tick, server_ms, last_seq, count = r.uint(4), r.uint(4), r.uint(2), r.uint(1)
    _want(count <= MAX_RECORDS, f"{count} records")
    return Snapshot(tick, server_ms, last_seq, tuple(Record(r.peer(), r.pose()) for _ in range(count)))


_FROM_CLIENT: dict[int, tuple[Channel, Callable[[Reader], ClientMessage]]] = {
    0x01: (Channel.EVENTS, _read_hello),
    0x02: (Channel.EVENTS, lambda r: Ping(r.uint(4))),
    POSE_TYPE: (Channel.POSES, lambda r: PoseUpdate(r.uint(2), r.uint(4), r.pose())),
}
_FROM_SERVER: dict[int, tuple[Channel, Callable[[Reader], ServerMessage]]] = {
    0x81: (Channel.EVENTS, _read_welcome),
    0x82: (Channel.EVENTS, _read_enter),
    0x83: (Channel.EVENTS, _read_leave),
    0x84: (Channel.EVENTS, lambda r: Pong(r.uint(4), r.uint(4), r.uint(4))),
    0x85: (Channel.EVENTS, lambda r: Notice(r.uint(1), r.str8())),
    0x86: (Channel.EVENTS, lambda r: Goodbye(r.uint(1), r.str8())),
    SNAPSHOT_TYPE: (Channel.POSES, _read_snapshot),
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


def _a(text: str) -> bytes:
    """An ascii8."""
    if not is_ascii8(text):
        raise ValueError(f"{text!r} is not printable ASCII without spaces")
    return _s(text)


def encode_entrant(e: Entrant) -> bytes:
    """One entry of ENTER; the simulation fills frames of at most `MAX_MESSAGE` bytes with them."""
    return _u(e.peer, 2) + _u(e.role, 1) + _s(e.user_id) + _s(e.name) + _s(e.avatar)


def _encode(message: Message) -> bytes:
    match message:
        case Hello(newest, oldest, client, avatar, pose):
            data = b"\x01" + _u(newest, 2) + _u(oldest, 2) + _s(client) + _a(avatar) + pack_pose(pose)
        case Ping(client_ms):
            data = b"\x02" + _u(client_ms, 4)
        case PoseUpdate(seq, last_tick, pose):
            data = b"\x10" + _u(seq, 2) + _u(last_tick, 4) + pack_pose(pose)
        case Welcome(version, peer, tick, rate, ms, capacity, name):
            head = b"\x81" + _u(version, 2) + _u(peer, 2) + _u(tick, 4)
            data = head + _u(rate, 1) + _u(ms, 4) + _u(capacity, 2) + _s(name)
        case Enter(entrants):
            data = b"\x82" + _u(len(entrants), 1) + b"".join(map(encode_entrant, entrants))
        case Leave(peers):
            data = b"\x83" + _u(len(peers), 1) + b"".join(_u(p, 2) for p in peers)
        case Pong(client_ms, tick, ms):
            data = b"\x84" + _u(client_ms, 4) + _u(tick, 4) + _u(ms, 4)
        case Notice(code, text):
            data = b"\x85" + _u(code, 1) + _s(text)
        case Goodbye(code, reason):
            data = b"\x86" + _u(code, 1) + _s(reason)
        case Snapshot(tick, ms, seq, records):
            head = b"\x90" + _u(tick, 4) + _u(ms, 4) + _u(seq, 2) + _u(len(records), 1)
            data = head + b"".join(_u(r.peer, 2) + pack_pose(r.pose) for r in records)
    return data


def encode(message: Message) -> bytes:
    """The frame of a message. Raises ValueError for what does not fit the wire: a mistake of ours."""
    data = _encode(message)
    if len(data) > MAX_MESSAGE:
        raise ValueError(f"{type(message).__name__} of {len(data)} bytes, at most {MAX_MESSAGE}")
    return data


def channel_of(message: Message) -> Channel:
    """The data channel that a message belongs on."""
    return Channel.POSES if isinstance(message, PoseUpdate | Snapshot) else Channel.EVENTS


def newer(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b`, modulo 65,536 (RFC 1982)."""
    return 0 < (a - b) & 0xFFFF < 0x8000
