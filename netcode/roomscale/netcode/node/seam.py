"""The seam between gate and node: typed messages over a Unix stream socket.

A frame is a big-endian u32 length and that many bytes of JSON: `{"kind", "body"}`, with an `"id"` in a request, which
the one reply to it repeats; what the node pushes has none. Bodies are the dataclasses below, field by field.

Rule: both sides check every byte of the other: lengths first, then kinds, then each field's type. What does not
fit is one `SeamError`, and ends that connection alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_type_hints

from roomscale.netcode.errors import SeamError

MAX_REQUEST: Final = 65_536
"""Bytes of a frame to the node: an offer and its names."""
MAX_REPLY: Final = 4_194_304
"""Bytes of a frame to the gate: `Sessions` of some thousand visitors."""
_FAREWELL: Final = 0.5
"""Seconds that what was written last may take to be read before a connection is cut."""
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Offer:
    """Let a visitor in, or back in on a new connection. → Answer or Refused.

    Whoever asks has checked who they are. The same offer again gets the same answer; another one for the same
    session replaces the connection and keeps the participant.
    """

    session: str
    world: str
    user_id: str
    name: str
    role: int
    muted: bool
    sdp: str


@dataclass(frozen=True, slots=True)
class Eject:
    """End a session with a GOODBYE (`GoodbyeCode`). → Done(1), or Done(0) when there is none."""

    session: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell the participants of a world, or of all worlds (`NoticeCode`). → Done(how many)."""

    world: str | None
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Show a session under another name, which is cleaned and told apart. → Done(1) or Done(0)."""

    session: str
    name: str


@dataclass(frozen=True, slots=True)
class SetRole:
    """Show a session in another role (`Role`). → Done(1) or Done(0)."""

    session: str
    role: int


@dataclass(frozen=True, slots=True)
class Mute:
    """Take away a session's speaking flag, or give it back. → Done(1) or Done(0)."""

    session: str
    muted: bool


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Who is here: a gate that was restarted adopts them. → Sessions."""


@dataclass(frozen=True, slots=True)
class GetMetrics:
    """How the node is doing. → Metrics."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The SDP answer for a session, and the key with which it may come by WebSocket instead, once and soon."""

    session: str
    sdp: str
    key: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer. `code`: full (the world), busy (the node, or the session is another's), bad_offer, failed (ours)."""

    session: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """It was done, to so many."""

    count: int


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session: `present` once HELLO was accepted."""

    session: str
    world: str
    user_id: str
    name: str
    role: int
    muted: bool
    peer: int
    present: bool


@dataclass(frozen=True, slots=True)
class Sessions:
    """Everybody on the node."""

    sessions: tuple[SessionInfo, ...]


@dataclass(frozen=True, slots=True)
class Metrics:
    """See `node.metrics`."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The node could not do it, by a mistake of ours; it is in the node's log."""

    detail: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Pushed: a session became a participant, for the first time or again on a new connection."""

    session: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Pushed: a session is over. `code`: `GoodbyeCode`, LEFT for one that went by itself or was lost."""

    session: str
    code: int
    reason: str


Request = Offer | Eject | Notice | Rename | SetRole | Mute | ListSessions | GetMetrics
Reply = Answer | Refused | Done | Sessions | Metrics | Failed
Push = Opened | Closed
Body = Request | Reply | Push

REQUESTS: Final[tuple[type[Request], ...]] = (Offer, Eject, Notice, Rename, SetRole, Mute, ListSessions, GetMetrics)
REPLIES: Final[tuple[type[Reply], ...]] = (Answer, Refused, Done, Sessions, Metrics, Failed)
PUSHES: Final[tuple[type[Push], ...]] = (Opened, Closed)


def websocket_path(seam_path: Path) -> Path:
    """The node's Unix socket for WebSockets, beside its seam (`node.websocket`)."""
    return seam_path.with_suffix(".net")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SeamError("not a text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or abs(value) > 2**53:
        raise SeamError("not a whole number")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise SeamError("neither true nor false")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SeamError("not an object")
    return value


def _infos(value: object) -> tuple[SessionInfo, ...]:
    if not isinstance(value, list):
        raise SeamError("not a list")
    return tuple(_build(SessionInfo, item) for item in value)


_CHECKS: Final[dict[object, Callable[[object], object]]] = {
    str: _text,
    int: _whole,
    bool: _boolean,
    str | None: _text_or_none,
    dict[str, Any]: _object,
    tuple[SessionInfo, ...]: _infos,
}


def _build(kind: type[Any], body: object) -> Any:
    """An instance of one of the dataclasses above from its JSON object. Raises SeamError."""
    fields = _object(body)
    hints = get_type_hints(kind)
    if set(fields) != set(hints):
        raise SeamError(
            f"{kind.__name__} has the fields {', '.join(hints) or 'none'}, not {', '.join(fields) or 'none'}"
        )
    try:
        return kind(**{name: _CHECKS[hint](fields[name]) for name, hint in hints.items()})
    except SeamError as error:
        raise SeamError(f"{kind.__name__}: {error}") from None


def pack(body: Body, number: int | None = None, *, limit: int = MAX_REPLY) -> bytes:
    """One frame, its length included. Raises SeamError when it is larger than `limit`."""
    message: dict[str, Any] = {"kind": type(body).__name__, "body": dataclasses.asdict(body)}
    if number is not None:
        message["id"] = number
    raw = json.dumps(message).encode()  # ASCII: lone surrogates come through as they are
    if len(raw) > limit:
        raise SeamError(f"a {type(body).__name__} of {len(raw)} bytes, at most {limit}")
    return _LENGTH.pack(len(raw)) + raw


def unpack(raw: bytes, kinds: tuple[type[Any], ...]) -> tuple[int | None, Any]:
    """(id, body) of a frame without its length; `kinds` are those that may come here. Raises SeamError."""
    try:
        message = _object(json.loads(raw))
    except (ValueError, RecursionError):
        raise SeamError("a frame is not JSON") from None
    number = message.get("id")
    if number is not None:
        number = _whole(number)
    for kind in kinds:
        if message.get("kind") == kind.__name__:
            return number, _build(kind, message.get("body"))
    raise SeamError("a frame of a kind that may not come here")


async def read_frame(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    """The next frame without its length; None at the end of the stream. Raises SeamError, also for a torn frame."""
    try:
        head = await reader.readexactly(_LENGTH.size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise SeamError("the stream ends within a frame") from None
        return None
    (size,) = _LENGTH.unpack(head)
    if size > limit:
        raise SeamError(f"a frame of {size} bytes, at most {limit}")
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise SeamError("the stream ends within a frame") from None


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection: let the other side read what it was sent, but do not wait for one that does not."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_FAREWELL):  # not wait_for: before Python 3.12 it can swallow a cancellation
            await writer.wait_closed()
    writer.transport.abort()
