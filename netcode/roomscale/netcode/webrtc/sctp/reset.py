"""Resetting streams, which is how a data channel closes (RFC 6525 §5, RFC 8831 §6.7).

Rule: one request of ours at a time, one of the peer's remembered. A peer's reset of its half makes us reset ours.

Left out, and denied when asked for: resetting at the peer's wish alone, TSN resets, more streams.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import Parameter
from roomscale.netcode.webrtc.sctp.config import INFINITY
from roomscale.netcode.webrtc.sctp.serial import U32, after

NOTHING_TO_DO: Final = 0
PERFORMED: Final = 1
DENIED: Final = 2
BAD_SEQUENCE: Final = 5
IN_PROGRESS: Final = 6
MAX_STREAMS: Final = 128
"""Streams in one request of ours: 272 bytes."""

_OUTGOING = struct.Struct("!LLL")
_RESPONSE = struct.Struct("!LL")
_SEQUENCE = struct.Struct("!L")
_REQUESTS = (chunks.INCOMING_RESET, chunks.TSN_RESET, chunks.ADD_OUTGOING, chunks.ADD_INCOMING)


class Request(NamedTuple):
    """An Outgoing SSN Reset Request of the peer's."""

    last_tsn: int
    """It counts once everything up to this TSN arrived."""
    streams: tuple[int, ...]
    """All of them, if empty."""


class Resets:
    """Both directions of stream reset of one association."""

    __slots__ = (
        "_answer",
        "_asked",
        "_done",
        "_expected",
        "_next",
        "_waiting",
        "asked_at",
        "closing",
        "deferred",
        "tries",
    )

    def __init__(self, our_tsn: int, peer_tsn: int) -> None:
        """The first TSNs: request numbers begin there, too (§4.1)."""
        self._next = our_tsn
        self._expected = peer_tsn
        self._answer = NOTHING_TO_DO
        """The result of the peer's request before `_expected`."""
        self._done: Request | None = None
        self._waiting: dict[int, None] = {}
        """Streams of ours to be reset, in order."""
        self.closing: set[int] = set()
        """Streams on which nothing may be sent: those to be reset, and those asked for."""
        self._asked: tuple[int, ...] = ()
        self.deferred: Request | None = None
        """A request of the peer's that waits for data."""
        self.asked_at = INFINITY
        """When our request is to be sent again."""
        self.tries = 0

    def close(self, stream: int) -> None:
        """Our half of a stream is to be reset."""
        if stream not in self.closing:
            self.closing.add(stream)
            self._waiting[stream] = None

    @property
    def wants(self) -> set[int]:
        """Streams that a request could go for now; empty while another one is under way."""
        return set() if self._asked else set(self._waiting)

    def ask(self, last_tsn: int, rto: float, now: float) -> bytes:
        """Our next request, or the one under way again; `last_tsn`: the newest TSN that we sent."""
        if not self._asked:
            self._asked = tuple(self._waiting)[:MAX_STREAMS]
            for stream in self._asked:
                del self._waiting[stream]
            self.tries = 0
        self.tries += 1
        self.asked_at = now + rto * 2 ** min(self.tries - 1, 4)
        body = _OUTGOING.pack(self._next, (self._expected - 1) & U32, last_tsn)
        body += struct.pack(f"!{len(self._asked)}H", *self._asked)
        return chunks.pack(chunks.RE_CONFIG, chunks.pack_parameters([(chunks.OUTGOING_RESET, body)]))

    def answered(self, value: bytes, rto: float, now: float) -> tuple[int, ...]:
        """A response of the peer's. Returns the streams of ours that are reset now. Raises BadSctp."""
        if len(value) not in {8, 16}:
            raise BadSctp(f"a reset response of {len(value)} bytes")
        sequence, result = _RESPONSE.unpack_from(value)
        if not self._asked or sequence != self._next:
            return ()
        if result == IN_PROGRESS:
            self.tries = 0
            self.asked_at = now + rto
            return ()
        # Whatever it says, the number is used up and the channel is closed for whoever asked.
        streams, self._asked = self._asked, ()
        self.closing.difference_update(streams)
        self._next = (self._next + 1) & U32
        self.asked_at = INFINITY
        return streams

    def requested(self, kind: int, value: bytes, cumulative: int) -> tuple[bytes, Request | None]:
        """A request of the peer's: our response, and the reset to perform now, if any. Raises BadSctp."""
        sequence, request = _read(kind, value)
        perform = None
        if sequence == self._expected:
            self._expected = (sequence + 1) & U32
            if request is None:
                self._answer = DENIED
            elif after(request.last_tsn, cumulative):
                self._answer, self.deferred = IN_PROGRESS, request
            else:
                # A peer whose request was deferred may ask anew, with another number, once it has been performed.
                perform = None if request == self._done else request
                self._answer, self.deferred, self._done = PERFORMED, None, request
        elif sequence != (self._expected - 1) & U32:
            return _respond(sequence, BAD_SEQUENCE), None
        return _respond(sequence, self._answer), perform

    def caught_up(self, cumulative: int) -> tuple[bytes, Request] | None:
        """The deferred reset with its response, once all it waited for arrived."""
        request = self.deferred
        if request is None or after(request.last_tsn, cumulative):
            return None
        self.deferred, self._done, self._answer = None, request, PERFORMED
        return _respond((self._expected - 1) & U32, PERFORMED), request


def is_request(parameter: Parameter) -> bool:
    """Whether a parameter of RE-CONFIG asks for something."""
    return parameter[0] == chunks.OUTGOING_RESET or parameter[0] in _REQUESTS


def _read(kind: int, value: bytes) -> tuple[int, Request | None]:
    """The request's number, and the request if we do what it asks for."""
    if kind != chunks.OUTGOING_RESET:
        if len(value) < 4:
            raise BadSctp(f"a request of {len(value)} bytes")
        return _SEQUENCE.unpack_from(value)[0], None
    if len(value) < 12 or len(value) & 1:
        raise BadSctp(f"a reset request of {len(value)} bytes")
    sequence, _, last_tsn = _OUTGOING.unpack_from(value)
    return sequence, Request(last_tsn, struct.unpack_from(f"!{(len(value) - 12) // 2}H", value, 12))


def _respond(sequence: int, result: int) -> bytes:
    response = (chunks.RESET_RESPONSE, _RESPONSE.pack(sequence, result))
    return chunks.pack(chunks.RE_CONFIG, chunks.pack_parameters([response]))
