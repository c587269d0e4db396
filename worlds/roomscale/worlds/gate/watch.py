"""Keeps those inside in step with what the gate knows of Matrix: changes become ejections, names, roles and mutes.

The one rule: whoever may not be here is sent out, found by the change that says so, and again by comparing all sessions
with the view whenever a change may have been missed (a restart, a reconnected node, a full state).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from roomscale.netcode.errors import NodeAway
from roomscale.worlds.gate.ports import Node
from roomscale.worlds.gate.rooms import Change, Left, Muted, Renamed, RoleChanged, RoomGone, RoomView, Standing, View
from roomscale.worlds.gate.sessions import Session, Sessions
from roomscale.worlds.gate.tickets import Tickets

log = logging.getLogger(__name__)

LEFT, KICKED, BANNED, REPLACED = 1, 2, 3, 5
"""Codes of GOODBYE in netcode/PROTOCOL.md."""
_DEPARTURES = {
    "left": (LEFT, "You left the room."),
    "kicked": (KICKED, "You were sent out of this world."),
    "banned": (BANNED, "You were banned from this world."),
    "denied": (BANNED, "Your homeserver is shut out of this world."),
}
_STANDINGS: dict[Standing, str] = {"absent": "left", "banned": "banned", "denied": "denied"}
_GONE = {
    "left": "This server no longer serves this world.",
    "unnamed": "This world is served by another server now.",
    "moved": "This world has moved to another room.",
}


class Watch:
    """The gate's view of Matrix, and what follows from its changes."""

    def __init__(self, view: View, sessions: Sessions, tickets: Tickets, node: Node) -> None:
        self.view = view
        self.sessions = sessions
        self.ejected = 0
        """How many were sent out since the start."""
        self.synced = asyncio.Event()
        """Set once the view is the homeserver's (the first sync is in)."""
        self._tickets = tickets
        self._node = node

    async def take_in(self, view: View, changes: Iterable[Change]) -> None:
        """Make `view` the current one and act on what changed."""
        self.view = view
        work: list[asyncio.Task[None]] = []
        for change in changes:
            match change:
                case Left(room_id, user_id, how, reason):
                    code, text = _DEPARTURES[how]
                    self._send_out(
                        self.sessions.of(room_id, user_id), code, f"{text} {reason}".strip() if reason else text, work
                    )
                    self._tickets.void(room_id, user_id)
                case RoomGone(room_id, how):
                    self._send_out(self.sessions.in_room(room_id), LEFT, _GONE[how], work)
                    self._tickets.void(room_id)
                case Renamed(room_id, user_id) | RoleChanged(room_id, user_id) | Muted(room_id, user_id):
                    if (room := view.rooms.get(room_id)) is not None:
                        for session in self.sessions.of(room_id, user_id):
                            self._update(session, room, work)
        if work:
            await asyncio.gather(*work)

    async def compare(self, room_id: str | None = None) -> None:
        """Compare sessions and tickets with the view: all, or those of one room. Nothing before the first sync."""
        if not self.synced.is_set():
            return
        work: list[asyncio.Task[None]] = []
        for room in self.sessions.rooms() if room_id is None else [room_id]:
            for session in self.sessions.in_room(room):
                if not session.inside:
                    continue  # its entry asks the homeserver itself
                served = self.view.served(room)
                if served is None:
                    self._send_out([session], LEFT, _GONE["left"], work)
                elif (standing := served.standing(session.user_id)) != "joined":
                    code, text = _DEPARTURES[_STANDINGS[standing]]
                    self._send_out([session], code, text, work)
                else:
                    self._update(session, served, work)
        for room, holders in self._tickets.holders().items():
            served = self.view.served(room)
            for user_id in holders:
                if room_id in (None, room) and (served is None or served.standing(user_id) != "joined"):
                    self._tickets.void(room, user_id)
        if work:
            await asyncio.gather(*work)

    async def adopt(self) -> None:
        """Take over what the node holds (after the gate or the node was away)."""
        try:
            held = await self._node.sessions()
        except NodeAway:
            return
        self.sessions.adopt(held)
        log.info("the node holds %d sessions", len(held))
        await self.compare()

    async def replace_elsewhere(self, session: Session) -> None:
        """A tab is in one world at a time: end its sessions in others."""
        if session.tab_key is None:
            return
        work: list[asyncio.Task[None]] = []
        others = [s for s in self.sessions.of_tab(session.tab_key) if s.room_id != session.room_id]
        self._send_out(others, REPLACED, "You went on to another world.", work)
        if work:
            await asyncio.gather(*work)

    async def hang_up(self, sessions: Iterable[Session]) -> None:
        """End sessions at their own wish."""
        work: list[asyncio.Task[None]] = []
        self._send_out(sessions, LEFT, "You left.", work)
        if work:
            await asyncio.gather(*work)

    def _send_out(self, sessions: Iterable[Session], code: int, reason: str, work: list[asyncio.Task[None]]) -> None:
        for session in sessions:
            self.sessions.revoke(session)
            self.ejected += 1
            work.append(asyncio.create_task(self._eject(session.key, code, reason)))

    async def _eject(self, key: str, code: int, reason: str) -> None:
        try:
            await self._node.eject(key, code, reason)
        except NodeAway:
            log.info("the node is away; what it still holds is compared when it is back")

    def _update(self, session: Session, room: RoomView, work: list[asyncio.Task[None]]) -> None:
        if session.follow(room) and session.inside:
            work.append(asyncio.create_task(self._tell(session)))

    async def _tell(self, session: Session) -> None:
        try:
            await self._node.update(session)
        except NodeAway:
            log.info("the node is away: %s is told of at the next entry", session.user_id)
