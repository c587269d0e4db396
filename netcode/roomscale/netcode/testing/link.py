"""One direction of a bad network, seeded: the same seed and the same calls give the same deliveries.

Rule: virtual time only. What goes in at `send(now)` comes out of `due(later)`, or never; `now` is in seconds of any
monotonic clock. A datagram meets, in this order: the MTU, the queue before the bottleneck, the bottleneck itself, loss,
the way with its jitter, and duplication.

Each kind of mishap draws from a generator of its own, so that switching one on leaves the others' story as it was.
Left out: corruption (UDP's checksum makes it loss), fragmentation, and cross traffic.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

OVERHEAD: Final = 28
"""Bytes of IPv4 and UDP headers, which count against the MTU and the rate."""
MOST_FLYING: Final = 65_536
"""Datagrams on the way at once; more overflow. A bound for memory, out of reach of anything that is tested here."""
_RETRY: Final = 0.2
"""Seconds until a reliable link sends again what was lost: a short retransmission time-out."""
_TRIES: Final = 100
"""Times that a reliable link sends the same message; the last one arrives even through an outage."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """How bad it is. Raises ValueError for what no network can be."""

    delay: float = 0.0
    """Seconds one way."""
    jitter: float = 0.0
    """Seconds at most that are added, evenly spread. It alone never makes one datagram overtake another."""
    loss: float = 0.0
    """Share of datagrams lost, 0 to 1, each by itself."""
    burst_loss: float = 0.0
    """Share of datagrams lost in bursts, 0 to below 1, besides `loss`: Gilbert and Elliott's bad state, which lets
    nothing through."""
    burst_length: float = 4.0
    """Datagrams in a burst on average, at least 1."""
    burst_time: float = float("inf")
    """Seconds after which a burst is over, whatever was sent in it. Fades are times, not counts: without a limit a
    handshake that says something once in seconds would find the same burst for half a minute."""
    duplicate: float = 0.0
    """Share of datagrams that arrive twice, the second up to `jitter` later."""
    reorder: float = 0.0
    """Share of datagrams held back by `hold`, and overtaken meanwhile."""
    hold: float = 0.06
    """Seconds that a reordered datagram comes later."""
    rate: float | None = None
    """Bit/s of the bottleneck, headers included; None: no bottleneck."""
    queue: float = 0.25
    """Seconds of traffic at `rate` that may wait before the bottleneck; what comes on top is dropped (drop-tail).
    In bytes that is `queue * rate / 8`."""
    mtu: int | None = None
    """Bytes of the largest IP packet; a datagram with more than this less `OVERHEAD` is dropped. None: all fit."""

    def __post_init__(self) -> None:
        """Refuse what would quietly do something else than asked."""
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, 0 to 1")
        if not 0 <= self.burst_loss < 1 or self.burst_length < 1:
            raise ValueError("burst_loss is a share below 1, burst_length at least 1 datagram")
        if min(self.delay, self.jitter, self.hold, self.queue, self.burst_time) < 0:
            raise ValueError("times are 0 or more seconds")
        if self.rate is not None and self.rate <= 0:
            raise ValueError("a rate is more than 0 bit/s")
        if self.mtu is not None and self.mtu <= OVERHEAD:
            raise ValueError(f"an MTU is more than the {OVERHEAD} bytes of headers")


PERFECT: Final = LinkConfig()
GOOD_WIFI: Final = LinkConfig(delay=0.004, jitter=0.004, loss=0.002, rate=50e6, queue=0.1, mtu=1500)
"""A room away from the access point."""
MOBILE_4G: Final = LinkConfig(
    delay=0.035, jitter=0.02, loss=0.005, burst_loss=0.005, rate=8e6, queue=0.4, mtu=1420, reorder=0.002
)
"""A phone on the move: deep queues, short fades, a tunnel's smaller MTU."""
FAR: Final = LinkConfig(delay=0.05, jitter=0.03, loss=0.05, mtu=1500)
"""100 ms there and back, 30 ms of jitter, 5% loss: what near avatars must still look right on."""
NARROW: Final = LinkConfig(delay=0.03, rate=128e3, queue=1.0, mtu=1500)
"""128 kbit/s behind a second of buffer: what fills a queue shows here."""
BAD: Final = LinkConfig(delay=0.06, jitter=0.04, burst_loss=0.2, burst_length=4, duplicate=0.01, reorder=0.02, mtu=1280)
"""A fifth lost, four in a row, on the smallest MTU that IPv6 allows."""
OUTAGE: Final = LinkConfig(loss=1.0)
"""Nothing passes."""

PRESETS: Final = MappingProxyType(
    {
        "perfect": PERFECT,
        "good-wifi": GOOD_WIFI,
        "mobile-4g": MOBILE_4G,
        "far": FAR,
        "narrow": NARROW,
        "bad": BAD,
        "outage": OUTAGE,
    }
)
"""The named ones, by name."""


@dataclass(slots=True)
class LinkStats:
    """What became of what was sent: `delivered` and what still flies are `sent` and `duplicated` less `lost`,
    `overflowed` and `oversized`."""

    sent: int = 0
    bytes_sent: int = 0
    """Bytes of datagrams, without headers."""
    largest: int = 0
    """Bytes of the largest datagram sent, without headers."""
    delivered: int = 0
    """Datagrams that `due` gave out, duplicates included."""
    bytes_delivered: int = 0
    lost: int = 0
    """By `loss` or in a burst."""
    overflowed: int = 0
    """Dropped because the queue was full."""
    oversized: int = 0
    """Dropped because of the MTU."""
    duplicated: int = 0
    reordered: int = 0
    """Held back; whether anything overtook it depends on what else was sent."""
    longest_wait: float = 0.0
    """Seconds that a datagram waited at most before the bottleneck took it."""


class Link:
    """Carries datagrams one way. `config` may be replaced at any time: what flies already is not touched."""

    def __init__(self, config: LinkConfig, seed: int | str) -> None:
        self.config = config
        self.stats = LinkStats()
        # Python promises the same numbers for the same text in all versions.
        self._losses, self._bursts, self._ways, self._doubles, self._holds = (
            random.Random(f"{seed} {what}")  # noqa: S311 - a simulation, to be repeated
            for what in ("loss", "burst", "way", "duplicate", "reorder")
        )
        self._flying: list[tuple[float, int, bytes]] = []
        self._count = itertools.count()
        self._in_burst = False
        self._burst_ends = 0.0
        self._free_at = float("-inf")
        self._front = float("-inf")

    def send(self, datagram: bytes, now: float) -> None:
        """A datagram goes in."""
        config, stats = self.config, self.stats
        stats.sent += 1
        stats.bytes_sent += len(datagram)
        stats.largest = max(stats.largest, len(datagram))
        if config.mtu is not None and len(datagram) + OVERHEAD > config.mtu:
            stats.oversized += 1
            return
        if len(self._flying) >= MOST_FLYING or self.waiting(now) > config.queue:
            stats.overflowed += 1
            return
        leaves = self._pass_bottleneck(len(datagram), now)
        if self._loses(now):
            stats.lost += 1
            return
        arrives = self._arrival(leaves)
        self._fly(datagram, arrives)
        if self._doubles.random() < config.duplicate:
            stats.duplicated += 1
            self._fly(datagram, arrives + self._doubles.random() * config.jitter)

    def due(self, now: float) -> list[bytes]:
        """The datagrams that have arrived by now, in the order of their arrival; each is given out once."""
        arrived = []
        while self._flying and self._flying[0][0] <= now:
            datagram = heapq.heappop(self._flying)[2]
            arrived.append(datagram)
            self.stats.bytes_delivered += len(datagram)
        self.stats.delivered += len(arrived)
        return arrived

    def next_timer(self) -> float | None:
        """When the next datagram arrives, in seconds of the clock of `now`; None while nothing flies."""
        return self._flying[0][0] if self._flying else None

    def waiting(self, now: float) -> float:
        """Seconds of traffic that wait before the bottleneck."""
        return max(0.0, self._free_at - now) if self.config.rate is not None else 0.0

    def _pass_bottleneck(self, size: int, now: float) -> float:
        """When the last bit of the datagram has left the bottleneck."""
        if self.config.rate is None:
            return now
        begins = max(now, self._free_at)
        self.stats.longest_wait = max(self.stats.longest_wait, begins - now)
        self._free_at = begins + (size + OVERHEAD) * 8 / self.config.rate
        return self._free_at

    def _loses(self, now: float) -> bool:
        """Whether this one is lost. Both generators are asked each time, so that neither depends on the other."""
        config = self.config
        alone = self._losses.random() < config.loss
        leave = 1 / config.burst_length
        enter = leave * config.burst_loss / (1 - config.burst_loss)
        draw = self._bursts.random()
        if self._in_burst and now < self._burst_ends:
            self._in_burst = draw >= leave
        else:
            self._in_burst = draw < enter
            self._burst_ends = now + config.burst_time
        return alone or self._in_burst

    def _arrival(self, leaves: float) -> float:
        """When a datagram that left the bottleneck then arrives: not before those ahead of it, unless held back."""
        config = self.config
        arrives = max(self._front, leaves + config.delay + self._ways.random() * config.jitter)
        if self._holds.random() < config.reorder:
            self.stats.reordered += 1
            return arrives + config.hold
        self._front = arrives
        return arrives

    def _fly(self, datagram: bytes, at: float) -> None:
        heapq.heappush(self._flying, (at, next(self._count), datagram))


class ReliableLink(Link):
    """The same network under a reliable, ordered stream: nothing is lost, and loss is paid for with time.

    For a simulation that has no transport of its own between its ends. It has no MTU and no full queue: a stream
    splits what is large, and its sender waits.
    """

    def send(self, datagram: bytes, now: float) -> None:
        """A message goes in."""
        self.stats.sent += 1
        self.stats.bytes_sent += len(datagram)
        config = self.config
        sent = now
        for _ in range(_TRIES):
            if not self._loses(sent):
                break
            self.stats.lost += 1
            sent += _RETRY + 2 * config.delay
        way = config.delay + self._ways.random() * config.jitter
        held = config.hold if self._holds.random() < config.reorder else 0.0
        self._front = max(self._front, self._pass_bottleneck(len(datagram), sent) + way + held)
        self._fly(datagram, self._front)
