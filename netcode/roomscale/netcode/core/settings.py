"""What a host may choose about the simulation.

Rule: a frozen dataclass with a docstring and a unit for each field; nothing here reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """What a host may choose. The defaults are those of PROTOCOL.md."""

    tick_rate: int = 20
    """Steps a second, Hz."""
    capacity_per_world: int = 100
    """Sessions in one world, those still connecting included; at most 65,535."""
    capacity: int = 400
    """Sessions on this node in all."""
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
