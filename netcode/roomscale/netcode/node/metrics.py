"""What a host may know of a node: one dictionary of JSON values, for the seam.

Rule: collecting changes nothing and costs next to nothing. Units stand in the names.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
from typing import Any

from roomscale.netcode.core.simulation import Simulation
from roomscale.netcode.node.loop import TickLoop
from roomscale.netcode.node.transport import Transport


def collect(simulation: Simulation, ticks: TickLoop, transport: Transport, uptime: float) -> dict[str, Any]:
    """`worlds` (participants by world), `sessions`, `tick`, `frames`, `ticks`, `transport`, `process`.

    uptime: seconds.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB elsewhere
    sessions = simulation.sessions()
    return {
        "worlds": simulation.worlds(),
        "sessions": len(sessions),
        "participants": sum(1 for s in sessions if s.present),
        "tick": simulation.tick,
        "frames": dataclasses.asdict(simulation.counts),
        "ticks": ticks.stats(),
        "transport": transport.stats(),
        "process": {
            "uptime_s": round(uptime, 3),
            "cpu_user_s": round(usage.ru_utime, 3),
            "cpu_system_s": round(usage.ru_stime, 3),
            "rss_max_bytes": usage.ru_maxrss * unit,
        },
    }
