"""What time it is on the server, as a client knows it from PING and PONG.

Rule: reads no clock; the caller says what its own shows, in seconds. The sample with the shortest round trip is
believed, and once settled the estimate moves towards it slowly. (`web/src/netcode/clock.ts` is the same.)
"""

from __future__ import annotations

from collections import deque
from typing import Final

_SAMPLES: Final = 30
"""Samples that are compared: at one a second, half a minute."""
_SETTLED: Final = 5
"""Samples after which the estimate no longer steps."""
_SLEW: Final = 0.02
"""How fast the estimate may move then, seconds a second."""
_STEP: Final = 0.5
"""An error larger than this is a new start, seconds."""
_U32: Final = 0xFFFF_FFFF


class ServerClock:
    """Begins at WELCOME."""

    def __init__(self) -> None:
        self._origin_ms = 0
        self._origin = 0.0
        self._offset = 0.0
        self._adjusted = 0.0
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def start(self, server_ms: int, now: float) -> None:
        """The server's clock showed `server_ms` a moment before `now`."""
        self._origin_ms, self._origin = server_ms, now
        self._offset, self._adjusted = 0.0, now
        self._samples.clear()

    def pong(self, sent: float, server_ms: int, now: float) -> None:
        """A PING left at `sent`; its answer is here at `now`."""
        trip = now - sent
        if trip < 0:
            return
        offset = self.unwrap(server_ms) + trip / 2 - now
        self._samples.append((trip, offset))
        error = min(self._samples)[1] - self._offset
        if len(self._samples) > _SETTLED and abs(error) <= _STEP:
            most = _SLEW * max(0.0, now - self._adjusted)
            error = max(-most, min(most, error))
        self._offset += error
        self._adjusted = now

    def unwrap(self, server_ms: int) -> float:
        """A stamp of the server's on the caller's line of time, seconds: as if both clocks had begun together."""
        apart = (server_ms - self._origin_ms + 0x8000_0000 & _U32) - 0x8000_0000
        return self._origin + apart / 1000

    def server_now(self, now: float) -> float:
        """What `unwrap` would give for a stamp taken at this moment, seconds."""
        return now + self._offset

    def ms(self, now: float) -> int:
        """What the server's clock shows at `now`, as the wire has it."""
        return (self._origin_ms + round((self.server_now(now) - self._origin) * 1000)) & _U32
