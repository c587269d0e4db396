"""One association with one peer inside one DTLS session, sans-IO.

    association.receive(packet, now)          # decrypted; never raises
    association.send(1, 53, pose, now, reliable=False, ordered=False)
    for packet in association.outgoing(now):  # each at most `mtu` bytes: encrypt and send
        ...
    for event in association.events():
        ...

Rule: mutate by `receive`, `send`, `on_timer`…, then drain `outgoing` and `events`, each time. `now` is in seconds, not
negative, of any monotonic clock. What comes from the peer is hostile even though DTLS vouches for who it is: every
length, count and number of bytes kept is bounded (`config`), and a peer that breaks the protocol ends its association.

In the steady state of a visitor a packet is one SACK and one whole DATA, each way and each tick: `receive` and
`outgoing` take these apart and put them together by themselves, and leave the rest to `_walk` and `_assemble`.
Left out: multihoming, restarts, reporting unknown parameters, message interleaving (RFC 8260), messages of ours that do
not fit a packet.
"""

from __future__ import annotations

import struct
from typing import Final

from google_crc32c import extend

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import CHECKSUM, DATA_HEADER, HEADER_SIZE
from roomscale.netcode.webrtc.sctp.config import INFINITY, MAX_PACKET, SctpConfig
from roomscale.netcode.webrtc.sctp.dispatch import Dispatch
from roomscale.netcode.webrtc.sctp.events import Event, State, Stats
from roomscale.netcode.webrtc.sctp.lifecycle import OPENING
from roomscale.netcode.webrtc.sctp.serial import U32

_ESTABLISHED: Final = State.ESTABLISHED
_PLAIN_SACK: Final = struct.Struct("!LLLL")
"""A SACK of 16 bytes: type, flags and length as one number, cumulative TSN, window, both counts as one number."""
_PLAIN_SACK_HEAD: Final = 0x0300_0010
_WHOLE_DATA: Final = struct.Struct("!LLHHL")
"""DATA: type (0), flags and length as one number, TSN, stream, stream sequence number, payload protocol."""
_NO_BLOCKS: Final[tuple[tuple[int, int], ...]] = ()


class Association(Dispatch):
    """One association. The owner drains it after every call; the passive side needs no `connect`."""

    __slots__ = ("_heard_at", "_max_message", "_room")

    def __init__(self, config: SctpConfig, now: float) -> None:
        super().__init__(config)
        self._room = config.mtu - HEADER_SIZE
        """Bytes of chunks in a packet."""
        self._max_message = self.outbound.max_message
        self._heard_at = now

    @property
    def max_message(self) -> int:
        """Bytes of a message of ours at most: one packet."""
        return self._max_message

    @property
    def stats(self) -> Stats:
        """How the path does."""
        c, flight = self.outbound.congestion, self._flight
        return Stats(
            srtt=c.srtt,
            base_rtt=0.0 if c.base_rtt == INFINITY else c.base_rtt,
            queueing=c.queueing,
            rto=c.rto,
            loss=c.loss,
            cwnd=c.cwnd,
            flight=flight.size,
            queued=flight.queued,
            skipped=self.outbound.skipped,
            dropped=self._dropped,
        )

    def receive(self, packet: bytes | memoryview, now: float) -> None:
        """A packet of the peer's. Never raises: what is malformed is dropped, what breaks the protocol ends it all."""
        size = len(packet)
        if self.over or not 16 <= size <= MAX_PACKET:
            self._dropped += 1
            return
        if type(packet) is not bytes:
            packet = bytes(packet)
        body = packet[HEADER_SIZE:]
        if packet[:8] != self._in_header:
            self._stray(packet, body, now)
            return
        if CHECKSUM.unpack_from(packet, 8)[0] != extend(self._in_crc, body):
            self._dropped += 1
            return
        self._heard_at = now
        try:
            at = self._usual(body, now) if self.state is _ESTABLISHED else 0
            if at >= 0:
                self._walk(body, at, now)
        except BadSctp as error:
            self.abort(str(error), chunks.CAUSE_VIOLATION)

    def _usual(self, body: bytes, now: float) -> int:
        """A SACK without gaps, a whole DATA, or both: how far that went, or -1 if nothing is left."""
        size, at = len(body), 0
        flight = self._flight
        if size >= 16:
            head, cumulative, window, counts = _PLAIN_SACK.unpack_from(body)
            if head == _PLAIN_SACK_HEAD and not counts:
                if flight.acknowledge(cumulative, _NO_BLOCKS, now):
                    self.outbound.window = window
                    if flight.t3_at < self.deadline:  # noqa: PLR1730 - min() is a call, and this is the path of each pose
                        self.deadline = flight.t3_at
                at = 16
        if size > at + 16:
            head, tsn, stream, ssn, ppid = _WHOLE_DATA.unpack_from(body, at)
            length = head & 0xFFFF
            if head < 0x0100_0000 and length > 16 and at + (length + 3 & ~3) == size and stream < self._streams:
                inbound = self.inbound
                inbound.data(head >> 16, tsn, stream, ssn, ppid, body[at + 16 : at + length], now)
                if inbound.sack_at < self.deadline:  # noqa: PLR1730 - min() is a call, and this is the path of each pose
                    self.deadline = inbound.sack_at
                at = size
        if at < size or flight.forward_at != INFINITY or self.resets.deferred:
            return at
        return -1

    def send(
        self, stream: int, ppid: int, data: bytes, now: float, *, reliable: bool = True, ordered: bool = True
    ) -> bool:
        """Send a message.

        False: no room. An unreliable message is skipped then, as congestion asks for; for a reliable one the queue is
        full, and the peer is too slow to keep. False, too, once the stream or the association closes. Before the
        association is established reliable messages wait and unreliable ones are skipped.
        Raises ValueError for what can never be sent: no data, more than `max_message` bytes, no such stream.
        """
        outbound = self.outbound
        if not 0 < len(data) <= self._max_message:
            raise ValueError(f"a message of {len(data)} bytes; 1 to {self._max_message} can be sent")
        if not 0 <= stream < outbound.streams:
            raise ValueError(f"stream {stream}; there are {outbound.streams}")
        if stream in self.resets.closing:
            return False
        if self.state is not _ESTABLISHED:
            if not reliable or self.over or self.state not in OPENING:
                return False
        elif not reliable and self.peer_forward_tsn:
            return outbound.stage(stream, ppid, data, ordered, now)
        self.busy = True
        return outbound.enqueue(stream, ppid, data, ordered)

    def can_send(self, size: int) -> bool:
        """Whether an unreliable message of so many bytes would find room now."""
        return self.state is _ESTABLISHED and self.outbound.room(DATA_HEADER.size + (size + 3 & ~3))

    def close_stream(self, stream: int) -> None:
        """Reset our half of a stream once what was sent on it so far is under way; a `StreamReset` follows."""
        if self.state is _ESTABLISHED:
            self.resets.close(stream)
            self.busy = True

    def probe(self, now: float) -> tuple[bytes, bytes]:
        """A nonce, and the packet that carries it, to be sent where nobody is proven to be; `PathProved` follows.

        Only whoever holds the session's keys can return it. The packet is not among `outgoing`.
        """
        nonce, chunk = self._heartbeats.probe(now)
        return nonce, self._seal(chunk)

    def moved(self, now: float) -> None:
        """The peer is somewhere else now: nothing measured on the old path holds, and what is under way there is lost.

        Else a path that came back after a second would wait for the timeout of the one that died.
        """
        self.outbound.congestion.restart()
        if not self.over:
            self._flight.moved(now)
            self.busy = True
            self._rearm()

    def events(self) -> list[Event]:
        """What happened since the last call."""
        events = self._events[:]
        self._events.clear()
        return events

    def outgoing(self, now: float) -> list[bytes]:
        """The packets to send now, each at most `mtu` bytes."""
        staged, inbound = self.outbound.staged, self.inbound
        if self.busy or len(staged) > 1:
            return self._assemble(now)
        if not staged:
            return self._assemble(now) if inbound.sack_at <= now else []
        chunk = staged.pop()
        if inbound.sack_at <= now + inbound.patience:
            sack = inbound.sack()
            if len(sack) + len(chunk) > self._room:
                return [self._seal(sack), self._seal(chunk)]
            chunk = sack + chunk
        t3_at, sack_at = self._flight.t3_at, inbound.sack_at
        self.deadline = t3_at if t3_at < self._other_at else self._other_at
        if sack_at < self.deadline:  # noqa: PLR1730 - min() is a call, and this is the path of each pose
            self.deadline = sack_at
        return [self._seal(chunk)]

    def _assemble(self, now: float) -> list[bytes]:
        """Everything that is due: whole packets, then control chunks, the SACK, and data."""
        packets, self._ready = self._ready, []
        if self.over or self.state in OPENING:
            self.busy = False
            return packets
        inbound, outbound, resets = self.inbound, self.outbound, self.resets
        if resets.wants and not outbound.waits_on(resets.wants):
            self._ask(now)
        data = outbound.due(now)
        found, self._control = self._control, []
        if inbound.sack_at <= (now + inbound.patience if found or data else now):
            found.append(inbound.sack())
        packets += map(self._seal, chunks.bundle(found + data, self._room))
        self.busy = outbound.busy or bool(resets.wants) or self.state is not _ESTABLISHED
        self._rearm()
        return packets

    def next_timer(self) -> float | None:
        """When to call `on_timer`, at the latest; None while nothing is awaited. It may be early, never late.

        `deadline` says the same without a call, and infinity for None. It changes with every other call.
        """
        return None if self.deadline == INFINITY else self.deadline

    def on_timer(self, now: float) -> None:
        """Time has passed; `outgoing` has what follows from it."""
        self._rearm()
        if self.over or self.deadline > now:
            return
        self.busy = True
        rto = self.outbound.congestion.rto
        if self._retry_at <= now:
            self._insist(now)
        if self._flight.t3_at <= now:
            self._flight.timed_out(now)
        if self.resets.asked_at <= now:
            self._ask(now)
        if self._heartbeats.at <= now:
            question, missed = self._heartbeats.beat(self._heard_at, rto, self._flight.errors, now)
            self._flight.errors += missed
            if question:
                self._reply(question)
        if max(self._flight.errors, self.resets.tries) > self._config.max_retransmissions:
            self.abort("the peer does not answer")
        self._rearm()

    def _ask(self, now: float) -> None:
        newest = self.outbound.next_tsn - 1 & U32
        self._reply(self.resets.ask(newest, self.outbound.congestion.rto, now))

    def _establish(self) -> None:
        super()._establish()
        self._heartbeats.start(self._heard_at)
