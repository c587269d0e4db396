"""The sync loop: brings the homeserver's news to the watch and to the door, for as long as the gate runs.

The one rule: the view is brought up to date before any call of the same answer is looked at, and a call that may have
waited for longer than its lifetime is not looked at at all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from roomscale.worlds.errors import HomeserverError, MatrixError
from roomscale.worlds.gate import membership
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.outage import Outage
from roomscale.worlds.gate.store import GateStore
from roomscale.worlds.gate.upstream import Upstream
from roomscale.worlds.gate.watch import Watch

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0
"""A homeserver that comes back is found within this time."""
REFUSED_PAUSE_S = 30.0
"""After a refused login: homeservers limit logins, and only a person can mend it."""
TO_DEVICE_PAGE = 100
"""Synapse gives at most so many to-device messages per sync: a full page means that older ones may follow."""


class MatrixLoop:
    """Runs `/sync` for ever."""

    def __init__(
        self,
        config: GateConfig,
        upstream: Upstream,
        store: GateStore,
        watch: Watch,
        outage: Outage,
        receive: Callable[[object], None],
        on_answer: Callable[[], None],
    ) -> None:
        self._config = config
        self._upstream = upstream
        self._store = store
        self._watch = watch
        self._outage = outage
        self._receive = receive
        self._on_answer = on_answer
        self._since = store.get("since")
        self._last_answer = float(store.get("synced_at") or 0.0)
        self._backlog = False
        self.problem: str | None = "the first sync is not in yet"
        """Why the homeserver is of no use now; None while it is."""
        self.dropped_as_stale = 0

    async def run(self) -> None:
        """Sync until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            asked = time.time()
            try:
                first = not self._watch.synced.is_set()
                answer = await self._upstream.sync(self._since, first=first, wait=self.problem is None)
                await self._take_in(answer, asked)
            except MatrixError as error:
                pause = await self._refused(error, pause)
            except HomeserverError as error:
                self._missed(str(error))
            else:
                pause = FIRST_PAUSE_S
                continue
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2) if pause < LONGEST_PAUSE_S else LONGEST_PAUSE_S

    async def _refused(self, error: MatrixError, pause: float) -> float:
        """The homeserver said no: the pause before the next try, in seconds."""
        self._missed(str(error))
        if error.status == 400 and self._since is not None:
            log.warning("the homeserver does not know our place in its stream (%s): starting afresh", error)
            self._since = None
            self._store.put(since=None)
            self._watch.synced.clear()
        elif error.status in (401, 403):
            log.error("the homeserver does not let %s in: %s", self._config.user_id, error)
            await self._upstream.forget_login()
            return REFUSED_PAUSE_S
        elif error.retry_after_ms is not None:
            return max(pause, min(REFUSED_PAUSE_S, error.retry_after_ms / 1000))
        return pause

    def _missed(self, problem: str) -> None:
        if self.problem != problem:
            log.warning("no sync: %s", problem)
        self.problem = problem
        self._outage.failed(time.monotonic())

    async def _take_in(self, answer: dict[str, Any], asked: float) -> None:
        token = answer.get("next_batch")
        if not isinstance(token, str):
            raise HomeserverError("the homeserver's sync has no next_batch")
        now = time.time()
        first = not self._watch.synced.is_set()
        await self._watch.take_in(*membership.reduce(self._watch.view, answer))
        if first:
            self._watch.synced.set()
            log.info("first sync: %d rooms", len(self._watch.view.rooms))
            await self._watch.compare()
        self.problem = None
        self._on_answer()
        self._calls(answer, stale=self._after_gap(asked, now))
        self._since, self._last_answer = token, now
        self._store.put(since=token, synced_at=str(now))

    def _after_gap(self, asked: float, now: float) -> bool:
        """Whether this answer's to-device messages may have waited longer than a call lives.

        They came after the answer before this one, and an open long poll hands them over at once: so what counts is
        for how long no poll was open, and whether this one was answered late (a process that was stopped).
        """
        unwatched = asked - self._last_answer
        late = now - asked - self._config.sync_timeout_s
        return unwatched > self._config.call_lifetime_s or late > self._config.call_lifetime_s

    def _calls(self, answer: dict[str, Any], *, stale: bool) -> None:
        to_device = answer.get("to_device")
        events = to_device.get("events") if isinstance(to_device, dict) else None
        if not isinstance(events, list):
            events = []
        stale = stale or self._backlog
        self._backlog = stale and len(events) >= TO_DEVICE_PAGE
        if stale:
            if events:
                log.info("%d to-device messages dropped: they may be older than a call lives", len(events))
            self.dropped_as_stale += len(events)
            return
        for event in events:
            try:
                self._receive(event)
            except Exception:  # else one message that we misread would stop the gate, again at each start
                log.exception("a mistake of ours with a to-device message")
