"""Everybody on a node, in the rows of one table: their poses come in, each viewer's frames go out.

Rule: one table for all worlds, so that a tick costs what the visitors cost, however many worlds they are in. It knows
rows and numbers of worlds, neither sessions nor names.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from roomscale.netcode.core.authority import Authority
from roomscale.netcode.core.interest import Scene
from roomscale.netcode.core.messages import Flags, Pose
from roomscale.netcode.core.motion import Motion
from roomscale.netcode.core.poses import KNOWN_FLAGS, Columns, PoseTable, Rows
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.sight import Packet, Sights
from roomscale.netcode.core.snapshot import HEADER_DTYPE, Gathering, leads, snapshots, together
from roomscale.netcode.core.wire import pack_pose, unpack_pose

_NO_WORLD: Final = -1
_ENOUGH: Final = 256
"""Viewers whose frames are gathered at once, or more: fewer are not worth the calls."""


class Crowd:
    """The participants of a node. A row is its owner's from `add` to `remove`."""

    def __init__(self, config: SimulationConfig) -> None:
        self._table = PoseTable(config.capacity)
        self._motion = Motion(self._table)
        self._sights = Sights(self._table.size, config.visible)
        self._gathering = Gathering()
        self._authority = Authority(self._table, config)
        self._world = np.full(self._table.size, _NO_WORLD, np.int64)
        self._old = np.zeros(self._table.size, np.bool_)
        """Who speaks version 1."""
        self._changed: set[int] = set()
        """Worlds in which somebody came or went since the last tick."""
        self._gone: list[int] = []
        self._columns: Columns = self._table.columns()
        self.put = self._table.put
        """The newest pose of a row: (row, its 14 bytes, seq, stamp, now)."""

    def add(self, peer: int, world: int, body: bytes, stamp: int) -> int:
        """A row for a new participant, who stands where `body` says, or as near to it as the world reaches."""
        row = self._table.add(peer, self._kept(body), stamp)
        self._world[row] = world
        self._old[row] = False
        self._motion.add(row)
        self._sights.add(row)
        self._authority.arrive(row)
        self._changed.add(world)
        return row

    def remove(self, row: int) -> None:
        """A participant is gone."""
        self._changed.add(int(self._world[row]))
        self._world[row] = _NO_WORLD
        self._table.remove(row)
        self._motion.remove(row)
        self._gone.append(row)

    def place(self, row: int, body: bytes, seq: int, stamp: int, now: float) -> None:
        """A participant stands elsewhere, by right: in the world at any rate."""
        self._table.put(row, self._kept(body), seq, stamp, now)
        self._authority.grant(row)

    def inside(self, pose: Pose) -> bool:
        """Whether a pose is in the world."""
        return self._authority.inside(pose)

    def speaks(self, row: int, *, old: bool) -> None:
        """Whether this one is told by version 1's frames."""
        self._old[row] = old

    def mute(self, row: int, muted: bool) -> None:
        """Whether the speaking flag of this one is taken away."""
        self._table.allow(row, KNOWN_FLAGS & ~Flags.SPEAKING if muted else KNOWN_FLAGS)

    def pace(self, row: int, interval: int) -> None:
        """This one's packets come every `interval` ticks, one of `INTERVALS`."""
        self._sights.pace(row, interval)

    def offenders(self, seconds: float) -> list[int]:
        """Who cannot have come where they say they are, `seconds` after the last tick. Each is to be let, or undone."""
        self._forget()
        self._columns = self._table.columns()
        found: list[int] = self._authority.offenders(self._columns, seconds).tolist()
        return found

    def pose(self, row: int) -> Pose:
        """The newest pose of a row."""
        return unpack_pose(self._table.body(row))

    def undo(self, row: int) -> Pose:
        """Back to where this one was at the last tick, which is returned."""
        self._authority.undo(row)
        return self.pose(row)

    def by_distance(self, row: int, others: list[int]) -> list[int]:
        """The indices of others, nearest to this one first. After `offenders`, for those who came before it."""
        c = self._columns
        away = sum((column[others].astype(np.int64) - int(column[row])) ** 2 for column in (c.x, c.y, c.z))
        order: list[int] = np.argsort(away, kind="stable").tolist()
        return order

    def step(self, tick: int, server_ms: int, now: float, slowest: int, *, redo: bool) -> tuple[list[int], list[bytes]]:
        """(rows, frames): what everybody is told at this tick. To be called after `offenders`.

        slowest: the least interval of all, ticks. redo: whether somebody was undone meanwhile.
        """
        if redo:
            self._columns = self._table.columns()
        self._authority.settle(self._columns)
        self._motion.update(self._columns, server_ms, tick)
        self._sights.choose(self._scene(), tick, self._changed)
        self._changed.clear()
        viewers = self._table.rows
        old = self._old[viewers]
        rows, frames = self._tell(viewers[~old], tick, server_ms, now, slowest)
        if old.any():
            viewers = self._sights.whose_turn(viewers[old], tick, slowest)
            frames += snapshots(self._table, viewers, self._sights.of(viewers), tick & 0xFFFF_FFFF, server_ms)
            rows += viewers.tolist()
        return rows, frames

    def _tell(
        self, viewers: Rows, tick: int, server_ms: int, now: float, slowest: int
    ) -> tuple[list[int], list[bytes]]:
        rows: list[int] = []
        frames: list[bytes] = []
        waiting: list[Packet] = []
        for packet in self._sights.packets(viewers, self._motion.state, self._motion.news, tick, slowest):
            waiting.append(packet)
            if sum(len(p.viewers) for p in waiting) >= _ENOUGH:
                self._gather(together(waiting), tick, server_ms, now, rows, frames)
                waiting = []
        if waiting:
            self._gather(together(waiting), tick, server_ms, now, rows, frames)
        return rows, frames

    def _gather(
        self, packet: Packet, tick: int, server_ms: int, now: float, rows: list[int], frames: list[bytes]
    ) -> None:
        heads = np.zeros(len(packet.viewers), HEADER_DTYPE)
        heads["lead"] = leads(self._table.arrivals[packet.viewers], now)
        heads["last_seq"] = self._table.seqs[packet.viewers]
        heads["tick"], heads["server_ms"] = tick & 0xFFFF_FFFF, server_ms
        rows += packet.viewers.tolist()
        frames += self._gathering.sights(self._motion, packet, heads)

    def _forget(self) -> None:
        if self._gone:
            self._sights.remove(self._gone)
            self._gone = []

    def _kept(self, body: bytes) -> bytes:
        """A pose's bytes, moved into the world when they are outside."""
        pose = unpack_pose(body)
        return body if self._authority.inside(pose) else pack_pose(self._authority.within(pose))

    def _scene(self) -> Scene:
        c = self._columns
        top = len(c.x)
        speaking = (c.look & (Flags.SPEAKING << 8)) != 0
        yaw = c.yaw * np.float32(2 * np.pi / 65536)
        return Scene(c.x, c.y, c.z, yaw, speaking, self._world[:top])
