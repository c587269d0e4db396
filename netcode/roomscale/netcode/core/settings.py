"""What a host may choose about the simulation.

Rule: a frozen dataclass with a docstring and a unit for each field; nothing here reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from roomscale.netcode.core.messages import MAX_PEER, MAX_RECORDS

MOST_SESSIONS: Final = MAX_PEER - 1
"""Sessions that a node can hold at most: as many as there are peer ids, but one that is always free."""


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """What a host may choose. The defaults are those of PROTOCOL.md."""

    tick_rate: int = 20
    """Steps a second, Hz."""
    capacity_per_world: int = 100
    """Sessions in one world, those still connecting included; at most `MOST_SESSIONS`."""
    capacity: int = 400
    """Sessions on this node in all; at most `MOST_SESSIONS`."""
    visible: int = MAX_RECORDS
    """Others that one is shown; at most 64, which fill a packet."""
    silence: float = 6.0
    """Seconds without a sign of life after which a participant is gone."""
    hello_timeout: float = 15.0
    """Seconds from the offer to HELLO: ICE and DTLS on a bad network take several."""
    malformed_limit: int = 5
    """Malformed frames that end a session."""
    events_rate: float = 20.0
    """Frames a second that a client may send on `events`."""
    events_burst: float = 40.0
    """Frames at once on `events`."""
    poses_rate: float = 40.0
    """Frames a second on `poses`: twice the tick rate, for clients whose timers stutter."""
    poses_burst: float = 80.0
    """Frames at once on `poses`."""
    excess_rate: float = 10.0
    """Frames a second above those bounds that are dropped and forgiven."""
    excess_burst: float = 300.0
    """Frames above the bounds at once that are forgiven."""
    max_speed: float = 10.0
    """Metres a second that anybody may move over the ground: twice a run, for lifts and slopes."""
    max_climb: float = 40.0
    """Metres a second upwards or downwards: bodies fall at up to 35."""
    speed_burst: float = 3.0
    """Seconds of such movement that may come at once: a network that was away for so long."""
    jumps_rate: float = 0.5
    """JUMPs a second that are granted."""
    jumps_burst: float = 6.0
    """JUMPs at once."""
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The middle of every world, metres."""
    reach: float = 2000.0
    """Metres from the origin along each axis to where the world ends; at most 8,388."""

    def __post_init__(self) -> None:
        if not (1 <= self.visible <= MAX_RECORDS and self.capacity <= MOST_SESSIONS):
            raise ValueError(f"at most {MAX_RECORDS} are shown, and a node holds at most {MOST_SESSIONS} sessions")
