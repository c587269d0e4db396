"""Makes guests who are long gone leave, so that rooms do not fill with ghosts.

A guest whose tab was closed in a hurry stays joined for ever: guests cannot be logged out, and a kick would read
as a punishment. So the administrator of the embedded homeserver leaves in their name, by Synapse's "login as a
user" (seen working for guests on 1.163.2; such a login does not count as having been seen).
One rule: nobody who is inside, or whom the homeserver has seen lately, is touched; and at a bounded rate, because
each leave costs the homeserver about what a join does (30 ms).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from roomscale.worlds.errors import HomeserverAway, HomeserverError, MatrixError
from roomscale.worlds.ids import RoomId, UserId, is_guest_localpart, localpart_of, parse_user_id, server_of
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.matrix.transport import path_of
from roomscale.worlds.model import ROOM_TYPE

log = logging.getLogger(__name__)

TOKEN_MS: Final = 60_000  # life of a token that we act with; a guest's cannot be logged out
ADMIN_USERS: Final = "/_synapse/admin/v2/users"
LOGIN_AS: Final = "/_synapse/admin/v1/users"

Inside = Callable[[], Collection[tuple[str, str]]]
"""Who has a session now: (room id, user id) of each."""


@dataclass(frozen=True, slots=True)
class JanitorPolicy:
    """When a guest is gone, and how fast they are seen off."""

    gone_after_s: float = 900.0
    """Seconds since the homeserver has seen the guest (it notes that every two minutes)."""
    leaves_per_s: float = 2.0
    """Memberships ended per second."""
    leaves_per_round: int = 500
    """Memberships ended in one round; the rest waits for the next."""


async def sweep(admin: MatrixClient, inside: Inside, policy: JanitorPolicy | None = None) -> int:
    """One round over the worlds that `admin` is joined to; gives how many memberships were ended.

    `admin` is an administrator of the homeserver; `inside` is asked again before each leave. Raises
    HomeserverAway; anything else that goes wrong with one guest is logged and the others go on.
    """
    policy = policy or JanitorPolicy()
    left = 0
    for guest, rooms in (await _guests_in_worlds(admin)).items():
        try:
            if not await _is_gone(admin, guest, policy):
                continue
            for room in rooms:
                if any(user == guest for _, user in inside()):
                    break
                if left >= policy.leaves_per_round:
                    return left
                await _leave_as(admin, guest, room)
                left += 1
                await asyncio.sleep(1 / policy.leaves_per_s)
        except HomeserverAway:
            raise
        except HomeserverError as error:
            log.warning("the guest %s could not be seen off: %s", guest, error)
    return left


async def _guests_in_worlds(admin: MatrixClient) -> Mapping[UserId, list[RoomId]]:
    """Every guest of our own server in a world that `admin` is in → the rooms."""
    found: dict[UserId, list[RoomId]] = {}
    own = server_of(admin.user_id)
    for room in await admin.joined_rooms():
        create = await admin.state_content(room, "m.room.create")
        if (create or {}).get("type") != ROOM_TYPE:
            continue
        for user in await admin.joined_members(room):
            if server_of(user) == own and is_guest_localpart(localpart_of(user)):
                found.setdefault(parse_user_id(user), []).append(room)
    return found


async def _is_gone(admin: MatrixClient, guest: UserId, policy: JanitorPolicy) -> bool:
    try:
        known = await admin.call("GET", path_of(guest, base=ADMIN_USERS))
    except MatrixError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        raise
    if known.get("is_guest") is not True:
        return False
    seen, made = known.get("last_seen_ts"), known.get("creation_ts")
    if not isinstance(seen, int):  # not seen yet (Synapse notes it in batches), or forgotten since
        seen = made * 1000 if isinstance(made, int) else None  # this one call gives seconds, 1.163
    return seen is not None and time.time() * 1000 - seen > policy.gone_after_s * 1000


async def _leave_as(admin: MatrixClient, guest: UserId, room: RoomId) -> None:
    until = int(time.time() * 1000) + TOKEN_MS
    answer = await admin.call("POST", path_of(guest, "login", base=LOGIN_AS), body={"valid_until_ms": until})
    token = answer.get("access_token")
    if not isinstance(token, str):
        raise HomeserverError("the homeserver gave no token to act for a guest")
    async with MatrixClient(admin.homeserver, guest, token=token) as puppet:
        await puppet.leave(room)
