"""How much may be in flight: one window per association, which poses obey as well as events (RFC 9260 §6.3, §7.2).

Rule: it knows bytes, round trips and losses, and no chunk.

Loss alone would fill a bottleneck's buffer before it says anything: a second of it on a slow line, and poses a second
late. So round trips speak, too. The shortest one of the last minute or two is the path itself; what the latest ones
have above it is queue. Four in a row above `queue_target` shrink the window to what the path holds without a queue,
once per round trip; above half the target the window does not grow. (LEDBAT, RFC 6817, has the same two terms; here the
answer is a step rather than a drift, because a visitor's few packets a second steer nothing smoothly.)

A queue that others fill looks the same as ours, and yielding to it for ever would silence us: by delay alone the
window never falls below `LEAST_RATE` times the round trip. Loss and timeouts go below that, as the RFC has it.
"""

from __future__ import annotations

from typing import Final

from roomscale.netcode.webrtc.sctp.config import INFINITY, SctpConfig

STREAK: Final = 4
"""Round trips in a row that show a queue: among so many is one for which the peer did not hold its SACK back."""
LEAST_RATE: Final = 3_000
"""Bytes a second that delay alone does not take away: four poses of 700 bytes."""
BASE_SPAN: Final = 60.0
"""Seconds for which a shortest round trip counts at least; at most twice as long."""
RTT_SLACK: Final = 0.22
"""Seconds of the retransmission timeout above the round trip at least: a peer may hold its SACK back for 200 ms."""
LOSS_SHARE: Final = 1 / 64
"""Weight of one chunk in the loss ratio."""


class Congestion:
    """The window, the round trips and the retransmission timeout of one association."""

    __slots__ = (
        "_backoff_max",
        "_hold_until",
        "_least",
        "_least_before",
        "_least_now",
        "_max",
        "_mtu",
        "_partial",
        "_rotate_at",
        "_rto_initial",
        "_rto_max",
        "_rto_min",
        "_streak",
        "_target",
        "_threshold",
        "_variance",
        "base_rtt",
        "cwnd",
        "loss",
        "queueing",
        "rto",
        "srtt",
    )

    def __init__(self, config: SctpConfig) -> None:
        self._mtu = config.mtu
        self._max = config.max_window
        self._target = config.queue_target
        self._rto_initial, self._rto_min, self._rto_max = config.rto_initial, config.rto_min, config.rto_max
        self._backoff_max = config.backoff_max
        self.loss = 0.0
        """Share of chunks lost lately, 0 to 1."""
        self.restart()

    def restart(self) -> None:
        """Another path: nothing that was measured holds there."""
        self.cwnd = min(4 * self._mtu, max(2 * self._mtu, 4404))
        """Bytes that may be in flight (RFC 9260 §7.2.1)."""
        self._threshold = self._max
        self._partial = 0
        self.srtt = 0.0
        """Smoothed round trip, seconds; 0 before the first."""
        self._variance = 0.0
        self.rto = self._rto_initial
        """Retransmission timeout, seconds."""
        self.base_rtt = INFINITY
        """The shortest round trip lately, seconds."""
        self._least_now = self._least_before = INFINITY
        self._rotate_at = 0.0
        self.queueing = 0.0
        """Seconds of queue on the path, by the least of the last few round trips."""
        self._streak = 0
        self._least = 0.0
        self._hold_until = 0.0

    def sampled(self, rtt: float, flight: int, now: float) -> None:
        """The round trip of a chunk that was sent once; `flight`: bytes in flight before its acknowledgement."""
        srtt = self.srtt
        if srtt:
            off = rtt - srtt
            self.srtt = srtt = srtt + off / 8
            variance = self._variance
            self._variance = variance = variance + ((off if off > 0 else -off) - variance) / 4
            slack = 4 * variance
        else:
            self.srtt = srtt = rtt
            self._variance = rtt / 2
            slack = 2 * rtt
        rto = srtt + (slack if slack > RTT_SLACK else RTT_SLACK)
        self.rto = rto if self._rto_min < rto < self._rto_max else self._bounded(rto)
        if rtt < self._least_now or now >= self._rotate_at:
            self._rebase(rtt, now)
        excess = rtt - self.base_rtt
        if excess <= self._target:
            self.queueing = excess
            self._streak = 0
        elif now >= self._hold_until:
            self._queued(excess, flight, now)

    def acknowledged(self, size: int) -> None:
        """Bytes arrived while the window was what held more back, and nothing is being recovered (§7.2.1, §7.2.2)."""
        if (self._streak or self.queueing > self._target / 2) and self.cwnd >= self._floor:
            return
        if self.cwnd < self._threshold:
            # Twice the RFC's step: a SACK that waits for data to ride on stands for several.
            self.cwnd += min(size, 2 * self._mtu)
        else:
            self._partial += size
            if self._partial >= self.cwnd:
                self._partial -= self.cwnd
                self.cwnd += self._mtu
        self.cwnd = min(self.cwnd, self._max)

    def lost(self) -> None:
        """Something was lost, the first time since the last answer to a loss (§7.2.3)."""
        self.cwnd = self._threshold = min(self.cwnd, max(self.cwnd // 2, 4 * self._mtu))
        self._partial = 0

    def timed_out(self, again: bool) -> None:
        """Nothing was heard for a whole timeout; `again`: for the second time in a row (§6.3.3, §7.2.3).

        One timeout is what a burst of losses on a radio link looks like, to a visitor who sends a packet every 50 ms:
        it is answered like a loss. The second says that the path is gone or full (as in QUIC, RFC 9002 §7.6).
        """
        self.lost()
        if again:
            self.cwnd = self._mtu
        self._streak = 0
        self.rto = max(self.rto, min(2 * self.rto, self._backoff_max))

    def idled(self) -> None:
        """Nothing was sent for a timeout: what the window was good for is history (§7.2.1)."""
        self.cwnd = min(self.cwnd, max(self.cwnd // 2, 4 * self._mtu))

    def counted(self, arrived: int, lost: int) -> None:
        """So many chunks arrived, so many were lost."""
        loss = self.loss
        for _ in range(arrived):
            loss -= loss * LOSS_SHARE
        for _ in range(lost):
            loss += (1.0 - loss) * LOSS_SHARE
        self.loss = loss if loss > 1e-3 else 0.0

    @property
    def _floor(self) -> int:
        """Bytes that a queue alone does not take away, and to which the window grows beside one."""
        return min(4 * self._mtu, max(2 * self._mtu, int(LEAST_RATE * self.srtt)))

    def _bounded(self, rto: float) -> float:
        return max(self._rto_min, min(rto, self._rto_max))

    def _rebase(self, rtt: float, now: float) -> None:
        """The shortest round trip of this span and the one before."""
        if now >= self._rotate_at:
            self._rotate_at = now + BASE_SPAN
            self._least_before, self._least_now = self._least_now, rtt
        self._least_now = min(self._least_now, rtt)
        self.base_rtt = min(self._least_before, self._least_now)

    def _queued(self, excess: float, flight: int, now: float) -> None:
        """A round trip above the target; the fourth in a row makes us yield."""
        self._least = min(self._least, excess) if self._streak else excess
        self._streak += 1
        if self._streak < STREAK:
            return
        self._streak = 0
        self.queueing = self._least
        self._hold_until = now + self.srtt
        used = min(self.cwnd, flight)
        path = int(used * self.base_rtt / (self.base_rtt + self._least))
        self.cwnd = self._threshold = min(self.cwnd, max(path, used // 2, self._floor))
        self._partial = 0
