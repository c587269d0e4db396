"""One world: its roster, its poses, and what its participants are told at each tick.

Rule: joins and leaves take effect at a step, so that everybody is told the same story in the same order.
"""

from __future__ import annotations

from collections.abc import Callable

from roomscale.netcode.core.frames import enter_frames, fit, leave_frames
from roomscale.netcode.core.messages import Channel, Welcome
from roomscale.netcode.core.poses import PoseTable
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.core.roster import Roster, Seat, Stage
from roomscale.netcode.core.snapshot import snapshots

Send = Callable[[str, Channel, bytes], None]
"""(session, channel, frame)."""


class World:
    """The participants of one world. The simulation decides who gets in and who must go."""

    def __init__(self, key: str, capacity: int) -> None:
        self.key = key
        self.capacity = capacity
        self.roster = Roster()
        self._poses = PoseTable()
        self._present: dict[int, Seat] = {}
        """By peer id, in the order of the pose table's rows."""
        self._gone: list[int] = []
        """Peer ids that the others have to be told of."""

    @property
    def full(self) -> bool:
        """Whether every seat is taken, also by those who are still on the way."""
        return len(self.roster) >= self.capacity

    @property
    def present(self) -> dict[int, Seat]:
        """The participants."""
        return self._present

    def moved(self, seat: Seat, body: bytes) -> None:
        """A participant's newest pose, as its 14 bytes."""
        self._poses.put(seat.row, body)

    def remove(self, seat: Seat) -> None:
        """Free a seat; the others are told at the next step."""
        self.roster.remove(seat)
        if seat.stage is Stage.PRESENT:
            del self._present[seat.peer]
            self._poses.remove(seat.row)
            self._gone.append(seat.peer)

    def step(self, tick: int, tick_rate: int, server_ms: int, send: Send) -> list[Seat]:
        """One tick: who left, who came, where everybody is. Returns those who became participants."""
        self._tell_gone(send)
        entering = self._admit()
        self._tell_changed(send)
        for seat in self._present.values():
            if seat.welcome_due:
                self._welcome(seat, tick, tick_rate, server_ms, send)
        if self._present:
            seats = list(self._present.values())
            frames = snapshots(self._poses, tick, server_ms, [s.last_seq for s in seats])
            for seat, frame in zip(seats, frames, strict=True):
                send(seat.session, Channel.POSES, frame)
        return entering

    def _tell_gone(self, send: Send) -> None:
        frames = leave_frames(self._gone)
        self._gone = []
        for frame in frames:
            for seat in self._present.values():
                send(seat.session, Channel.EVENTS, frame)

    def _admit(self) -> list[Seat]:
        entering = [s for s in self.roster.seats.values() if s.stage is Stage.GREETED]
        for seat in entering:
            seat.row = self._poses.add(seat.peer, seat.body)
            seat.stage = Stage.PRESENT
            seat.changed = True
            self._present[seat.peer] = seat
        return entering

    def _tell_changed(self, send: Send) -> None:
        """ENTER for newcomers and for those who have a new name or avatar, who learn of it by it themselves."""
        changed = [s for s in self._present.values() if s.changed]
        for seat in changed:
            seat.changed = False
        if not changed:
            return
        frames = enter_frames(s.entrant() for s in changed)
        for seat in self._present.values():
            if seat.welcome_due:
                continue  # is told everything with WELCOME
            for frame in frames:
                send(seat.session, Channel.EVENTS, frame)

    def _welcome(self, seat: Seat, tick: int, tick_rate: int, server_ms: int, send: Send) -> None:
        seat.welcome_due = False
        welcome = Welcome(
            seat.version, seat.peer, tick, tick_rate, server_ms, min(self.capacity, 0xFFFF), fit(seat.name)
        )
        send(seat.session, Channel.EVENTS, encode(welcome))
        for frame in enter_frames(s.entrant() for s in self._present.values() if s is not seat):
            send(seat.session, Channel.EVENTS, frame)
