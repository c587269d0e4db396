"""One world: its roster, and what its participants are told of each other's coming, going and changing.

Rule: joins and leaves take effect at a step, so that everybody is told the same story in the same order. Where
people are is not told here: that goes by `core.crowd`, to those who have them in sight. Who is here is told to
everybody, whatever the size of the world, so that people can be found by name; a newcomer to a crowd learns of those
nearest first, and of the others a frame at each tick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from roomscale.netcode.core.crowd import Crowd
from roomscale.netcode.core.frames import FULL, MOST, enter_frames, fit, leave_frames
from roomscale.netcode.core.messages import Channel, Welcome
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.core.roster import Roster, Seat, Stage

Send = Callable[[str, Channel, bytes], None]
"""(session, channel, frame)."""

FIRST_FRAMES: Final = 4
"""Frames of ENTER that a newcomer gets at once: names for those in sight, and not a burst that fills a slow path."""


class World:
    """The participants of one world. The simulation decides who gets in and who must go."""

    def __init__(self, key: str, number: int, capacity: int) -> None:
        self.key = key
        self.number = number
        """The world's number in the crowd."""
        self.capacity = capacity
        self.roster = Roster()
        self._present: dict[int, Seat] = {}
        """By peer id."""
        self._gone: list[int] = []
        """Peer ids that the others have to be told of."""
        self._news: dict[int, Seat] = {}
        """Whoever came, changed, or is to be welcomed, by peer id."""
        self._learning: dict[int, Seat] = {}
        """Who has not been told of everybody yet, by peer id."""

    @property
    def full(self) -> bool:
        """Whether every seat is taken, also by those who are still on the way."""
        return len(self.roster) >= self.capacity

    @property
    def present(self) -> dict[int, Seat]:
        """The participants."""
        return self._present

    def note(self, seat: Seat) -> None:
        """Something about a seat is to be told, or to be done, at the next step."""
        self._news[seat.peer] = seat

    def remove(self, seat: Seat, crowd: Crowd) -> None:
        """Free a seat; the others are told at the next step."""
        self.roster.remove(seat)
        self._news.pop(seat.peer, None)
        self._learning.pop(seat.peer, None)
        if seat.stage is Stage.PRESENT:
            del self._present[seat.peer]
            crowd.remove(seat.row)
            self._gone.append(seat.peer)

    def admit(self, crowd: Crowd, stamp: int) -> list[Seat]:
        """Give a row to each one who has said HELLO since the last step. Returns those who became participants."""
        entering = [s for s in self._news.values() if s.stage is Stage.GREETED]
        for seat in entering:
            seat.row = crowd.add(seat.peer, self.number, seat.body, stamp)
            crowd.mute(seat.row, seat.muted)
            crowd.pace(seat.row, seat.interval)
            seat.stage = Stage.PRESENT
            seat.changed = True
            self._present[seat.peer] = seat
        return entering

    def tell(self, tick: int, tick_rate: int, server_ms: int, crowd: Crowd, send: Send) -> None:
        """Who left, who came, who changed; WELCOME for newcomers."""
        self._tell_gone(send)
        if self._news:
            news, self._news = list(self._news.values()), {}
            self._tell_changed([s for s in news if s.changed and s.stage is Stage.PRESENT], send)
            for seat in news:
                if seat.welcome_due and seat.stage is Stage.PRESENT:
                    self._welcome(seat, tick, tick_rate, server_ms, crowd, send)
        for seat in list(self._learning.values()):
            self._teach(seat, send)

    def _tell_gone(self, send: Send) -> None:
        frames = leave_frames(self._gone)
        self._gone = []
        for frame in frames:
            for seat in self._present.values():
                send(seat.session, Channel.EVENTS, frame)

    def _tell_changed(self, changed: list[Seat], send: Send) -> None:
        """ENTER for newcomers and for those who have a new name or avatar, who learn of it by it themselves."""
        for seat in changed:
            seat.changed = False
        frames = enter_frames([s.entry() for s in changed])
        for seat in self._present.values() if frames else ():
            if seat.welcome_due:
                continue  # is told everything with WELCOME
            for frame in frames:
                send(seat.session, Channel.EVENTS, frame)

    def _welcome(self, seat: Seat, tick: int, tick_rate: int, server_ms: int, crowd: Crowd, send: Send) -> None:
        seat.welcome_due = False
        crowd.speaks(seat.row, old=seat.version == 1)
        welcome = Welcome(
            seat.version, seat.peer, tick, tick_rate, server_ms, min(self.capacity, 0xFFFF), fit(seat.name)
        )
        send(seat.session, Channel.EVENTS, encode(welcome))
        others = [s for s in self._present.values() if s is not seat]
        order = crowd.by_distance(seat.row, [s.row for s in others])
        seat.untold = [others[i].peer for i in reversed(order)]
        self._learning[seat.peer] = seat
        for _ in range(FIRST_FRAMES - 1):
            self._teach(seat, send)

    def _teach(self, seat: Seat, send: Send) -> None:
        """One frame of ENTER with the next that somebody has not been told of."""
        entries: list[bytes] = []
        room = FULL - 2
        while seat.untold and len(entries) < MOST:
            other = self._present.get(seat.untold[-1])
            entry = other.entry() if other else b""
            if len(entry) > room:
                break
            seat.untold.pop()
            if entry:
                entries.append(entry)
                room -= len(entry)
        for frame in enter_frames(entries):
            send(seat.session, Channel.EVENTS, frame)
        if not seat.untold:
            self._learning.pop(seat.peer, None)
