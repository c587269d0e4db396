"""Every chunk that is not the common case: taken apart one after the other, and handed to whom it concerns.

Rule: a packet whose chunks do not fit together is dropped whole; a chunk that breaks the protocol raises `BadSctp`, and
whoever called ends the association with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from google_crc32c import value

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import CHECKSUM, Chunk
from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig
from roomscale.netcode.webrtc.sctp.events import State, StreamClosed, StreamReset
from roomscale.netcode.webrtc.sctp.heartbeat import Heartbeats
from roomscale.netcode.webrtc.sctp.lifecycle import OPENING, Lifecycle
from roomscale.netcode.webrtc.sctp.reset import Request, is_request

_RECEIVING: Final = frozenset({State.ESTABLISHED, State.SHUTDOWN_PENDING, State.SHUTDOWN_SENT})
"""States in which DATA is taken (RFC 9260 §6)."""
_OPENERS: Final = frozenset(
    {chunks.INIT_ACK, chunks.COOKIE_ECHO, chunks.COOKIE_ACK, chunks.ABORT, chunks.ERROR},
)
"""What an association that is not established looks at, beside INIT."""
MAX_REPEATS: Final = 4
"""Chunks of one kind, DATA excepted, that are looked at in a packet: peers send one or two, and each may cost as much
as all that is in flight or beyond a gap."""
MAX_HEARTBEAT: Final = 256
"""Bytes of a peer's heartbeat that we return: theirs have 20 to 60, and the answer must fit a packet."""


class Dispatch(Lifecycle):
    """The part of `Association` that takes in chunks of all kinds."""

    __slots__ = ("_dropped", "_flight", "_heartbeats", "_other_at", "_streams")

    def __init__(self, config: SctpConfig) -> None:
        super().__init__(config)
        self._flight = self.outbound.flight
        self._heartbeats = Heartbeats(config.heartbeat_interval)
        self._streams = config.streams
        self._dropped = 0
        self._other_at = INFINITY
        """The earliest deadline but those of SACKs and of T3, which move with every packet."""

    def _walk(self, body: bytes, at: int, now: float) -> None:
        """All chunks from `at` on, one after the other."""
        try:
            found = chunks.split(body, at)
        except BadSctp:
            self._dropped += 1
            return
        counts: dict[int, int] = {}
        for chunk in found:
            if self.state in OPENING and chunk.kind not in _OPENERS:
                continue  # DATA that overtook the handshake is sent again
            if chunk.kind != chunks.DATA:
                counts[chunk.kind] = counts.get(chunk.kind, 0) + 1
                if counts[chunk.kind] > MAX_REPEATS:
                    continue
            handle = _HANDLERS.get(chunk.kind)
            if handle:
                handle(self, chunk, now)
            elif not self._unknown(chunk):
                break
            if self.over:
                return
        caught_up = self.resets.caught_up(self.inbound.cumulative)
        if caught_up:
            self._reply(caught_up[0])
            self._perform(caught_up[1])
        if self.state is not State.ESTABLISHED:
            self._shut(now)
        self.busy = True
        self._rearm()

    def _stray(self, packet: bytes, body: bytes, now: float) -> None:
        """A packet without our tag: an INIT, or the end of an association that its sender has no tag for (§8.5.1)."""
        ports, tag = packet[:4], packet[4:8]
        good = CHECKSUM.unpack_from(packet, 8)[0] == value(packet[:8] + bytes(4) + body)
        kind, reflected = body[0], body[1] & chunks.TAG_REFLECTED
        try:
            found = chunks.split(body) if good and ports == self._in_header[:4] else []
            if len(found) == 1 and kind == chunks.INIT and tag == bytes(4):
                self._on_init(found[0], now)
                return
        except BadSctp:
            found = []
        ends = kind in {chunks.ABORT, chunks.SHUTDOWN_COMPLETE} and reflected
        if found and ends and self._peer_tag and tag == self._out_header[4:8]:
            _HANDLERS[kind](self, found[0], now)
        else:
            self._dropped += 1

    def _on_data(self, chunk: Chunk, now: float) -> None:
        if self.state not in _RECEIVING:
            return
        tsn, stream, ssn, ppid, payload = chunks.read_data(chunk.body)
        if not payload:
            raise BadSctp("DATA without data")
        if stream < self._streams:
            self.inbound.data(chunk.flags, tsn, stream, ssn, ppid, payload, now)
        else:
            self.inbound.discard(tsn, now)
            information = stream.to_bytes(2, "big") + bytes(2)
            self._reply(chunks.pack_causes(chunks.ERROR, chunks.CAUSE_STREAM, information))

    def _on_sack(self, chunk: Chunk, now: float) -> None:
        sack = chunks.read_sack(chunk.body)
        if self._flight.acknowledge(sack.cumulative, sack.blocks, now):
            self.outbound.window = sack.window

    def _on_forward_tsn(self, chunk: Chunk, now: float) -> None:
        if self.state in _RECEIVING:
            cumulative, skipped = chunks.read_forward_tsn(chunk.body)
            self.inbound.forward(cumulative, skipped, self._streams, now)

    def _on_heartbeat(self, chunk: Chunk, now: float) -> None:
        if len(chunk.body) <= MAX_HEARTBEAT:
            self._reply(chunks.pack(chunks.HEARTBEAT_ACK, chunk.body))

    def _on_heartbeat_ack(self, chunk: Chunk, now: float) -> None:
        answer = self._heartbeats.answered(chunk.body, now)
        if isinstance(answer, float):
            self._flight.errors = 0
            self.outbound.congestion.sampled(answer, self._flight.size, now)
        elif answer:
            self._events.append(answer)

    def _on_re_config(self, chunk: Chunk, now: float) -> None:
        for parameter in chunks.read_parameters(chunk.body)[:2]:  # RFC 6525 §3.1: there are no more
            kind, value = parameter
            if is_request(parameter):
                response, request = self.resets.requested(kind, value, self.inbound.cumulative)
                self._reply(response)
                if request:
                    self._perform(request)
            elif kind == chunks.RESET_RESPONSE:
                for stream in self.resets.answered(value, self.outbound.congestion.rto, now):
                    self.outbound.restart(stream)
                    self._events.append(StreamReset(stream))

    def _perform(self, request: Request) -> None:
        """The peer closed channels: so do we (RFC 8831 §6.7)."""
        for stream in dict.fromkeys(request.streams or range(self._streams)):
            if stream < self._streams:
                self.inbound.reset(stream)
                self._events.append(StreamClosed(stream))
                self.resets.close(stream)

    def _unknown(self, chunk: Chunk) -> bool:
        """A chunk type that we do not know: its upper bits say what to do (RFC 9260 §3.2). False: look no further."""
        if chunk.kind & 0x40:
            head = chunks.CHUNK_HEADER.pack(chunk.kind, chunk.flags, 4 + len(chunk.body))
            self._reply(chunks.pack_causes(chunks.ERROR, chunks.CAUSE_UNRECOGNISED_CHUNK, head))
        return bool(chunk.kind & 0x80)

    def _rearm(self) -> None:
        """The earliest of all deadlines, exactly."""
        if not self.over:
            self._other_at = min(self._retry_at, self._flight.forward_at, self.resets.asked_at, self._heartbeats.at)
            self.deadline = min(self._other_at, self.inbound.sack_at, self._flight.t3_at)


_HANDLERS: Final[dict[int, Callable[[Dispatch, Chunk, float], None]]] = {
    chunks.DATA: Dispatch._on_data,
    chunks.INIT_ACK: Dispatch._on_init_ack,
    chunks.SACK: Dispatch._on_sack,
    chunks.HEARTBEAT: Dispatch._on_heartbeat,
    chunks.HEARTBEAT_ACK: Dispatch._on_heartbeat_ack,
    chunks.ABORT: Dispatch._on_abort,
    chunks.SHUTDOWN: Dispatch._on_shutdown,
    chunks.SHUTDOWN_ACK: Dispatch._on_shutdown_ack,
    chunks.ERROR: Dispatch._on_error,
    chunks.COOKIE_ECHO: Dispatch._on_cookie_echo,
    chunks.COOKIE_ACK: Dispatch._on_cookie_ack,
    chunks.SHUTDOWN_COMPLETE: Dispatch._on_shutdown_complete,
    chunks.RE_CONFIG: Dispatch._on_re_config,
    chunks.FORWARD_TSN: Dispatch._on_forward_tsn,
}
