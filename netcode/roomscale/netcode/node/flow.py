"""How much is under way to one visitor over a WebSocket, and whether a pose may join it. Sans-IO.

TCP, the gate, its host's proxy and a slow radio may each hold megabytes, none of which we see. So the visitor says what
has come (receipts), and a pose waits while what was sent first is under way for longer than the path itself takes and
`QUEUEING` more: that surplus is what lies in queues, be they whose they may.

Rule: time is a parameter, in seconds of any monotonic clock; what is kept is bounded by the caller's backlog.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from roomscale.netcode.errors import SocketBroken

QUEUEING: Final = 0.075
"""Seconds that the oldest message may be late for another pose to follow it; the newest then waits about twice that."""
FIRST: Final = 8
"""Messages under way at most while no receipt has told how long the path is."""
OVERHEAD: Final = 64
"""Bytes that a message costs beside its own: headers on the way, and our note of it here."""
MOST: Final = 256
"""Messages under way beyond which a pose waits, whatever their age."""
_EPOCH: Final = 10.0
"""Seconds for which a shortest trip counts, and once more as long: paths change."""


class Flow:
    """What was sent and not received yet."""

    __slots__ = ("_count", "_denied", "_draining", "_epoch_ends", "_former", "_shortest", "_under_way", "waiting")

    def __init__(self) -> None:
        self._under_way: deque[tuple[float, int]] = deque()
        self._count = 0
        """Messages that the visitor has received."""
        self._shortest = self._former = float("inf")
        self._epoch_ends = 0.0
        self._denied = False
        """Whether a pose had to wait in this epoch."""
        self._draining = False
        """Whether poses wait until nothing is under way: a trip behind our own queue would be taken for the path's."""
        self.waiting = 0
        """Bytes under way, each message with its `OVERHEAD`."""

    def sent(self, size: int, now: float) -> None:
        """A message of `size` bytes went out."""
        self._under_way.append((now, size + OVERHEAD))
        self.waiting += size + OVERHEAD

    def received(self, count: int, now: float) -> None:
        """A receipt came. Raises SocketBroken for one that tells nothing new, or of more than was sent."""
        more = (count - self._count) & 0xFFFF_FFFF
        if not 0 < more <= len(self._under_way):
            raise SocketBroken(f"a receipt for {more} of {len(self._under_way)} messages")
        self._count = count
        at = now
        for _ in range(more):
            at, size = self._under_way.popleft()
            self.waiting -= size
        self._measure(now - at, now)

    def room(self, now: float) -> bool:
        """Whether a pose may be sent now."""
        if not self._under_way:
            self._draining = False
            return True
        trip = min(self._shortest, self._former)
        if trip == float("inf"):
            return len(self._under_way) < FIRST
        late = now - self._under_way[0][0] > trip + QUEUEING
        if late or self._draining or len(self._under_way) >= MOST:
            self._denied = True
            return False
        return True

    def _measure(self, trip: float, now: float) -> None:
        """Remember the shortest trip of this epoch and of the one before."""
        if now >= self._epoch_ends:
            self._former, self._shortest = self._shortest, float("inf")
            self._epoch_ends = now + _EPOCH
            self._draining, self._denied = self._denied, False
        self._shortest = min(self._shortest, trip)
