"""Reads a room's single-key state into `rooms.Facts`. Pure.

The one rule: it never raises; a field that cannot be read counts as absent, and texts are cut to what may be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from roomscale.worlds.acl import ServerAcl
from roomscale.worlds.errors import BadContent
from roomscale.worlds.gate.rooms import Facts
from roomscale.worlds.ids import is_guest_localpart, localpart_of, parse_alias, server_of
from roomscale.worlds.model import SERVER_EVENT, WORLD_EVENT, ServerRef, World
from roomscale.worlds.permissions import POWER_EVENT, PowerLevels, creators_of

NAME_CHARS = 200
TOPIC_CHARS = 1_000
ID_CHARS = 255

T = TypeVar("T")
_NOTHING: Mapping[str, Any] = MappingProxyType({})

TYPES = frozenset(
    {
        "m.room.create",
        "m.room.name",
        "m.room.topic",
        "m.room.canonical_alias",
        "m.room.join_rules",
        "m.room.guest_access",
        "m.room.server_acl",
        "m.room.tombstone",
        POWER_EVENT,
        SERVER_EVENT,
        WORLD_EVENT,
    }
)
"""The state (key "") that the gate reads, and asks the homeserver for."""


def read(before: Facts, events: Mapping[str, dict[str, Any]]) -> Facts:
    """`before` with the newest event of each type in `events` taken in; the same object when nothing changed.

    Parts that did not change stay the same objects too, so that others may compare by identity.
    """
    facts = before
    if "m.room.create" in events:
        facts = _create(facts, events["m.room.create"])
    if POWER_EVENT in events or "m.room.create" in events:
        content = _content(events[POWER_EVENT]) if POWER_EVENT in events else facts.power_content
        power = PowerLevels.read(content, room_version=facts.version, creators=facts.creators)
        facts = replace(facts, power=_kept(facts.power, power), power_content=content)
    for kind, raw in events.items():
        content = _content(raw)
        match kind:
            case "m.room.server_acl":
                facts = replace(facts, acl=_kept(facts.acl, ServerAcl.read(content)))
            case "m.room.tombstone":
                facts = replace(facts, moved_to=_text(content, "replacement_room", ID_CHARS) or "")
            case "m.room.join_rules":
                facts = replace(facts, join_rule=_text(content, "join_rule", 32) or "invite")
            case "m.room.guest_access":
                facts = replace(facts, guests_welcome=content.get("guest_access") == "can_join")
            case "m.room.name":
                facts = replace(facts, name=_text(content, "name", NAME_CHARS))
            case "m.room.topic":
                facts = replace(facts, topic=_text(content, "topic", TOPIC_CHARS))
            case "m.room.canonical_alias":
                facts = replace(facts, alias=_alias(content))
            case _:
                facts = _ours(facts, kind, content)
    return before if facts == before else facts


def _ours(facts: Facts, kind: str, content: dict[str, Any]) -> Facts:
    if kind == SERVER_EVENT:
        return replace(facts, server=ServerRef.read(content)[0])
    if kind == WORLD_EVENT:
        world, _ = World.read(content)
        return replace(facts, world=_kept(facts.world, replace(world, unknown=_NOTHING)))
    return facts


def _create(facts: Facts, raw: dict[str, Any]) -> Facts:
    content, sender = _content(raw), raw.get("sender")
    room_type = content.get("type")
    creators = frozenset(creators_of(sender, content)) if isinstance(sender, str) else frozenset()
    return replace(
        facts,
        room_type=room_type if isinstance(room_type, str) else None,
        version=_text(content, "room_version", 32) or "1",
        creators=_kept(facts.creators, creators),
        creator_server=server_of(sender) if isinstance(sender, str) else None,
    )


def is_guest(user_id: str) -> bool:
    """Whether this user id can only be a guest's (Synapse numbers them)."""
    return is_guest_localpart(localpart_of(user_id))


def _content(raw: Mapping[str, Any]) -> dict[str, Any]:
    content = raw.get("content")
    return content if isinstance(content, dict) else {}


def _kept(old: T, new: T) -> T:
    return old if old == new else new


def _text(content: Mapping[str, Any], key: str, most: int) -> str | None:
    value = content.get(key)
    return value[:most] if isinstance(value, str) and value else None


def _alias(content: Mapping[str, Any]) -> str | None:
    try:
        return parse_alias(content.get("alias"))
    except BadContent:
        return None
