"""What is to be sent: messages to DATA chunks, and which of them go now (RFC 9260 §6.1).

Rule: an unreliable message goes now or not at all, and a reliable one waits in a queue of bounded bytes.

Poses must flow while a megabyte of events does. So where both want the window, poses get up to `POSE_SHARE` of it, as
much of that as they lately asked for; events get the rest, and one packet in any case. A message is one chunk: the
fragments of a larger one would need consecutive TSNs, with no pose between them. What is larger is split above us.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from roomscale.netcode.webrtc.sctp.chunks import DATA, DATA_HEADER, HEADER_SIZE, IMMEDIATE, UNORDERED, WHOLE
from roomscale.netcode.webrtc.sctp.config import INFINITY, MAX_FLIGHT, SctpConfig
from roomscale.netcode.webrtc.sctp.congestion import Congestion
from roomscale.netcode.webrtc.sctp.flight import Flight
from roomscale.netcode.webrtc.sctp.serial import U16, U32

POSE_SHARE: Final = 0.75
"""Of the window, for unreliable messages, while reliable ones wait."""
POSES_END: Final = 0.5
"""Seconds after which a stream of unreliable messages that paused claims no share any more."""
SPARSE: Final = 0.12
"""Seconds without a packet of ours after which the next asks for a SACK at once (RFC 7053): a peer that waits for a
second packet would add its 200 ms to the round trip that we measure."""
BURST: Final = 4
"""Full packets of reliable messages in one go (RFC 9260 §6.1 D, Max.Burst)."""
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class Outbound:
    """The sending half of an association."""

    __slots__ = (
        "_burst",
        "_last_at",
        "_pending",
        "_pose_at",
        "_pose_gap",
        "_pose_size",
        "_queue_limit",
        "_ssn",
        "congestion",
        "flight",
        "max_message",
        "next_tsn",
        "skipped",
        "staged",
        "streams",
        "window",
    )

    def __init__(self, config: SctpConfig, tsn: int) -> None:
        """`tsn`: our first one."""
        self.congestion = Congestion(config)
        self.flight = Flight(tsn, self.congestion)
        self.next_tsn = tsn
        self.max_message = config.mtu - HEADER_SIZE - DATA_HEADER.size
        """Bytes of a message at most."""
        self.window = 0
        """Bytes that the peer has room for, what flies included."""
        self.staged: list[bytes] = []
        """Chunks of unreliable messages, to go with the next packet."""
        self.streams = config.streams
        """Streams that the peer takes."""
        self.skipped = 0
        """Unreliable messages that found no room."""
        self._burst = BURST * config.mtu
        self._queue_limit = config.send_queue
        self._pending: deque[tuple[int, int, int, bytes]] = deque()
        """Reliable messages that were not sent yet: flags, stream, payload protocol, payload."""
        self._ssn: dict[int, int] = {}
        self._last_at = -INFINITY
        self._pose_at, self._pose_gap = -INFINITY, INFINITY
        self._pose_size = 0

    @property
    def busy(self) -> bool:
        """Whether more than staged chunks may have to go."""
        flight = self.flight
        return bool(self._pending or flight.lost) or flight.forward_at != INFINITY

    @property
    def done(self) -> bool:
        """Whether the peer has, or was told to forget, everything."""
        return not (self._pending or self.staged or self.flight.sent) and self.flight.t3_at == INFINITY

    def waits_on(self, streams: set[int]) -> bool:
        """Whether a message on one of these streams was not sent yet."""
        return any(stream in streams for _, stream, _, _ in self._pending)

    def restart(self, stream: int) -> None:
        """Our half of this stream begins anew."""
        self._ssn.pop(stream, None)

    def enqueue(self, stream: int, ppid: int, data: bytes, ordered: bool) -> bool:
        """A message that must arrive. False if the queue is full."""
        size = DATA_HEADER.size + ((len(data) + 3) & ~3)
        if self.flight.queued + size > self._queue_limit:
            return False
        self.flight.queued += size
        self._pending.append((WHOLE if ordered else WHOLE | UNORDERED, stream, ppid, data))
        return True

    def room(self, size: int) -> bool:
        """Whether an unreliable chunk of so many bytes may go now."""
        flight, cwnd = self.flight, self.congestion.cwnd
        flying = flight.size
        if flying >= cwnd or flying + size > self.window or len(flight.sent) >= MAX_FLIGHT:
            return False
        poses = flying - flight.reliable
        return not self._pending or poses == 0 or poses + size <= POSE_SHARE * cwnd

    def stage(self, stream: int, ppid: int, data: bytes, ordered: bool, now: float) -> bool:
        """A message that is worth nothing later. False if it found no room."""
        length = DATA_HEADER.size + len(data)
        size = (length + 3) & ~3
        gap = now - self._pose_at
        if gap > 0:
            self._pose_gap, self._pose_at, self._pose_size = gap, now, size
        else:
            self._pose_size += size
        if not self.room(size):
            self.skipped += 1
            self.flight.limited = True
            return False
        flags, ssn, skip = WHOLE | UNORDERED, 0, None
        if ordered:
            flags, ssn = WHOLE, self._take_ssn(stream)
            skip = (stream, ssn)
        if now - self._last_at > SPARSE:
            self._wake(now)
            flags |= IMMEDIATE
        self._last_at = now
        tsn = self.next_tsn
        self.next_tsn = (tsn + 1) & U32
        head = DATA_HEADER.pack(DATA, flags, length, tsn, stream, ssn, ppid)
        self.staged.append(head + data + _PADDING[length & 3])
        self.flight.launch(size, None, skip, now)
        return True

    def due(self, now: float) -> list[bytes]:
        """The chunks that go now: FORWARD TSN, what is staged, what is sent again, what is new."""
        flight = self.flight
        chunks: list[bytes] = self.staged
        self.staged = []
        budget = self._burst
        while flight.lost and budget > 0 and (flight.urgent or flight.size < self.congestion.cwnd):
            chunk = flight.relaunch(now)
            chunks.append(chunk)
            budget -= len(chunk)
        while self._pending and not flight.lost and budget > 0:
            size = DATA_HEADER.size + len(self._pending[0][3])
            if not self._may_send(size, now):
                flight.limited = True
                break
            chunk = self._launch(now)
            chunks.append(chunk)
            budget -= len(chunk)
        if flight.forward_at <= now or (chunks and flight.forward_at != INFINITY):
            chunks.insert(0, flight.forward(now))
        return chunks

    def forget(self) -> None:
        """Nothing will be sent any more."""
        self._pending.clear()
        self.staged = []
        self.flight.forget()

    def _may_send(self, size: int, now: float) -> bool:
        """Whether the next reliable chunk may go."""
        flight, cwnd = self.flight, self.congestion.cwnd
        if len(flight.sent) >= MAX_FLIGHT or flight.size >= cwnd:
            return False
        if flight.size + size > self.window:
            return flight.size == 0  # one chunk probes a closed window (RFC 9260 §6.1 A)
        if flight.reliable == 0:
            return True
        return flight.reliable + size <= cwnd - max(flight.size - flight.reliable, self._claim(cwnd, now))

    def _claim(self, cwnd: int, now: float) -> float:
        """Bytes of the window that unreliable messages lately asked for: what they send in a round trip."""
        if now - self._pose_at > POSES_END or self._pose_gap > POSES_END:
            return 0.0
        return min(self._pose_size * self.congestion.srtt / self._pose_gap, POSE_SHARE * cwnd)

    def _launch(self, now: float) -> bytes:
        flags, stream, ppid, data = self._pending.popleft()
        ssn = 0 if flags & UNORDERED else self._take_ssn(stream)
        if now - self._last_at > SPARSE:
            self._wake(now)
            flags |= IMMEDIATE
        self._last_at = now
        length = DATA_HEADER.size + len(data)
        chunk = DATA_HEADER.pack(DATA, flags, length, self.next_tsn, stream, ssn, ppid) + data + _PADDING[length & 3]
        self.next_tsn = (self.next_tsn + 1) & U32
        self.flight.launch(len(chunk), chunk, None, now)
        return chunk

    def _wake(self, now: float) -> None:
        if now - self._last_at > self.congestion.rto:
            self.congestion.idled()

    def _take_ssn(self, stream: int) -> int:
        ssn = self._ssn.get(stream, 0)
        self._ssn[stream] = (ssn + 1) & U16
        return ssn
