"""Asking whether somebody is there: a silent peer, or whoever sits at a new address (RFC 9260 §8.3).

Rule: an answer counts only with a nonce that was asked with, once. Both kinds of question are HEARTBEAT chunks.
"""

from __future__ import annotations

import secrets
from typing import Final

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.config import INFINITY
from roomscale.netcode.webrtc.sctp.events import PathProved

NONCE: Final = 16
"""Bytes of a nonce."""
MAX_PROBES: Final = 8
"""Probes under way; of more the oldest is forgotten."""
_INFO: Final = 1
"""The parameter that carries it, which the peer returns as it is."""


class Heartbeats:
    """The questions under way of one association."""

    __slots__ = ("_interval", "_nonce", "_probes", "_sent_at", "at")

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._nonce = b""
        self._sent_at = 0.0
        self._probes: dict[bytes, float] = {}
        self.at = INFINITY
        """When to look at the silence next."""

    def start(self, now: float) -> None:
        """From now on a peer is expected to be heard."""
        self.at = now + self._interval

    def beat(self, heard_at: float, rto: float, errors: int, now: float) -> tuple[bytes | None, bool]:
        """The question to send, if any, and whether the last one found no answer."""
        missed = bool(self._nonce)
        if not missed and now - heard_at < self._interval:
            self.at = heard_at + self._interval
            return None, False
        self._nonce, self._sent_at = secrets.token_bytes(NONCE), now
        self.at = now + rto * 2 ** min(errors + missed, 4)
        return _heartbeat(self._nonce), missed

    def probe(self, now: float) -> tuple[bytes, bytes]:
        """A nonce and the chunk that carries it."""
        nonce = secrets.token_bytes(NONCE)
        if len(self._probes) >= MAX_PROBES:
            del self._probes[next(iter(self._probes))]
        self._probes[nonce] = now
        return nonce, _heartbeat(nonce)

    def answered(self, body: bytes, now: float) -> PathProved | float | None:
        """What an answer means: a probe's path, or a round trip to a silent peer, seconds. Raises BadSctp."""
        parameters = chunks.read_parameters(body)
        if len(parameters) != 1:
            raise BadSctp(f"HEARTBEAT ACK with {len(parameters)} parameters")
        nonce = parameters[0][1]
        if self._nonce and nonce == self._nonce:
            self._nonce = b""
            self.at = now + self._interval
            return now - self._sent_at
        asked_at = self._probes.pop(nonce, None)
        return None if asked_at is None else PathProved(nonce, now - asked_at)


def _heartbeat(nonce: bytes) -> bytes:
    return chunks.pack(chunks.HEARTBEAT, chunks.pack_parameters([(_INFO, nonce)]))
