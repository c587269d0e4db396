"""What is done when a node cannot keep up: everybody is told less often, evenly, and more often again later.

Rule: it decides from how busy the ticks are and from nothing else; the same shares give the same decisions.
"""

from __future__ import annotations

from typing import Final

_HIGH: Final = 0.75
"""Share of a tick's period above which the next longer interval is taken."""
_LOW: Final = 0.3
"""Share below which the next shorter one is: twice as much will then still be below `_HIGH`."""
_WEIGHT: Final = 0.1
"""What one tick counts in the average: half a second at 20 Hz."""
_PATIENCE: Final = 40
"""Ticks after a change in which nothing else is changed: 2 s."""
_LONGEST: Final = 4
"""Ticks: the longest interval, 5 Hz."""


class Overload:
    """The interval that everybody's packets keep at least, in ticks."""

    def __init__(self) -> None:
        self.interval = 1
        self._busy = 0.0
        self._wait = 0

    def busy(self, share: float) -> None:
        """The last tick, with all that it sent, took so much of its period (1: all of it)."""
        self._busy += (min(share, 2.0) - self._busy) * _WEIGHT
        self._wait = max(0, self._wait - 1)
        if self._wait:
            return
        if self._busy > _HIGH and self.interval < _LONGEST:
            self._change(self.interval * 2)
        elif self._busy < _LOW and self.interval > 1:
            self._change(self.interval // 2)

    def _change(self, interval: int) -> None:
        self.interval = interval
        self._wait = _PATIENCE
