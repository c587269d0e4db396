"""What every headless visitor does, whatever transport it goes by: it talks, walks, and shows what it knows.

Rule: a transport's file below this one makes connections and says when they open, hear and end; the talk is here.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self
from weakref import WeakKeyDictionary

from roomscale.netcode.core import units
from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel, Entrant
from roomscale.netcode.core.sightings import Tally
from roomscale.netcode.testing.headless import Observer

_BEAT: Final = 0.01
"""Seconds between looks at what is due."""


class _Beat:
    """One timer for all talkers of an event loop: a task for each would cost more than what they say."""

    def __init__(self) -> None:
        self._talkers: set[Talker] = set()
        self._task: asyncio.Task[None] | None = None

    def join(self, talker: Talker) -> None:
        self._talkers.add(talker)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def leave(self, talker: Talker) -> None:
        self._talkers.discard(talker)
        if not self._talkers and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            now = time.monotonic()
            for talker in list(self._talkers):
                talker.beat(now)


_beats: WeakKeyDictionary[asyncio.AbstractEventLoop, _Beat] = WeakKeyDictionary()


def _beat() -> _Beat:
    return _beats.setdefault(asyncio.get_running_loop(), _Beat())


class Talker(ABC):
    """A visitor without a transport."""

    def __init__(self, avatar: str) -> None:
        self.talk = Conversation(avatar=avatar)
        self.observer: Observer | None = None
        self.closed = asyncio.Event()
        """Set when the connection in use is gone, whoever closed it."""

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
                await asyncio.sleep(_BEAT)

    def _begin(self) -> None:
        """A new connection is open."""
        self.closed.clear()
        self._say(self.talk.opened(time.monotonic()))
        _beat().join(self)

    def _hear(self, channel: Channel, data: bytes) -> None:
        """A frame came on the connection in use."""
        now = time.monotonic()  # the loop's own clock stands still within a round of uvloop's
        self.talk.receive(channel, data, now)
        if self.observer:
            self.observer.received(channel, now)

    def _end(self) -> None:
        """The connection in use is gone."""
        self.talk.closed()
        self.closed.set()

    def _say(self, frames: list[tuple[Channel, bytes]]) -> None:
        for channel, frame in frames:
            self.send(channel, frame)

    def beat(self, now: float) -> None:
        """Say what is due."""
        if frames := self.talk.due(now):
            self._say(frames)
            if self.observer:
                for channel, _ in frames:
                    self.observer.sent(channel, now)

    def _still(self) -> None:
        """Say nothing more."""
        _beat().leave(self)
