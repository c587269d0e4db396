"""Two sans-IO endpoints joined by a bad network, in virtual time: hours of it pass in seconds, each time the same way.

    pair = Pair(client, server, FAR, seed=7)
    assert pair.run(until=lambda: client.open and server.open, seconds=10)

Rule: whatever an endpoint knows of the world comes from here: datagrams, and the time. Nothing waits; the clock jumps
to the next moment at which something is due. Time starts at `now` and only grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from roomscale.netcode.testing.link import PERFECT, Link, LinkConfig

MOST_ROUNDS: Final = 10_000
"""Rounds of work at one instant; a conversation that goes on longer without time passing will not end at all."""

Wire: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""What becomes of a datagram before the network has it: () loses it, twice doubles it, other bytes corrupt it."""


class Endpoint(Protocol):
    """What is joined. Seconds of one clock everywhere."""

    def receive(self, datagram: bytes, now: float, /) -> object:
        """A datagram came."""

    def outgoing(self, now: float, /) -> Iterable[bytes]:
        """What is to be sent now; each datagram is given out once."""

    def next_timer(self) -> float | None:
        """When `on_timer` is to be called, whatever comes before then; None: not at all."""

    def on_timer(self, now: float, /) -> object:
        """That moment has come, or has passed; `next_timer` lies beyond `now` afterwards."""


class Livelock(AssertionError):
    """The endpoints keep each other busy without any time passing: a defect in one of them."""


A = TypeVar("A", bound=Endpoint)
B = TypeVar("B", bound=Endpoint)


class Pair(Generic[A, B]):
    """`a` and `b`, the links `there` (a to b) and `back`, and a wire before each that a test may replace."""

    def __init__(
        self,
        a: A,
        b: B,
        config: LinkConfig = PERFECT,
        back: LinkConfig | None = None,
        *,
        seed: int = 1,
        now: float = 0.0,
    ) -> None:
        """`config` is the network from a to b, and from b to a too unless `back` says otherwise."""
        self.a = a
        self.b = b
        self.now = now
        self.there = Link(config, f"{seed} there")
        self.back = Link(back or config, f"{seed} back")
        self.wire_there: Wire = _untouched
        self.wire_back: Wire = _untouched

    def run(self, *, until: Callable[[], object] | None = None, seconds: float = 60.0) -> bool:
        """Let time pass until something holds, `seconds` at most; whether it holds (True when nothing was asked).

        Raises Livelock.
        """
        end = self.now + seconds
        while True:
            self._settle()
            if until is not None and until():
                return True
            due = self._next()
            if due is None or due > end:
                self.now = end
                return until is None or bool(until())
            self.now = max(self.now, due)

    def _next(self) -> float | None:
        timers = (part.next_timer() for part in (self.a, self.b, self.there, self.back))
        return min((timer for timer in timers if timer is not None), default=None)

    def _settle(self) -> None:
        """Do everything that is due at this instant, and what follows from it."""
        for _ in range(MOST_ROUNDS):
            fired = [self._fire(self.a), self._fire(self.b)]
            sent = [self._carry(self.a, self.wire_there, self.there), self._carry(self.b, self.wire_back, self.back)]
            came = [self._hand_over(self.there, self.b), self._hand_over(self.back, self.a)]
            if not any(fired + sent + came):
                return
        raise Livelock(f"still busy at {self.now:g} s after {MOST_ROUNDS} rounds")

    def _fire(self, end: Endpoint) -> bool:
        timer = end.next_timer()
        if timer is None or timer > self.now:
            return False
        end.on_timer(self.now)
        return True

    def _carry(self, end: Endpoint, wire: Wire, link: Link) -> bool:
        sent = False
        for datagram in end.outgoing(self.now):
            sent = True
            for changed in wire(datagram):
                link.send(changed, self.now)
        return sent

    def _hand_over(self, link: Link, end: Endpoint) -> bool:
        arrived = link.due(self.now)
        for datagram in arrived:
            end.receive(datagram, self.now)
        return bool(arrived)


def _untouched(datagram: bytes) -> tuple[bytes, ...]:
    return (datagram,)
