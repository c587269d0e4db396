"""When a client says where it is: at the server's pace, and shortly before the server's ticks.

Rule: reads no clock. The server tells how long before its tick the newest HERE came (`lead`); the client finds the
latest of its recent arrivals and shifts its timer until that is `TARGET` before the tick. A pose then waits for no
tick in vain, and misses none. (`web/src/netcode/pacing.ts` is the same.)
"""

from __future__ import annotations

from typing import Final

TARGET: Final = 8.0
"""Milliseconds before the tick at which the latest of a client's HEREs is to arrive: between 4 and 12."""
_SAMPLES: Final = 16
"""Leads that are looked at together."""
_CLEAR: Final = 0.2
"""Share of a tick that must be free of arrivals to tell which is the latest: with more jitter nothing is shifted."""
_SETTLE: Final = 0.5
"""Seconds after a shift until its effect is seen in what the server tells."""
_UNKNOWN: Final = 255
"""A lead that says nothing."""


class Pacer:
    """The timer of HERE. Times are seconds, `tick` too; leads are milliseconds."""

    def __init__(self, tick: float, now: float) -> None:
        self._tick = tick
        self.at = now
        """When it is time next, seconds."""
        self._leads: list[float] = []
        self._seq = 0
        self._deaf_until = now
        self.interval = 1
        """Ticks from one HERE to the next, as the server wants it."""

    def due(self, now: float) -> bool:
        """Whether it is time to say where one is. A timer that comes late does not make up for what it missed."""
        if now < self.at:
            return False
        period = self._tick * self.interval
        self.at += period
        if self.at <= now:
            self.at = now + period
        return True

    def heard(self, lead: int, last_seq: int, interval: int, now: float) -> None:
        """A SIGHT told these."""
        self.interval = max(1, min(interval, 4))
        if lead >= _UNKNOWN or last_seq == self._seq or now < self._deaf_until:
            return
        self._seq = last_seq
        self._leads.append(lead % (self._tick * 1000))
        if len(self._leads) >= _SAMPLES:
            self.at += shift(self._leads, self._tick * 1000) / 1000
            self._leads.clear()
            self._deaf_until = now + _SETTLE


def shift(leads: list[float], tick: float) -> float:
    """Milliseconds by which HERE is to be sent later, at most half a tick; 0 when the leads do not tell.

    leads: how long before some tick each one came, modulo `tick`, both in milliseconds.
    """
    ordered = sorted(leads)
    gaps = [(lead - before) % tick for before, lead in zip([ordered[-1], *ordered], ordered, strict=False)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    if len(set(ordered)) > 1 and gaps[widest] < _CLEAR * tick:
        return 0.0
    late = ordered[widest] - TARGET
    return (late + tick / 2) % tick - tick / 2
