"""What the node asks of a transport. aiortc is the first, others follow; nothing of theirs shows above this file.

Rule: a transport moves frames for sessions. It knows nothing of worlds, roles or the frames' meaning, and it
bounds what waits: a reader too slow loses poses first, and then its connection, never the node's memory.
"""

from __future__ import annotations

from typing import Protocol

from roomscale.netcode.core.messages import Channel


class Handler(Protocol):
    """Who is told what happens on a transport. Called on the event loop; must not raise."""

    def opened(self, session: str) -> None:
        """Both channels of a session are open; when it had a connection before, this one has replaced it."""

    def message(self, session: str, channel: Channel, data: bytes) -> None:
        """A frame came. A text frame comes as no bytes at all, which is malformed."""

    def paced(self, session: str, rate: float) -> None:
        """A session's path takes so many snapshots a second from now on, Hz; before it is said, all of them."""

    def closed(self, session: str, reason: str) -> None:
        """A session has no connection any more, and `close` was not why. Said once for each session."""


class Transport(Protocol):
    """Connections by session. A session has at most one open connection, and one more that may replace it."""

    async def answer(self, session: str, offer: str) -> str:
        """The SDP answer to a session's SDP offer; the connection opens later, or is given up after a while.

        Raises BadOffer (the visitor's mistake) or TransportError (ours).
        """

    def send(self, session: str, channel: Channel, data: bytes) -> None:
        """Send a frame, at the next `flush` at the latest. Dropped for sessions without an open connection."""

    def flush(self) -> None:
        """Send what `send` took since the last time. Whoever sends calls it when nothing more is to be said now."""

    def close(self, session: str, *, linger: float = 0.0) -> None:
        """Close a session's connections, at most `linger` seconds later when frames on `events` still wait."""

    async def shutdown(self) -> None:
        """Close everything, at once."""

    def stats(self) -> dict[str, int]:
        """Counters for the metrics."""
