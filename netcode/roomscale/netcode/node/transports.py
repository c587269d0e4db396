"""Two ways to a session behind one `Transport`: WebRTC, and a WebSocket where UDP is blocked.

A session has one connection in use, of either kind. One of the other kind takes its place when something is *said* on
it, not when it opens: the visitor alone knows which of two that open at once it took. The former one is then closed.

Rule: this file moves sessions between kinds and does nothing else; each kind replaces its own connections itself.
"""

from __future__ import annotations

from collections.abc import Callable

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.node.transport import Handler, Transport
from roomscale.netcode.node.websocket import WebSocketConfig, WebSocketTransport


class Transports:
    """The `Transport` protocol over one that is called by offers and one that is called by keys."""

    def __init__(self, handler: Handler, udp: Callable[[Handler], Transport], websocket: WebSocketConfig) -> None:
        self._handler = handler
        self._udp = udp(_Side(self._udp_opened, self._from_udp, handler.paced, self._udp_closed))
        self._websocket = WebSocketTransport(
            websocket, _Side(handler.opened, self._from_websocket, handler.paced, self._websocket_closed)
        )
        self._called: set[str] = set()
        """Sessions that `_udp` has answered and not closed."""
        self._on_websocket: set[str] = set()
        """Sessions that spoke on their WebSocket last; the others are `_udp`'s."""

    async def start(self) -> None:
        """Listen for WebSockets. Raises SeamError."""
        await self._websocket.start()

    async def answer(self, session: str, offer: str) -> str:
        """See `Transport.answer`."""
        answer = await self._udp.answer(session, offer)
        self._called.add(session)
        return answer

    def key(self, session: str) -> str:
        """The key with which a session that was answered may come by WebSocket instead."""
        return self._websocket.key(session)

    def send(self, session: str, channel: Channel, data: bytes) -> None:
        """See `Transport.send`."""
        if session in self._on_websocket:
            self._websocket.send(session, channel, data)
        else:
            self._udp.send(session, channel, data)

    def flush(self) -> None:
        """See `Transport.flush`: a WebSocket has sent it already."""
        self._udp.flush()

    def close(self, session: str, *, linger: float = 0.0) -> None:
        """See `Transport.close`."""
        self._called.discard(session)
        self._on_websocket.discard(session)
        self._udp.close(session, linger=linger)
        self._websocket.close(session, linger=linger)

    async def shutdown(self) -> None:
        """See `Transport.shutdown`."""
        await self._websocket.shutdown()
        await self._udp.shutdown()

    def stats(self) -> dict[str, int]:
        """Those of the one that offers call, and with `websocket_` before them those of the other."""
        return {**self._udp.stats(), **{f"websocket_{name}": n for name, n in self._websocket.stats().items()}}

    def _udp_opened(self, session: str) -> None:
        self._websocket.void(session)  # the key was for a visitor whose UDP is blocked
        self._handler.opened(session)

    def _from_udp(self, session: str, channel: Channel, data: bytes) -> None:
        if session in self._on_websocket:
            self._on_websocket.discard(session)
            self._websocket.close(session)
        self._handler.message(session, channel, data)

    def _from_websocket(self, session: str, channel: Channel, data: bytes) -> None:
        if session not in self._on_websocket:
            self._on_websocket.add(session)
            self._called.discard(session)
            self._udp.close(session)
        self._handler.message(session, channel, data)

    def _udp_closed(self, session: str, reason: str) -> None:
        self._called.discard(session)
        if not self._websocket.holds(session):
            self._handler.closed(session, reason)

    def _websocket_closed(self, session: str, reason: str) -> None:
        self._on_websocket.discard(session)
        if session not in self._called:
            self._handler.closed(session, reason)


class _Side:
    """The handler of one kind."""

    def __init__(
        self,
        opened: Callable[[str], None],
        message: Callable[[str, Channel, bytes], None],
        paced: Callable[[str, float], None],
        closed: Callable[[str, str], None],
    ) -> None:
        self.opened = opened
        self.message = message
        self.paced = paced
        self.closed = closed
