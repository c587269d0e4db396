"""Where the others are, as a client knows it from SIGHT and SNAPSHOT.

Rule: per peer the newest tick counts, whatever the order of arrival; a Delta is read against the pose known, if that
is new enough, and else dropped and counted. Who is here is not decided here: only peers of the roster are kept.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

from roomscale.netcode.core.messages import REFERENCE_TICKS, Pose, Record, Sight, Snapshot
from roomscale.netcode.core.protocol import SIGHT_HEADER, SIGHT_TYPE
from roomscale.netcode.core.records import pose_of

OUT_OF_SIGHT: Final = 50
"""Ticks without a record after which somebody is no longer in sight: everybody in sight is told of each second."""
_U32: Final = 0xFFFF_FFFF
_HALF: Final = 0x8000_0000


@dataclass(frozen=True, slots=True)
class Seen:
    """Where another participant was when last heard of."""

    pose: Pose
    tick: int
    at: float
    """When it came, seconds of the caller's clock."""


@dataclass(slots=True)
class Tally:
    """What happened on this side."""

    snapshots: int = 0
    """SIGHTs, or SNAPSHOTs of version 1."""
    stale_snapshots: int = 0
    """Those overtaken by a newer one."""
    records: int = 0
    unread: int = 0
    """Deltas of peers of whom no pose was known, or none so new."""
    bytes_in: int = 0
    bytes_out: int = 0
    malformed: int = 0
    corrected: int = 0
    rtts: list[float] = field(default_factory=list)
    """Seconds from PING to PONG."""


@dataclass(slots=True)
class Sightings:
    """The newest of everybody."""

    seen: dict[int, Seen] = field(default_factory=dict)
    """By peer id."""
    snapshot: Snapshot | Sight | None = None
    """The newest."""
    tick: int = 0
    """The newest tick heard of."""

    def clear(self) -> None:
        """A new connection: nothing is known."""
        self.seen.clear()
        self.snapshot = None

    def forget(self, peer: int) -> None:
        """This one left."""
        self.seen.pop(peer, None)

    def current(self) -> set[int]:
        """The peers of whom the server tells at present."""
        return {peer for peer, seen in self.seen.items() if (self.tick - seen.tick) & _U32 < OUT_OF_SIGHT}

    def hear(self, snapshot: Snapshot | Sight, roster: Container[int], now: float, tally: Tally) -> None:
        """A snapshot came, at `now` seconds."""
        if self.snapshot is not None and 0 < (self.snapshot.tick - snapshot.tick) & _U32 < _HALF:
            tally.stale_snapshots += 1
        else:
            self.snapshot, self.tick = snapshot, snapshot.tick
            tally.snapshots += 1
        for record in snapshot.records:
            seen = self.seen.get(record.peer)
            ahead = (snapshot.tick - seen.tick) & _U32 if seen else _HALF
            if record.peer not in roster or (seen and not 0 < ahead < _HALF):
                continue
            tally.records += 1
            known: Pose | None = seen.pose if seen and ahead <= REFERENCE_TICKS else None
            pose = record.pose if isinstance(record, Record) else pose_of(record, known)
            if pose is None:
                tally.unread += 1
            else:
                self.seen[record.peer] = Seen(pose, snapshot.tick, now)

    def glance(self, data: bytes, tally: Tally) -> tuple[int, int, int] | None:
        """Count a SIGHT and read nothing but its header: (interval, lead, last seq); None when it is none."""
        if len(data) < SIGHT_HEADER.size or data[0] != SIGHT_TYPE:
            return None
        _, interval, lead, last_seq, self.tick, _, count = SIGHT_HEADER.unpack_from(data)
        tally.snapshots += 1
        tally.records += count
        return interval, lead, last_seq
