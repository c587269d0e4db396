"""One direction of a bad network, seeded: the same seed and the same calls give the same deliveries.

Rule: virtual time only. What goes in at `send(now)` comes out of `receive(later)`, or never.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")
_RETRY: Final = 0.2
"""Seconds until a reliable link sends again what was lost: a short retransmission time-out."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """How bad it is."""

    delay: float = 0.0
    """Seconds one way."""
    jitter: float = 0.0
    """Seconds at most that are added, evenly spread."""
    loss: float = 0.0
    """Share of packets lost, 0 to 1."""
    burst: float = 1.0
    """Packets lost in a row on average, when one is lost (Gilbert's model)."""
    duplicate: float = 0.0
    """Share of packets that arrive twice."""
    reorder: float = 0.0
    """Share of packets held back by `hold`."""
    hold: float = 0.06
    """Seconds that a reordered packet comes later."""


class Link(Generic[_T]):
    """Carries packets one way. A `reliable` one loses nothing, keeps the order, and pays for loss with time."""

    def __init__(self, config: LinkConfig, seed: int, *, reliable: bool = False) -> None:
        self._config = config
        self._random = random.Random(seed)  # noqa: S311 - a simulation, to be repeated
        self._reliable = reliable
        self._flying: list[tuple[float, int, _T]] = []
        self._count = itertools.count()
        self._losing = False
        self._front = 0.0
        self.lost = 0

    def send(self, packet: _T, now: float) -> None:
        """A packet goes in."""
        if self._reliable:
            self._send_reliable(packet, now)
            return
        if self._loses():
            self.lost += 1
            return
        self._fly(packet, now + self._travel())
        if self._random.random() < self._config.duplicate:
            self._fly(packet, now + self._travel())

    def receive(self, now: float) -> list[_T]:
        """The packets that have arrived by now, in the order of their arrival."""
        arrived = []
        while self._flying and self._flying[0][0] <= now:
            arrived.append(heapq.heappop(self._flying)[2])
        return arrived

    def _send_reliable(self, packet: _T, now: float) -> None:
        sent = now
        while self._loses():
            self.lost += 1
            sent += _RETRY + 2 * self._config.delay
        self._front = max(self._front, sent + self._travel())
        self._fly(packet, self._front)

    def _fly(self, packet: _T, at: float) -> None:
        heapq.heappush(self._flying, (at, next(self._count), packet))

    def _travel(self) -> float:
        c = self._config
        held = c.hold if self._random.random() < c.reorder else 0.0
        return c.delay + self._random.random() * c.jitter + held

    def _loses(self) -> bool:
        """Gilbert's two states: enter the losing one so often that `loss` of all is lost, stay `burst` packets."""
        c = self._config
        if c.loss <= 0:
            return False
        leave = 1 / max(1.0, c.burst)
        enter = min(1.0, leave * c.loss / max(1e-9, 1 - c.loss))
        chance = 1 - leave if self._losing else enter
        self._losing = self._random.random() < chance
        return self._losing
