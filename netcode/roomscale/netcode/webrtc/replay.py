"""The replay window of one epoch (RFC 6347 §4.1.2.6): each sequence number counts once.

Rule: `fresh` asks before a record is opened; `mark` tells when it proved authentic, and only then, since a forged
record must not move the window.
"""

from __future__ import annotations

from typing import Final

WINDOW: Final = 128
"""How far behind the newest a number may still come. RFC 6347 prefers 64; a burst of `events` may overtake more."""
_FULL: Final = (1 << WINDOW) - 1


class ReplayWindow:
    """Which of the newest numbers have been seen."""

    __slots__ = ("_newest", "_seen")

    def __init__(self) -> None:
        self._newest = -1
        self._seen = 0
        """Bit n: number `newest` − n was seen."""

    def fresh(self, number: int) -> bool:
        """Whether a number was neither seen nor is too old to know."""
        age = self._newest - number
        return age < 0 or (age < WINDOW and not self._seen >> age & 1)

    def mark(self, number: int) -> None:
        """A record with this number, `fresh` just now, was authentic."""
        step = number - self._newest
        if step <= 0:
            self._seen |= 1 << -step
            return
        # An honest key may still name any 48-bit number: a shift by it would be an integer of that many bits.
        self._seen = (self._seen << step | 1) & _FULL if step < WINDOW else 1
        self._newest = number
