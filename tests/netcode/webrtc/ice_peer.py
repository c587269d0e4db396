"""The other side of a server's session, honest or not: it knows the secrets, and says what a test wants."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.ice import IceSession
from roomscale.netcode.webrtc.ice_paths import Credentials
from roomscale.netcode.webrtc.stun import Address, Key

HOME: Address = ("192.0.2.1", 50_000)
"""Where the peer is."""
AWAY: Address = ("2001:db8::7", 50_001, 0, 0)
"""Where it moves to."""
STRANGER: Address = ("203.0.113.66", 53)
"""Who never asked for anything, and answers nothing."""


@dataclass
class Peer:
    """A peer and its session with a server."""

    own: Credentials = field(default_factory=Credentials.fresh)
    session: IceSession = field(init=False)
    told: Credentials = field(init=False)
    """The server's, of the newest answer."""

    def __post_init__(self) -> None:
        self.session = IceSession(self.own, tag=b"tag!")
        self.told = self.session.local

    def restart(self) -> None:
        """An ICE restart: both sides have new credentials."""
        self.own = Credentials.fresh()
        self.told = self.session.restart(self.own)

    def check(self, *, nominate: bool = False, extra: bytes = b"") -> stun.Message:
        """A connectivity check, as a browser sends it."""
        username = f"{self.told.ufrag}:{self.own.ufrag}".encode()
        says = stun.check_attributes(username, 7, stun.ICE_CONTROLLING, 9, nominate=nominate) + extra
        key = Key(self.told.password.encode())
        return stun.parse(stun.seal(stun.BINDING_REQUEST, secrets.token_bytes(12), says, key))

    def answer(self, check: bytes) -> stun.Message:
        """The response to a check of the server's."""
        request = stun.parse(check)
        assert request.kind == stun.BINDING_REQUEST
        key = Key(self.own.password.encode())
        assert request.authentic(key)
        assert request.attributes[stun.USERNAME] == f"{self.own.ufrag}:{self.told.ufrag}".encode()
        return stun.parse(stun.success(request.transaction, stun.MappedAddress(("192.0.2.9", 1)), key))

    def settle(self, address: Address, now: float, *, nominate: bool = True) -> None:
        """Check from an address, and answer what comes there."""
        self.session.receive_request(self.check(nominate=nominate), address, now)
        self.answer_all(address, now)

    def answer_all(self, address: Address, now: float) -> int:
        """Answer the checks that came to an address; how many there were."""
        checks = [d for d, to in self.session.outgoing() if to == address and d[:2] == b"\0\1"]
        for check in checks:
            assert self.session.receive_response(self.answer(check), address, now)
        return len(checks)


def run(session: IceSession, until: float) -> list[tuple[bytes, Address]]:
    """Let time pass with nobody answering; what was sent."""
    sent: list[tuple[bytes, Address]] = []
    while (due := session.next_timer()) is not None and due <= until:
        session.on_timer(due)
        sent += session.outgoing()
        assert session.next_timer() != due
    return sent
