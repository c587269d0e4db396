"""Who is in one world: seats, peer ids, shown names.

Rule: a peer id is reused only after all others were, and a shown name is never two people's at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from roomscale.netcode.core import names
from roomscale.netcode.core.bounds import Bucket
from roomscale.netcode.core.messages import MAX_PEER, Entrant
from roomscale.netcode.core.protocol import encode_entrant

PEER_IDS: Final = MAX_PEER
"""Peer ids are 1 to 8,191; 0 is nobody."""


class Stage(Enum):
    """How far a seat's owner has come."""

    CALLED = auto()
    """The offer was answered; HELLO has not come."""
    GREETED = auto()
    """HELLO was accepted; enters at the next step."""
    PRESENT = auto()
    """A participant: has a peer id's record, and the others know."""


@dataclass(slots=True, eq=False)
class Seat:
    """One session's place in a world."""

    session: str
    world: str
    user_id: str
    role: int
    asked: str
    """The name that the gate gave, before cleaning."""
    name: str
    """The name as shown."""
    peer: int
    heard_at: float
    """When a sign of life last came, or the offer."""
    events: Bucket
    poses: Bucket
    jumping: Bucket
    """What JUMPs are taken from, and version 1's leaps."""
    excess: Bucket
    """What frames above the bounds are taken from; empty means that the session ends."""
    stage: Stage = Stage.CALLED
    hello_due: bool = True
    """Whether HELLO may, and must, come: after each new connection."""
    welcome_due: bool = False
    """Whether WELCOME and everybody's ENTER are to be sent at the next step."""
    changed: bool = False
    """Whether the others must be told anew who this is."""
    avatar: str = ""
    client: str = ""
    version: int = 0
    body: bytes = b""
    """HELLO's pose, until there is a row for it."""
    row: int = -1
    muted: bool = False
    interval: int = 1
    """Ticks from one packet to the next, for this session."""
    era: int = 0
    """How many JUMPs came, and CORRECTs were sent above them, 4 bits each: a HERE of another era is dropped."""
    untold: list[int] = field(default_factory=list)
    """Peers of whom this one is still to be told, the first last."""
    last_seq: int = 0
    seen_pose: bool = False
    """Whether a POSE came since HELLO."""
    malformed: int = 0
    _entry: tuple[int, str, str, bytes] | None = None

    def entry(self) -> bytes:
        """This seat as ENTER shows it, encoded: once for everybody."""
        shown = (self.role, self.name, self.avatar)
        if self._entry is None or self._entry[:3] != shown:
            entrant = Entrant(self.peer, self.role, self.user_id, self.name, self.avatar)
            self._entry = (*shown, encode_entrant(entrant))
        return self._entry[3]


@dataclass(slots=True)
class Roster:
    """The seats of one world."""

    seats: dict[int, Seat] = field(default_factory=dict)
    """By peer id, in the order in which they were taken."""
    _likenesses: dict[str, int] = field(default_factory=dict)
    _last: int = 0

    def __len__(self) -> int:
        return len(self.seats)

    def free_peer(self) -> int:
        """A peer id that nobody has, the longest unused. The capacity keeps the search short."""
        while True:
            self._last = self._last % PEER_IDS + 1
            if self._last not in self.seats:
                return self._last

    def add(self, seat: Seat) -> None:
        """Take in a seat whose `peer` came from `free_peer`, and give it its shown name."""
        self.seats[seat.peer] = seat
        self.name(seat, seat.asked)

    def remove(self, seat: Seat) -> None:
        """Free a seat, its id and its name."""
        del self.seats[seat.peer]
        del self._likenesses[names.likeness(seat.name)]

    def name(self, seat: Seat, asked: str) -> bool:
        """Give a seat a name as near to `asked` as may be shown; True when the shown name changed."""
        before = seat.name
        if before and self._likenesses.get(names.likeness(before)) == seat.peer:
            del self._likenesses[names.likeness(before)]
        seat.asked = asked
        seat.name = names.apart(asked, self._likenesses.__contains__)
        self._likenesses[names.likeness(seat.name)] = seat.peer
        return seat.name != before
