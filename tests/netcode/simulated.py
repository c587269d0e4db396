"""A simulation at hand: sessions that say what a test wants, and what each of them was told. Virtual time."""

from __future__ import annotations

from typing import Any

from roomscale.netcode.core.messages import (
    Channel,
    ClientMessage,
    Enter,
    Hello,
    Leave,
    Pose,
    Role,
    ServerMessage,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.protocol import channel_of, decode_server, encode
from roomscale.netcode.core.reports import Closed, Event
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.simulation import Simulation


class World:
    """A simulation at hand: what was said to whom, message by message."""

    def __init__(self, **config: Any) -> None:
        self.simulation = Simulation(SimulationConfig(**config), 100.0)
        self.now = 100.0
        self.said: dict[str, list[ServerMessage]] = {}
        self.events: list[Event] = []

    def join(self, session: str, *, world: str = "plaza", name: str = "", role: int = Role.VISITOR) -> None:
        self.simulation.join(
            session, world=world, user_id=f"@{session}:x", name=name or session, role=role, now=self.now
        )

    def enter(self, session: str, pose: Pose | None = None, **join: Any) -> int:
        self.join(session, **join)
        self.hear(session, Hello(1, 1, "test", "ada", pose or Pose()))
        self.step()
        return next(m.peer for m in reversed(self.said[session]) if isinstance(m, Welcome))

    def hear(self, session: str, message: ClientMessage) -> None:
        self.simulation.receive(session, channel_of(message), encode(message), self.now)
        self._drain()

    def bytes(self, session: str, data: bytes, channel: Channel = Channel.EVENTS) -> None:
        self.simulation.receive(session, channel, data, self.now)
        self._drain()

    def step(self, seconds: float = 0.05) -> None:
        for _ in range(max(1, round(seconds / 0.05))):
            self.now += 0.05
            self.simulation.step(self.now)
            self._drain()

    def _drain(self) -> None:
        for session, channel, frame in self.simulation.outgoing():
            self.said.setdefault(session, []).append(decode_server(channel, frame))
        self.events += self.simulation.events()

    def told(self, session: str, kind: type[ServerMessage]) -> list[Any]:
        return [m for m in self.said.get(session, []) if isinstance(m, kind)]

    def snapshot(self, session: str) -> Snapshot:
        last = self.told(session, Snapshot)[-1]
        assert isinstance(last, Snapshot)
        return last

    def roster(self, session: str) -> dict[int, str]:
        """Names by peer, as this session was told."""
        known: dict[int, str] = {}
        for message in self.said[session]:
            if isinstance(message, Enter):
                known.update({e.peer: e.name for e in message.entrants})
            elif isinstance(message, Leave):
                for peer in message.peers:
                    known.pop(peer, None)  # may leave before one was told of them
        return known

    def ending(self, session: str) -> Closed | None:
        return next((e for e in self.events if isinstance(e, Closed) and e.session == session), None)
