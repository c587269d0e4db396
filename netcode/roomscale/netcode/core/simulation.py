"""All worlds of a node, sans-IO: sessions and bytes and times go in, frames and events come out.

Rule: it reads no clock (`now` is a parameter, seconds of any monotonic clock) and knows no transport. Mutate by
`join`, `receive`, `lost`, `eject`, `step`…, then drain `outgoing` and after it `events`.

A session goes CALLED (`join`, on its offer) → GREETED (HELLO) → PRESENT (at the next `step`), and ends with one
`Closed`. A second `join` with the same session is the same participant on a new connection.
"""

from __future__ import annotations

from typing import Final

from roomscale.netcode.core.admission import Admission
from roomscale.netcode.core.crowd import Crowd
from roomscale.netcode.core.frames import fit
from roomscale.netcode.core.hearing import Hearing
from roomscale.netcode.core.messages import Channel, Goodbye, GoodbyeCode, Notice
from roomscale.netcode.core.overload import Overload
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.core.reports import Closed, Counts, Entered, Event, SessionView
from roomscale.netcode.core.roster import Seat, Stage
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.sight import INTERVALS
from roomscale.netcode.core.timeline import Time
from roomscale.netcode.errors import JoinRefused, ProtocolError

_SILENCE_EVERY: Final = 10
"""Ticks between looks for those who have gone silent."""


class Simulation:
    """The sessions and worlds of one node."""

    def __init__(self, config: SimulationConfig, now: float) -> None:
        self._config = config
        self._time = Time(now, config.tick_rate)
        self._seats: dict[str, Seat] = {}
        self._admission = Admission(config)
        self._worlds = self._admission.worlds
        self._rows: dict[int, Seat] = {}
        """The participants by their row in the crowd."""
        self._outgoing: list[tuple[str, Channel, bytes]] = []
        self._events: list[Event] = []
        self._overload = Overload()
        self.counts = Counts()
        self._crowd = Crowd(config)
        self._hearing = Hearing(self._crowd, self._time, self.counts, self._send, self._close, self._greeted)

    @property
    def tick(self) -> int:
        """The number of the last step."""
        return self._time.tick

    def __contains__(self, session: str) -> bool:
        return session in self._seats

    def sessions(self) -> list[SessionView]:
        """Everybody, those still connecting included."""
        return [
            SessionView(s.session, s.world, s.user_id, s.name, s.role, s.muted, s.peer, s.stage is Stage.PRESENT)
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
            self._seats[session] = self._admission.seat(
                session, len(self._seats), world=world, user_id=user_id, name=name, role=role, now=now
            )
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
        counts = self.counts
        counts.frames_in += 1
        counts.bytes_in += len(data)
        poses = channel is Channel.POSES
        if not (seat.poses if poses else seat.events).take(now):
            counts.excess += 1
            if not seat.excess.take(now):
                self._close(seat, GoodbyeCode.PROTOCOL_ERROR, "too many messages")
            return
        try:
            if poses:
                self._hearing.pose(seat, data, now)
            else:
                self._hearing.event(seat, data, now)
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
        world = self._worlds[seat.world]
        if world.roster.name(seat, name):
            seat.changed = True
            world.note(seat)
        return True

    def set_role(self, session: str, role: int) -> bool:
        """Give a session another role; the others are told at the next step. False when there is no such session."""
        seat = self._seats.get(session)
        if seat is None:
            return False
        if seat.role != role:
            seat.role, seat.changed = role, True
            self._worlds[seat.world].note(seat)
        return True

    def mute(self, session: str, muted: bool) -> bool:
        """Take away a session's speaking flag, or give it back. False when there is no such session."""
        seat = self._seats.get(session)
        if seat is None:
            return False
        seat.muted = muted
        if seat.stage is Stage.PRESENT:
            self._crowd.mute(seat.row, muted)
        return True

    def set_rate(self, session: str, hz: float) -> bool:
        """How often a session is told where others are: the path bears no more. The nearest of 20, 10 and 5 Hz.

        False when there is no such session.
        """
        seat = self._seats.get(session)
        if seat is None:
            return False
        wanted = self._config.tick_rate / max(hz, 0.1)
        seat.interval = min(INTERVALS, key=lambda interval: abs(interval - wanted))
        if seat.stage is Stage.PRESENT:
            self._crowd.pace(seat.row, seat.interval)
        return True

    def busy(self, share: float) -> None:
        """The last tick, its sending included, took so much of a tick's period (1: all of it).

        When that stays high, everybody is told less often, evenly; see `counts.interval`.
        """
        self._overload.busy(share)
        self.counts.interval = self._overload.interval

    def step(self, now: float) -> None:
        """One tick, to be called `tick_rate` times a second. Steps that were left out leave a gap in the numbers."""
        before = self._time.tick
        seconds = self._time.advance(now)
        tick, ms = self._time.tick, self._time.ms(now)
        if tick // _SILENCE_EVERY != before // _SILENCE_EVERY:
            self._end_silent(now)
        self.counts.slowed += self._overload.interval > 1
        for world in self._worlds.values():
            for seat in world.admit(self._crowd, ms & 0xFFFF):
                self._rows[seat.row] = seat
                self.counts.entered += 1
                self._events.append(Entered(seat.session))
        undone = [row for row in self._crowd.offenders(seconds) if self._take_back(row, now)]
        for world in self._worlds.values():
            world.tell(self._time.tick_u32, self._config.tick_rate, ms, self._crowd, self._send)
        self._admission.sweep()
        self._tell(*self._crowd.step(tick, ms, now, self._overload.interval, redo=bool(undone)))

    def outgoing(self) -> list[tuple[str, Channel, bytes]]:
        """The frames to send since the last call, in order."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def events(self) -> list[Event]:
        """What happened since the last call; to be handled after `outgoing` was sent."""
        events, self._events = self._events, []
        return events

    def _tell(self, rows: list[int], frames: list[bytes]) -> None:
        """Each of these rows' owners gets its frame on `poses`."""
        sessions = [self._rows[row].session for row in rows]
        self._outgoing += [(session, Channel.POSES, frame) for session, frame in zip(sessions, frames, strict=True)]
        self.counts.frames_out += len(frames)
        self.counts.bytes_out += sum(map(len, frames))

    def _take_back(self, row: int, now: float) -> bool:
        """One is where it cannot have come: back, unless it is of version 1, which has no JUMP to say so by."""
        seat = self._rows[row]
        if seat.version == 1 and self._crowd.inside(self._crowd.pose(row)) and seat.jumping.take(now):
            self.counts.jumps += 1
            return False
        self._hearing.correct(seat, self._crowd.undo(row))
        return True

    def _greeted(self, seat: Seat) -> None:
        """HELLO was accepted: welcome it at the next step."""
        self._worlds[seat.world].note(seat)
        if seat.stage is Stage.PRESENT:
            self._events.append(Entered(seat.session))

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
        self._rows.pop(seat.row, None)
        self._worlds[seat.world].remove(seat, self._crowd)
        if say:
            self._send(seat.session, Channel.EVENTS, encode(Goodbye(code, fit(reason))))
        name = code.name.lower()
        self.counts.closed[name] = self.counts.closed.get(name, 0) + 1
        self._events.append(Closed(seat.session, code, reason))

    def _send(self, session: str, channel: Channel, frame: bytes) -> None:
        self.counts.frames_out += 1
        self.counts.bytes_out += len(frame)
        self._outgoing.append((session, channel, frame))
