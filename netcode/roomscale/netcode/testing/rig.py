"""A simulation and its headless visitors over seeded bad networks, in virtual time.

Rule: nothing here waits, and the same seed gives the same story.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel, Role
from roomscale.netcode.core.reports import Closed, Event
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.simulation import Simulation
from roomscale.netcode.testing.link import Link, LinkConfig, ReliableLink

_GRAIN: Final = 0.005
"""Seconds of virtual time between two looks at the links."""


@dataclass(slots=True)
class Connection:
    """A visitor's two channels, both ways."""

    up: dict[Channel, Link]
    down: dict[Channel, Link]


@dataclass(slots=True)
class Guest:
    """A headless visitor of the rig."""

    session: str
    talk: Conversation
    connection: Connection | None
    closed: Closed | None = None
    """Set once the simulation ended the session."""


@dataclass(slots=True)
class Rig:
    """A pair of endpoints, or many: one simulation, any number of visitors, a link for each."""

    config: SimulationConfig = field(default_factory=SimulationConfig)
    link: LinkConfig = field(default_factory=LinkConfig)
    """Of visitors that bring none of their own, each way."""
    seed: int = 1
    now: float = 0.0
    guests: dict[str, Guest] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    simulation: Simulation = field(init=False)
    _next_step: float = field(init=False)
    _seeds: itertools.count[int] = field(init=False)
    _steps: itertools.count[int] = field(init=False)

    def __post_init__(self) -> None:
        self.simulation = Simulation(self.config, self.now)
        self._seeds = itertools.count(self.seed * 1000)
        self._steps = itertools.count(1)
        self._next_step = next(self._steps) / self.config.tick_rate

    def visit(
        self,
        session: str,
        *,
        world: str = "plaza",
        user_id: str | None = None,
        name: str = "",
        role: int = Role.VISITOR,
        link: LinkConfig | None = None,
    ) -> Guest:
        """A visitor comes, or comes back on a new connection. Raises JoinRefused."""
        user = user_id or f"@{session}:test"
        self.simulation.join(session, world=world, user_id=user, name=name or session, role=role, now=self.now)
        guest = self.guests.get(session)
        if guest is None or guest.closed:
            guest = self.guests[session] = Guest(session, Conversation(), None)
        guest.connection = self._connect(link or self.link)
        for channel, frame in guest.talk.opened(self.now):
            guest.connection.up[channel].send(frame, self.now)
        return guest

    def vanish(self, guest: Guest) -> None:
        """A visitor's network is cut: neither side is told."""
        guest.connection = None

    def leave(self, guest: Guest) -> None:
        """A visitor closes its connection, and the server notices."""
        guest.connection = None
        self.simulation.lost(guest.session, "the connection was closed")

    def run(self, seconds: float, each: Callable[[float], object] | None = None) -> None:
        """Let virtual time pass; `each(now)` is called at every grain of it, before anything moves."""
        for _ in range(round(seconds / _GRAIN)):
            self.now += _GRAIN
            if each:
                each(self.now)
            self._carry()

    def _carry(self) -> None:
        for guest in self.guests.values():
            if guest.connection:
                self._speak(guest, guest.connection)
        if self.now >= self._next_step - 1e-9:
            self.simulation.step(self.now)
            self._next_step = next(self._steps) / self.config.tick_rate
        for session, channel, frame in self.simulation.outgoing():
            if connection := self.guests[session].connection:
                connection.down[channel].send(frame, self.now)
        for event in self.simulation.events():
            self.events.append(event)
            if isinstance(event, Closed):
                self.guests[event.session].closed = event

    def _speak(self, guest: Guest, connection: Connection) -> None:
        for channel in Channel:
            for frame in connection.down[channel].due(self.now):
                guest.talk.receive(channel, frame, self.now)
        for channel, frame in guest.talk.due(self.now):
            connection.up[channel].send(frame, self.now)
        for channel in Channel:
            for frame in connection.up[channel].due(self.now):
                self.simulation.receive(guest.session, channel, frame, self.now)

    def _connect(self, config: LinkConfig) -> Connection:
        def both() -> dict[Channel, Link]:
            return {
                Channel.EVENTS: ReliableLink(config, next(self._seeds)),
                Channel.POSES: Link(config, next(self._seeds)),
            }

        return Connection(both(), both())
