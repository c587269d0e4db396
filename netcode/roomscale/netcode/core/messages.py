"""The messages of PROTOCOL.md, versions 1 and 2, as frozen dataclasses, and the numbers that name things on the wire.

Rule: numbers are wire units (millimetres, 1/65536 turn); `units` turns them into metres and radians, `protocol`
into bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

NEWEST_VERSION: Final = 2
OLDEST_VERSION: Final = 1
MAX_MESSAGE: Final = 1200
"""Bytes in one message: it fits one UDP packet together with SCTP, DTLS, UDP and IPv6 headers."""
MAX_RECORDS: Final = 64
"""Records in one SNAPSHOT or SIGHT: at most 14 + 64 x 16 = 1,038 bytes, so that one UDP payload stays below 1,200."""
MAX_PEER: Final = 8191
"""The largest peer id: 13 bits, as a Delta has them."""
REFERENCE_TICKS: Final = 80
"""Ticks: a Delta is read against a pose of the same peer that is at most this much older."""
MAX_STR8: Final = 255
"""Bytes of UTF-8 in a str8."""


class Channel(IntEnum):
    """The two data channels, by their negotiated stream id."""

    EVENTS = 0
    """Reliable and ordered."""
    POSES = 1
    """Unordered, never retransmitted."""


class Role(IntEnum):
    """What a participant may be in the world; the gate decides it."""

    GUEST = 0
    VISITOR = 1
    BUILDER = 2
    MODERATOR = 3
    OWNER = 4


class NoticeCode(IntEnum):
    """What a NOTICE tells. A client shows the text of a code it does not know."""

    HOMESERVER_AWAY = 1
    HOMESERVER_BACK = 2
    GOING_DOWN_SOON = 3
    TEXT = 255


class GoodbyeCode(IntEnum):
    """Why a session ends. A client treats a code it does not know like `LEFT`."""

    LEFT = 1
    KICKED = 2
    BANNED = 3
    WORLD_FULL = 4
    REPLACED = 5
    PROTOCOL_ERROR = 6
    VERSION = 7
    SERVER_STOPPING = 8
    SILENT = 9


class JumpReason(IntEnum):
    """Why a JUMP says to be somewhere else all at once."""

    RESPAWN = 1
    PORTAL = 2
    SEAT = 3


class Flags(IntEnum):
    """Bits of a pose's flags; a receiver ignores the others."""

    SPEAKING = 1
    IN_THE_AIR = 2
    RUNNING = 4
    SEATED = 8


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a participant stands and looks, in wire units.

    x, y, z: feet, millimetres, i24. yaw: 1/65536 turn, u16. pitch: 90/127 degrees, i8. gesture: u8. flags: `Flags`.
    """

    x: int = 0
    y: int = 0
    z: int = 0
    yaw: int = 0
    pitch: int = 0
    gesture: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Hello:
    """0x01, events, client to server, first of all messages: the versions spoken, the avatar, the first pose."""

    newest: int
    oldest: int
    client: str
    avatar: str
    pose: Pose


@dataclass(frozen=True, slots=True)
class Ping:
    """0x02, events, client to server, once a second from a timer: a sign of life and a clock probe."""

    client_ms: int


@dataclass(frozen=True, slots=True)
class PoseUpdate:
    """0x10, poses, client to server, version 1: where I am. `seq` grows by one with each, modulo 65,536."""

    seq: int
    last_tick: int
    pose: Pose


@dataclass(frozen=True, slots=True)
class Jump:
    """0x04, events, client to server: I am there now, not by walking. `jumps` counts them, modulo 16."""

    reason: int
    jumps: int
    pose: Pose


@dataclass(frozen=True, slots=True)
class Here:
    """0x11, poses, client to server: where I am, and when that was on the server's clock (`at`: ms, modulo 65,536).

    jumps, corrections: how many JUMPs were sent and CORRECTs obeyed, modulo 16; others are dropped by the server.
    """

    seq: int
    at: int
    jumps: int
    corrections: int
    pose: Pose


@dataclass(frozen=True, slots=True)
class Welcome:
    """0x81, events, server to client, first answer to HELLO: who you are here, and what time it is."""

    version: int
    peer: int
    tick: int
    tick_rate: int
    server_ms: int
    capacity: int
    name: str


@dataclass(frozen=True, slots=True)
class Entrant:
    """One participant as ENTER shows them."""

    peer: int
    role: int
    user_id: str
    name: str
    avatar: str


@dataclass(frozen=True, slots=True)
class Enter:
    """0x82, events, server to client: these are here now; for a peer already known it replaces what was known."""

    entrants: tuple[Entrant, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """0x83, events, server to client: these are gone."""

    peers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    """0x84, events, server to client: the answer to PING, at once."""

    client_ms: int
    tick: int
    server_ms: int


@dataclass(frozen=True, slots=True)
class Notice:
    """0x85, events, server to client: something to tell the visitor."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """0x86, events, server to client, last of all messages: the session is over, and why."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Correct:
    """0x88, events, server to client: you are not there but here. `corrections` counts them, modulo 16."""

    corrections: int
    pose: Pose


@dataclass(frozen=True, slots=True)
class Record:
    """One other participant in a SNAPSHOT."""

    peer: int
    pose: Pose


@dataclass(frozen=True, slots=True)
class Snapshot:
    """0x90, poses, server to client, version 1, each tick: where the others are, and your newest POSE that arrived."""

    tick: int
    server_ms: int
    last_seq: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Keyframe:
    """One other participant in a SIGHT, wholly. age: how old the pose is, in 16 ms, 15 for that much or more."""

    peer: int
    x: int
    y: int
    z: int
    yaw: int
    pitch: int
    gesture: int
    flags: int
    age: int


@dataclass(frozen=True, slots=True)
class Delta:
    """One other participant in a SIGHT whose last pose is known: the low bits of where they are now.

    x, y, z: centimetres modulo 2,048, 256 and 2,048. pitch: 180/127 degrees, i7. yaw: 1/256 turn. speaking: the flag,
    0 or 1. age: as above.
    """

    peer: int
    x: int
    pitch: int
    z: int
    y: int
    speaking: int
    yaw: int
    age: int


@dataclass(frozen=True, slots=True)
class Sight:
    """0x91, poses, server to client: where those in sight are.

    interval: ticks from one SIGHT to the next at most often. lead: ms between the arrival of your newest HERE and the
    tick. last_seq: the seq of that HERE.
    """

    interval: int
    lead: int
    last_seq: int
    tick: int
    server_ms: int
    records: tuple[Keyframe | Delta, ...]


ClientMessage = Hello | Ping | PoseUpdate | Jump | Here
ServerMessage = Welcome | Enter | Leave | Pong | Notice | Goodbye | Snapshot | Correct | Sight
Message = ClientMessage | ServerMessage
