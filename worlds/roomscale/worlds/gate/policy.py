"""Which worlds this server takes on. Pure, save for the `Rooms` that carries it out.

The one rule: an invitation is a wish. It is followed only into a room that says it is a world, made by somebody whom
the host's policy names; and the room is kept only if its state, once seen, names this server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from roomscale.worlds.errors import HomeserverAway, HomeserverError
from roomscale.worlds.gate.budget import Rates
from roomscale.worlds.gate.config import GateConfig, WorldPolicy
from roomscale.worlds.gate.rooms import Invitation, RoomView
from roomscale.worlds.gate.upstream import Upstream
from roomscale.worlds.gate.watch import Watch
from roomscale.worlds.ids import server_of
from roomscale.worlds.model import ROOM_TYPE

log = logging.getLogger(__name__)

LEAVES_AT_ONCE = 20
"""Rooms left, or invitations declined, per round: others have to be served meanwhile."""


def declined(invitation: Invitation, policy: WorldPolicy, server_name: str) -> str | None:
    """Why an invitation is not followed; None: it is."""
    if invitation.room_type != ROOM_TYPE:
        return "the room is no world"
    if policy.anyone:
        return None
    who = {invitation.inviter, invitation.creator} - {None}
    if who & policy.publishers:
        return None
    if policy.own_server_rooms and who and all(server_of(user or "") == server_name for user in who):
        return None
    return "this host does not serve worlds of theirs"


def unwelcome(room: RoomView, user_id: str, policy: WorldPolicy, server_name: str) -> str | None:
    """Why a room that we are in is not to be kept, now that its own state is seen; None: it is."""
    facts = room.facts
    if facts.room_type != ROOM_TYPE:
        return "it is no world"
    if facts.server is None or facts.server.user_id != user_id:
        return "its state does not name this server"
    if facts.moved_to is not None:
        return "it has moved"
    mine = policy.own_server_rooms and facts.creator_server == server_name
    if not (policy.anyone or mine or facts.creators & policy.publishers):
        return "this host does not serve worlds of theirs"
    return None


class Rooms:
    """Follows invitations and leaves rooms that are not to be served."""

    def __init__(self, config: GateConfig, upstream: Upstream, watch: Watch) -> None:
        self._config = config
        self._upstream = upstream
        self._watch = watch
        per_minute = config.limits.joins_per_minute
        self._joins: Rates[str] = Rates(per_minute / 60, max(5.0, per_minute))
        self._wrong_since: dict[str, float] = {}
        self._tried: dict[str, float] = {}

    async def tend(self) -> None:
        """One round. Raises nothing that a homeserver could cause."""
        if not self._watch.synced.is_set():
            return
        try:
            await self._answer_invitations(list(self._watch.view.invitations.values()))
            await self._leave_wrong()
        except HomeserverAway:
            log.debug("the homeserver is away: invitations wait")

    async def _answer_invitations(self, invitations: Iterable[Invitation]) -> None:
        left = LEAVES_AT_ONCE
        now = time.monotonic()
        self._tried = {room: at for room, at in self._tried.items() if now - at < self._config.policy.settle_s}
        for invitation in invitations:
            room_id = invitation.room_id
            if room_id in self._tried:
                continue
            reason = declined(invitation, self._config.policy, self._config.server_name)
            if reason is None and len(self._watch.view.rooms) >= self._config.limits.worlds:
                reason = "this host serves as many worlds as it can"
            if reason is None:
                if not self._joins.take("", now):
                    return
                await self._follow(invitation)
            elif left > 0:
                left -= 1
                log.info("declining the invitation to %s: %s", room_id, reason)
                await self._leave(room_id)
            self._tried[room_id] = now

    async def _follow(self, invitation: Invitation) -> None:
        server = server_of(invitation.inviter or "")
        try:
            await self._upstream.join(invitation.room_id, [server] if server else [])
            log.info("joined %s by invitation of %s", invitation.room_id, invitation.inviter)
        except HomeserverAway:
            raise
        except HomeserverError as error:
            log.warning("cannot join %s: %s", invitation.room_id, error)

    async def _leave_wrong(self) -> None:
        now = time.monotonic()
        wrong: dict[str, str] = {}
        for room_id, room in self._watch.view.rooms.items():
            reason = unwelcome(room, self._config.user_id, self._config.policy, self._config.server_name)
            if reason is not None:
                wrong[room_id] = reason
        self._wrong_since = {room_id: self._wrong_since.get(room_id, now) for room_id in wrong}
        due = [r for r, since in self._wrong_since.items() if now - since >= self._config.policy.settle_s]
        for room_id in due[:LEAVES_AT_ONCE]:
            log.info("leaving %s: %s", room_id, wrong[room_id])
            await self._leave(room_id)

    async def _leave(self, room_id: str) -> None:
        await asyncio.sleep(0)
        try:
            await self._upstream.leave(room_id)
        except HomeserverAway:
            raise
        except HomeserverError as error:
            log.info("cannot leave %s: %s", room_id, error)
