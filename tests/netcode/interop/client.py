"""What the tests want of a client, whatever stack it is, and the two that live in this process.

Rule: a join counts only when everything works: both channels open, WELCOME there, a PING answered, a POSE arrived at
the node (its SNAPSHOTs say so), and some SNAPSHOTs here. Then the client leaves.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from roomscale.netcode.core.messages import Channel, Hello, Ping, Pose, PoseUpdate
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.testing.lean_visitor import LeanVisitor
from roomscale.netcode.testing.visitor import Visitor

PATIENCE: Final = 30.0
"""Seconds that a join may take. OpenSSL as a client repeats its last flight after 1, 2, 4 and 8 s, whatever the server
repeats meanwhile: at 20% loss that is once in a hundred joins of libdatachannel not enough for its fourth, at 15 s."""
SNAPSHOTS: Final = 5
"""SNAPSHOTs to wait for: a quarter of a second of them."""
_SIGHTS: Final = 2
"""SIGHTs to wait for: who is alone in a world gets one in 0.2 s."""
FRAMES: Final = {
    "hello": encode(Hello(1, 1, "interop", "ada", Pose())),
    "ping": encode(Ping(1)),
    "pose": encode(PoseUpdate(1, 0, Pose(x=1))),
}
"""What a client says that has no codec of its own."""

Call: TypeAlias = Callable[[str], Awaitable[str]]
"""Signalling: an offer goes in, the answer comes out."""


class JoinFailed(Exception):
    """A client did not get in; the text says how far it came."""


@dataclass(frozen=True, slots=True)
class Joined:
    """One join as its client saw it; milliseconds since it began to make its offer."""

    inside: float
    """Until WELCOME."""
    open: float | None = None
    """Until both channels were open; None where the client does not say."""


class Client(Protocol):
    """A program that joins, again and again."""

    async def join(self, call: Call) -> Joined:
        """Join, see that everything works, and leave. Raises JoinFailed."""


class Headless:
    """Our visitors, over aiortc or over our own endpoint."""

    def __init__(self, kind: type[Visitor] | type[LeanVisitor]) -> None:
        self._kind = kind

    async def join(self, call: Call) -> Joined:
        """See `Client.join`."""
        began = time.monotonic()
        async with self._kind() as visitor:
            try:
                await visitor.accept(await call(await visitor.offer()))
                await visitor.inside(PATIENCE)
                inside = time.monotonic() - began
                visitor.send(Channel.EVENTS, FRAMES["ping"])
                tally, talk = visitor.tally, visitor.talk
                await visitor.until(lambda: tally.snapshots >= _SIGHTS and bool(tally.rtts), PATIENCE)
                await visitor.until(lambda: talk.snapshot is not None and talk.snapshot.last_seq > 0, PATIENCE)
            except TimeoutError:
                raise JoinFailed(f"{visitor.tally}, {visitor.talk.welcome}, over: {visitor.over}") from None
        return Joined(inside * 1000)
