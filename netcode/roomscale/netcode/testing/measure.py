"""What headless visitors see of a server: snapshots, loss, round trips, and how late they see each other.

Rule: measured from outside, by what any client can know, and only between `begin` and `figures`. Latency is found by
the pose itself: where a walker was when it sent is remembered for some seconds, and what another visitor of this
process is shown is looked up there. So it includes the server's tick, both transports, and what this process needed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.testing.circle import Circle, Place
from roomscale.netcode.testing.headless import Participant

TRAIL: Final = 80
"""Poses remembered of a walker: 4 s at 20 Hz, less than half a circle's time, so that no place is there twice."""
ASTRAY: Final = 0.5
"""Metres off the trail beyond which a shown place says nothing about time (the server put the walker elsewhere)."""
_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `count` values: the median, the 99th percentile (nearest rank) and the largest."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Quantiles | None:
        """None when there is no value."""
        ranked = sorted(values)
        if not ranked:
            return None
        return cls(len(ranked), _rank(ranked, 0.5), _rank(ranked, 0.99), ranked[-1])


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen in `seconds` by `visitors`; rates are means of one visitor, per second."""

    seconds: float
    visitors: int
    snapshots: float
    snapshots_least: float
    """Of the visitor that got fewest."""
    loss: float
    """Share of the server's ticks whose snapshot did not come: lost on the way, or left out by the server."""
    bytes_in: float
    """Bytes of frames, without the 93 bytes of IP, UDP, DTLS and SCTP around each."""
    bytes_out: float
    malformed: int
    """Frames that are not what PROTOCOL.md says."""
    others_least: int
    """Others known and shown to a visitor at the end: the visitor who saw fewest."""
    others_most: int
    rtt: Quantiles | None
    """Seconds from PING to PONG."""
    latency: Quantiles | None
    """Seconds from one visitor's sending a pose to another's being shown it; None when nobody walked."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A visitor's counts when measuring began."""

    tick: int | None
    snapshots: int
    bytes_in: int
    bytes_out: int
    malformed: int
    rtts: int


class Probe:
    """Moves one visitor along its walk, and watches what it sees; is its `Observer`."""

    def __init__(self, visitor: Participant, walk: Circle) -> None:
        self.visitor = visitor
        self.walk = walk
        self.partner: Probe | None = None
        """The walker whose poses this visitor is timed by."""
        self.latencies: list[float] = []
        self._here: Place = walk.middle
        self._trail: deque[tuple[float, Place]] = deque(maxlen=TRAIL)
        self._shown: Place | None = None
        self._mark = self._now()
        visitor.observer = self

    def step(self, now: float) -> None:
        """Circle on."""
        self._here, yaw = self.walk.at(now)
        self.visitor.move(*self._here, yaw)

    def sent(self, channel: Channel, now: float, /) -> None:
        """See Observer."""
        if channel is Channel.POSES:
            self._trail.append((now, self._here))

    def received(self, channel: Channel, now: float, /) -> None:
        """See Observer."""
        if channel is not Channel.POSES or self.partner is None or self.partner.visitor.peer is None:
            return
        shown = self.visitor.place(self.partner.visitor.peer)
        if shown is None or shown == self._shown:
            return
        self._shown = shown
        sent_at = self.partner.was_at(shown)
        if sent_at is not None:
            self.latencies.append(now - sent_at)

    def was_at(self, place: Place) -> float | None:
        """When this walker sent that it is there (or nearest to there); None when it never was."""
        if not self.walk.moving or not self._trail:
            return None
        apart, sent_at = min((math.dist(place, there), at) for at, there in self._trail)
        return sent_at if apart <= ASTRAY else None

    def begin(self) -> None:
        """Measure from here."""
        self._mark = self._now()
        self.latencies.clear()

    def since(self) -> _Mark:
        """What came since `begin`; `tick` counts the server's ticks, None when there was no snapshot before."""
        now, then = self._now(), self._mark
        ticks = None if now.tick is None or then.tick is None else (now.tick - then.tick) & _U32
        return _Mark(
            ticks,
            now.snapshots - then.snapshots,
            now.bytes_in - then.bytes_in,
            now.bytes_out - then.bytes_out,
            now.malformed - then.malformed,
            then.rtts,
        )

    def _now(self) -> _Mark:
        tally = self.visitor.tally
        return _Mark(
            self.visitor.tick,
            tally.snapshots + tally.stale_snapshots,
            tally.bytes_in,
            tally.bytes_out,
            tally.malformed,
            len(tally.rtts),
        )


def pair_up(probes: Sequence[Probe]) -> None:
    """Let each be timed by its neighbour; a single one by nobody."""
    for one, other in zip(probes, [*probes[1:], *probes[-2:-1]], strict=False):
        one.partner = other


def figures(probes: Sequence[Probe], seconds: float) -> Figures:
    """What was seen since `begin`, which was `seconds` ago. There is at least one visitor."""
    seen = [probe.since() for probe in probes]
    count = len(probes)
    ticks = sum(mark.tick for mark in seen if mark.tick is not None)
    came = sum(mark.snapshots for mark in seen if mark.tick is not None)
    others = [
        sum(visitor.place(peer) is not None for peer in visitor.others) for visitor in (p.visitor for p in probes)
    ]
    return Figures(
        seconds=seconds,
        visitors=count,
        snapshots=sum(mark.snapshots for mark in seen) / count / seconds,
        snapshots_least=min(mark.snapshots for mark in seen) / seconds,
        loss=max(0.0, 1 - came / ticks) if ticks else 0.0,
        bytes_in=sum(mark.bytes_in for mark in seen) / count / seconds,
        bytes_out=sum(mark.bytes_out for mark in seen) / count / seconds,
        malformed=sum(mark.malformed for mark in seen),
        others_least=min(others),
        others_most=max(others),
        rtt=Quantiles.of(
            rtt for probe, mark in zip(probes, seen, strict=True) for rtt in probe.visitor.tally.rtts[mark.rtts :]
        ),
        latency=Quantiles.of(latency for probe in probes for latency in probe.latencies),
    )


def _rank(ranked: Sequence[float], share: float) -> float:
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
