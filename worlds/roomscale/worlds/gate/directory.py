"""The list of worlds that this host serves, for the start page. Pure, save for the thumbnails' cache.

The one rule: only worlds that anybody may join are listed; a private room's name is nobody's business.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from roomscale.worlds.errors import HomeserverError
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.gate.rooms import RoomView, View
from roomscale.worlds.gate.sessions import Sessions
from roomscale.worlds.gate.upstream import Upstream
from roomscale.worlds.ids import MxcUri, RoomAlias, RoomId, ServerName, WorldLink

MISSING_S = 30.0
"""How long a picture that could not be had is not asked for again."""
FETCHES_AT_ONCE = 4


def listing(view: View, sessions: Sessions, server_name: str) -> list[dict[str, Any]]:
    """All public worlds, the liveliest first."""
    worlds = [describe(room, sessions, server_name) for room in view.rooms.values() if _is_public(view, room)]
    return sorted(worlds, key=lambda world: (-world["visitors"], str(world["name"]).casefold(), world["room_id"]))


def find(view: View, which: str, server_name: str) -> RoomView | None:
    """The public world of a room id, an alias, or an alias's localpart on this server."""
    alias = which if which.startswith("#") else f"#{which}:{server_name}"
    for room in view.rooms.values():
        if which == room.room_id or (room.facts.alias is not None and room.facts.alias == alias):
            return room if _is_public(view, room) else None
    return None


def describe(room: RoomView, sessions: Sessions, server_name: str) -> dict[str, Any]:
    """One world as `/api/worlds` shows it."""
    facts = room.facts
    world = facts.world
    if facts.alias is not None:
        link = WorldLink(RoomAlias(facts.alias))
    else:
        link = WorldLink(RoomId(room.room_id), (ServerName(server_name),))
    thumbnail = thumbnail_of(room)
    return {
        "room_id": room.room_id,
        "alias": facts.alias,
        "name": (world and world.name) or facts.name or facts.alias or room.room_id,
        "topic": facts.topic or (world and world.description),
        "thumbnail": None if thumbnail is None else f"/api/worlds/{quote(room.room_id, safe='!:')}/thumbnail",
        "visitors": sessions.visitors(room.room_id),
        "link": link.path(server_name),
    }


def thumbnail_of(room: RoomView) -> MxcUri | None:
    """The mxc of a world's picture."""
    world = room.facts.world
    return None if world is None or world.thumbnail is None else world.thumbnail.url


def _is_public(view: View, room: RoomView) -> bool:
    return room.facts.join_rule == "public" and room.is_served_by(view.user_id, view.device_id)


@dataclass(frozen=True)
class Picture:
    """A picture, or (with no bytes) the knowledge that there is none."""

    body: bytes
    content_type: str
    at: float


class Thumbnails:
    """Pictures by mxc, fetched in the world server's name. Content never changes under an mxc."""

    def __init__(self, upstream: Upstream, limits: GateLimits) -> None:
        self._upstream = upstream
        self._limits = limits
        self._cache: OrderedDict[MxcUri, Picture] = OrderedDict()
        self._size = 0
        self._fetching: dict[MxcUri, asyncio.Task[Picture]] = {}
        self._slots = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def get(self, mxc: MxcUri) -> Picture | None:
        """The picture, None when it cannot be had now. Many who ask at once cause one fetch."""
        known = self._cache.get(mxc)
        if known is not None and (known.body or time.monotonic() - known.at < MISSING_S):
            self._cache.move_to_end(mxc)
            return known if known.body else None
        task = self._fetching.get(mxc)
        if task is None:
            task = self._fetching[mxc] = asyncio.create_task(self._fetch(mxc))
            task.add_done_callback(lambda _: self._fetching.pop(mxc, None))
        picture = await asyncio.shield(task)
        return picture if picture.body else None

    async def _fetch(self, mxc: MxcUri) -> Picture:
        try:
            async with self._slots:
                body, content_type = await self._upstream.picture(mxc, self._limits.thumbnail_bytes)
        except HomeserverError:
            body, content_type = b"", ""
        picture = Picture(body, content_type, time.monotonic())
        old = self._cache.pop(mxc, None)
        self._size += len(body) - (len(old.body) if old else 0)
        self._cache[mxc] = picture
        while self._size > self._limits.thumbnail_cache_bytes or len(self._cache) > 4 * self._limits.worlds:
            _, dropped = self._cache.popitem(last=False)
            self._size -= len(dropped.body)
        return picture
