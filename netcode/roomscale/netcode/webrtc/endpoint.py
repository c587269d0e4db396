"""All connections of one node behind one UDP port, sans-IO: whose datagram is this, whose timer is due.

Rule: it keeps the tables and nothing else: by address for DTLS, by ufrag for STUN requests, by tag for the responses to
checks of ours. An address belongs to the connection that proved it; one that merely claims it (whoever knows a
session's password can claim anybody's address) gets it only where nobody has it.

Mutate (`answer`, `receive`, `send`, `on_timer`, `close`), then drain `outgoing`, and after it `events`.

Datagrams are told apart by their first byte (RFC 7983): 0 to 3 is STUN, 20 to 63 DTLS, all else is nothing of ours.
What no table knows is dropped without an answer, so a flood from strangers costs a look-up each.

Left out: TURN, TCP candidates, media, mDNS, and full ICE (RFC 8445 §2.5 says why a server needs only the lite one).
"""

from __future__ import annotations

import heapq
import secrets
from dataclasses import dataclass
from typing import Final, TypeAlias

from roomscale.netcode.errors import BadStun
from roomscale.netcode.webrtc import sdp, stun
from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.channels import Event
from roomscale.netcode.webrtc.connection import Connection
from roomscale.netcode.webrtc.handshake import DtlsContext
from roomscale.netcode.webrtc.ice_events import Claimed, Forgotten, Moved, Proven, Retired
from roomscale.netcode.webrtc.ice_paths import TAG
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.stun import Address

_DTLS_FIRST: Final = 20
_DTLS_LAST: Final = 63
_STUN_LAST: Final = 3


Happened: TypeAlias = tuple[Connection, Event]
"""Something happened on a connection."""


@dataclass(slots=True)
class Tally:
    """What came in, by kind."""

    stun: int = 0
    unknown: int = 0
    """Datagrams that no table knew, or that were nothing of ours."""
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """What the owner of an endpoint may choose."""

    candidates: tuple[tuple[str, int], ...]
    """Addresses and ports that answers offer, the best first."""
    certificate: Certificate
    """What DTLS shows, on all connections."""
    sctp: SctpConfig


class Endpoint:
    """The connections of one UDP port."""

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self._context = DtlsContext(config.certificate)
        self._by_address: dict[Address, Connection] = {}
        self._by_ufrag: dict[bytes, Connection] = {}
        self._by_tag: dict[bytes, Connection] = {}
        self._timers: list[tuple[float, int, Connection]] = []
        self._pushed = 0
        self._dirty: dict[Connection, None] = {}
        """Connections that may have something to send, in the order of their news."""
        self._events: list[Happened] = []
        self.tally = Tally()

    def __len__(self) -> int:
        return len(self._by_tag)

    def answer(self, name: str, offer: sdp.Description, now: float) -> tuple[Connection, str]:
        """A new connection for an offer, and the SDP answer."""
        tag = secrets.token_bytes(TAG)
        while tag in self._by_tag:
            tag = secrets.token_bytes(TAG)
        connection = Connection(name, offer, self._context, self._config.sctp, tag, now)
        self._by_tag[tag] = connection
        self._schedule(connection)
        return connection, self._admit(connection)

    def restart(self, connection: Connection, offer: sdp.Description, now: float) -> str:
        """An ICE restart of a connection that `restarts` by this offer; the SDP answer."""
        self.tally.restarts += 1
        connection.restart(offer)
        self._settle(connection, now)
        return self._admit(connection)

    def receive(self, datagram: bytes, address: Address, now: float) -> None:
        """A datagram came. Never raises."""
        if datagram and _DTLS_FIRST <= datagram[0] <= _DTLS_LAST:
            connection = self._by_address.get(address)
            if connection is not None:
                if connection.receive(datagram, address, now):
                    self._heard(connection, now)
                else:
                    self._settle(connection, now)
                return
        elif datagram and datagram[0] <= _STUN_LAST:
            self.tally.stun += 1
            if self._receive_stun(datagram, address, now):
                return
        self.tally.unknown += 1

    def send(self, connection: Connection, channel: int, data: bytes, now: float) -> bool:
        """Send a frame; see `Channels.send`."""
        self._dirty[connection] = None
        return connection.channels.send(channel, data, now)

    def close(self, connection: Connection, now: float) -> None:
        """End a connection; what tells the peer is in `outgoing`, and nothing more in `events`."""
        if connection.tag in self._by_tag:
            connection.close(now)
            self._forget(connection)
            self._dirty[connection] = None

    def knows(self, address: Address) -> bool:
        """Whether an address is a connection's."""
        return address in self._by_address

    def outgoing(self, now: float) -> list[tuple[bytes, Address]]:
        """Datagrams to send now, and where to."""
        if not self._dirty:
            return []
        dirty, self._dirty = self._dirty, {}
        out: list[tuple[bytes, Address]] = []
        for connection in dirty:
            calm = connection.calm
            out += connection.outgoing(now)
            if not calm:
                self._look(connection, now)
            elif (due := connection.channels.deadline) < connection.wake:
                self._push(connection, due)
        return out

    def events(self) -> list[Happened]:
        """What happened since the last call; complete after `outgoing`."""
        events, self._events = self._events, []
        return events

    def next_timer(self) -> float:
        """When `on_timer` is due; infinity for never."""
        return self._timers[0][0] if self._timers else INFINITY

    def on_timer(self, now: float) -> None:
        """Time has passed: whoever is due does what is due."""
        timers = self._timers
        while timers and timers[0][0] <= now:
            at, _, connection = heapq.heappop(timers)
            if at != connection.wake:
                continue  # it was called earlier meanwhile, or is gone
            connection.wake = INFINITY
            if connection.next_timer() <= now:
                connection.on_timer(now)
                self._settle(connection, now)
            else:
                self._schedule(connection)

    def _receive_stun(self, datagram: bytes, address: Address, now: float) -> bool:
        """Whether it was for a connection of ours."""
        try:
            message = stun.parse(datagram)
            if message.kind == stun.BINDING_REQUEST:
                connection = self._by_ufrag.get(message.local_ufrag())
            else:
                connection = self._by_tag.get(message.transaction[:TAG])
        except BadStun:
            return False
        if connection is None:
            return False
        if message.kind == stun.BINDING_REQUEST:
            connection.request(message, address, now)
        else:
            connection.response(message, address, now)
        self._settle(connection, now)
        return True

    def _heard(self, connection: Connection, now: float) -> None:
        """After a frame, in the steady state: nothing is to be sent for it, its SACK rides on the next tick."""
        if (due := connection.channels.deadline) < connection.wake:
            self._push(connection, due)
        for event in connection.channels.events(now):
            self._events.append((connection, event))
        if connection.channels.ended:
            self._settle(connection, now)

    def _settle(self, connection: Connection, now: float) -> None:
        """What ICE says goes into the tables; what is to be sent, and when, is looked at in `outgoing`."""
        self._dirty[connection] = None
        for event in connection.ice.events():
            match event:
                case Claimed(address):
                    self._by_address.setdefault(address, connection)
                case Proven(address):
                    self._by_address[address] = connection
                case Forgotten(address):
                    if self._by_address.get(address) is connection:
                        del self._by_address[address]
                case Moved():
                    connection.channels.moved(now)
                case Retired(ufrag):
                    self._by_ufrag.pop(ufrag.encode(), None)

    def _look(self, connection: Connection, now: float) -> None:
        """After something was sent: what happened, whether it ended, when it wants to be called."""
        self._collect(connection, now)
        if connection.channels.ended:
            self._forget(connection)
        else:
            self._schedule(connection)

    def _collect(self, connection: Connection, now: float) -> None:
        for event in connection.channels.events(now):
            self._events.append((connection, event))

    def _schedule(self, connection: Connection) -> None:
        due = connection.next_timer()
        if due < connection.wake:
            self._push(connection, due)

    def _push(self, connection: Connection, due: float) -> None:
        """Have it called at `due`. An entry that is there stays in the heap, and is passed over when its time comes."""
        connection.wake = due
        self._pushed += 1  # so that the heap never compares connections
        heapq.heappush(self._timers, (due, self._pushed, connection))

    def _admit(self, connection: Connection) -> str:
        """Know a connection by its newest ufrag; its answer."""
        self._by_ufrag[connection.ice.local.ufrag.encode()] = connection
        return connection.answer(self._config.certificate.fingerprint, self._config.candidates)

    def _forget(self, connection: Connection) -> None:
        """It is in no table any more; its addresses may be another's now."""
        if self._by_tag.pop(connection.tag, None) is None:
            return
        connection.wake = INFINITY
        for ufrag in connection.ice.ufrags:
            self._by_ufrag.pop(ufrag.encode(), None)
        for address in connection.ice.addresses:
            if self._by_address.get(address) is connection:
                del self._by_address[address]
