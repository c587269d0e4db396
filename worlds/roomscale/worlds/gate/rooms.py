"""What the gate knows of one room: frozen values that `membership` makes and everybody may read. Pure.

The one rule: a field holds what was checked and bounded, never content as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from roomscale.worlds.acl import ServerAcl
from roomscale.worlds.model import ROOM_TYPE, ServerRef, World
from roomscale.worlds.permissions import PowerLevels, Role

Standing = Literal["joined", "absent", "banned", "denied"]
"""How somebody stands to a room; `denied`: their server is shut out by the room's ACL, whatever their membership."""

Departure = Literal["left", "kicked", "banned", "denied"]


@dataclass(frozen=True, slots=True)
class Member:
    """A `m.room.member` event, as far as it matters here."""

    membership: str
    """`join`, `invite`, `knock`, `leave` or `ban`; everything else was read as `leave`."""
    name: str | None
    """Display name as its owner wrote it, cut; the node cleans it."""
    guest: bool
    by_another: bool
    """Whether somebody else wrote it: a leave of this kind is a kick."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The single-key state of a room."""

    room_type: str | None = None
    creators: frozenset[str] = frozenset()
    creator_server: str | None = None
    version: str = "1"
    power_content: dict[str, Any] | None = None
    """As it came, to be read again should the create event come later; None: there was none."""
    power: PowerLevels = field(default_factory=PowerLevels)
    acl: ServerAcl = field(default_factory=ServerAcl)
    server: ServerRef | None = None
    """`org.roomscale.server`: whom visitors call."""
    moved_to: str | None = None
    """The successor room, once there is a tombstone ("" when it names none)."""
    join_rule: str = "invite"
    guests_welcome: bool = False
    name: str | None = None
    topic: str | None = None
    alias: str | None = None
    world: World | None = None
    """What the world's own state says, without keys that are not ours."""


@dataclass(frozen=True)
class RoomView:
    """One room as of the last sync."""

    room_id: str
    facts: Facts = field(default_factory=Facts)
    members: Mapping[str, Member] = field(default_factory=lambda: MappingProxyType({}))

    def standing(self, user_id: str) -> Standing:
        """Whether somebody may be in this world."""
        member = self.members.get(user_id)
        if member is not None and member.membership == "ban":
            return "banned"
        if member is None or member.membership != "join":
            return "absent"
        return "joined" if self.facts.acl.allows_user(user_id) else "denied"

    def role(self, user_id: str) -> Role:
        """What somebody may do here."""
        member = self.members.get(user_id)
        return self.facts.power.role(user_id, guest=member is not None and member.guest)

    def muted(self, user_id: str) -> bool:
        """Whether somebody may not speak here: whoever may not write messages may not, in chat or aloud."""
        return not self.facts.power.may_speak(user_id)

    def is_served_by(self, user_id: str, device_id: str) -> bool:
        """Whether this is a world whose state names this server, and that has not moved away."""
        facts = self.facts
        names_us = facts.server is not None and (facts.server.user_id, facts.server.device_id) == (user_id, device_id)
        return facts.room_type == ROOM_TYPE and names_us and facts.moved_to is None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A room that the world server is invited to, as its stripped state tells (none of it is verified)."""

    room_id: str
    inviter: str | None
    creator: str | None
    room_type: str | None


@dataclass(frozen=True)
class View:
    """All that the gate knows of Matrix. `user_id`, `device_id`: the world server itself."""

    user_id: str
    device_id: str
    rooms: Mapping[str, RoomView] = field(default_factory=lambda: MappingProxyType({}))
    invitations: Mapping[str, Invitation] = field(default_factory=lambda: MappingProxyType({}))

    def served(self, room_id: str) -> RoomView | None:
        """The room, if it is a world that this server serves."""
        room = self.rooms.get(room_id)
        if room is None or not room.is_served_by(self.user_id, self.device_id):
            return None
        return room


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody who was joined may no longer be here."""

    room_id: str
    user_id: str
    how: Departure
    reason: str
    """What the one who sent them away wrote, cut; "" if nothing."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """Somebody joined has another display name."""

    room_id: str
    user_id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """Somebody joined may do more, or less, than before."""

    room_id: str
    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Muted:
    """Somebody joined may no longer speak, or may again."""

    room_id: str
    user_id: str
    muted: bool


@dataclass(frozen=True, slots=True)
class RoomGone:
    """A world is no longer ours to serve."""

    room_id: str
    how: Literal["left", "unnamed", "moved"]


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """Anything about a room's single-key state changed (the world list shows it)."""

    room_id: str


Change = Left | Renamed | RoleChanged | Muted | RoomGone | RoomChanged
