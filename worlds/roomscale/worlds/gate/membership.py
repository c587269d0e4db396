"""Who is where: one reducer over the raw JSON of /sync and /state. Pure.

    reduce(view, sync_json) -> (view, changes)

The one rule: it never raises, whatever the JSON; and what is malformed grants nothing (a member event that cannot be
read means that its user is not joined). Matrix libraries' own callbacks and room objects are not used: a ban that comes
down in the `state` of a gap fires no callback there, and a kick whose reason is no text is invisible to them.
Specification: client-server API, "Syncing"; server ACLs are evaluated here because homeservers leave members of a
denied server joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from roomscale.worlds.gate import facts
from roomscale.worlds.gate.rooms import (
    Change,
    Departure,
    Facts,
    Invitation,
    Left,
    Member,
    Muted,
    Renamed,
    RoleChanged,
    RoomChanged,
    RoomGone,
    RoomView,
    View,
)

ID_CHARS = 255
REASON_CHARS = 200
NAME_CHARS = 256
INVITATIONS_AT_MOST = 1_000
"""Open invitations kept; the rest stays with the homeserver until these are dealt with."""

MEMBER = "m.room.member"


def reduce(view: View, sync: object) -> tuple[View, tuple[Change, ...]]:
    """Apply one /sync answer. Applying it a second time changes nothing."""
    rooms = _object(_object(sync).get("rooms"))
    known = dict(view.rooms)
    invitations = dict(view.invitations)
    changes: list[Change] = []
    for room_id, body in _rooms(rooms.get("invite")):
        if len(invitations) < INVITATIONS_AT_MOST or room_id in invitations:
            invitations[room_id] = _invitation(room_id, body, view.user_id)
    for room_id, body in _rooms(rooms.get("join")):
        invitations.pop(room_id, None)
        before = known.get(room_id, RoomView(room_id))
        draft = _Draft(before)
        for section in ("state", "timeline"):
            for event in _list(_object(body.get(section)).get("events")):
                draft.apply(event)
        known[room_id] = draft.finish()
        changes += draft.departures + _compare(view, before, known[room_id])
    for room_id, _ in _rooms(rooms.get("leave")):
        invitations.pop(room_id, None)
        if known.pop(room_id, None) is not None:
            changes.append(RoomGone(room_id, "left"))
    after = replace(view, rooms=MappingProxyType(known), invitations=MappingProxyType(invitations))
    return after, tuple(changes)


def reconcile(view: View, room_id: str, state: Iterable[object], asked: RoomView) -> tuple[View, tuple[Change, ...]]:
    """Replace a room by its full /state. `asked` is the room's view when the request went out.

    What sync changed meanwhile is newer than the answer, and stays.
    """
    before = view.rooms.get(room_id)
    if before is None:
        return view, ()
    draft = _Draft(RoomView(room_id))
    for event in state:
        draft.apply(event)
    fresh = draft.finish()
    if not fresh.facts.creators:
        return view, ()  # no create event: this is not a room's state, whatever it is
    members = dict(fresh.members)
    members |= {user: member for user, member in before.members.items() if asked.members.get(user) is not member}
    kept = before.facts if asked.facts is not before.facts else fresh.facts
    after = RoomView(room_id, before.facts if kept == before.facts else kept, MappingProxyType(members))
    departures: list[Change] = []
    for user_id, member in before.members.items():
        now = members.get(user_id)
        if member.membership == "join" and (now is None or now.membership != "join"):
            departures.append(Left(room_id, user_id, _departure(now), ""))
    return _with_room(view, after), (*departures, *_compare(view, before, after))


def observe(view: View, room_id: str, event: object, asked: RoomView) -> tuple[View, tuple[Change, ...]]:
    """Take in one member event that the homeserver gave on request, unless sync brought a newer one meanwhile."""
    before = view.rooms.get(room_id)
    user_id = _object(event).get("state_key")
    if before is None or not isinstance(user_id, str):
        return view, ()
    if before.members.get(user_id) is not asked.members.get(user_id):
        return view, ()
    draft = _Draft(before)
    draft.apply(event)
    after = draft.finish()
    return _with_room(view, after), (*draft.departures, *_compare(view, before, after))


@dataclass
class _Draft:
    """A room under change: the events of one answer, in their order."""

    base: RoomView
    departures: list[Change] = field(default_factory=list)
    _members: dict[str, Member] | None = None
    _state: dict[str, Any] = field(default_factory=dict)

    def apply(self, event: object) -> None:
        """Take in one event; whatever is no state event of a kind that matters is passed over."""
        raw = _object(event)
        kind, key = raw.get("type"), raw.get("state_key")
        if not isinstance(kind, str) or not isinstance(key, str):
            return
        if kind == MEMBER:
            self._apply_member(key, raw)
        elif key == "" and kind in facts.TYPES:
            self._state[kind] = raw

    def _apply_member(self, user_id: str, raw: dict[str, Any]) -> None:
        if not user_id.startswith("@") or len(user_id) > ID_CHARS or not _is_unicode(user_id):
            return
        if self._members is None:
            self._members = dict(self.base.members)
        before = self._members.get(user_id)
        after = _member(user_id, raw)
        if after == before:
            return  # the same object stays: `reconcile` tells news from repetition by identity
        self._members[user_id] = after
        if before is not None and before.membership == "join" and after.membership != "join":
            reason = _object(raw.get("content")).get("reason")
            text = reason[:REASON_CHARS] if isinstance(reason, str) else ""
            self.departures.append(Left(self.base.room_id, user_id, _departure(after), text))

    def finish(self) -> RoomView:
        """The room as it is now; the very same object when nothing changed."""
        after = facts.read(self.base.facts, self._state) if self._state else self.base.facts
        members = self.base.members if self._members is None else MappingProxyType(self._members)
        if after is self.base.facts and members == self.base.members:
            return self.base
        return RoomView(self.base.room_id, after, members)


def _compare(view: View, before: RoomView, after: RoomView) -> list[Change]:
    """What differs between two views of a room, besides who left."""
    changes: list[Change] = []
    old, new = before.facts, after.facts
    if new != old:
        changes.append(RoomChanged(after.room_id))
        was, still = (room.is_served_by(view.user_id, view.device_id) for room in (before, after))
        if was and not still:
            changes.append(RoomGone(after.room_id, "unnamed" if new.moved_to is None else "moved"))
    for user_id, member in _joined(after):
        previous = before.members.get(user_id)
        if (new.acl is not old.acl or previous is not member) and not new.acl.allows_user(user_id):
            changes.append(Left(after.room_id, user_id, "denied", ""))
            continue
        if previous is None or previous.name != member.name:
            changes.append(Renamed(after.room_id, user_id, member.name))
        if new.power is not old.power or previous is not member:
            role = after.role(user_id)
            if previous is None or role != before.role(user_id):
                changes.append(RoleChanged(after.room_id, user_id, role))
            muted = after.muted(user_id)
            if previous is None or muted != before.muted(user_id):
                changes.append(Muted(after.room_id, user_id, muted))
    return changes


def _joined(room: RoomView) -> Iterator[tuple[str, Member]]:
    return ((user, member) for user, member in room.members.items() if member.membership == "join")


def _with_room(view: View, room: RoomView) -> View:
    return replace(view, rooms=MappingProxyType({**view.rooms, room.room_id: room}))


def _member(user_id: str, raw: dict[str, Any]) -> Member:
    content = _object(raw.get("content"))
    membership = content.get("membership")
    if membership not in ("join", "invite", "knock", "ban"):
        membership = "leave"
    name = content.get("displayname")
    return Member(
        membership=membership,
        name=name[:NAME_CHARS] if isinstance(name, str) and name.strip() and _is_unicode(name) else None,
        guest=content.get("kind") == "guest" or facts.is_guest(user_id),
        by_another=raw.get("sender") != user_id,
    )


def _departure(member: Member | None) -> Departure:
    if member is None:
        return "left"
    if member.membership == "ban":
        return "banned"
    return "kicked" if member.by_another else "left"


def _invitation(room_id: str, body: dict[str, Any], me: str) -> Invitation:
    """Read an invitation's stripped state; what is malformed counts as missing."""
    inviter = creator = room_type = None
    for event in _list(_object(body.get("invite_state")).get("events")):
        raw = _object(event)
        sender, kind, key = raw.get("sender"), raw.get("type"), raw.get("state_key")
        if not isinstance(sender, str) or len(sender) > ID_CHARS:
            continue
        content = _object(raw.get("content"))
        if kind == "m.room.create" and key == "":
            creator = sender
            room_type = content.get("type") if isinstance(content.get("type"), str) else None
        elif kind == MEMBER and key == me and content.get("membership") == "invite":
            inviter = sender
    return Invitation(room_id, inviter, creator, room_type)


def _rooms(section: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Room ids and bodies of a section; JSON's keys are always text."""
    for room_id, body in _object(section).items():
        if room_id.startswith("!") and len(room_id) <= ID_CHARS and _is_unicode(room_id):
            yield room_id, _object(body)


def _is_unicode(text: str) -> bool:
    """Whether a text is free of lone surrogates, which JSON can bring and neither SQLite nor UTF-8 can hold."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


__all__ = ["Facts", "observe", "reconcile", "reduce"]
