"""Who may do what in a world: roles and power levels. Pure. (Server ACLs: `acl`.)

One rule: what a room's state says is read as the specification's authorisation rules read it, never raising;
what cannot be read grants nothing. The levels that we write ourselves are the table `LEVELS`.

| role | in a room of ours | in any room | may |
|---|---|---|---|
| owner | 100, or creator | may write the world and the power levels | publish, name the world server, give roles |
| moderator | 50 | may kick and ban | kick, ban, redact, invite, pin |
| builder | 25 | 25 or more | (place things, later) |
| visitor | 0 | anybody joined | walk, chat |
| guest | 0 | a guest account | walk, chat |

Specification: room versions 1 to 12, "Authorization rules"; `m.room.power_levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from roomscale.worlds.acl import ServerAcl
from roomscale.worlds.model import SERVER_EVENT, WORLD_EVENT

__all__ = [
    "LEVELS",
    "MUST",
    "PowerLevels",
    "Role",
    "ServerAcl",
    "creators_of",
    "has_creator_power",
    "mended_levels",
    "new_world_levels",
    "with_role",
]

Content: TypeAlias = Mapping[str, Any]

POWER_EVENT: Final = "m.room.power_levels"

OWNER: Final = 100
MODERATOR: Final = 50
BUILDER: Final = 25
VISITOR: Final = 0
CREATOR: Final = 1 << 60
"""Above every integer that an event may hold: room version 12 puts its creators above all power levels."""
CREATORS_RULE_FROM: Final = 12  # room version
TOMBSTONE_12: Final = 150  # in version 12 only creators may end a room, as in Synapse's default

MUST: Final[Mapping[str, int]] = MappingProxyType(
    {
        WORLD_EVENT: OWNER,
        SERVER_EVENT: OWNER,
        POWER_EVENT: OWNER,
        "m.room.server_acl": OWNER,
        "m.room.tombstone": OWNER,
        "m.room.encryption": OWNER,
        "m.room.history_visibility": OWNER,
    }
)
"""Raised to at least this at each publish: whoever may write one of these owns the world or can break it."""

LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **MUST,
        "org.matrix.msc3815.world.avatars": OWNER,
        "m.room.name": OWNER,
        "m.room.topic": OWNER,
        "m.room.avatar": OWNER,
        "m.room.canonical_alias": OWNER,
        "m.room.join_rules": OWNER,
        "m.room.guest_access": OWNER,
        "m.space.child": OWNER,
        "m.space.parent": OWNER,
        "im.vector.modular.widgets": OWNER,  # pages that Element opens inside the room
        "m.room.pinned_events": MODERATOR,
        "m.call.invite": MODERATOR,  # rings everybody who is here
        "m.room.message": VISITOR,
        "m.reaction": VISITOR,
    }
)
"""The `events` map of a new world, whole: Synapse replaces its default by it, key for key."""


class Role(IntEnum):
    """What somebody is in a world; the numbers go over the wire (netcode/PROTOCOL.md, ENTER)."""

    GUEST = 0
    VISITOR = 1
    BUILDER = 2
    MODERATOR = 3
    OWNER = 4


@dataclass(frozen=True)
class PowerLevels:
    """`m.room.power_levels` as the authorisation rules see it; the defaults are those of an event with `{}`."""

    users: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    events: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    users_default: int = 0
    events_default: int = 0
    state_default: int = 50
    kick: int = 50
    ban: int = 50
    redact: int = 50
    invite: int = 0
    creators: frozenset[str] = frozenset()
    """Who stands above all levels (room version 12 and later), empty before."""

    @classmethod
    def read(cls, content: object, *, room_version: str = "", creators: Iterable[str] = ()) -> PowerLevels:
        """From the event's content; a field that cannot be read counts as absent.

        `content` None: the room has no such event, then its creator has 100 and state needs nothing.
        `creators`: sender of the create event, and `additional_creators` where the version has them.
        """
        above = frozenset(creators)
        old = not has_creator_power(room_version)
        if content is None:
            users = dict.fromkeys(above, 100) if old else {}
            return cls(users=users, state_default=0, creators=frozenset() if old else above)
        source = content if isinstance(content, Mapping) else {}
        lenient = room_version in _STRINGS_ALLOWED

        def level(key: str, default: int) -> int:
            found = _level(source.get(key), lenient)
            return default if found is None else found

        return cls(
            users=_levels(source.get("users"), lenient),
            events=_levels(source.get("events"), lenient),
            users_default=level("users_default", 0),
            events_default=level("events_default", 0),
            state_default=level("state_default", 50),
            kick=level("kick", 50),
            ban=level("ban", 50),
            redact=level("redact", 50),
            invite=level("invite", 0),
            creators=frozenset() if old else above,
        )

    def of(self, user_id: str) -> int:
        """The user's level; `CREATOR` for a creator of a room of version 12."""
        return CREATOR if user_id in self.creators else self.users.get(user_id, self.users_default)

    def to_write_state(self, event_type: str) -> int:
        """The level that writing this kind of state needs."""
        return self.events.get(event_type, self.state_default)

    def may_write_state(self, user_id: str, event_type: str) -> bool:
        """Whether the user may write this kind of state."""
        return self.of(user_id) >= self.to_write_state(event_type)

    def may_speak(self, user_id: str) -> bool:
        """Whether the user may send messages; one who may not is muted, here and in other clients."""
        return self.of(user_id) >= self.events.get("m.room.message", self.events_default)

    def role(self, user_id: str, *, guest: bool = False) -> Role:
        """What the user is. A guest account is a guest whatever its level: homeservers let it do no more."""
        if guest:
            return Role.GUEST
        power = self.of(user_id)
        if power >= max(self.to_write_state(WORLD_EVENT), self.to_write_state(POWER_EVENT)):
            return Role.OWNER
        if power >= max(self.kick, self.ban):
            return Role.MODERATOR
        return Role.BUILDER if power >= BUILDER else Role.VISITOR


_STRINGS_ALLOWED: Final = frozenset({"", *map(str, range(1, 10))})  # version 10 made them integers


def has_creator_power(room_version: str) -> bool:
    """Whether creators stand above all levels in this room version. Unknown versions: no."""
    return room_version.isascii() and room_version.isdigit() and int(room_version[:6]) >= CREATORS_RULE_FROM


def _level(value: object, lenient: bool) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if lenient and isinstance(value, str) and len(value) <= 20:
        try:
            return int(value)
        except ValueError:
            return None
    return None


def _levels(value: object, lenient: bool) -> Mapping[str, int]:
    if not isinstance(value, Mapping):
        return MappingProxyType({})
    found = ((key, _level(raw, lenient)) for key, raw in value.items() if isinstance(key, str))
    return MappingProxyType({key: level for key, level in found if level is not None})


def creators_of(create_sender: str, create_content: object) -> tuple[str, ...]:
    """Everybody whom a `m.room.create` event makes a creator."""
    more = create_content.get("additional_creators") if isinstance(create_content, Mapping) else None
    return (
        (create_sender, *(user for user in more if isinstance(user, str)))
        if isinstance(more, list)
        else (create_sender,)
    )


def new_world_levels(owner: str, *, room_version: str, owners: Iterable[str] = ()) -> dict[str, Any]:
    """The whole content of `m.room.power_levels` for a new world created by `owner`."""
    creator_power = has_creator_power(room_version)
    users = dict.fromkeys(owners, OWNER)
    if creator_power:
        users.pop(owner, None)  # version 12 refuses a creator among the users
    else:
        users[owner] = OWNER
    events = dict(LEVELS)
    if creator_power:
        events["m.room.tombstone"] = TOMBSTONE_12
    return {
        "users": users,
        "users_default": VISITOR,
        "events": events,
        "events_default": VISITOR,
        "state_default": OWNER,
        "kick": MODERATOR,
        "ban": MODERATOR,
        "redact": MODERATOR,
        "invite": MODERATOR,
        "notifications": {"room": MODERATOR},
    }


def mended_levels(content: Content) -> dict[str, Any]:
    """The content with every level in `MUST` raised to its least, and nothing else changed.

    Also raises a `state_default` below moderator: at 0 any member could fill the room with state.
    """
    mended = dict(content)
    now = PowerLevels.read(content, room_version="1")
    raw = content.get("events")
    events = dict(raw) if isinstance(raw, Mapping) else {}
    for event_type, least in MUST.items():
        if now.to_write_state(event_type) < least:
            events[event_type] = least
    if now.state_default < MODERATOR:
        mended["state_default"] = MODERATOR
    if events or "events" in content:
        mended["events"] = events
    return mended


def with_role(content: Content, user_id: str, level: int) -> dict[str, Any]:
    """The content with one user's level changed."""
    raw = content.get("users")
    users = dict(raw) if isinstance(raw, Mapping) else {}
    return {**content, "users": {**users, user_id: level}}
