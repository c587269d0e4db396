"""How often a visitor's path is to be used: 20, 10 or 5 times a second, by what it loses and how long it queues.

Rule: a pure judge of one path; it is shown the association's statistics each `LOOK` and says a rate. What is told less
often is the core's affair. Below this ladder the congestion window has the last word, tick by tick; the ladder is there
so that a path which cannot take 20 packets a second is sent 10 good ones, and not whichever 10 found room.

Down at once, up slowly: a path that clears for a moment would otherwise be filled again each second.
"""

from __future__ import annotations

from typing import Final

from roomscale.netcode.webrtc.sctp.events import Stats

RATES: Final = (20.0, 10.0, 5.0)
"""Hz. The tick rate, and halves of it."""
LOOK: Final = 0.5
"""Seconds between two looks."""
_LOSSY: Final = 0.12
"""Share lost from which fewer packets are better: radio that loses this much is congested, not just noisy."""
_QUEUED: Final = 0.1
"""Seconds of standing queue from which fewer packets are better; half of what a pose may wait."""
_SKIPPED: Final = 0.2
"""Share of poses that found no room from which the rate is not what the path takes."""
_STEADY: Final = 4.0
"""Seconds without trouble before the next step up is tried."""
_RELAPSE: Final = 16.0
"""Seconds instead, after a step up that did not hold."""


class Ladder:
    """One path's rate."""

    __slots__ = ("_clear_since", "_patience", "_rung", "_skipped", "_stepped_up_at")

    def __init__(self, now: float) -> None:
        self._rung = 0
        self._clear_since = now
        self._stepped_up_at: float | None = None
        self._patience = _STEADY
        self._skipped = 0
        """Poses skipped in all, when last looked at."""

    @property
    def rate(self) -> float:
        """Hz."""
        return RATES[self._rung]

    def look(self, stats: Stats, now: float) -> float:
        """The rate from now on, Hz."""
        skipped, self._skipped = stats.skipped - self._skipped, stats.skipped
        if stats.loss > _LOSSY or stats.queueing > _QUEUED or skipped > _SKIPPED * self.rate * LOOK:
            self._trouble(now)
        elif now - self._clear_since >= self._patience and self._rung > 0:
            self._rung -= 1
            self._clear_since = self._stepped_up_at = now
        return self.rate

    def _trouble(self, now: float) -> None:
        if self._stepped_up_at is not None:
            held = now - self._stepped_up_at >= _RELAPSE
            self._patience = _STEADY if held else _RELAPSE
            self._stepped_up_at = None
        self._rung = min(self._rung + 1, len(RATES) - 1)
        self._clear_since = now
