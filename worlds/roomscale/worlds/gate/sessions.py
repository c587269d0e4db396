"""Who is inside, as the gate knows it: the sessions that the node holds, and those on their way in. Pure.

The one rule: somebody who is on their way in is listed from the first moment, so that a ban that arrives meanwhile
finds them.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roomscale.worlds.gate.rooms import RoomView


@dataclass
class Session:
    """One tab of one person in one world."""

    key: str
    """Its name on the seam (`session_key`)."""
    user_id: str
    room_id: str
    name: str
    role: int
    guest: bool
    muted: bool = False
    """May not show that it speaks."""
    tab_key: str | None = None
    """`signalling.Caller.tab_key`; None for one adopted from the node."""
    inside: bool = False
    """The node has answered its offer."""
    revoked: bool = False
    """Sent away; an entry that is under way must come to nothing."""
    entries: int = 0
    """Offers of it that are under way: a tab may call again before it was answered."""

    def follow(self, room: RoomView) -> bool:
        """Be what the room says of its person, who is joined; whether anybody will see a difference.

        Who has no display name is called by their localpart; the node cleans names and tells them apart.
        """
        member, before = room.members[self.user_id], (self.name, self.role, self.muted)
        self.name = member.name or self.user_id[1:].partition(":")[0]
        self.role = int(room.role(self.user_id))
        self.guest = member.guest
        self.muted = room.muted(self.user_id)
        return before != (self.name, self.role, self.muted)


class Sessions:
    """All sessions, found by their key, their room, their person."""

    def __init__(self) -> None:
        self._by_key: dict[str, Session] = {}
        self._by_room: dict[str, dict[str, Session]] = {}

    def add(self, session: Session) -> Session:
        """List a session; the one of the same key, if any, is replaced."""
        self._by_key[session.key] = session
        self._by_room.setdefault(session.room_id, {})[session.key] = session
        return session

    def get(self, key: str) -> Session | None:
        """The session of this key."""
        return self._by_key.get(key)

    def remove(self, session: Session) -> None:
        """Take a session off the list; another one that has its key by now stays."""
        if self._by_key.get(session.key) is not session:
            return
        del self._by_key[session.key]
        room = self._by_room[session.room_id]
        del room[session.key]
        if not room:
            del self._by_room[session.room_id]

    @contextlib.contextmanager
    def entering(self, session: Session) -> Iterator[Session]:
        """List a session while an offer of it is under way; it stays listed if that led inside.

        Gives the session that is listed under this key already, if there is one.
        """
        listed = self._by_key.get(session.key) or self.add(session)
        listed.entries += 1
        try:
            yield listed
        finally:
            listed.entries -= 1
            if not listed.inside and not listed.entries:
                self.remove(listed)

    def closed(self, session: Session) -> None:
        """The node ended a session: it is off the list, unless another offer of it is under way."""
        session.inside = False
        if not session.entries:
            self.remove(session)

    def revoke(self, session: Session) -> None:
        """Take a session off the list for good: its entry, if under way, must come to nothing."""
        session.revoked = True
        self.remove(session)

    def in_room(self, room_id: str) -> list[Session]:
        """Sessions of a room."""
        return list(self._by_room.get(room_id, {}).values())

    def of(self, room_id: str, user_id: str) -> list[Session]:
        """Sessions of a person in a room."""
        return [s for s in self._by_room.get(room_id, {}).values() if s.user_id == user_id]

    def of_tab(self, tab_key: str) -> list[Session]:
        """Sessions of one tab: more than one while it moves from world to world."""
        return [s for s in self._by_key.values() if s.tab_key == tab_key]

    def rooms(self) -> list[str]:
        """Rooms with sessions."""
        return list(self._by_room)

    def visitors(self, room_id: str) -> int:
        """How many are inside a room."""
        return sum(s.inside for s in self._by_room.get(room_id, {}).values())

    def guests(self, room_id: str) -> int:
        """How many guests are in a room or on their way."""
        return sum(s.guest for s in self._by_room.get(room_id, {}).values())

    def count(self, room_id: str) -> int:
        """How many are in a room or on their way."""
        return len(self._by_room.get(room_id, {}))

    def adopt(self, there: Iterable[Session]) -> None:
        """Make the list what the node says it holds. Entries under way stay; what the node no longer has goes."""
        held = {session.key: session for session in there}
        for session in list(self._by_key.values()):
            if session.inside and session.key not in held:
                self.remove(session)
        for key, session in held.items():
            known = self._by_key.get(key)
            if known is None:
                self.add(session)
            else:
                known.inside = True

    def people(self) -> set[tuple[str, str]]:
        """Room id and user id of everybody who is in a world, or on their way."""
        return {(session.room_id, session.user_id) for session in self._by_key.values()}

    def __len__(self) -> int:
        return len(self._by_key)


def session_key(user_id: str, room_id: str, tab: str) -> str:
    """The name of a session on the seam: nobody can name another user's session, whatever tab id they claim."""
    parts = "\0".join((user_id, room_id, tab)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(parts).hexdigest()[:40]
