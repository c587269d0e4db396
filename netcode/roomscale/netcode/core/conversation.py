"""A visitor's half of the protocol, sans-IO: what a headless client says and what it knows.

Rule: like the simulation it reads no clock. `opened` once both channels are open, `receive` what comes, `due` at
`next_due` for what is to be sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

from mypy_extensions import mypyc_attr

from roomscale.netcode.core.clock import ServerClock
from roomscale.netcode.core.messages import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    Channel,
    Correct,
    Enter,
    Entrant,
    Goodbye,
    Hello,
    Here,
    Jump,
    JumpReason,
    Leave,
    Notice,
    Ping,
    Pong,
    Pose,
    PoseUpdate,
    ServerMessage,
    Sight,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.pacing import Pacer
from roomscale.netcode.core.protocol import decode_server, encode
from roomscale.netcode.core.sightings import Seen, Sightings, Tally
from roomscale.netcode.errors import ProtocolError

PING_EVERY: Final = 1.0
"""Seconds between PINGs."""
FIRST_PINGS: Final = 5
"""PINGs that come at a quarter of that, so that the clock is right soon."""
REST: Final = 0.4
"""Seconds for which a pose is told on at full rate when nothing changes any more."""
REST_EVERY: Final = 1.0
"""Seconds between poses of one at rest."""
_LEAP: Final = 5000
"""Millimetres: whoever is farther than this from where they said they were, has jumped..."""
_FASTEST: Final = 10_000
"""...and that much for each second since, millimetres."""
_U32: Final = 0xFFFF_FFFF
_NEVER: Final = float("-inf")


@mypyc_attr(allow_interpreted_subclasses=True)
@dataclass(slots=True)
class Conversation:
    """One visitor's talk with the server on one session, over as many connections as it takes."""

    client: str = "roomscale-headless"
    avatar: str = "ada"
    pose: Pose = field(default_factory=Pose)
    """Where the visitor is; set it to move."""
    newest: int = NEWEST_VERSION
    """The newest version that this client says it speaks."""
    looks: bool = True
    """Whether others' poses are read at all: a client that only makes load need not."""
    welcome: Welcome | None = None
    roster: dict[int, Entrant] = field(default_factory=dict)
    """The others, by peer id."""
    notices: list[Notice] = field(default_factory=list)
    goodbye: Goodbye | None = None
    clock: ServerClock = field(default_factory=ServerClock)
    pacer: Pacer | None = None
    sightings: Sightings = field(default_factory=Sightings)
    tally: Tally = field(default_factory=Tally)
    _seq: int = 0
    _jumps: int = 0
    _corrections: int = 0
    _ping_at: float = 0.0
    _pings: dict[int, float] = field(default_factory=dict)
    _said: Pose | None = None
    """The pose that was told last."""
    _said_at: float = _NEVER
    _moved_at: float = 0.0
    _open: bool = False

    def opened(self, now: float) -> list[tuple[Channel, bytes]]:
        """Both channels of a new connection are open: HELLO."""
        self._open = True
        self._seq = self._jumps = self._corrections = 0
        self._pings.clear()
        self._said = self.pose
        self._said_at = self._moved_at = now
        self.welcome = self.pacer = None
        self.roster.clear()
        self.sightings.clear()
        hello = Hello(self.newest, OLDEST_VERSION, self.client, self.avatar, self.pose)
        return self._sent([(Channel.EVENTS, encode(hello))])

    def closed(self) -> None:
        """The connection is gone; nothing is due until `opened`."""
        self._open = False

    @property
    def next_due(self) -> float:
        """When to call `due` next, seconds; infinity until something is heard. It may change with what is heard."""
        if not self._open or self.goodbye or self.welcome is None or self.pacer is None:
            return math.inf
        return min(self._ping_at, self.pacer.at)

    def due(self, now: float) -> list[tuple[Channel, bytes]]:
        """What is to be sent by now."""
        frames: list[tuple[Channel, bytes]] = []
        if not self._open or self.goodbye or self.welcome is None or self.pacer is None:
            return frames
        if now >= self._ping_at:
            every = PING_EVERY if len(self.tally.rtts) >= FIRST_PINGS else PING_EVERY / 4
            self._ping_at = max(self._ping_at + every, now)
            ms = int(now * 1000) & _U32
            self._pings[ms] = now
            frames.append((Channel.EVENTS, encode(Ping(ms))))
        if self.pacer.due(now):
            frames += self._say(self.welcome.version, now)
        return self._sent(frames)

    @property
    def seen(self) -> dict[int, Seen]:
        """The others' newest poses, by peer id; only of those in the roster."""
        return self.sightings.seen

    @property
    def snapshot(self) -> Snapshot | Sight | None:
        """The newest."""
        return self.sightings.snapshot

    @property
    def tick(self) -> int:
        """The newest tick heard of."""
        return self.sightings.tick

    def in_sight(self) -> set[int]:
        """The peers of whom the server tells at present."""
        return self.sightings.current()

    def receive(self, channel: Channel, data: bytes, now: float) -> None:
        """A frame of the server's. Never raises; malformed ones are counted."""
        self.tally.bytes_in += len(data)
        if not self.looks and channel is Channel.POSES and (head := self.sightings.glance(data, self.tally)):
            self._pace(*head, now)
            return
        try:
            message = decode_server(channel, data)
        except ProtocolError:
            self.tally.malformed += 1
            return
        self._heard(message, now)

    def _heard(self, message: ServerMessage, now: float) -> None:
        match message:
            case Snapshot():
                self.sightings.hear(message, self.roster, now, self.tally)
            case Sight(interval, lead, last_seq):
                self._pace(interval, lead, last_seq, now)
                self.sightings.hear(message, self.roster, now, self.tally)
            case Pong(client_ms, _, server_ms):
                if (sent := self._pings.pop(client_ms, None)) is not None:
                    self.tally.rtts.append(now - sent)
                    self.clock.pong(sent, server_ms, now)
            case Correct(corrections, pose):
                self._corrections = corrections
                self.pose = self._said = pose
                self.tally.corrected += 1
            case Enter(entrants):
                for entrant in entrants:
                    self._entered(entrant)
            case Leave(peers):
                for peer in peers:
                    self.roster.pop(peer, None)
                    self.sightings.forget(peer)
            case _:
                self._told(message, now)

    def _told(self, message: Welcome | Notice | Goodbye, now: float) -> None:
        """What concerns this visitor."""
        match message:
            case Welcome():
                self.welcome = message
                self.sightings.tick = message.tick
                self.clock.start(message.server_ms, now)
                self.pacer = Pacer(1 / message.tick_rate, now)
                self._ping_at = now
            case Notice():
                self.notices.append(message)
            case Goodbye():
                self.goodbye = message

    def _pace(self, interval: int, lead: int, last_seq: int, now: float) -> None:
        if self.pacer:
            self.pacer.heard(lead, last_seq, interval, now)

    def _say(self, version: int, now: float) -> list[tuple[Channel, bytes]]:
        """Where I am, if that is news, or has not been said for a while."""
        frames: list[tuple[Channel, bytes]] = []
        if self.pose != self._said:
            self._moved_at = now
            if self._said is None or self._leapt(self._said, now):
                frames += self._jump(version)
        elif now - self._moved_at > REST and now - self._said_at < REST_EVERY:
            return frames
        self._said, self._said_at = self.pose, now
        self._seq = (self._seq + 1) & 0xFFFF
        if version == 1:
            frames.append((Channel.POSES, encode(PoseUpdate(self._seq, self.tick, self.pose))))
        else:
            stamp = self.clock.ms(now) & 0xFFFF
            here = Here(self._seq, stamp, self._jumps, self._corrections, self.pose)
            frames.append((Channel.POSES, encode(here)))
        return frames

    def _leapt(self, before: Pose, now: float) -> bool:
        way = math.dist((before.x, before.y, before.z), (self.pose.x, self.pose.y, self.pose.z))
        return way > _LEAP + _FASTEST * max(0.0, now - self._said_at)

    def _jump(self, version: int) -> list[tuple[Channel, bytes]]:
        if version == 1:
            return []
        self._jumps = (self._jumps + 1) % 16
        return [(Channel.EVENTS, encode(Jump(JumpReason.RESPAWN, self._jumps, self.pose)))]

    def _entered(self, entrant: Entrant) -> None:
        if self.welcome and entrant.peer == self.welcome.peer:
            self.welcome = replace(self.welcome, name=entrant.name)
        else:
            self.roster[entrant.peer] = entrant

    def _sent(self, frames: list[tuple[Channel, bytes]]) -> list[tuple[Channel, bytes]]:
        self.tally.bytes_out += sum(len(data) for _, data in frames)
        return frames
