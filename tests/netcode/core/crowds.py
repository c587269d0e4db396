"""A crowd at hand: people by name, moved as a test likes, and what each of them was told, tick by tick."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from roomscale.netcode.core.crowd import Crowd
from roomscale.netcode.core.messages import Channel, Delta, Keyframe, Pose, Sight
from roomscale.netcode.core.protocol import decode_server
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.sightings import Sightings, Tally
from roomscale.netcode.core.wire import pack_pose

Story = list[tuple[int, int, bytes]]
"""(tick, viewer, frame)."""


@dataclass(slots=True)
class People:
    """Everybody has the row of their peer id, for they come in order."""

    capacity: int = 400
    visible: int = 64
    tick: int = 0
    slowest: int = 1
    poses: dict[int, Pose] = field(default_factory=dict)
    """By peer: where each one says that they are. Set it to move them."""
    rows: dict[int, int] = field(default_factory=dict)
    crowd: Crowd = field(init=False)

    def __post_init__(self) -> None:
        config = SimulationConfig(capacity=self.capacity, visible=self.visible, max_speed=1e4, max_climb=1e4)
        self.crowd = Crowd(config)

    def add(self, poses: Mapping[int, Pose] | Iterable[Pose], world: int = 0) -> None:
        """Somebody for each pose; peer ids from 1 when none are given."""
        named = poses if isinstance(poses, Mapping) else dict(enumerate(poses, len(self.poses) + 1))
        for peer, pose in named.items():
            self.poses[peer] = pose
            self.rows[peer] = self.crowd.add(peer, world, pack_pose(pose), self.stamp)

    def remove(self, peer: int) -> None:
        """Somebody leaves."""
        self.crowd.remove(self.rows.pop(peer))
        del self.poses[peer]

    @property
    def stamp(self) -> int:
        return self.tick * 50 & 0xFFFF

    def step(self) -> Story:
        """One tick: everybody says where they are 10 ms before it."""
        self.tick += 1
        now = self.tick * 0.05
        for peer, pose in self.poses.items():
            self.crowd.put(self.rows[peer], pack_pose(pose), self.tick & 0xFFFF, self.stamp - 10 & 0xFFFF, now - 0.01)
        assert self.crowd.offenders(0.05) == []
        rows, frames = self.crowd.step(self.tick, self.tick * 50 & 0xFFFF_FFFF, now, self.slowest, redo=False)
        peers = {row: peer for peer, row in self.rows.items()}
        return [(self.tick, peers[row], frame) for row, frame in zip(rows, frames, strict=True)]

    def run(self, ticks: int) -> Story:
        """Some ticks in which nobody moves."""
        return [told for _ in range(ticks) for told in self.step()]


def heard(story: Story, viewer: int) -> list[tuple[int, Sight]]:
    """(tick, SIGHT) of all that one was told."""
    found = []
    for tick, peer, frame in story:
        if peer == viewer:
            message = decode_server(Channel.POSES, frame)
            assert isinstance(message, Sight)
            found.append((tick, message))
    return found


@dataclass(slots=True)
class Viewer:
    """Reads what one of them is told, as a client does."""

    peer: int
    sightings: Sightings = field(default_factory=Sightings)
    tally: Tally = field(default_factory=Tally)

    def hear(self, story: Story) -> None:
        for tick, sight in heard(story, self.peer):
            self.sightings.hear(sight, _Everybody(), tick * 0.05, self.tally)

    def pose(self, peer: int) -> Pose:
        return self.sightings.seen[peer].pose


class _Everybody:
    def __contains__(self, peer: Any) -> bool:
        return True


def told(story: Story, viewer: int) -> list[tuple[int, Keyframe | Delta]]:
    """(tick, record) of all that one was told."""
    return [(tick, record) for tick, sight in heard(story, viewer) for record in sight.records]
