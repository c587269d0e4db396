"""What the simulation tells its pipe besides frames: what happened, who is here, how often.

Rule: values only; the simulation fills them, and nobody acts here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roomscale.netcode.core.messages import GoodbyeCode


@dataclass(frozen=True, slots=True)
class Entered:
    """A session became a participant, for the first time or again on a new connection."""

    session: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A session is over. When the transport is still there, GOODBYE is the last frame in `outgoing`."""

    session: str
    code: GoodbyeCode
    reason: str


Event = Entered | Closed


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    frames_in: int = 0
    bytes_in: int = 0
    frames_out: int = 0
    bytes_out: int = 0
    malformed: int = 0
    excess: int = 0
    """Frames dropped because their sender was above its bounds."""
    stale_poses: int = 0
    """POSEs that came after a newer one, or twice."""
    jumps: int = 0
    """JUMPs granted, and leaps of version 1."""
    corrected: int = 0
    """Poses taken back: too far from the last, or outside of the world."""
    interval: int = 1
    """Ticks between packets at least, for everybody: above 1 while the node is overloaded."""
    slowed: int = 0
    """Ticks at which it was above 1."""
    entered: int = 0
    closed: dict[str, int] = field(default_factory=dict)
    """Sessions that ended, by the name of their `GoodbyeCode`."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """What others may know of a session."""

    session: str
    world: str
    user_id: str
    name: str
    role: int
    muted: bool
    peer: int
    present: bool
