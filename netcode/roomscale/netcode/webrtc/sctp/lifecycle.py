"""How an association begins and ends: its state machine, and the envelope of its packets (RFC 9260 §4, §5, §6.8, §9).

Rule: everything that changes `state` is here. What flows while it lasts is `association`'s.

    passive   CLOSED ─ COOKIE ECHO → ESTABLISHED                  (INIT is answered and forgotten)
    active    CLOSED ─ connect → COOKIE_WAIT ─ INIT ACK → COOKIE_ECHOED ─ COOKIE ACK → ESTABLISHED
    both      COOKIE_WAIT or COOKIE_ECHOED ─ COOKIE ECHO → ESTABLISHED    (the two INITs crossed, §5.2.1)
    close     ESTABLISHED → SHUTDOWN_PENDING → SHUTDOWN_SENT → CLOSED
    closed    ESTABLISHED → SHUTDOWN_RECEIVED → SHUTDOWN_ACK_SENT → CLOSED
    abort     any → CLOSED
"""

from __future__ import annotations

import struct
from typing import Final

from google_crc32c import extend, value

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import CHECKSUM, PACKET_HEADER, Chunk, Init
from roomscale.netcode.webrtc.sctp.config import INFINITY, MAX_REPLIES, SctpConfig
from roomscale.netcode.webrtc.sctp.events import Closed, Established, Event, State
from roomscale.netcode.webrtc.sctp.handshake import Handshake, StaleCookie
from roomscale.netcode.webrtc.sctp.inbound import Inbound
from roomscale.netcode.webrtc.sctp.outbound import Outbound
from roomscale.netcode.webrtc.sctp.reset import Resets

_NO_CHECKSUM: Final = bytes(4)
_U32 = struct.Struct("!L")
OPENING: Final = frozenset({State.CLOSED, State.COOKIE_WAIT, State.COOKIE_ECHOED})
"""States before it is established; CLOSED is also the one after."""
MAX_REASON: Final = 200
"""Bytes of text in an ABORT, either way."""


class Lifecycle:
    """The part of `Association` that begins and ends it."""

    __slots__ = (
        "_config",
        "_control",
        "_events",
        "_handshake",
        "_in_crc",
        "_in_header",
        "_out_crc",
        "_out_header",
        "_peer_tag",
        "_ready",
        "_retries",
        "_retry",
        "_retry_at",
        "_retry_limit",
        "busy",
        "deadline",
        "inbound",
        "outbound",
        "over",
        "peer_forward_tsn",
        "resets",
        "state",
    )

    def __init__(self, config: SctpConfig) -> None:
        self._config = config
        self._handshake = Handshake(config)
        self._events: list[Event] = []
        self._control: list[bytes] = []
        """Chunks that go with the next packet, before data."""
        self._ready: list[bytes] = []
        """Whole packets to be sent: those whose chunk may not be bundled."""
        self._in_header = PACKET_HEADER.pack(config.remote_port, config.local_port, self._handshake.tag)
        self._in_crc = value(self._in_header + _NO_CHECKSUM)
        self._peer_tag = 0
        self._out_header, self._out_crc = b"", 0
        self._retry: bytes | None = None
        """The packet of a handshake or a shutdown that is sent again until it is answered (T1 and T2)."""
        self._retry_at = INFINITY
        self._retries = 0
        self._retry_limit = 0
        self.busy = False
        """Whether `outgoing` is worth calling after each `receive`, and not once a tick: more than poses waits."""
        self.state = State.CLOSED
        self.over = False
        """Whether it ended; nothing begins it again."""
        self.deadline = INFINITY
        self.outbound = Outbound(config, self._handshake.tsn)
        self.inbound = Inbound(config, 0, self._events)
        """Of no peer until one is known."""
        self.resets = Resets(self._handshake.tsn, 0)
        self.peer_forward_tsn = False

    def connect(self, now: float) -> None:
        """Begin as the active side."""
        if self.state is State.CLOSED and not self.over:
            self.state = State.COOKIE_WAIT
            self._persist(self._envelope(0, self._handshake.init()), self._config.max_init_retransmissions, now)

    def close(self, now: float) -> None:
        """End it once the peer has everything that was sent so far (§9.2). It does not before it is established."""
        if self.state is State.ESTABLISHED:
            self.state = State.SHUTDOWN_PENDING
            self._shut(now)
        elif self.state in OPENING:
            self.abort("closed before it was established")

    def abort(self, reason: str, cause: int = chunks.CAUSE_USER) -> None:
        """End it now, and tell the peer (§9.1)."""
        if self.over:
            return
        if self._peer_tag:
            information = reason.encode("utf-8", "replace")[:MAX_REASON]
            self._ready = [self._seal(chunks.pack_causes(chunks.ABORT, cause, information))]
        else:
            self._ready = []
        self._end(reason)

    def _seal(self, body: bytes) -> bytes:
        """The packet of some chunks. The header's part of the checksum is always the same, and computed once."""
        return self._out_header + CHECKSUM.pack(extend(self._out_crc, body)) + body

    def _envelope(self, tag: int, body: bytes) -> bytes:
        """A packet with another verification tag than the peer's, or before there is one."""
        header = PACKET_HEADER.pack(self._config.local_port, self._config.remote_port, tag)
        return header + CHECKSUM.pack(value(header + _NO_CHECKSUM + body)) + body

    def _address(self, tag: int) -> None:
        self._peer_tag = tag
        self._out_header = PACKET_HEADER.pack(self._config.local_port, self._config.remote_port, tag)
        self._out_crc = value(self._out_header + _NO_CHECKSUM)

    def _reply(self, chunk: bytes) -> None:
        """A control chunk for the next packet; dropped while too many wait."""
        self.busy = True
        if len(self._control) < MAX_REPLIES:
            self._control.append(chunk)

    def _send_alone(self, packet: bytes) -> None:
        self.busy = True
        if len(self._ready) < MAX_REPLIES:
            self._ready.append(packet)

    # The handshake

    def _on_init(self, chunk: Chunk, now: float) -> None:
        """§5.1 B, and §5.2.1 where ours crossed it: the answer is the same, with the same tag of ours."""
        if self.over or self.state not in OPENING:
            return  # a late copy, or a restart
        peer = chunks.read_init(chunk.body)
        self._send_alone(self._envelope(peer.tag, self._handshake.answer(peer, now)))

    def _on_init_ack(self, chunk: Chunk, now: float) -> None:
        if self.state is not State.COOKIE_WAIT:
            return
        peer = chunks.read_init(chunk.body)
        echo = self._handshake.echo(peer)
        self._meet(peer)
        self.state = State.COOKIE_ECHOED
        self._persist(self._seal(echo), self._config.max_init_retransmissions, now)

    def _on_cookie_echo(self, chunk: Chunk, now: float) -> None:
        try:
            peer = self._handshake.check(chunk.body, now)
        except StaleCookie as stale:
            staleness = _U32.pack(min(int(stale.age * 1e6), 0xFFFF_FFFF))  # in microseconds, §3.3.10.3
            error = chunks.pack_causes(chunks.ERROR, chunks.CAUSE_STALE_COOKIE, staleness)
            self._send_alone(self._envelope(stale.tag, error))
            return
        except BadSctp:
            return  # §5.1.5: silently
        if self.state in OPENING:
            self._meet(peer)
            self._establish()
        elif peer.tag != self._peer_tag:
            return  # §5.2.4 A to C: a restart, or an attempt that is history
        self._reply(chunks.pack(chunks.COOKIE_ACK))

    def _on_cookie_ack(self, chunk: Chunk, now: float) -> None:
        if self.state is State.COOKIE_ECHOED:
            self._establish()

    def _on_error(self, chunk: Chunk, now: float) -> None:
        """Only a stale cookie matters (§5.2.6), and only while ours is out: who wants to try again makes a new one."""
        causes = chunks.read_parameters(chunk.body)
        if self.state is State.COOKIE_ECHOED and any(cause == chunks.CAUSE_STALE_COOKIE for cause, _ in causes):
            self._ready = []
            self._end("the peer refused our cookie")

    def _meet(self, peer: Init) -> None:
        """What the peer said of itself holds from now on."""
        self._address(peer.tag)
        self.inbound = Inbound(self._config, peer.tsn, self._events)
        self.resets = Resets(self._handshake.tsn, peer.tsn)
        self.outbound.window = peer.window
        self.outbound.streams = min(peer.inbound, self._config.streams)
        self.peer_forward_tsn = peer.forward_tsn

    def _establish(self) -> None:
        self._desist()
        self.state = State.ESTABLISHED
        self._events.append(Established())

    # The end

    def _shut(self, now: float) -> None:
        """Take the next step of a shutdown, if it is time for one."""
        if self.state is State.SHUTDOWN_PENDING and self.outbound.done:
            self.state = State.SHUTDOWN_SENT
            body = chunks.pack(chunks.SHUTDOWN, _U32.pack(self.inbound.cumulative))
            self._persist(self._seal(body), self._config.max_retransmissions, now)
        elif self.state is State.SHUTDOWN_RECEIVED and self.outbound.done:
            self._acknowledge_shutdown(now)

    def _on_shutdown(self, chunk: Chunk, now: float) -> None:
        if len(chunk.body) != 4:
            raise BadSctp(f"SHUTDOWN of {len(chunk.body)} bytes")
        self.outbound.flight.acknowledge(_U32.unpack(chunk.body)[0], (), now)
        if self.state in {State.ESTABLISHED, State.SHUTDOWN_PENDING}:
            self.state = State.SHUTDOWN_RECEIVED
            self._shut(now)
        elif self.state is State.SHUTDOWN_SENT:
            self._acknowledge_shutdown(now)

    def _acknowledge_shutdown(self, now: float) -> None:
        self.state = State.SHUTDOWN_ACK_SENT
        self._persist(self._seal(chunks.pack(chunks.SHUTDOWN_ACK)), self._config.max_retransmissions, now)

    def _on_shutdown_ack(self, chunk: Chunk, now: float) -> None:
        if self.state in {State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT}:
            self._ready = [self._seal(chunks.pack(chunks.SHUTDOWN_COMPLETE))]
            self._end("closed")

    def _on_shutdown_complete(self, chunk: Chunk, now: float) -> None:
        if self.state is State.SHUTDOWN_ACK_SENT:
            self._ready = []
            self._end("closed by the peer")

    def _on_abort(self, chunk: Chunk, now: float) -> None:
        if self.state is State.CLOSED:
            return
        self._ready = []
        self._end("aborted by the peer" + _explain(chunk.body))

    def _end(self, reason: str) -> None:
        """Nothing follows; what is kept for later is let go."""
        self._desist()
        self.state = State.CLOSED
        self.over = True
        self.deadline = INFINITY
        self.busy = True
        self._control.clear()
        self.outbound.forget()
        self.inbound = Inbound(self._config, 0, self._events)
        self._events.append(Closed(reason))

    # T1 and T2

    def _persist(self, packet: bytes, limit: int, now: float) -> None:
        """Send a packet, and again until `_desist` (§5.1, §9.2)."""
        self._send_alone(packet)
        self._retry, self._retries, self._retry_limit = packet, 0, limit
        self._retry_at = now + self.outbound.congestion.rto
        self.deadline = min(self.deadline, self._retry_at)

    def _desist(self) -> None:
        self._retry, self._retry_at = None, INFINITY

    def _insist(self, now: float) -> None:
        """The timer of `_persist`."""
        self._retries += 1
        if self._retries > self._retry_limit or self._retry is None:
            self._ready = []
            self._end("the peer does not answer")
            return
        self._send_alone(self._retry)
        self._retry_at = now + min(self.outbound.congestion.rto * 2**self._retries, self._config.backoff_max)


def _explain(body: bytes) -> str:
    """The text of an ABORT's first cause, if it has one to show."""
    try:
        causes = chunks.read_parameters(body)
    except BadSctp:
        return ""
    for cause, information in causes:
        if cause in {chunks.CAUSE_USER, chunks.CAUSE_VIOLATION} and information:
            return ": " + information[:MAX_REASON].decode("utf-8", "replace")
    return ""
