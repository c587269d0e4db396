"""Two associations over bad wires, in virtual time: the same seed gives the same story."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from roomscale.netcode.testing.link import Link, LinkConfig
from roomscale.netcode.webrtc.sctp import Association, Closed, Established, Event, Message, SctpConfig

GRAIN = 0.005
OVERHEAD = 65
"""Bytes of DTLS, UDP and IP around each SCTP packet."""


class Wire(Protocol):
    """One direction."""

    def send(self, packet: bytes, now: float) -> None: ...

    def due(self, now: float) -> list[bytes]: ...


class Bottleneck:
    """A slow line behind a deep buffer: packets wait for those before them, and are lost only when it is full."""

    def __init__(self, rate: float, buffer: float, delay: float) -> None:
        """`rate` in bytes a second; `buffer` and `delay` in seconds."""
        self._rate, self._buffer, self._delay = rate, buffer, delay
        self._free_at = 0.0
        self._flying: deque[tuple[float, bytes]] = deque()
        self.waits: list[tuple[float, float]] = []
        """(when a packet came, how long it waited before its own transmission began)."""
        self.carried = 0
        self.lost = 0

    def send(self, packet: bytes, now: float) -> None:
        wait = max(0.0, self._free_at - now)
        if wait > self._buffer:
            self.lost += 1
            return
        self.waits.append((now, wait))
        self.carried += len(packet) + OVERHEAD
        self._free_at = now + wait + (len(packet) + OVERHEAD) / self._rate
        self._flying.append((self._free_at + self._delay, packet))

    def due(self, now: float) -> list[bytes]:
        arrived = []
        while self._flying and self._flying[0][0] <= now:
            arrived.append(self._flying.popleft()[1])
        return arrived

    def worst(self, since: float) -> float:
        """The longest wait, seconds."""
        return max((wait for at, wait in self.waits if at >= since), default=0.0)


class Gate:
    """A perfect wire that loses what it is told to: `drop` is asked for each packet, which it may count."""

    def __init__(self, drop: Callable[[bytes], bool] = lambda packet: False, delay: float = 0.01) -> None:
        self.drop = drop
        self._delay = delay
        self._flying: deque[tuple[float, bytes]] = deque()
        self.sent: list[bytes] = []

    def send(self, packet: bytes, now: float) -> None:
        self.sent.append(packet)
        if not self.drop(packet):
            self._flying.append((now + self._delay, packet))

    def due(self, now: float) -> list[bytes]:
        arrived = []
        while self._flying and self._flying[0][0] <= now:
            arrived.append(self._flying.popleft()[1])
        return arrived


class End:
    """One association and the wire on which it sends."""

    def __init__(self, config: SctpConfig, wire: Wire, now: float) -> None:
        self.config = config
        self.wire = wire
        self.association = Association(config, now)
        self.events: list[Event] = []
        self.packets = 0

    @property
    def messages(self) -> list[Message]:
        return [event for event in self.events if isinstance(event, Message)]

    def on(self, stream: int) -> list[bytes]:
        """The payloads that came on a stream."""
        return [message.data for message in self.messages if message.stream == stream]

    @property
    def established(self) -> bool:
        return any(isinstance(event, Established) for event in self.events)

    @property
    def closed(self) -> str | None:
        return next((event.reason for event in self.events if isinstance(event, Closed)), None)

    def turn(self, arrived: list[bytes], now: float) -> None:
        """Take in what arrived, and send what is due."""
        for packet in arrived:
            self.association.receive(packet, now)
        timer = self.association.next_timer()
        if timer is not None and timer <= now:
            self.association.on_timer(now)
        self.flush(now)

    def flush(self, now: float) -> None:
        for packet in self.association.outgoing(now):
            assert len(packet) <= self.config.mtu
            self.packets += 1
            self.wire.send(packet, now)
        self.events += self.association.events()


class Pair:
    """Two ends: `client` connects, `server` waits."""

    def __init__(
        self, up: Wire | None = None, down: Wire | None = None, *, config: SctpConfig | None = None, now: float = 100.0
    ) -> None:
        self.now = now
        config = config or SctpConfig()
        self.client = End(config, up or Gate(), now)
        self.server = End(config, down or Gate(), now)
        self.client.association.connect(now)

    @classmethod
    def over(cls, link: LinkConfig, seed: int = 1, config: SctpConfig | None = None) -> Pair:
        """Over the product's seeded link, each way."""
        return cls(Link(link, seed), Link(link, seed + 1), config=config)

    def run(self, seconds: float, each: Callable[[float], object] | None = None) -> None:
        """Let virtual time pass; `each(now)` is called at every grain of it."""
        for _ in range(round(seconds / GRAIN)):
            self.now += GRAIN
            if each:
                each(self.now)
            up, down = self.client.wire.due(self.now), self.server.wire.due(self.now)
            self.client.turn(down, self.now)
            self.server.turn(up, self.now)

    def until(self, true: Callable[[], bool], seconds: float = 30.0) -> float:
        """Run until something holds; returns how long that took."""
        began = self.now
        while not true():
            assert self.now - began < seconds, "it did not happen"
            self.run(GRAIN)
        return self.now - began

    def open(self) -> Pair:
        """Run until both ends are established."""
        self.until(lambda: self.client.established and self.server.established)
        return self


def ticks(pair: Pair, hertz: float) -> Callable[[], int]:
    """A clock that, called at each grain, says how many ticks are due."""
    start, done = pair.now, 0

    def due() -> int:
        nonlocal done
        count = int((pair.now - start) * hertz + 1e-6) - done
        done += count
        return count

    return due
