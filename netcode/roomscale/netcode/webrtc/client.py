"""A visitor's end of a connection, sans-IO: offers, and calls what the answer names.

Rule: the counterpart of `connection`, for headless visitors and for tests: no table, one peer, one socket of its own.

    client = Client(context, SctpConfig(), now)
    answer = …(client.offer())                    # signalling
    client.accept(answer, now)
    for datagram, address in client.outgoing(now): …

Mutate (`accept`, `receive`, `send`, `on_timer`, `restart`, `close`), then drain `outgoing`, and after it `events`.
"""

from __future__ import annotations

import secrets

from roomscale.netcode.errors import BadStun
from roomscale.netcode.webrtc import sdp, stun
from roomscale.netcode.webrtc.channels import Channels, Ended, Event
from roomscale.netcode.webrtc.handshake import DtlsContext
from roomscale.netcode.webrtc.ice_client import IceClient
from roomscale.netcode.webrtc.ice_events import Failed
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.stun import Address


class Client:
    """One connection to a server."""

    def __init__(self, context: DtlsContext, config: SctpConfig) -> None:
        self._context = context
        self._config = config
        self._ice = IceClient()
        self._session_id = secrets.randbits(62)
        self._version = 0
        self._out: list[tuple[bytes, Address]] = []
        self._ended: list[Event] = []
        self._started = False
        self._calls = False
        self.channels: Channels | None = None
        """From the answer on."""

    def offer(self) -> str:
        """The SDP offer; after `restart` another one of the same peer connection."""
        self._version += 1
        fingerprint = self._context.certificate.fingerprint
        local = sdp.Local(self._ice.local, fingerprint, session_id=self._session_id, version=self._version)
        return sdp.write_offer(local)

    def restart(self) -> str:
        """Restart ICE, as after a change of networks; the offer for it. What is in use stays so until the answer."""
        self._ice.restart()
        return self.offer()

    def accept(self, answer: str, now: float) -> None:
        """The answer to the newest offer. Raises BadAnswer."""
        description = sdp.parse_answer(answer)
        if self.channels is None:
            self._calls = description.setup == "passive"
            self.channels = Channels(self._context, self._config, description.fingerprints, now, client=self._calls)
        self._ice.accept(description.ice, description.candidates, now)
        self._out += self._ice.outgoing()

    def receive(self, datagram: bytes, address: Address, now: float) -> None:
        """A datagram came. Never raises."""
        if stun.is_stun(datagram):
            self._receive_stun(datagram, address, now)
        elif self.channels is not None and stun.is_dtls(datagram):
            self.channels.receive(datagram, now)

    def send(self, channel: int, data: bytes, now: float) -> bool:
        """Send a frame; see `Channels.send`."""
        return self.channels is not None and self.channels.send(channel, data, now)

    def outgoing(self, now: float) -> list[tuple[bytes, Address]]:
        """Datagrams to send now, and where to."""
        out, self._out = self._out, []
        address = self._ice.address
        if self.channels is not None and address is not None:
            out += [(datagram, address) for datagram in self.channels.outgoing(now)]
        return out

    def events(self, now: float) -> list[Event]:
        """What happened since the last call."""
        ended, self._ended = self._ended, []
        return ended + self.channels.events(now) if self.channels is not None else ended

    def next_timer(self) -> float:
        """When `on_timer` is due; infinity for never."""
        due = self._ice.next_timer()
        at = INFINITY if due is None else due
        return at if self.channels is None else min(at, self.channels.next_timer())

    def on_timer(self, now: float) -> None:
        """Time has passed."""
        self._ice.on_timer(now)
        self._out += self._ice.outgoing()
        if any(isinstance(event, Failed) for event in self._ice.events()) and not self._started:
            self._ended.append(Ended("nobody answered"))
        if self.channels is not None:
            self.channels.on_timer(now)

    def close(self, now: float) -> None:
        """End it; the peer is told by the last of `outgoing`."""
        address = self._ice.address
        if self.channels is not None and address is not None:
            self._out += [(datagram, address) for datagram in self.channels.close(now)]

    def _receive_stun(self, datagram: bytes, address: Address, now: float) -> None:
        try:
            message = stun.parse(datagram)
        except BadStun:
            return
        if message.kind == stun.BINDING_REQUEST:
            if (reply := self._ice.receive_request(message, address)) is not None:
                self._out.append((reply, address))
            return
        self._ice.receive_response(message, address, now)
        if self._ice.connected and not self._started and self.channels is not None:
            self._started = True
            if self._calls:
                self.channels.start(now)
