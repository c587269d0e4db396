"""A visitor's half of the protocol, sans-IO: what a headless client says and what it knows.

Rule: like the simulation it reads no clock. `opened` once both channels are open, `receive` what comes, `due` each
few milliseconds for what is to be sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from roomscale.netcode.core.messages import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    Channel,
    Enter,
    Entrant,
    Goodbye,
    Hello,
    Leave,
    Notice,
    Ping,
    Pong,
    Pose,
    PoseUpdate,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.protocol import decode_server, encode
from roomscale.netcode.errors import ProtocolError

PING_EVERY: Final = 1.0
"""Seconds between PINGs."""
_U32: Final = 0xFFFF_FFFF


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
    stale_snapshots: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    malformed: int = 0
    rtts: list[float] = field(default_factory=list)
    """Seconds from PING to PONG."""


@dataclass(slots=True)
class Conversation:
    """One visitor's talk with the server on one session, over as many connections as it takes."""

    client: str = "roomscale-headless"
    avatar: str = "ada"
    pose: Pose = field(default_factory=Pose)
    """Where the visitor is; set it to move."""
    pose_rate: float = 20.0
    """POSEs a second, Hz."""
    welcome: Welcome | None = None
    roster: dict[int, Entrant] = field(default_factory=dict)
    """The others, by peer id."""
    seen: dict[int, Seen] = field(default_factory=dict)
    """The others' newest poses, by peer id; only of those in the roster."""
    notices: list[Notice] = field(default_factory=list)
    goodbye: Goodbye | None = None
    snapshot: Snapshot | None = None
    """The newest."""
    tally: Tally = field(default_factory=Tally)
    _seq: int = 0
    _ping_at: float = 0.0
    _pose_at: float = 0.0
    _pings: dict[int, float] = field(default_factory=dict)
    _open: bool = False

    def opened(self, now: float) -> list[tuple[Channel, bytes]]:
        """Both channels of a new connection are open: HELLO."""
        self._open = True
        self._seq = 0
        self._ping_at = now
        self._pose_at = now
        self._pings.clear()
        self.welcome = None
        self.roster.clear()
        hello = Hello(NEWEST_VERSION, OLDEST_VERSION, self.client, self.avatar, self.pose)
        return self._sent([(Channel.EVENTS, encode(hello))])

    def closed(self) -> None:
        """The connection is gone; nothing is due until `opened`."""
        self._open = False

    def due(self, now: float) -> list[tuple[Channel, bytes]]:
        """What is to be sent by now."""
        frames: list[tuple[Channel, bytes]] = []
        if not self._open or self.goodbye:
            return frames
        if now >= self._ping_at:
            self._ping_at = max(self._ping_at + PING_EVERY, now)
            ms = int(now * 1000) & _U32
            self._pings[ms] = now
            frames.append((Channel.EVENTS, encode(Ping(ms))))
        if now >= self._pose_at:
            self._pose_at = max(self._pose_at + 1 / self.pose_rate, now)
            self._seq = (self._seq + 1) & 0xFFFF
            tick = self.snapshot.tick if self.snapshot else 0
            frames.append((Channel.POSES, encode(PoseUpdate(self._seq, tick, self.pose))))
        return self._sent(frames)

    def receive(self, channel: Channel, data: bytes, now: float) -> None:
        """A frame of the server's. Never raises; malformed ones are counted."""
        self.tally.bytes_in += len(data)
        try:
            message = decode_server(channel, data)
        except ProtocolError:
            self.tally.malformed += 1
            return
        match message:
            case Welcome():
                self.welcome = message
            case Enter(entrants):
                for entrant in entrants:
                    self._entered(entrant)
            case Leave(peers):
                for peer in peers:
                    self.roster.pop(peer, None)
                    self.seen.pop(peer, None)
            case Pong(client_ms):
                if sent := self._pings.pop(client_ms, None):
                    self.tally.rtts.append(now - sent)
            case Notice():
                self.notices.append(message)
            case Goodbye():
                self.goodbye = message
            case Snapshot():
                self._saw(message, now)

    def _entered(self, entrant: Entrant) -> None:
        if self.welcome and entrant.peer == self.welcome.peer:
            self.welcome = Welcome(
                self.welcome.version,
                entrant.peer,
                self.welcome.tick,
                self.welcome.tick_rate,
                self.welcome.server_ms,
                self.welcome.capacity,
                entrant.name,
            )
        else:
            self.roster[entrant.peer] = entrant

    def _saw(self, snapshot: Snapshot, now: float) -> None:
        if self.snapshot and 0 < (self.snapshot.tick - snapshot.tick) & _U32 < 0x8000_0000:
            self.tally.stale_snapshots += 1
            return
        self.snapshot = snapshot
        self.tally.snapshots += 1
        for record in snapshot.records:
            if record.peer in self.roster:
                self.seen[record.peer] = Seen(record.pose, snapshot.tick, now)

    def _sent(self, frames: list[tuple[Channel, bytes]]) -> list[tuple[Channel, bytes]]:
        self.tally.bytes_out += sum(len(data) for _, data in frames)
        return frames
