"""What every headless visitor does, whatever transport it goes by: it talks, walks, and shows what it knows.

Rule: a transport's file below this one makes connections and says when they open, hear and end; the talk is here.
"""

from __future__ import annotations

import asyncio
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from mypy_extensions import mypyc_attr

from roomscale.netcode.core import units
from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel, Entrant
from roomscale.netcode.core.sightings import Tally
from roomscale.netcode.testing.headless import Observer

_LOOK: Final = 0.01
"""Seconds between looks at whether what one waits for has come."""
_FINEST: Final = 0.001
"""Seconds from one look at what is due to the next at least: event loops know milliseconds."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Talker(ABC):
    """A visitor without a transport."""

    def __init__(self, avatar: str) -> None:
        self.talk = Conversation(avatar=avatar)
        self.observer: Observer | None = None
        self.closed = asyncio.Event()
        """Set when the connection in use is gone, whoever closed it."""
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @abstractmethod
    async def close(self) -> None:
        """Leave as a browser's tab does: the connection is closed."""

    @abstractmethod
    def send(self, channel: Channel, data: bytes | str) -> None:
        """Send anything, also what no honest client would."""

    @property
    def name(self) -> str | None:
        """This visitor's name as the server shows it; None before WELCOME."""
        return self.talk.welcome.name if self.talk.welcome else None

    @property
    def peer(self) -> int | None:
        """This visitor's peer id; None before WELCOME."""
        return self.talk.welcome.peer if self.talk.welcome else None

    @property
    def others(self) -> dict[int, Entrant]:
        """Who else is here, by peer id."""
        return self.talk.roster

    @property
    def tally(self) -> Tally:
        """What was sent and received so far."""
        return self.talk.tally

    @property
    def tick(self) -> int | None:
        """The tick of the newest SNAPSHOT; None before any."""
        return self.talk.snapshot.tick if self.talk.snapshot else None

    @property
    def over(self) -> str | None:
        """Why the visit is over, None while it lasts."""
        if self.talk.goodbye:
            return self.talk.goodbye.reason or f"goodbye {self.talk.goodbye.code}"
        return "the connection was closed" if self.closed.is_set() else None

    def place(self, peer: int) -> tuple[float, float, float] | None:
        """Where another one was seen last, metres; None before any snapshot."""
        seen = self.talk.seen.get(peer)
        return units.metres(seen.pose) if seen else None

    def move(self, x: float, y: float, z: float, yaw: float = 0.0, *, flags: int = 0) -> None:
        """Be there from now on; metres and radians."""
        self.talk.pose = units.pose(x, y, z, yaw, flags=flags)

    async def inside(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - a plain number reads best in tests
        """Wait for WELCOME. Raises TimeoutError."""
        await self.until(lambda: self.talk.welcome is not None, timeout)

    async def until(self, true: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until something holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not true():
                await asyncio.sleep(_LOOK)

    def _begin(self) -> None:
        """A new connection is open."""
        self.closed.clear()
        self._say(self.talk.opened(time.monotonic()))

    def _hear(self, channel: Channel, data: bytes) -> None:
        """A frame came on the connection in use."""
        now = time.monotonic()  # the loop's own clock stands still within a round of uvloop's
        self.talk.receive(channel, data, now)
        if self.observer:
            self.observer.received(channel, now)
        if self._timer is None:
            self._wait(now)

    def _end(self) -> None:
        """The connection in use is gone."""
        self.talk.closed()
        self.closed.set()

    def _say(self, frames: list[tuple[Channel, bytes]]) -> None:
        for channel, frame in frames:
            self.send(channel, frame)

    def _wait(self, now: float) -> None:
        """Be called when something is due: to the millisecond, since the server tells when that is best."""
        at = self.talk.next_due
        if at < math.inf:
            self._timer = asyncio.get_running_loop().call_later(max(_FINEST, at - now), self._due)

    def _due(self) -> None:
        self._timer = None
        now = time.monotonic()
        if frames := self.talk.due(now):
            self._say(frames)
            if self.observer:
                for channel, _ in frames:
                    self.observer.sent(channel, now)
        self._wait(now)

    def _still(self) -> None:
        """Say nothing more."""
        self.talk.closed()
        if self._timer:
            self._timer.cancel()
            self._timer = None
