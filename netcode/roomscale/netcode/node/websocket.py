"""The WebSocket transport: where UDP is blocked, the same frames over TCP. The gate owns the port, this file the rest.

The gate passes each visitor's messages on over a Unix connection of its own (`framing`). The first message is a key,
made here when an offer was answered: single use, `key_life` seconds to its use, the newest of a session counts. It
makes this connection the session's next one. It is *open* with its first frame, and then replaces the former one. One
that breaks off without a LEAVE has lost its path: its session is not closed here, but by the core's patience.

Rule: what waits for a slow reader is bounded: one pose, which a newer one replaces, and `backlog` bytes of `events`,
after which the connection is ended. What a visitor has not said it received counts as waiting (`flow`).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.errors import SocketBroken
from roomscale.netcode.node import framing
from roomscale.netcode.node.flow import Flow
from roomscale.netcode.node.framing import Kind, Unpacker
from roomscale.netcode.node.transport import Handler
from roomscale.netcode.node.unixsocket import listen_at

_BUFFER: Final = 16_384
"""Bytes that the kernel and we may hold between us and the gate: a slow visitor is noticed soon."""


@dataclass(frozen=True, slots=True)
class WebSocketConfig:
    """What the host may choose of it."""

    path: Path
    """The Unix socket that the gate connects to."""
    backlog: int = 262_144
    """Bytes that may wait on `events` for one visitor, who is dropped beyond."""
    key_life: float = 30.0
    """Seconds from an answer to the use of its key."""
    key_timeout: float = 5.0
    """Seconds from a connection to its key."""
    open_timeout: float = 15.0
    """Seconds from a key to the first frame."""
    connections: int = 512
    """Connections at once, of whatever state; more are cut."""


class Link(asyncio.Protocol):
    """One connection: nobody's until its key, a session's next one until its first frame, then its open one."""

    def __init__(self, owner: WebSocketTransport) -> None:
        self.owner = owner
        self.session: str | None = None
        self.open = False
        self.ended = False
        self.timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport
        self._flow = Flow()
        self._unpacker = Unpacker()
        self._blocked = False
        self._held: bytes | None = None
        """The newest pose message that could not be sent yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=_BUFFER)
        if (own := transport.get_extra_info("socket")) is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self.owner.link_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.owner.link_lost(self)

    def pause_writing(self) -> None:
        """See asyncio."""
        self._blocked = True

    def resume_writing(self) -> None:
        """See asyncio."""
        self._blocked = False
        self._release()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        try:
            for message in () if self.ended else self._unpacker.feed(data):
                self._take(message)
                if self.ended:
                    return
        except SocketBroken as error:
            self.owner.link_broke(self, error)

    def _take(self, message: bytes) -> None:
        kind = message[0]
        if self.session is None:
            if kind != Kind.KEY:
                raise SocketBroken("no key")
            if self.owner.link_called(self, message[1:]):
                self.transport.write(framing.pack(framing.OPEN))
        elif kind <= Kind.POSES:
            self.owner.link_message(self, Channel(kind), message[1:])
        elif kind == Kind.RECEIPT:
            self._flow.received(framing.read_receipt(message), time.monotonic())
            self._release()
        elif message == framing.LEAVE:
            self.owner.link_ended(self, "the visitor left")
        else:
            raise SocketBroken(f"a message of kind {kind}")

    def send_event(self, frame: bytes) -> None:
        """Send a frame on `events`; at its turn, however long that takes."""
        self._write(b"\x00" + frame)

    def send_pose(self, frame: bytes) -> bool:
        """Send a frame on `poses`, or keep it in place of one that waits. Whether none had to give way."""
        former, self._held = self._held, b"\x01" + frame
        self._release()
        return former is None

    @property
    def waiting(self) -> int:
        """Bytes under way."""
        return self._flow.waiting

    def hang_up(self, linger: float) -> None:
        """Close the connection: at once, or when what was written is read, at most `linger` seconds later."""
        self.ended = True
        self._held = None
        if self.timer:
            self.timer.cancel()
        if linger > 0 and not self.transport.is_closing():
            self.transport.write_eof()  # closing both ways would make the gate's next write fail before it has read
            asyncio.get_running_loop().call_later(linger, self.transport.abort)
        else:
            self.transport.abort()

    def _release(self) -> None:
        if self._held is not None and not self._blocked and self._flow.room(time.monotonic()):
            message, self._held = self._held, None
            self._write(message)

    def _write(self, message: bytes) -> None:
        if self.transport.is_closing():
            return
        self._flow.sent(len(message), time.monotonic())
        self.transport.write(framing.pack(message))


class WebSocketTransport:
    """What `Transport` asks, but for `answer`: the gate answers upgrades, and `key` is what lets one in."""

    def __init__(self, config: WebSocketConfig, handler: Handler) -> None:
        self._config = config
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._next: dict[str, Link] = {}
        """Called by a key, and silent so far."""
        self._open: dict[str, Link] = {}
        self._keys: dict[str, tuple[bytes, float]] = {}
        """By session: the SHA-256 of its newest key, and until when it is good."""
        self._sessions: dict[bytes, str] = {}
        """By the SHA-256 of their key."""
        self._counts = {"opened": 0, "wrong_keys": 0, "snapshots_skipped": 0, "too_slow": 0, "broken": 0}

    async def start(self) -> None:
        """Listen. Raises SeamError."""
        loop = asyncio.get_running_loop()
        listener = listen_at(self._config.path)
        self._server = await loop.create_unix_server(lambda: Link(self), sock=listener)

    def key(self, session: str) -> str:
        """A key for a session; its former one is void."""
        self.void(session)
        key = secrets.token_urlsafe(32)
        digest = hashlib.sha256(key.encode()).digest()
        self._keys[session] = digest, time.monotonic() + self._config.key_life
        self._sessions[digest] = session
        return key

    def void(self, session: str) -> None:
        """A session's key is good no more."""
        if known := self._keys.pop(session, None):
            del self._sessions[known[0]]

    def send(self, session: str, channel: Channel, data: bytes) -> None:
        """See `Transport.send`."""
        link = self._open.get(session)
        if link is None:
            return
        if channel is Channel.POSES:
            self._counts["snapshots_skipped"] += not link.send_pose(data)
        elif link.waiting > self._config.backlog:
            self._counts["too_slow"] += 1
            self.link_ended(link, "it reads too slowly")
        else:
            link.send_event(data)

    def close(self, session: str, *, linger: float = 0.0) -> None:
        """See `Transport.close`; the session's key is void, too."""
        self.void(session)
        for links in (self._open, self._next):
            if link := links.pop(session, None):
                link.hang_up(linger)

    async def shutdown(self) -> None:
        """See `Transport.shutdown`."""
        if self._server is not None:
            self._server.close()
            self._config.path.unlink(missing_ok=True)
        for link in list(self._links):
            link.hang_up(0.0)
        await asyncio.sleep(0)  # the loop closes what was aborted

    def stats(self) -> dict[str, int]:
        """See `Transport.stats`."""
        return {"open": len(self._open), "connections": len(self._links), "keys": len(self._keys), **self._counts}

    def link_made(self, link: Link) -> None:
        """The gate connected for somebody."""
        self._links.add(link)
        if len(self._links) > self._config.connections:
            link.hang_up(0.0)
        else:
            self._await(link, self._config.key_timeout, "no key came")

    def link_called(self, link: Link, key: bytes) -> bool:
        """A link shows a key; whether it is good. If not the link is ended."""
        digest = hashlib.sha256(key).digest()
        session = self._sessions.get(digest)
        if session is None or self._keys[session][1] < time.monotonic():
            self._counts["wrong_keys"] += 1
            self.link_ended(link, "the key is not good")
            return False
        self.void(session)
        link.session = session
        if former := self._next.pop(session, None):
            former.hang_up(0.0)
        self._next[session] = link
        self._await(link, self._config.open_timeout, "nothing was said")
        return True

    def link_message(self, link: Link, channel: Channel, frame: bytes) -> None:
        """A frame came on a link that has a session; the first opens it."""
        session = cast(str, link.session)
        if not link.open:
            link.open = True
            if link.timer:
                link.timer.cancel()
            del self._next[session]
            if former := self._open.pop(session, None):
                former.hang_up(0.0)
            self._open[session] = link
            self._counts["opened"] += 1
            self._handler.opened(session)
        if not link.ended:
            self._handler.message(session, channel, frame)

    def link_lost(self, link: Link) -> None:
        """A link's connection is gone. Nobody is told: its visitor may be looking for another path."""
        self._links.discard(link)
        self._remove(link)

    def link_broke(self, link: Link, error: SocketBroken) -> None:
        """A link's other end broke the rules."""
        self._counts["broken"] += 1
        self.link_ended(link, str(error))

    def link_ended(self, link: Link, reason: str) -> None:
        """A link is to end, because of its visitor. Its session is told to be closed when it has no other here."""
        if self._remove(link) and link.session is not None and not self.holds(link.session):
            self._handler.closed(link.session, reason)

    def _remove(self, link: Link) -> bool:
        """Forget a link, and close it; False when it had ended already."""
        if link.ended:
            return False
        link.hang_up(0.0)
        for links in (self._open, self._next):
            if link.session is not None and links.get(link.session) is link:
                del links[link.session]
        return True

    def holds(self, session: str) -> bool:
        """Whether a session has a connection here, open or silent so far."""
        return session in self._open or session in self._next

    def _await(self, link: Link, seconds: float, reason: str) -> None:
        if link.timer:
            link.timer.cancel()
        link.timer = asyncio.get_running_loop().call_later(seconds, self.link_ended, link, reason)
