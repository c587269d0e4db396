"""Coming back with a ticket, over HTTPS.

The one rule: it asks the live view and never the homeserver, so that a broken path or a restarted node is survived
while the homeserver is down. If the gate itself was restarted meanwhile and has no view yet, the ticket stands for the
last one: tickets of those who left, or were sent away, are void.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from roomscale.worlds.gate import signalling
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.entry import Door
from roomscale.worlds.gate.outage import Outage
from roomscale.worlds.gate.sessions import Session
from roomscale.worlds.gate.signalling import CallRefused
from roomscale.worlds.gate.store import TicketRow
from roomscale.worlds.gate.tickets import Tickets
from roomscale.worlds.gate.watch import Watch

VIEW_WAIT_S = 3.0
"""How long a gate that has just started waits for its first sync before it goes by the ticket, or says so."""
AT_ONCE = 16
WAITING = 400
_STATUS = {"bad_offer": 400, "not_joined": 403, "banned": 403, "full": 503, "busy": 503, "homeserver_away": 503}


class ResumeRefused(Exception):
    """No way back: `status` is the HTTP status, `code` one word for the client."""

    def __init__(self, status: int, code: str, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_ms = retry_after_ms


class Resumption:
    """Redeems tickets."""

    def __init__(self, config: GateConfig, door: Door, watch: Watch, tickets: Tickets, outage: Outage) -> None:
        self._config = config
        self._door = door
        self._watch = watch
        self._tickets = tickets
        self._outage = outage
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self.resumed = 0
        """Tickets redeemed since the start."""

    async def resume(self, body: object) -> dict[str, Any]:
        """From `{ticket, session, offer}` to `{answer, ticket, websocket}`. Raises ResumeRefused."""
        ticket, tab, sdp = self._read(body)
        if self._waiting >= WAITING:
            raise ResumeRefused(503, "busy", "too many are coming back at once", 2_000)
        self._waiting += 1
        try:
            async with self._slots:
                await self._wait_for_view()
                row = self._tickets.redeem(ticket, tab, time.time())
                if row is None:
                    raise ResumeRefused(401, "ticket", "this ticket is unknown, used or too old")
                return await self._come_back(row, tab, sdp)
        finally:
            self._waiting -= 1

    def _read(self, body: object) -> tuple[str, str, str]:
        if not isinstance(body, dict):
            raise ResumeRefused(400, "bad_request", "the request is no JSON object")
        ticket, tab = body.get("ticket"), body.get("session")
        if not isinstance(ticket, str) or not isinstance(tab, str) or len(tab) > signalling.ID_CHARS:
            raise ResumeRefused(400, "bad_request", "ticket and session are texts")
        try:
            return ticket, tab, signalling.check_offer(body.get("offer"), self._config.limits)
        except CallRefused as refusal:
            raise ResumeRefused(400, "bad_offer", str(refusal)) from None

    async def _wait_for_view(self) -> None:
        if self._watch.synced.is_set() or self._outage.away:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watch.synced.wait(), VIEW_WAIT_S)
        if not self._watch.synced.is_set() and not self._outage.away:
            raise ResumeRefused(503, "starting", "the gate has just started", 1_000)

    async def _come_back(self, row: TicketRow, tab: str, sdp: str) -> dict[str, Any]:
        with self._watch.sessions.entering(self._session(row, tab)) as session:
            try:
                answer = await self._door.admit(session, sdp)
            except CallRefused as refusal:
                if refusal.code in ("full", "busy") and not session.revoked:
                    self._tickets.give_back(row)
                raise ResumeRefused(_STATUS[refusal.code], refusal.code, str(refusal), refusal.retry_after_ms) from None
        self.resumed += 1
        return {
            "answer": {"type": "answer", "sdp": answer.sdp},
            "ticket": self._tickets.issue(session, time.time()),
            "websocket": signalling.websocket(answer.key),
        }

    def _session(self, row: TicketRow, tab: str) -> Session:
        """The session that a ticket speaks for, as far as its person may still be here. Raises ResumeRefused."""
        known = self._watch.sessions.get(row.session)
        # A mute is not on the ticket: with no view and no node that remembers, it comes back with the first sync.
        session = known or Session(row.session, row.user_id, row.room_id, row.name, row.role, row.guest)
        if self._watch.synced.is_set():
            room = self._watch.view.served(row.room_id)
            standing = "absent" if room is None else room.standing(row.user_id)
            if room is None or standing != "joined":
                code = "banned" if standing in ("banned", "denied") else "not_joined"
                raise ResumeRefused(403, code, "you are no longer in this room")
            session.follow(room)
        session.tab_key = signalling.tab_key(row.user_id, tab)
        return session
