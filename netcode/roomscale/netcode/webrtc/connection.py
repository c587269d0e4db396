"""One visitor's connection, the server's side, sans-IO: the channels on the address that ICE chose.

Rule: it only joins the two. Which datagram is whose is the endpoint's affair, what a frame means the core's.

The address is proven by ICE's checks, and by the first DTLS handshake that finishes on it; until then every datagram is
within ICE's budget, and what does not fit is said again by its layer's timer. Without fresh consent nothing is sent.

An **ICE restart** keeps DTLS and SCTP: another offer of the same peer connection (`restarts`) brings new credentials,
and the stream moves once an address under them has proven itself.
"""

from __future__ import annotations

import dataclasses
import secrets

from roomscale.netcode.webrtc import sdp, stun
from roomscale.netcode.webrtc.channels import Channels
from roomscale.netcode.webrtc.handshake import DtlsContext
from roomscale.netcode.webrtc.ice import IceSession
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.sdp import Description
from roomscale.netcode.webrtc.stun import Address


class Connection:
    """One connection. `tag`: bytes that no other connection of the endpoint has."""

    __slots__ = ("_ice_at", "_offer", "_out", "_session_id", "_version", "channels", "ice", "name", "tag", "wake")

    def __init__(
        self, name: str, offer: Description, context: DtlsContext, config: SctpConfig, tag: bytes, now: float
    ) -> None:
        self.name = name
        """What the endpoint's owner calls it."""
        self.tag = tag
        self.ice = IceSession(offer.ice, tag=tag)
        if offer.sctp_port != config.remote_port:
            config = dataclasses.replace(config, remote_port=offer.sctp_port)
        self.channels = Channels(context, config, offer.fingerprints, now)
        self.wake = INFINITY
        """When the endpoint will look at its timers; the endpoint's to set."""
        self._offer = offer
        self._version = 0
        self._session_id = secrets.randbits(62)
        self._out: list[tuple[bytes, Address]] = []
        self._ice_at = INFINITY
        """When ICE wants `on_timer`: kept, because it changes seldom and is asked for often."""

    def restarts(self, offer: Description) -> bool:
        """Whether an offer is this peer connection's again, with new credentials for ICE (RFC 8829 §5.2.2)."""
        mine = self._offer
        return (
            not self.channels.ended
            and offer.origin == mine.origin
            and offer.fingerprints == mine.fingerprints
            and offer.ice != mine.ice
        )

    def restart(self, offer: Description) -> None:
        """Take the credentials of an offer that `restarts`."""
        self._offer = offer
        self.ice.restart(offer.ice)
        self._after_ice()

    def answer(self, fingerprint: bytes, candidates: tuple[tuple[str, int], ...]) -> str:
        """The SDP answer to the newest offer."""
        self._version += 1
        ice, session_id = self.ice.local, self._session_id
        local = sdp.Local(ice, fingerprint, candidates, session_id=session_id, version=self._version)
        return sdp.write_answer(self._offer, local)

    @property
    def calm(self) -> bool:
        """Whether this is the steady state: frames come and go, and nothing else is to be sent or looked at."""
        channels = self.channels
        association = channels.sctp
        return (
            association is not None
            and not association.busy
            and not channels.ended
            and not self._out
            and self.ice.proven
        )

    def request(self, message: stun.Message, address: Address, now: float) -> None:
        """A STUN request for this connection came."""
        reply = self.ice.receive_request(message, address, now)
        self._after_ice()
        if reply is not None:
            self._out.append((reply, address))

    def response(self, message: stun.Message, address: Address, now: float) -> None:
        """The response to a check of ours came."""
        self.ice.receive_response(message, address, now)
        self._after_ice()

    def receive(self, datagram: bytes, address: Address, now: float) -> bool:
        """A DTLS datagram came. Whether that was all, as in the steady state."""
        ice, channels = self.ice, self.channels
        if ice.proven and channels.sctp is not None and address == ice.address:
            return channels.receive(datagram, now)
        if ice.received(address, len(datagram), now):
            was_connecting = channels.sctp is None
            channels.receive(datagram, now)
            if was_connecting and channels.sctp is not None:
                ice.prove(address, now)
            self._after_ice()
        return False

    def outgoing(self, now: float) -> list[tuple[bytes, Address]]:
        """Datagrams to send now, in order, and where to."""
        out, ice = self._out, self.ice
        if out:
            self._out = []
        address = ice.address
        datagrams = self.channels.outgoing(now)
        if address is None or not datagrams:
            return out
        if ice.proven:
            sent = [(datagram, address) for datagram in datagrams]
        else:
            sent = [(datagram, address) for datagram in datagrams if ice.admit(address, len(datagram))]
        return out + sent if out else sent

    def next_timer(self) -> float:
        """When `on_timer` is due at the latest; infinity for never."""
        return min(self._ice_at, self.channels.next_timer())

    def on_timer(self, now: float) -> None:
        """Time has passed."""
        self.ice.on_timer(now)
        self._after_ice()
        self.channels.on_timer(now)

    def close(self, now: float) -> None:
        """End it: the peer is told once, by the last of `outgoing`."""
        address = self.ice.address
        said = self.channels.close(now)
        if address is not None and self.ice.proven:
            self._out += [(datagram, address) for datagram in said]

    def _after_ice(self) -> None:
        """ICE was told something: what it says, and when it wants to be called."""
        self._out += self.ice.outgoing()
        due = self.ice.next_timer()
        self._ice_at = INFINITY if due is None else due
