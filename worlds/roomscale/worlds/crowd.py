"""Many headless visitors of one world: they come at a rate, walk and look around, and leave again, all of them.

Rule: whoever was made a guest here is made to leave by `leave`, whatever happened in between: a crowd that has come to
nothing leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from roomscale.netcode.errors import BadAnswer, NetcodeError
from roomscale.netcode.testing.circle import Circle
from roomscale.netcode.testing.headless import Headless
from roomscale.netcode.testing.measure import Figures, Probe, Quantiles, figures, pair_up
from roomscale.worlds.errors import MatrixError, WorldError, WorldRefused
from roomscale.worlds.gateclient import Entrance
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.visitor import Doorway

STEP_S: Final = 0.025
"""Pause between two steps of the walkers: twice for each pose that they send."""
LEAVING_AT_ONCE: Final = 16
"""Requests under way while all leave; Synapse takes about 30 a second."""
LEAVE_S: Final = 30.0
"""Seconds that leaving may take in all; whoever has not left by then is left to the homeserver's own house-keeping."""


@dataclass(frozen=True, slots=True)
class CrowdPlan:
    """Who comes, and how."""

    count: int
    """Visitors."""
    rate: float = 10.0
    """Visitors that set out, per second; the homeserver may let them in more slowly."""
    moving: bool = True
    """Whether they walk; otherwise they stand."""
    hosts: frozenset[str] = frozenset()
    """IP addresses, besides loopback, that connections may go to."""


@dataclass(slots=True)
class Progress:
    """How far the arrival is."""

    asked: int
    inside: int = 0
    failed: list[Exception] = field(default_factory=list)
    """Why the others did not get in: WorldError or NetcodeError, in their order."""
    waiting_s: float = 0.0
    """Seconds that the homeserver has asked to wait for just now; 0: nobody waits."""


@dataclass(frozen=True, slots=True)
class Stay:
    """What a crowd saw."""

    figures: Figures
    lost: tuple[str, ...]
    """Why visitors were no longer inside at the end, each."""
    own_cpu: float
    """CPU seconds of this process per second: near 1, it measured itself rather than the server."""


class Crowd:
    """The visitors of one world, from the first arrival to the last departure."""

    def __init__(self, entrance: Entrance, plan: CrowdPlan, make: Callable[[], Headless]) -> None:
        """`make` gives a visitor that is not connected yet."""
        self.progress = Progress(plan.count)
        self.tell: Callable[[Progress], object] = lambda _: None
        """Hears of each change of `progress`."""
        self.joins: list[float] = []
        """Seconds from having an account to WELCOME, of each who got in: the join, the call, the connection."""
        self._plan = plan
        self._make = make
        self._doorway = Doorway(entrance.homeserver, entrance.room_id, entrance.via, self._wait)
        self._guests: list[MatrixClient] = []
        self._visitors: list[Headless] = []
        self._probes: list[Probe] = []
        self._inside: list[Probe] = []
        self._hopeless = False
        self._walking: asyncio.Task[None] | None = None

    @property
    def waited(self) -> float:
        """Seconds of waits that the homeserver asked for (429), together."""
        return self._doorway.waited

    @property
    def join_times(self) -> Quantiles | None:
        """Of `joins`; None when nobody got in."""
        return Quantiles.of(self.joins)

    async def arrive(self) -> None:
        """Let all come; returns when each is inside or has failed.

        When one is refused for a reason that holds for the others too, those still at home stay there.
        """
        self._walking = asyncio.create_task(self._walk())
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(self._plan.count):
                await asyncio.sleep(start + number / self._plan.rate - time.monotonic())
                if self._hopeless:
                    break
                group.create_task(self._come(number))

    async def stay(self, seconds: float, enough: asyncio.Event) -> Stay:
        """Measure for so long, or until it is enough. Somebody is inside."""
        probes = sorted(self._inside, key=lambda probe: probe.walk.number)
        pair_up(probes)
        for probe in probes:
            probe.begin()
        began, cpu = time.monotonic(), time.process_time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), seconds)
        took = time.monotonic() - began
        lost = tuple(why for probe in probes if (why := probe.visitor.over) is not None)
        return Stay(figures(probes, took), lost, (time.process_time() - cpu) / took)

    async def leave(self) -> int:
        """Close all connections and leave the room with every guest; how many may still be in it."""
        if self._walking is not None:
            self._walking.cancel()
        await asyncio.gather(*(visitor.close() for visitor in self._visitors), return_exceptions=True)
        slots = asyncio.Semaphore(LEAVING_AT_ONCE)
        left = 0

        async def go(client: MatrixClient) -> None:
            nonlocal left
            async with slots:
                await self._doorway.leave(client)
                left += 1

        try:
            async with asyncio.timeout(LEAVE_S):
                await asyncio.gather(*map(go, self._guests), return_exceptions=True)
        except TimeoutError:
            pass  # the count says it
        finally:
            await asyncio.gather(*(client.close() for client in self._guests), return_exceptions=True)
        return len(self._guests) - left

    async def _come(self, number: int) -> None:
        try:
            if self._hopeless:
                return
            client = await self._doorway.guest(f"Visitor {number + 1}")
            self._guests.append(client)
            if self._hopeless:
                return
            began = time.monotonic()
            tab = await self._doorway.join(client)
            visitor = self._make()
            self._visitors.append(visitor)
            probe = self._place(visitor, number)
            await tab.bring_in(visitor, hosts=self._plan.hosts)
        except (WorldError, NetcodeError) as error:
            self._hopeless = self._hopeless or _holds_for_all(error)
            self.progress.failed.append(error)
        else:
            self.joins.append(time.monotonic() - began)
            self._inside.append(probe)
            self.progress.inside += 1
        self.tell(self.progress)

    def _place(self, visitor: Headless, number: int) -> Probe:
        """Let a visitor walk already: where it comes in is where it goes on."""
        probe = Probe(visitor, Circle(number, self._plan.count, self._plan.moving))
        probe.step(time.monotonic())
        self._probes.append(probe)
        return probe

    async def _walk(self) -> None:
        while True:
            for probe in self._probes:
                probe.step(time.monotonic())
            await asyncio.sleep(STEP_S)

    def _wait(self, seconds: float) -> None:
        self.progress.waiting_s = seconds
        self.tell(self.progress)


def _holds_for_all(error: Exception) -> bool:
    """Whether the next visitor would be refused too: the world is full, guests may not join, …"""
    if isinstance(error, MatrixError):
        return error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    return isinstance(error, WorldRefused | BadAnswer)
