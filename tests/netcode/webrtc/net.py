"""An endpoint and its clients in virtual time, each client behind links and an address of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from roomscale.netcode.testing.link import Link, LinkConfig
from roomscale.netcode.webrtc import sdp
from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.channels import Ended, Event, Opened
from roomscale.netcode.webrtc.client import Client
from roomscale.netcode.webrtc.connection import Connection
from roomscale.netcode.webrtc.endpoint import Endpoint, EndpointConfig
from roomscale.netcode.webrtc.handshake import DtlsContext
from roomscale.netcode.webrtc.sctp.config import SctpConfig
from roomscale.netcode.webrtc.sctp.events import Message
from roomscale.netcode.webrtc.stun import Address

SERVER: Address = ("192.0.2.1", 9000)
GRAIN = 0.005  # seconds


@cache
def certificate(name: str) -> Certificate:
    """A certificate for each name: making one costs more than anything else here."""
    return Certificate.generate(datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class Visitor:
    """One client, and where it is."""

    client: Client
    address: Address
    up: Link
    down: Link
    events: list[Event] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return any(isinstance(event, Opened) for event in self.events)

    @property
    def ended(self) -> str | None:
        return next((event.reason for event in self.events if isinstance(event, Ended)), None)

    @property
    def heard(self) -> list[tuple[int, bytes]]:
        return [(event.stream, event.data) for event in self.events if isinstance(event, Message)]


class Net:
    """One endpoint, and whoever called it."""

    def __init__(self, link: LinkConfig | None = None, *, seed: int = 1, sctp: SctpConfig | None = None) -> None:
        self.link = link or LinkConfig(delay=0.01)
        self.seed = seed
        self.sctp = sctp or SctpConfig()
        self.endpoint = Endpoint(EndpointConfig((("192.0.2.1", 9000),), certificate("server"), self.sctp))
        self.visitors: list[Visitor] = []
        self.connections: list[Connection] = []
        self.events: list[tuple[Connection, Event]] = []
        self.sent: list[tuple[bytes, Address]] = []
        """All datagrams of the server's."""
        self.came: Counter[Address] = Counter()
        """Bytes that reached the server, by where they came from."""
        self.now = 100.0
        self._context = DtlsContext(certificate("client"))

    def call(self, link: LinkConfig | None = None) -> tuple[Visitor, Connection]:
        """A client that has its answer."""
        number = len(self.visitors)
        config, seed = link or self.link, self.seed + 10 * number
        client = Client(self._context, self.sctp)
        visitor = Visitor(client, ("198.51.100.1", 20_000 + number), Link(config, seed), Link(config, seed + 1))
        connection, answer = self.endpoint.answer(str(number), sdp.parse_offer(client.offer()), self.now)
        client.accept(answer, self.now)
        self.visitors.append(visitor)
        self.connections.append(connection)
        return visitor, connection

    def restart(self, visitor: Visitor, connection: Connection) -> None:
        """An ICE restart; signalling takes no time."""
        offer = sdp.parse_offer(visitor.client.restart())
        assert connection.restarts(offer)
        visitor.client.accept(self.endpoint.restart(connection, offer, self.now), self.now)

    def run(self, seconds: float, each: Callable[[], object] | None = None) -> None:
        """Let time pass; `each` is called at every grain of it."""
        for _ in range(round(seconds / GRAIN)):
            self.now += GRAIN
            if each:
                each()
            self.turn()

    def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """Run until something holds; how long that took."""
        began = self.now
        while not holds():
            assert self.now - began < seconds, f"not within {seconds} s"
            self.run(GRAIN)
        return self.now - began

    def turn(self) -> None:
        """Deliver what arrives now, and send what follows."""
        now = self.now
        for visitor in self.visitors:
            for datagram in visitor.up.due(now):
                self.came[visitor.address] += len(datagram)
                self.endpoint.receive(datagram, visitor.address, now)
        if self.endpoint.next_timer() <= now:
            self.endpoint.on_timer(now)
        self.flush()
        for visitor in self.visitors:
            client = visitor.client
            for datagram in visitor.down.due(now):
                client.receive(datagram, SERVER, now)
            if client.next_timer() <= now:
                client.on_timer(now)
            for datagram, _ in client.outgoing(now):
                assert len(datagram) <= 1200
                visitor.up.send(datagram, now)
            visitor.events += client.events(now)

    def flush(self) -> None:
        """What the server has to say goes onto the links; what nobody is at is kept in `sent` alone."""
        for datagram, address in self.endpoint.outgoing(self.now):
            assert len(datagram) <= 1200
            self.sent.append((datagram, address))
            for visitor in self.visitors:
                if visitor.address == address:
                    visitor.down.send(datagram, self.now)
        self.events += self.endpoint.events()
