"""A headless visitor over our own endpoint: a tenth of what one over aiortc costs, so that one process plays hundreds.

Rule: it behaves as `visitor.Visitor` does, and shows the same. A connection is one UDP socket and one `webrtc.Client`;
the one in use goes on until the new one opens. All visitors of a process share one certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.errors import TransportError
from roomscale.netcode.testing.talker import Talker
from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.channels import Ended, Opened
from roomscale.netcode.webrtc.client import Client
from roomscale.netcode.webrtc.handshake import DtlsContext
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.sctp.events import Message
from roomscale.netcode.webrtc.stun import Address

_DATAGRAM: Final = 2_048
"""Bytes of a datagram that are looked at."""


@functools.cache
def _context() -> DtlsContext:
    return DtlsContext(Certificate.generate(datetime.now(UTC)))


class Connection:
    """One client on a socket of its own, in this event loop."""

    def __init__(self, host: str, heard: Callable[[Connection, object], None]) -> None:
        self.client = Client(_context(), SctpConfig())
        self.open = False
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = INFINITY
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, 0))
        except OSError as error:
            self._socket.close()
            raise TransportError(f"cannot bind UDP on {host}: {error.strerror}") from None
        self._loop.add_reader(self._socket, self._readable)

    def flush(self) -> None:
        """Send what is to be sent, and tell what happened."""
        now = time.monotonic()
        for datagram, address in self.client.outgoing(now):
            self._transmit(datagram, address)
        for event in self.client.events(now):
            self._heard(self, event)
        self._wake_up()

    def close(self) -> None:
        """End it: the server is told."""
        self.client.close(time.monotonic())
        for datagram, address in self.client.outgoing(time.monotonic()):
            self._transmit(datagram, address)
        self.cut()

    def cut(self) -> None:
        """Go silent: nothing is said, and nothing answers."""
        if self._timer:
            self._timer.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        """Take one datagram: mostly there is no other, and if there is, the loop comes back at once."""
        try:
            datagram, address = self._socket.recvfrom(_DATAGRAM)
        except OSError:
            return  # nothing, or an earlier send that found nobody
        self.client.receive(datagram, address, time.monotonic())
        self.flush()

    def _transmit(self, datagram: bytes, address: Address) -> None:
        if self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):  # lost, as on any network
                self._socket.sendto(datagram, address)

    def _wake_up(self) -> None:
        at = self.client.next_timer()
        if at >= self._timer_at or self._socket.fileno() < 0:
            return  # one that rings too early does no harm, and mostly it is put off again and again
        if self._timer:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(max(0.001, at - time.monotonic()), self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, INFINITY
        self.client.on_timer(time.monotonic())
        self.flush()


class LeanVisitor(Talker):
    """One visitor. `hosts`: addresses to bind, of which the first is used; loopback suits a node on this machine."""

    def __init__(self, *, hosts: Sequence[str] = ("127.0.0.1",), avatar: str = "ada") -> None:
        super().__init__(avatar)
        self._host = next(iter(hosts))
        self._used: Connection | None = None
        self._called: list[Connection] = []
        """Connections offered and not open, the newest last."""

    async def offer(self) -> str:
        """A new connection's SDP offer; the one in use goes on until the new one opens. Raises TransportError."""
        connection = Connection(self._host, self._happened)
        self._called.append(connection)
        return connection.client.offer()

    async def accept(self, answer: str) -> None:
        """The answer to the newest offer. Raises BadAnswer."""
        connection = self._called[-1]
        connection.client.accept(answer, time.monotonic())
        connection.flush()

    def send(self, channel: Channel, data: bytes | str) -> None:
        """See `Talker.send`."""
        if self._used is not None and isinstance(data, bytes):
            self._used.client.send(channel, data, time.monotonic())
            self._used.flush()

    async def close(self) -> None:
        """See `Talker.close`."""
        self._still()
        for connection in [*self._called, *([self._used] if self._used else [])]:
            connection.close()
        self._called.clear()

    async def vanish(self) -> None:
        """Go silent as a machine without power does: nothing is said, and nothing answers."""
        self._still()
        if self._used:
            self._used.cut()

    def _happened(self, connection: Connection, event: object) -> None:
        if isinstance(event, Opened) and connection in self._called:
            for other in [*self._called, *([self._used] if self._used else [])]:
                if other is not connection:
                    other.close()
            self._called.clear()
            self._used = connection
            self._begin()
        elif connection is self._used:
            if isinstance(event, Ended):
                self._end()
            elif isinstance(event, Message):
                self._hear(Channel(event.stream), event.data)
