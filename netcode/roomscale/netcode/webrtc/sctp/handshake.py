"""The four-way handshake: tags, first TSNs and the state cookie (RFC 9260 §5).

Rule: a passive side keeps nothing of a peer's INIT: all of it travels in the cookie, under a key of this association's.

The association lives inside one DTLS session, so a cookie protects no memory of ours; it is checked all the same, since
what it says becomes the association. Left out: restarts (§5.2.4 A). A peer that begins anew needs a new DTLS session.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from typing import Final

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp.chunks import COOKIE_ECHO, INIT, INIT_ACK, Init, pack, pack_init
from roomscale.netcode.webrtc.sctp.config import SctpConfig

COOKIE_LIFE: Final = 60.0
"""Seconds (RFC 9260 §16, Valid.Cookie.Life)."""
MAX_COOKIE: Final = 1024
"""Bytes of a peer's cookie that we carry back: those of browsers have 150 to 500."""
_COOKIE = struct.Struct("!dLLHHL?")
"""When it was made (our clock, seconds), then the peer's tag, window, streams out and in, first TSN, FORWARD TSN."""
_MAC_SIZE = 16


class StaleCookie(BadSctp):
    """A cookie of ours that came back too late: `age` in seconds, and the `tag` of the peer that it was made for."""

    def __init__(self, age: float, tag: int) -> None:
        super().__init__(f"a cookie of {age:.0f} s ago")
        self.age = age
        self.tag = tag


class Handshake:
    """What this side says of itself."""

    __slots__ = ("_config", "_key", "tag", "tsn")

    def __init__(self, config: SctpConfig) -> None:
        self._config = config
        self._key = secrets.token_bytes(16)
        self.tag = secrets.randbelow(0xFFFF_FFFF) + 1
        """Our verification tag, never 0."""
        self.tsn = secrets.randbits(32)
        """Our first TSN."""

    def init(self) -> bytes:
        """The INIT chunk."""
        return pack_init(INIT, self._self())

    def answer(self, peer: Init, now: float) -> bytes:
        """The INIT ACK chunk for a peer's INIT."""
        c = self._config
        outbound = min(peer.inbound, c.streams)
        said = _COOKIE.pack(
            now, peer.tag, peer.window, min(peer.outbound, c.streams), outbound, peer.tsn, peer.forward_tsn
        )
        mac = hmac.digest(self._key, said, "sha256")[:_MAC_SIZE]
        return pack_init(INIT_ACK, self._self()._replace(outbound=outbound, cookie=said + mac))

    def echo(self, peer: Init) -> bytes:
        """The COOKIE ECHO chunk for a peer's INIT ACK. Raises BadSctp if there is no cookie to speak of."""
        if not 0 < len(peer.cookie) <= MAX_COOKIE:
            raise BadSctp(f"INIT ACK with a cookie of {len(peer.cookie)} bytes")
        return pack(COOKIE_ECHO, peer.cookie)

    def check(self, cookie: bytes, now: float) -> Init:
        """The INIT that a returned cookie stands for. Raises BadSctp, StaleCookie among them."""
        said, mac = cookie[: _COOKIE.size], cookie[_COOKIE.size :]
        if not hmac.compare_digest(hmac.digest(self._key, said, "sha256")[:_MAC_SIZE], mac):
            raise BadSctp("a cookie that is not ours")
        made, tag, window, outbound, inbound, tsn, forward_tsn = _COOKIE.unpack(said)
        if now - made > COOKIE_LIFE:
            raise StaleCookie(now - made, tag)
        return Init(tag, window, outbound, inbound, tsn, forward_tsn, b"")

    def _self(self) -> Init:
        c = self._config
        return Init(self.tag, c.receive_buffer, c.streams, c.streams, self.tsn, True, b"")
