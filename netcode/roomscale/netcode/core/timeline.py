"""The time of a node: the number of the last tick, and the milliseconds that its frames carry.

Rule: no clock is read; `now` is seconds of the caller's monotonic clock.
"""

from __future__ import annotations

from typing import Final

_U32: Final = 0xFFFF_FFFF


class Time:
    """Ticks and milliseconds since `epoch`, seconds."""

    def __init__(self, epoch: float, tick_rate: int) -> None:
        self._epoch = epoch
        self._rate = tick_rate
        self.tick = 0
        """The number of the last step, from the start."""

    @property
    def tick_u32(self) -> int:
        """The number of the last step, as the wire has it."""
        return self.tick & _U32

    def advance(self, now: float) -> float:
        """The next step: at least one further, more when steps were left out. Returns the seconds that it covers."""
        before = self.tick
        self.tick = max(before + 1, int((now - self._epoch) * self._rate + 0.5))
        return (self.tick - before) / self._rate

    def ms(self, now: float) -> int:
        """The server's clock as the wire has it."""
        return round((now - self._epoch) * 1000) & _U32
