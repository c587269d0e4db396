"""What a headless visitor is to those who send it somewhere, whatever transport it goes by.

Rule: plain values and no transport's types, so that `visitor.Visitor` (aiortc) and others after it are exchanged
without a word to load tests and benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from roomscale.netcode.core.messages import Channel, Entrant
from roomscale.netcode.core.sightings import Tally


class Observer(Protocol):
    """Is told when something goes or comes; `now` in seconds, `time.monotonic`'s."""

    def sent(self, channel: Channel, now: float, /) -> object:
        """Frames were handed to the transport just now; a POSE among those on `poses` says where `move` put us."""

    def received(self, channel: Channel, now: float, /) -> object:
        """A frame came, and the visitor knows what it says."""


class Participant(Protocol):
    """Somebody in a world: what they know of it, and where they are."""

    observer: Observer | None

    @property
    def peer(self) -> int | None:
        """This visitor's peer id; None before WELCOME."""

    @property
    def others(self) -> Mapping[int, Entrant]:
        """Who else is here, by peer id."""

    @property
    def tally(self) -> Tally:
        """What was sent and received so far."""

    @property
    def tick(self) -> int | None:
        """The tick of the newest SNAPSHOT; None before any."""

    @property
    def over(self) -> str | None:
        """Why the visit is over, None while it lasts: the server's goodbye, or the connection's end."""

    def place(self, peer: int, /) -> tuple[float, float, float] | None:
        """Where another one was seen last, metres; None when it was not."""

    def move(self, x: float, y: float, z: float, yaw: float = 0.0) -> None:
        """Be there from now on; metres and radians."""


class Headless(Participant, Protocol):
    """A participant with a connection of its own. Bring your own signalling: an offer comes out, an answer goes in."""

    async def offer(self) -> str:
        """A new connection's SDP offer. Raises TransportError."""

    async def accept(self, answer: str, /) -> None:
        """The answer to the newest offer. Raises BadAnswer."""

    async def inside(self, timeout: float = 10.0, /) -> None:  # noqa: ASYNC109 - as the implementations have it
        """Wait for WELCOME, seconds. Raises TimeoutError."""

    async def close(self) -> None:
        """Leave as a browser's tab does. May be called at any time, and twice."""
