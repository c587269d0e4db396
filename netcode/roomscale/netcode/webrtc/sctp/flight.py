"""What was sent and is not settled: acknowledged, lost, sent again or given up (RFC 9260 §6.1, §6.3, §7.2.4).

Rule: a SACK costs work bounded by `MAX_FLIGHT`, whatever it says; one that acknowledges what was never sent is refused.

What is lost. The RFC strikes a chunk whenever a SACK newly acknowledges a later TSN, three strikes are a loss, and a
chunk sent twice is left to the timer. Here "later" means *sent* later: so a second transmission that is lost as well is
noticed the same way, and no strike comes from what left before it. And the timer measures silence: any chunk that is
newly acknowledged restarts it, for behind a lost pose the cumulative TSN stands still for longer than a timeout on a
path that works.

What is given up. An unreliable chunk's loss is final. Once it is the earliest that is not settled, FORWARD TSN tells
the peer not to wait (RFC 3758 §3.5); that chunk rides on data, like a SACK.
Left out: a peer that drops what it reported in a gap block (RFC 9260 §6.2.1) is believed until the next timeout.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp.chunks import pack_forward_tsn
from roomscale.netcode.webrtc.sctp.config import INFINITY
from roomscale.netcode.webrtc.sctp.congestion import Congestion
from roomscale.netcode.webrtc.sctp.serial import HALF, U32

STRIKES: Final = 3
"""Reports of something later that make a chunk lost (RFC 9260 §7.2.4). A state below this is a chunk under way, and
the number of its strikes."""
ARRIVED: Final = 3
"""Acknowledged by a gap block."""
LOST: Final = 4
"""Waits to be sent again."""
GIVEN_UP: Final = 5
FORWARD_DELAY: Final = 0.05
"""Seconds that FORWARD TSN waits for data to ride on: one tick at 20 Hz."""


class Sent:
    """One DATA chunk under way."""

    __slots__ = ("chunk", "order", "sent_at", "size", "skip", "state")

    def __init__(
        self, size: int, chunk: bytes | None, skip: tuple[int, int] | None, order: int, sent_at: float
    ) -> None:
        self.size = size
        """Bytes of the chunk."""
        self.chunk = chunk
        """To be sent again; None for an unreliable one."""
        self.skip = skip
        """Stream and stream sequence number of an unreliable ordered one: FORWARD TSN must name them."""
        self.order = order
        """Counts transmissions: what has a greater one was sent later."""
        self.sent_at = sent_at
        """Minus infinity once it was sent twice: its round trip says nothing (Karn)."""
        self.state = 0


class Flight:
    """The chunks from the first unsettled TSN to the newest."""

    __slots__ = (
        "_congestion",
        "_order",
        "_peer",
        "_recovery",
        "_remind_at",
        "_skipped",
        "base",
        "errors",
        "forward_at",
        "limited",
        "lost",
        "queued",
        "reliable",
        "sent",
        "size",
        "t3_at",
        "urgent",
    )

    def __init__(self, tsn: int, congestion: Congestion) -> None:
        """`tsn`: our first one."""
        self._congestion = congestion
        self.sent: deque[Sent] = deque()
        self.base = (tsn - 1) & U32
        """The TSN before `sent`: everything up to it is acknowledged or given up (Advanced.Peer.Ack.Point)."""
        self._peer = self.base
        """The peer's cumulative TSN; behind `base` while FORWARD TSN has not arrived."""
        self._order = 0
        self._recovery = 0
        """What was sent before this transmission belongs to a loss that was answered (fast recovery)."""
        self._skipped: dict[int, int] = {}
        self._remind_at = 0.0
        self.lost: deque[Sent] = deque()
        """To be sent again, in order. The first one is LOST; others may have arrived meanwhile."""
        self.size = 0
        """Bytes in flight."""
        self.reliable = 0
        """Bytes in flight of chunks that would be sent again."""
        self.queued = 0
        """Bytes of reliable messages whose TSNs the peer has not acknowledged, those not sent included."""
        self.limited = False
        """Whether the window held something back since the last acknowledgement."""
        self.urgent = False
        """Whether the next of `lost` goes whatever the window says: a loss has just made it small (§7.2.4)."""
        self.errors = 0
        """Timeouts in a row."""
        self.t3_at = INFINITY
        """When silence has lasted a timeout."""
        self.forward_at = INFINITY
        """When FORWARD TSN must go, whether or not data does."""

    def launch(self, size: int, chunk: bytes | None, skip: tuple[int, int] | None, now: float) -> None:
        """A chunk with the next TSN is sent; `chunk` if it is to be sent again when lost."""
        order = self._order
        self.sent.append(Sent(size, chunk, skip, order, now))
        self._order = order + 1
        self.size += size
        if chunk is not None:
            self.reliable += size
        if self.t3_at == INFINITY:
            self.t3_at = now + self._congestion.rto

    def relaunch(self, now: float) -> bytes:
        """The first chunk of `lost` is sent again."""
        item = self.lost.popleft()
        self.urgent = False
        item.state, item.sent_at, item.order = 0, -INFINITY, self._order
        self._order += 1
        self.size += item.size
        self.reliable += item.size
        if self.t3_at == INFINITY:
            self.t3_at = now + self._congestion.rto
        self._trim()
        return item.chunk or b""

    def acknowledge(self, cumulative: int, blocks: Sequence[tuple[int, int]], now: float) -> bool:
        """A SACK. False if it is an old one. Raises BadSctp if it acknowledges what was never sent."""
        if (cumulative - self._peer) & U32 >= HALF:
            return False
        sent, flight, arrived, behind = self.sent, self.size, 0, 0
        newest: Sent | None = None
        count = (cumulative - self.base) & U32
        if count > len(sent):
            behind = self._behind(cumulative, now)
        else:
            for _ in range(count):
                item = sent.popleft()
                if item.chunk is not None:
                    self.queued -= item.size
                if item.state < STRIKES:
                    newest = item
                    arrived += 1
                    self.size -= item.size
                    if item.chunk is not None:
                        self.reliable -= item.size
                item.state = ARRIVED  # also what was LOST, and only late: `lost` still holds it
            self.base = cumulative
        self._peer = cumulative
        self.errors = 0
        if blocks:
            newest, arrived = self._arrived(blocks, behind, newest, arrived)
        if newest is not None:
            self._progress(newest, arrived, flight, now)
            if blocks:
                self._strike(newest.order)
        if self.lost or behind or self._skipped or (sent and sent[0].state == GIVEN_UP):
            self._settle(now)
        elif not sent:
            self.t3_at = INFINITY
        return True

    def timed_out(self, now: float) -> None:
        """Silence for a whole timeout: what flies is lost, and one packet probes (RFC 9260 §6.3.3)."""
        self._congestion.timed_out(self.errors > 0)
        self.errors += 1
        self._congestion.counted(0, sum(item.state < STRIKES for item in self.sent))
        self._lose_all(now)

    def moved(self, now: float) -> None:
        """There is another path: what flies on the old one is lost, and that says nothing about the new one."""
        self.errors = 0
        if self.sent or self._peer != self.base:
            self._lose_all(now)

    def _lose_all(self, now: float) -> None:
        for item in self.sent:
            item.state = GIVEN_UP if item.chunk is None else LOST
        self.lost = deque(item for item in self.sent if item.state == LOST)
        self.size = self.reliable = 0
        self._recovery = self._order
        self.t3_at = now + self._congestion.rto
        self._settle(now)
        if self._peer != self.base:
            self.forward_at = now

    def forward(self, now: float) -> bytes:
        """The FORWARD TSN chunk of now."""
        self.forward_at = INFINITY
        self._remind_at = now + max(self._congestion.srtt, FORWARD_DELAY)
        if self.t3_at == INFINITY:
            self.t3_at = now + self._congestion.rto
        return pack_forward_tsn(self.base, self._skipped.items())

    def forget(self) -> None:
        """Nothing is awaited any more."""
        self.sent.clear()
        self.lost.clear()
        self._skipped.clear()
        self.size = self.reliable = self.queued = 0
        self.t3_at = self.forward_at = INFINITY

    def _arrived(
        self, blocks: Sequence[tuple[int, int]], behind: int, newest: Sent | None, arrived: int
    ) -> tuple[Sent | None, int]:
        """With what the gap blocks report: the chunk that was sent last of all newly acknowledged, and their number."""
        sent = self.sent
        for first, last in blocks:
            for at in range(max(0, first - behind - 1), min(len(sent), last - behind)):
                item = sent[at]
                if item.state < STRIKES:
                    self.size -= item.size
                    if item.chunk is not None:
                        self.reliable -= item.size
                elif item.state != LOST:
                    continue
                item.state = ARRIVED
                arrived += 1
                if newest is None or item.order > newest.order:
                    newest = item
        return newest, arrived

    def _progress(self, newest: Sent, arrived: int, flight: int, now: float) -> None:
        """Something newly arrived."""
        congestion = self._congestion
        if newest.sent_at >= 0:
            congestion.sampled(now - newest.sent_at, flight, now)
        if congestion.loss:
            congestion.counted(arrived, 0)
        if self.limited:
            self.limited = False
            if newest.order >= self._recovery:
                congestion.acknowledged(flight - self.size)
        self.t3_at = now + congestion.rto

    def _strike(self, order: int) -> None:
        """Everything that was sent before the transmission `order`, which arrived, and has not arrived itself."""
        for item in self.sent:
            if item.state < STRIKES and item.order < order:
                item.state += 1
                if item.state == STRIKES:
                    self._lose(item)

    def _lose(self, item: Sent) -> None:
        self.size -= item.size
        if item.order >= self._recovery:
            self._recovery = self._order
            self._congestion.lost()
            self.urgent = item.chunk is not None
        self._congestion.counted(0, 1)
        if item.chunk is None:
            item.state = GIVEN_UP
        else:
            self.reliable -= item.size
            item.state = LOST
            self.lost.append(item)

    def _settle(self, now: float) -> None:
        """Move `base` over what is given up, and tell the peer (RFC 3758 §3.5)."""
        sent = self.sent
        if self._peer == self.base:
            self._skipped.clear()
        while sent and sent[0].state == GIVEN_UP:
            item = sent.popleft()
            self.base = (self.base + 1) & U32
            if item.skip:
                self._skipped[item.skip[0]] = item.skip[1]
            self.forward_at = min(self.forward_at, now + FORWARD_DELAY)
        self._trim()
        if not sent and self._peer == self.base:
            self.t3_at = INFINITY

    def _trim(self) -> None:
        while self.lost and self.lost[0].state != LOST:
            self.lost.popleft()

    def _behind(self, cumulative: int, now: float) -> int:
        """How far the peer is behind `base`: it does not know our FORWARD TSN, which is sent again once per round trip.

        (RFC 3758 §3.5 C3.) Raises BadSctp if it is ahead of what was sent.
        """
        behind = (self.base - cumulative) & U32
        if behind >= HALF:
            raise BadSctp(f"TSN {cumulative} was acknowledged, {self.base} + {len(self.sent)} is the newest")
        if now >= self._remind_at:
            self.forward_at = min(self.forward_at, now + FORWARD_DELAY)
        return behind
