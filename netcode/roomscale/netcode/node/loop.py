"""The tick: calls a function at a fixed rate and measures how late it was.

Rule: drop, do not spiral. A tick that could not begin in its own period is left out and counted; the next one begins at
its own time, so lateness never piles up.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_RECENT: Final = 1200
"""Ticks remembered for percentiles: a minute at 20 Hz."""


class TickLoop:
    """Calls `step(now)` `rate` times a second, `now` by `time.monotonic`.

    (Not by the event loop's clock: uvloop's stands still while it works, and would hide the lateness.)
    """

    def __init__(self, rate: int, step: Callable[[float], None]) -> None:
        self._period = 1 / rate
        self._step = step
        self._late: deque[float] = deque(maxlen=_RECENT)
        self._work: deque[float] = deque(maxlen=_RECENT)
        self.ticks = 0
        self.dropped = 0
        self.late_max = 0.0
        """The most that a tick ever was late, seconds."""

    async def run(self) -> None:
        """Tick until cancelled."""
        due = time.monotonic() + self._period
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self._measure(now - due)
            self._step(now)
            done = time.monotonic()
            self._work.append(done - now)
            due += self._period
            if done - due >= self._period:
                missed = int((done - due) / self._period)
                self.dropped += missed
                due += missed * self._period

    def _measure(self, late: float) -> None:
        late = max(0.0, late)
        self.ticks += 1
        self._late.append(late)
        self.late_max = max(self.late_max, late)

    def stats(self) -> dict[str, float]:
        """Counts since the start; milliseconds over the last minute, but `late_ms_max_ever`."""
        late, work = sorted(self._late), sorted(self._work)
        return {
            "ticks": self.ticks,
            "dropped": self.dropped,
            "late_ms_p50": _at(late, 0.5),
            "late_ms_p99": _at(late, 0.99),
            "late_ms_max": _at(late, 1.0),
            "late_ms_max_ever": round(self.late_max * 1000, 3),
            "work_ms_p50": _at(work, 0.5),
            "work_ms_p99": _at(work, 0.99),
            "work_ms_max": _at(work, 1.0),
        }


def _at(ordered: list[float], share: float) -> float:
    """The value that `share` of the others do not exceed, in milliseconds."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3) if ordered else 0.0
