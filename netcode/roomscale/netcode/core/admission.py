"""Which worlds there are on a node, and who gets a seat in one.

Rule: whoever is refused is told why, with the count, and those inside notice nothing. A world is there from its
first seat to the step at which its last one is gone.
"""

from __future__ import annotations

import heapq
import itertools

from roomscale.netcode.core.bounds import Bucket
from roomscale.netcode.core.frames import fit
from roomscale.netcode.core.roster import Seat
from roomscale.netcode.core.settings import MOST_SESSIONS, SimulationConfig
from roomscale.netcode.core.world import World
from roomscale.netcode.errors import JoinRefused


class Admission:
    """The worlds of a node, by their key."""

    def __init__(self, config: SimulationConfig) -> None:
        self._config = config
        self.worlds: dict[str, World] = {}
        self._unused = itertools.count()
        self._freed: list[int] = []
        """Numbers of worlds that are no more; the smallest is given first."""

    def seat(self, session: str, taken: int, *, world: str, user_id: str, name: str, role: int, now: float) -> Seat:
        """A new seat; `taken`: how many this node has given. Raises JoinRefused ("busy": the node is full)."""
        c = self._config
        if taken >= c.capacity:
            raise JoinRefused("busy", f"this server holds {c.capacity} visitors, and is full")
        place = self.worlds.get(world)
        if place is not None and place.full:
            raise JoinRefused("full", f"{len(place.roster)} of {place.capacity} are here")
        if place is None:
            place = self.worlds[world] = self._open(world)
        seat = Seat(
            session=session,
            world=world,
            user_id=fit(user_id),
            role=role,
            asked=name,
            name="",
            peer=place.roster.free_peer(),
            heard_at=now,
            events=Bucket(c.events_rate, c.events_burst, now),
            poses=Bucket(c.poses_rate, c.poses_burst, now),
            jumping=Bucket(c.jumps_rate, c.jumps_burst, now),
            excess=Bucket(c.excess_rate, c.excess_burst, now),
        )
        place.roster.add(seat)
        return seat

    def sweep(self) -> None:
        """Forget the worlds that nobody has a seat in."""
        for world in [w for w in self.worlds.values() if not w.roster]:
            del self.worlds[world.key]
            heapq.heappush(self._freed, world.number)

    def _open(self, key: str) -> World:
        number = heapq.heappop(self._freed) if self._freed else next(self._unused)
        return World(key, number, min(self._config.capacity_per_world, MOST_SESSIONS))
