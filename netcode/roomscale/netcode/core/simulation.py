"""All worlds of a node, sans-IO: sessions and bytes and times go in, frames and events come out.

Rule: it reads no clock (`now` is a parameter, seconds of any monotonic clock) and knows no transport. Mutate by
`join`, `receive`, `lost`, `eject`, `step`…, then drain `outgoing` and after it `events`.

A session goes CALLED (`join`, on its offer) → GREETED (HELLO) → PRESENT (at the next `step`), and ends with one
`Closed`. A second `join` with the same session is the same participant on a new connection.
"""

from __future__ import annotations

from typing import Final

from roomscale.netcode.core.bounds import Bucket
from roomscale.netcode.core.frames import fit
from roomscale.netcode.core.messages import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    Channel,
    Goodbye,
    GoodbyeCode,
    Hello,
    Notice,
    Ping,
    Pong,
)
from roomscale.netcode.core.protocol import decode_client, encode, newer, pack_pose, split_pose
from roomscale.netcode.core.reports import Closed, Counts, Entered, Event, SessionView
from roomscale.netcode.core.roster import Seat, Stage
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.world import World
from roomscale.netcode.errors import JoinRefused, ProtocolError

_U32: Final = 0xFFFF_FFFF


class Simulation:
    """The sessions and worlds of one node."""

    def __init__(self, config: SimulationConfig, now: float) -> None:
        self._config = config
        self._epoch = now
        self._tick = 0
        self._seats: dict[str, Seat] = {}
        self._worlds: dict[str, World] = {}
        self._outgoing: list[tuple[str, Channel, bytes]] = []
        self._events: list[Event] = []
        self.counts = Counts()

    @property
    def tick(self) -> int:
        """The number of the last step."""
        return self._tick

    def __contains__(self, session: str) -> bool:
        return session in self._seats

    def sessions(self) -> list[SessionView]:
        """Everybody, those still connecting included."""
        return [
            SessionView(s.session, s.world, s.user_id, s.name, s.role, s.peer, s.stage is Stage.PRESENT)
            for s in self._seats.values()
        ]

    def worlds(self) -> dict[str, int]:
        """Participants by world."""
        return {key: len(world.present) for key, world in self._worlds.items()}

    def join(self, session: str, *, world: str, user_id: str, name: str, role: int, now: float) -> None:
        """Keep a seat for a session whose offer is about to be answered.

        Again for a session that is here: the same participant comes back on a new connection, with what the gate
        knows of it now. Raises JoinRefused ("full": the world is; "busy": the node is, or the session is in use
        for somebody else or another world).
        """
        seat = self._seats.get(session)
        if seat is None:
            self._seats[session] = self._new_seat(session, world, user_id, name, role, now)
            return
        if (seat.world, seat.user_id) != (world, user_id):
            raise JoinRefused("busy", "the session belongs to another user or world")
        seat.hello_due = True
        seat.heard_at = now
        self.rename(session, name)
        self.set_role(session, role)

    def receive(self, session: str, channel: Channel, data: bytes, now: float) -> None:
        """A frame of a session. Never raises, whatever the bytes."""
        seat = self._seats.get(session)
        if seat is None:
            return
        self.counts.frames_in += 1
        self.counts.bytes_in += len(data)
        poses = channel is Channel.POSES
        if not (seat.poses if poses else seat.events).take(now):
            self.counts.excess += 1
            if not seat.excess.take(now):
                self._close(seat, GoodbyeCode.PROTOCOL_ERROR, "too many messages")
            return
        try:
            if poses:
                self._on_pose(seat, data, now)
            else:
                self._on_event(seat, data, now)
        except ProtocolError as error:
            self._on_malformed(seat, error)

    def lost(self, session: str, reason: str) -> None:
        """A session's connection is gone, by its own doing or the network's: it leaves."""
        if seat := self._seats.get(session):
            self._close(seat, GoodbyeCode.LEFT, reason, say=False)

    def eject(self, session: str, code: GoodbyeCode, reason: str) -> bool:
        """End a session with GOODBYE; False when there is none."""
        seat = self._seats.get(session)
        if seat is None:
            return False
        self._close(seat, code, reason)
        return True

    def eject_all(self, code: GoodbyeCode, reason: str) -> None:
        """End all sessions with GOODBYE."""
        for seat in list(self._seats.values()):
            self._close(seat, code, reason)

    def notice(self, world: str | None, code: int, text: str) -> int:
        """NOTICE to all participants of a world, or of all worlds; returns how many were told."""
        worlds = self._worlds.values() if world is None else filter(None, [self._worlds.get(world)])
        frame = encode(Notice(code, fit(text)))
        sessions = [seat.session for w in worlds for seat in w.present.values()]
        for session in sessions:
            self._send(session, Channel.EVENTS, frame)
        return len(sessions)

    def rename(self, session: str, name: str) -> bool:
        """Give a session another name, cleaned and told apart; False when there is no such session."""
        seat = self._seats.get(session)
        if seat is None:
            return False
        if self._worlds[seat.world].roster.name(seat, name):
            seat.changed = True
        return True

    def set_role(self, session: str, role: int) -> bool:
        """Give a session another role; the others are told at the next step. False when there is no such session."""
        seat = self._seats.get(session)
        if seat is None:
            return False
        seat.changed |= seat.role != role
        seat.role = role
        return True

    def step(self, now: float) -> None:
        """One tick, to be called `tick_rate` times a second. Steps that were left out leave a gap in the numbers."""
        due = int((now - self._epoch) * self._config.tick_rate + 0.5)
        self._tick = max(self._tick + 1, due)
        self._end_silent(now)
        ms = self._server_ms(now)
        for world in list(self._worlds.values()):
            for seat in world.step(self._tick & _U32, self._config.tick_rate, ms, self._send):
                self.counts.entered += 1
                self._events.append(Entered(seat.session))
            if not world.roster:
                del self._worlds[world.key]

    def outgoing(self) -> list[tuple[str, Channel, bytes]]:
        """The frames to send since the last call, in order."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def events(self) -> list[Event]:
        """What happened since the last call; to be handled after `outgoing` was sent."""
        events, self._events = self._events, []
        return events

    def _new_seat(self, session: str, world: str, user_id: str, name: str, role: int, now: float) -> Seat:
        c = self._config
        if len(self._seats) >= c.capacity:
            raise JoinRefused("busy", f"this server holds {c.capacity} visitors, and is full")
        place = self._worlds.get(world) or World(world, c.capacity_per_world)
        if place.full:
            raise JoinRefused("full", f"{len(place.roster)} of {place.capacity} are here")
        seat = Seat(
            session=session,
            world=world,
            user_id=fit(user_id),
            role=role,
            asked=name,
            name="",
            peer=place.roster.free_peer(),
            heard_at=now,
            events=Bucket(c.events_rate, c.events_burst, now),
            poses=Bucket(c.poses_rate, c.poses_burst, now),
            excess=Bucket(c.excess_rate, c.excess_burst, now),
        )
        place.roster.add(seat)
        self._worlds[world] = place
        return seat

    def _on_event(self, seat: Seat, data: bytes, now: float) -> None:
        message = decode_client(Channel.EVENTS, data)
        if isinstance(message, Hello) != seat.hello_due and not (
            isinstance(message, Ping) and seat.stage is Stage.PRESENT
        ):
            raise ProtocolError("type", "HELLO said twice, or something before it")
        seat.heard_at = now
        if isinstance(message, Hello):
            self._on_hello(seat, message)
        elif isinstance(message, Ping):
            pong = Pong(message.client_ms, self._tick & _U32, self._server_ms(now))
            self._send(seat.session, Channel.EVENTS, encode(pong))

    def _on_hello(self, seat: Seat, hello: Hello) -> None:
        if not (hello.oldest <= NEWEST_VERSION and hello.newest >= OLDEST_VERSION):
            self._close(seat, GoodbyeCode.VERSION, f"this server speaks version {OLDEST_VERSION} to {NEWEST_VERSION}")
            return
        seat.version = min(NEWEST_VERSION, hello.newest)
        seat.hello_due, seat.welcome_due = False, True
        seat.last_seq, seat.seen_pose = 0, False
        seat.client = hello.client
        seat.changed |= seat.avatar != hello.avatar
        seat.avatar = hello.avatar
        seat.body = pack_pose(hello.pose)
        if seat.stage is Stage.PRESENT:
            self._worlds[seat.world].moved(seat, seat.body)
            self._events.append(Entered(seat.session))
        else:
            seat.stage = Stage.GREETED

    def _on_pose(self, seat: Seat, data: bytes, now: float) -> None:
        seq, _, body = split_pose(data)
        if seat.hello_due and seat.stage is not Stage.PRESENT:
            return  # overtook its HELLO
        seat.heard_at = now
        if seat.seen_pose and not newer(seq, seat.last_seq):
            self.counts.stale_poses += 1
            return
        seat.last_seq, seat.seen_pose = seq, True
        if seat.stage is Stage.PRESENT:
            self._worlds[seat.world].moved(seat, body)
        else:
            seat.body = body

    def _on_malformed(self, seat: Seat, error: ProtocolError) -> None:
        self.counts.malformed += 1
        seat.malformed += 1
        if seat.malformed >= self._config.malformed_limit:
            self._close(seat, GoodbyeCode.PROTOCOL_ERROR, str(error))

    def _end_silent(self, now: float) -> None:
        c = self._config
        for seat in list(self._seats.values()):
            silence = now - seat.heard_at
            if seat.stage is Stage.PRESENT and silence > c.silence:
                self._close(seat, GoodbyeCode.SILENT, f"nothing heard for {c.silence:g} s")
            elif seat.stage is not Stage.PRESENT and silence > c.hello_timeout:
                self._close(seat, GoodbyeCode.SILENT, f"no hello within {c.hello_timeout:g} s")

    def _close(self, seat: Seat, code: GoodbyeCode, reason: str, *, say: bool = True) -> None:
        del self._seats[seat.session]
        self._worlds[seat.world].remove(seat)
        if say:
            self._send(seat.session, Channel.EVENTS, encode(Goodbye(code, fit(reason))))
        name = code.name.lower()
        self.counts.closed[name] = self.counts.closed.get(name, 0) + 1
        self._events.append(Closed(seat.session, code, reason))

    def _send(self, session: str, channel: Channel, frame: bytes) -> None:
        self.counts.frames_out += 1
        self.counts.bytes_out += len(frame)
        self._outgoing.append((session, channel, frame))

    def _server_ms(self, now: float) -> int:
        return round((now - self._epoch) * 1000) & _U32
