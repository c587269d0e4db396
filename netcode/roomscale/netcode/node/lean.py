"""The lean transport: all visitors of a node behind one UDP port, by the endpoint of `netcode.webrtc`.

Rule: the clock, and which connection is whose session; what a datagram means is the endpoint's affair.

A session has one connection in use and one more that may replace it, as every `Transport`'s. Another offer of the
*same* peer connection is an ICE restart: it keeps both the connection and its channels.

What is sent between two `flush`es goes out in as few packets as it fits, so a tick is one packet to each visitor.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.node import addresses
from roomscale.netcode.node.transport import Handler
from roomscale.netcode.node.udp import Sockets
from roomscale.netcode.webrtc import sdp
from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.channels import Event, Opened
from roomscale.netcode.webrtc.connection import Connection
from roomscale.netcode.webrtc.endpoint import Endpoint, EndpointConfig
from roomscale.netcode.webrtc.ladder import LOOK, RATES, Ladder
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.sctp.events import Message

_CHANNELS: Final = (Channel.EVENTS, Channel.POSES)
"""By stream id."""
_COUNTED: Final = ("answered", "restarted", "snapshots_skipped", "too_slow")
_SACK_DELAY: Final = 0.15
"""Seconds that an acknowledgement waits to ride on a snapshot: three ticks. The RFC allows 0.2."""
_SACK_AGE: Final = 0.03
"""Seconds of waiting before it rides: a pose comes 4 to 12 ms before its tick, so every second snapshot carries one."""
_FINEST: Final = 0.01
"""Seconds between two looks at the timers at least: none of them is finer than an acknowledgement held back."""
_FAREWELL: Final = 0.01
"""Seconds between two looks at whether a GOODBYE has arrived."""


@dataclass(frozen=True, slots=True)
class LeanConfig:
    """What the host may choose of it."""

    bind_hosts: tuple[str, ...] = ("127.0.0.1",)
    """IP addresses to bind and to offer; see `addresses.candidates` for the wildcards."""
    port: int = 0
    """The UDP port of all visitors, on every address; 0 for any that is free."""
    public_address: str | None = None
    """The IP address to offer instead of the bound ones (1:1 NAT, containers)."""
    backlog: int = 262_144
    """Bytes that may wait on `events` for one visitor, who is dropped beyond."""
    open_timeout: float = 15.0
    """Seconds from an answer to open channels, after which the connection is given up."""


class LeanTransport:
    """The `Transport` protocol over one UDP port."""

    def __init__(self, config: LeanConfig, handler: Handler) -> None:
        self._config = config
        self._handler = handler
        self._sockets = Sockets(addresses.candidates(config.bind_hosts), config.port)
        self._endpoint = Endpoint(
            EndpointConfig(
                candidates=sdp.advertised(self._sockets.bound, config.public_address),
                certificate=Certificate.generate(datetime.now(UTC)),
                sctp=SctpConfig(send_queue=config.backlog, sack_delay=_SACK_DELAY, sack_age=_SACK_AGE),
            )
        )
        self._open: dict[str, Connection] = {}
        self._ladders: dict[Connection, Ladder] = {}
        """Of those in use."""
        self._connecting: dict[str, tuple[Connection, asyncio.TimerHandle]] = {}
        self._leaving: set[Connection] = set()
        """Closed ones whose peer has not acknowledged the GOODBYE yet."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = INFINITY
        self._counts = dict.fromkeys(_COUNTED, 0)
        self._flushing = False
        self._loop = asyncio.get_running_loop()
        self._look_timer = self._loop.call_later(LOOK, self._look)
        self._sockets.listen(self._endpoint.receive, self.flush, self._endpoint.knows)

    async def answer(self, session: str, offer: str) -> str:
        """See `Transport.answer`."""
        description = sdp.parse_offer(offer)
        now = time.monotonic()
        if (current := self._open.get(session)) is not None and current.restarts(description):
            self._counts["restarted"] += 1
            answer = self._endpoint.restart(current, description, now)
            self.flush()
            return answer
        connection, answer = self._endpoint.answer(session, description, now)
        if former := self._connecting.pop(session, None):
            self._drop(*former)
        timer = self._loop.call_later(self._config.open_timeout, self._gave_up, connection)
        self._connecting[session] = connection, timer
        self._counts["answered"] += 1
        self._wake_up()
        return answer

    def send(self, session: str, channel: Channel, data: bytes) -> None:
        """See `Transport.send`. It goes out with the next `flush`."""
        connection = self._open.get(session)
        if connection is None:
            return
        if not self._endpoint.send(connection, channel, data, time.monotonic()):
            if channel is Channel.POSES:
                self._counts["snapshots_skipped"] += 1
            else:
                self._counts["too_slow"] += 1
                self._ended(connection, "it reads too slowly")

    def flush(self) -> None:
        """See `Transport.flush`."""
        if self._flushing:
            return  # what the handler wants sent goes out in the next round of the loop below
        self._flushing = True
        try:
            while True:
                now = time.monotonic()
                self._sockets.send(self._endpoint.outgoing(now))
                happened = self._endpoint.events()
                if not happened:
                    break
                for connection, event in happened:
                    self._happened(connection, event)
        finally:
            self._flushing = False
        self._wake_up()

    def close(self, session: str, *, linger: float = 0.0) -> None:
        """See `Transport.close`."""
        if waiting := self._connecting.pop(session, None):
            self._drop(*waiting)
        if connection := self._open.pop(session, None):
            del self._ladders[connection]
            self._farewell(connection, time.monotonic() + linger)

    async def shutdown(self) -> None:
        """See `Transport.shutdown`."""
        for session in [*self._open, *self._connecting]:
            self.close(session)
        while self._leaving:
            await asyncio.sleep(_FAREWELL)
        self._look_timer.cancel()
        if self._timer:
            self._timer.cancel()
        self._sockets.close()

    def stats(self) -> dict[str, int]:
        """See `Transport.stats`."""
        return {
            "open": len(self._open),
            "connecting": len(self._connecting),
            **self._counts,
            "unsent": self._sockets.unsent,
            "datagrams_in": self._sockets.received,
            **{f"at_{rate:g}_hz": sum(ladder.rate == rate for ladder in self._ladders.values()) for rate in RATES},
            "datagrams_unknown": self._endpoint.tally.unknown,
        }

    def _happened(self, connection: Connection, event: Event) -> None:
        if isinstance(event, Message):
            if self._open.get(connection.name) is connection:
                self._handler.message(connection.name, _CHANNELS[event.stream], event.data)
        elif isinstance(event, Opened):
            self._opened(connection)
        else:
            self._ended(connection, event.reason)

    def _opened(self, connection: Connection) -> None:
        session = connection.name
        waiting = self._connecting.get(session)
        if waiting is None or waiting[0] is not connection:
            return
        del self._connecting[session]
        waiting[1].cancel()
        now = time.monotonic()
        former = self._open.get(session)
        self._open[session] = connection
        self._ladders[connection] = Ladder(now)
        if former:
            del self._ladders[former]
            self._endpoint.close(former, now)
        self._handler.opened(session)

    def _ended(self, connection: Connection, reason: str) -> None:
        """A connection ended, by its peer or because of it. The session is over when it has no other."""
        session = connection.name
        waiting = self._connecting.get(session)
        if self._open.get(session) is connection:
            del self._open[session], self._ladders[connection]
        elif waiting is not None and waiting[0] is connection:
            del self._connecting[session]
            waiting[1].cancel()
        else:
            return
        self._endpoint.close(connection, time.monotonic())
        if session not in self._open and session not in self._connecting:
            self._handler.closed(session, reason)

    def _gave_up(self, connection: Connection) -> None:
        self._ended(connection, "it did not connect")
        self.flush()

    def _drop(self, connection: Connection, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        self._endpoint.close(connection, time.monotonic())

    def _farewell(self, connection: Connection, until: float) -> None:
        """Close a connection once its peer has what was said on `events`, or the time is over."""
        self.flush()
        now = time.monotonic()
        if now < until and connection.channels.unacknowledged:
            self._leaving.add(connection)
            self._loop.call_later(_FAREWELL, self._farewell, connection, until)
            return
        self._leaving.discard(connection)
        self._endpoint.close(connection, now)
        self.flush()

    def _look(self) -> None:
        """Say how much each path takes, where that has changed."""
        self._look_timer = self._loop.call_later(LOOK, self._look)
        now = time.monotonic()
        for connection, ladder in self._ladders.items():
            before = ladder.rate
            if connection.channels.sctp is not None and ladder.look(connection.channels.sctp.stats, now) != before:
                self._handler.paced(connection.name, ladder.rate)

    def _wake_up(self) -> None:
        """Have `_due` called when the endpoint wants it."""
        at = self._endpoint.next_timer()
        if at == self._timer_at:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = at
        self._timer = None
        if at != INFINITY:
            self._timer = self._loop.call_later(max(_FINEST, at - time.monotonic()), self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, INFINITY
        self._endpoint.on_timer(time.monotonic())
        self.flush()
