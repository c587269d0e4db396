"""What publishing does to a room: what is wanted less what is there, as a list of steps. Pure.

Two rules. The world's own event is the last step, so that a publish that fails anywhere leaves the old world
standing. And a plan made from the room that a plan has led to is empty: publishing twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from roomscale.worlds.errors import WorldRefused
from roomscale.worlds.ids import RoomAlias, RoomId, UserId, localpart_of
from roomscale.worlds.model import ROOM_TYPE, SERVER_EVENT, WORLD_EVENT, Media, ServerRef, World
from roomscale.worlds.permissions import (
    OWNER,
    POWER_EVENT,
    PowerLevels,
    creators_of,
    mended_levels,
    new_world_levels,
    with_role,
)

Content: TypeAlias = Mapping[str, Any]
StateKey: TypeAlias = tuple[str, str]

OPEN_ROOM: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "m.room.join_rules": ("join_rule", "public"),
        "m.room.guest_access": ("guest_access", "can_join"),
        "m.room.history_visibility": ("history_visibility", "world_readable"),
    }
)
"""Event type → the field that opens a world to everybody, guests included, and its value."""


@dataclass(frozen=True)
class Wanted:
    """How the room shall be. None (and an empty `owners`) leaves a thing as it is.

    `world.scene` and `world.thumbnail` are uploaded already. `alias` is of the publisher's own server.
    `owners` get the level of an owner beside the publisher.
    """

    world: World
    name: str | None = None
    topic: str | None = None
    alias: RoomAlias | None = None
    server: ServerRef | None = None
    listed: bool | None = True
    owners: tuple[UserId, ...] = ()


@dataclass(frozen=True)
class Current:
    """How the room is: its whole state by (type, state key), and what stands outside the state."""

    room_id: RoomId
    state: Mapping[StateKey, Content]
    creator: str
    alias_is_ours: bool = False
    """Whether `Wanted.alias` leads to this room."""
    listed: bool = False
    senders: Mapping[StateKey, str] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, event_type: str, state_key: str = "") -> Content:
        """One event's content, {} when there is none."""
        return self.state.get((event_type, state_key), {})

    @property
    def version(self) -> str:
        """The room's version."""
        version = self.get("m.room.create").get("room_version", "1")
        return version if isinstance(version, str) else ""

    @property
    def power(self) -> PowerLevels:
        """Who may do what."""
        return PowerLevels.read(
            self.state.get((POWER_EVENT, "")),
            room_version=self.version,
            creators=creators_of(self.creator, self.get("m.room.create")),
        )


@dataclass(frozen=True)
class CreateRoom:
    """Make the room, with all of its state but the world. `body` is that of `POST /createRoom`."""

    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"make the room {self.body.get('name') or ''}".rstrip()


@dataclass(frozen=True)
class PutState:
    """Write one state event."""

    event_type: str
    content: Content
    state_key: str = ""

    def __str__(self) -> str:
        return f"write {self.event_type}"


@dataclass(frozen=True)
class PutAlias:
    """Let the alias lead to the room."""

    alias: RoomAlias

    def __str__(self) -> str:
        return f"give it the address {self.alias}"


@dataclass(frozen=True)
class SetListed:
    """Show the room in the server's directory, or not."""

    listed: bool

    def __str__(self) -> str:
        return "list it in the directory" if self.listed else "take it out of the directory"


@dataclass(frozen=True)
class Invite:
    """Invite a user."""

    user_id: UserId

    def __str__(self) -> str:
        return f"invite {self.user_id}"


Step: TypeAlias = CreateRoom | PutState | PutAlias | SetListed | Invite


def plan(current: Current | None, wanted: Wanted, *, me: UserId, room_version: str = "") -> tuple[Step, ...]:
    """The steps from `current` (None: there is no room) to `wanted`, the world's event last.

    `room_version`: what the homeserver makes new rooms with. Raises WorldRefused, naming the right that is
    lacking, when `me` may not take a step; nothing has been done then.
    """
    if current is None:
        return (
            CreateRoom(_create_body(wanted, me, room_version)),
            PutState(WORLD_EVENT, wanted.world.content()),
        )
    steps = (*_room_steps(current, wanted), *_world_steps(current, wanted))
    _check_rights(current, steps, me)
    return steps


def ownership_steps(current: Current, owners: tuple[UserId, ...]) -> tuple[Step, ...]:
    """The steps that make `owners` owners of the room beside those it has, and invite them."""
    invitations = [step for owner in owners for step in _invitation(current, owner)]
    return (*_power_steps(current, owners), *invitations)


def _create_body(wanted: Wanted, me: UserId, room_version: str) -> dict[str, Any]:
    state: list[dict[str, Any]] = [
        {"type": event_type, "state_key": "", "content": {key: value}} for event_type, (key, value) in OPEN_ROOM.items()
    ]
    if wanted.server is not None:
        state.append({"type": SERVER_EVENT, "state_key": "", "content": wanted.server.content()})
    if wanted.world.thumbnail is not None:
        state.append({"type": "m.room.avatar", "state_key": "", "content": _avatar(wanted.world.thumbnail)})
    body: dict[str, Any] = {
        "preset": "public_chat",
        "visibility": "public" if wanted.listed else "private",
        "creation_content": {"type": ROOM_TYPE},
        "power_level_content_override": new_world_levels(me, room_version=room_version, owners=wanted.owners),
        "initial_state": state,
    }
    if wanted.name is not None:
        body["name"] = wanted.name
    if wanted.topic is not None:
        body["topic"] = wanted.topic
    if wanted.alias is not None:
        body["room_alias_name"] = localpart_of(wanted.alias)
    invited = [*([wanted.server.user_id] if wanted.server is not None else []), *wanted.owners]
    if invited := [user for user in dict.fromkeys(invited) if user != me]:
        body["invite"] = invited
    return body


def _room_steps(current: Current, wanted: Wanted) -> Iterator[Step]:
    yield from _power_steps(current, wanted.owners)
    for event_type, (key, value) in OPEN_ROOM.items():
        yield from _field(current, event_type, key, value)
    yield from _field(current, "m.room.name", "name", wanted.name)
    yield from _field(current, "m.room.topic", "topic", wanted.topic)
    if wanted.world.thumbnail is not None:
        picture = wanted.world.thumbnail
        if current.get("m.room.avatar").get("url") != picture.url:
            yield PutState("m.room.avatar", _avatar(picture))
    if wanted.server is not None:
        server = {**current.get(SERVER_EVENT), **wanted.server.content()}
        if server != current.get(SERVER_EVENT):
            yield PutState(SERVER_EVENT, server)
        yield from _invitation(current, wanted.server.user_id)
    for owner in wanted.owners:
        yield from _invitation(current, owner)
    if wanted.alias is not None:
        if not current.alias_is_ours:
            yield PutAlias(wanted.alias)
        known = current.get("m.room.canonical_alias")
        if known.get("alias") != wanted.alias:
            yield PutState("m.room.canonical_alias", {**known, "alias": wanted.alias})
    if wanted.listed is not None and wanted.listed != current.listed:
        yield SetListed(wanted.listed)


def _power_steps(current: Current, owners: tuple[UserId, ...]) -> Iterator[Step]:
    levels: Content = mended_levels(current.get(POWER_EVENT))
    power = current.power
    for owner in owners:
        if power.of(owner) < OWNER:
            levels = with_role(levels, owner, OWNER)
    if levels != current.get(POWER_EVENT):
        yield PutState(POWER_EVENT, levels)


def _world_steps(current: Current, wanted: Wanted) -> Iterator[Step]:
    """The world's event, where it differs. What is not wanted anew, and what is others', stays."""
    before, _ = World.read(current.get(WORLD_EVENT))
    world = wanted.world
    thumbnail = world.thumbnail or before.thumbnail
    if thumbnail is not None and before.thumbnail is not None and thumbnail.url == before.thumbnail.url:
        thumbnail = replace(thumbnail, more=before.thumbnail.more)
    after = replace(
        world,
        name=before.name if world.name is None else world.name,
        description=before.description if world.description is None else world.description,
        scene=world.scene or before.scene,
        package=world.package if world.scene is not None else before.package,  # of this very scene, or of none
        thumbnail=thumbnail,
        unknown={**before.unknown, **world.unknown},
    ).content()
    if after != current.get(WORLD_EVENT):
        yield PutState(WORLD_EVENT, after)


def _field(current: Current, event_type: str, key: str, value: str | None) -> Iterator[Step]:
    if value is not None and current.get(event_type).get(key) != value:
        yield PutState(event_type, {key: value})


def _invitation(current: Current, user: UserId) -> Iterator[Step]:
    membership = current.get("m.room.member", user).get("membership")
    if membership == "ban":
        raise WorldRefused(f"{user} is banned from the room: unban it first")
    if membership not in ("join", "invite"):
        yield Invite(user)


def _avatar(picture: Media) -> dict[str, Any]:
    info = {"mimetype": picture.mimetype, "size": picture.size, "w": picture.width, "h": picture.height}
    return {"url": picture.url, "info": {key: value for key, value in info.items() if value is not None}}


def _check_rights(current: Current, steps: tuple[Step, ...], me: UserId) -> None:
    """Raise WorldRefused for the first step that the room's power levels keep `me` from."""
    if current.get("m.room.create").get("type") != ROOM_TYPE:
        raise WorldRefused("this room was not made as a world, and a room's type can never change")
    if not steps:
        return
    if current.get("m.room.member", me).get("membership") != "join":
        raise WorldRefused(f"{me} is not in this room: join it first")
    power = current.power
    for step in steps:
        needed = 0
        if isinstance(step, PutState):
            needed = power.to_write_state(step.event_type)
        elif isinstance(step, Invite):
            needed = power.invite
        if power.of(me) < needed:
            raise WorldRefused(f"{me} may not {step}: it needs level {needed} and has {power.of(me)}")
