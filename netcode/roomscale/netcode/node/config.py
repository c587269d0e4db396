"""What a host may choose about a node.

Rule: a frozen dataclass with a docstring and a unit for each field; nothing here reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One netcode node."""

    seam_path: Path
    """The Unix socket at which the gate is served; made with mode 0600 once the node is ready, removed at its end."""
    bind_hosts: tuple[str, ...] = ("127.0.0.1",)
    """IP addresses that visitors reach, UDP. `0.0.0.0` and `::` are all of the machine's but loopback, or loopback
    when there is no other."""
    transport: Literal["lean", "aiortc"] = "lean"
    """`lean`: our own endpoint, all visitors on one UDP port. `aiortc`: a port for each, and several times the CPU."""
    udp_port: int = 0
    """The UDP port of all visitors (lean); 0 for any that is free."""
    public_address: str | None = None
    """The IP address to tell visitors instead of the bound ones (1:1 NAT, containers)."""
    tick_rate: int = 20
    """Steps and snapshots a second, Hz."""
    adaptive: bool = True
    """Send less often to those whose path takes less, and to all when this node has too much to do."""
    capacity_per_world: int = 100
    """Sessions in one world."""
    capacity: int = 400
    """Sessions on this node in all; aiortc takes about 0.3% of a core for each at 20 Hz."""
    silence: float = 6.0
    """Seconds without a sign of life after which a visitor is gone."""
    hello_timeout: float = 15.0
    """Seconds from the answer to HELLO."""
    malformed_limit: int = 5
    """Malformed frames that end a session."""
    backlog: int = 262_144
    """Bytes that may wait on `events` for one visitor, who is dropped beyond."""
    linger: float = 0.5
    """Seconds that a GOODBYE may take to be acknowledged before the connection is closed anyway."""
    answers_at_once: int = 8
    """Offers answered at the same time; the others wait. A DTLS handshake takes about 5 ms of CPU."""
    leash: bool = True
    """End when standard input reaches EOF: whoever started this node holds the other end."""
