"""How much a peer may send: a token bucket, without a clock of its own."""

from __future__ import annotations


class Bucket:
    """`burst` tokens at first, `rate` more each second, never above `burst`."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; False when there is none. A clock that goes backwards gives nothing."""
        if now > self._at:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
