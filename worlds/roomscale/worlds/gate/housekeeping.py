"""What the gate does by the clock: outage notices, invitations, reconciliation, old tickets, the janitor.

The one rule: each chore is bounded, and none can stop the others.
"""

from __future__ import annotations

import asyncio
import logging
import time

from roomscale.netcode.errors import NodeAway
from roomscale.worlds.errors import HomeserverError
from roomscale.worlds.gate import membership
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.outage import Notice, Outage
from roomscale.worlds.gate.policy import Rooms
from roomscale.worlds.gate.ports import Homeserver, Node
from roomscale.worlds.gate.tickets import Tickets
from roomscale.worlds.gate.watch import Watch

log = logging.getLogger(__name__)

TICK_S = 0.5
SWEEP_S = 600.0
"""Pause between two searches for expired tickets."""
RETRY_S = 5.0
"""After a reconciliation that failed."""


class Housekeeping:
    """Runs the chores."""

    def __init__(
        self,
        config: GateConfig,
        homeserver: Homeserver,
        node: Node,
        watch: Watch,
        rooms: Rooms,
        tickets: Tickets,
        outage: Outage,
    ) -> None:
        self._config = config
        self._homeserver = homeserver
        self._node = node
        self._watch = watch
        self._rooms = rooms
        self._tickets = tickets
        self._outage = outage
        self._due: dict[str, float] = {}
        self._swept = float("-inf")
        self._news = asyncio.Event()
        self.reconciled = 0
        """Rooms compared with the homeserver's full state since the start."""

    def answered(self) -> None:
        """The homeserver answered a sync: invitations may have come, an outage may be over."""
        for notice in self._outage.answered():
            log.info("the homeserver is back")
            asyncio.get_running_loop().create_task(self._tell(notice))
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            for notice in self._outage.due(time.monotonic()):
                await self._tell(notice)
            await self._rooms.tend()
            await self._reconcile()
            if time.monotonic() - self._swept > SWEEP_S:
                self._swept = time.monotonic()
                self._tickets.sweep(time.time())
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), TICK_S)
            except TimeoutError:
                continue

    async def _tell(self, notice: Notice) -> None:
        try:
            await self._node.notice(None, notice.code, notice.text)
        except NodeAway:
            log.debug("the node is away: a notice reaches nobody")

    async def _reconcile(self) -> None:
        """Compare one room that has visitors and whose turn it is with the homeserver's full state."""
        if not self._watch.synced.is_set() or self._outage.away:
            return
        now = time.monotonic()
        self._due = {room_id: self._due.get(room_id, now) for room_id in self._watch.sessions.rooms()}
        room_id = min(self._due, key=self._due.__getitem__, default=None)
        if room_id is None or self._due[room_id] > now:
            return
        asked = self._watch.view.rooms.get(room_id)
        if asked is None:
            await self._watch.compare(room_id)
            self._due[room_id] = now + self._config.reconcile_s
            return
        try:
            state = await self._homeserver.full_state(room_id)
        except HomeserverError as error:
            log.info("%s was not compared with the homeserver's state: %s", room_id, error)
            self._due[room_id] = now + RETRY_S
            return
        view, changes = membership.reconcile(self._watch.view, room_id, state, asked)
        await self._watch.take_in(view, changes)
        await self._watch.compare(room_id)
        self._due[room_id] = now + self._config.reconcile_s
        self.reconciled += 1
