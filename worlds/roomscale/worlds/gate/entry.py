"""The door: from a call to an answer, and from a ticket to an answer.

The one rule: nobody's offer reaches the node before the homeserver said that they are joined (a ticket's redemption
asks the live view instead, so that it works while the homeserver is down), and no answer leaves for somebody who was
sent away meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Coroutine
from itertools import count
from typing import Any

from roomscale.netcode.errors import NodeAway
from roomscale.worlds.errors import HomeserverError
from roomscale.worlds.gate import membership, signalling
from roomscale.worlds.gate.budget import Line
from roomscale.worlds.gate.calls import CallLog
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.offerrates import OfferRates
from roomscale.worlds.gate.ports import Answer, Homeserver, Node, OfferRefused
from roomscale.worlds.gate.rooms import RoomView
from roomscale.worlds.gate.sessions import Session, session_key
from roomscale.worlds.gate.signalling import Caller, CallRefused, Hangup, Invite, Refusal
from roomscale.worlds.gate.tickets import Tickets
from roomscale.worlds.gate.watch import BANNED, Watch

log = logging.getLogger(__name__)

FULL_RETRY_MS = 10_000
AWAY_RETRY_MS = 4_000
_FROM_NODE: dict[str, Refusal] = {"full": "full", "busy": "busy", "bad_offer": "bad_offer"}


class Door:
    """Answers calls that come by to-device."""

    def __init__(self, config: GateConfig, homeserver: Homeserver, node: Node, watch: Watch, tickets: Tickets) -> None:
        self._config = config
        self._homeserver = homeserver
        self._node = node
        self._watch = watch
        self._tickets = tickets
        self._calls = CallLog()
        self._rates = OfferRates(config.limits)
        self._line: Line[Invite] = Line(config.limits.offers_waiting, config.limits.offers_at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy_tabs: Counter[str] = Counter()
        self._seq = count(1)
        self.server_session = secrets.token_urlsafe(16)
        """Our `sender_session_id`: fresh with each start of the gate."""
        self.outcomes: Counter[str] = Counter()
        """How calls ended: `answered`, a refusal's code, `dropped`, `stale`, `again`."""

    def receive(self, event: object) -> None:
        """Take one raw to-device event of a sync."""
        now = time.monotonic()
        try:
            call = signalling.parse_call(event, self.server_session, self._config.limits)
            if isinstance(call, Hangup):
                self._hang_up(call.caller)
            elif call is not None:
                self._take(call, now)
        except CallRefused as refusal:
            self._refuse(refusal, now)

    async def close(self) -> None:
        """Drop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, invite: Invite, now: float) -> None:
        caller = invite.caller
        verdict = self._calls.judge(invite, now)
        if verdict in ("stale", "waiting"):
            self.outcomes[verdict] += 1
            return
        if verdict == "again":
            answered = self._calls.answered(invite)
            if answered is not None and self._rates.repeat(caller.user_id, now):
                self.outcomes["again"] += 1
                self._spawn(self._send(caller, *answered))
            return
        room = self._watch.view.served(caller.room_id)
        guest = room is None or (m := room.members.get(caller.user_id)) is None or m.guest
        wait = self._rates.admit(caller.user_id, caller.room_id, guest=guest, now=now)
        if wait is not None:
            raise CallRefused("too many calls", caller, "busy", int(wait * 1000) + 1)
        if not self._line.put(caller.tab_key, invite, guest=guest):
            raise CallRefused("the line is full", caller, "busy", AWAY_RETRY_MS)
        self._serve_line()

    def _serve_line(self) -> None:
        while (served := self._line.next()) is not None:
            invite, guest = served
            self._spawn(self._work(invite, guest=guest))

    async def _work(self, invite: Invite, *, guest: bool) -> None:
        try:
            await self._answer(invite)
        except CallRefused as refusal:
            self._refuse(refusal, time.monotonic(), invite)
        finally:
            self._line.done(guest=guest)
            self._serve_line()

    async def _answer(self, invite: Invite) -> None:
        caller = invite.caller
        key = session_key(caller.user_id, caller.room_id, caller.tab)
        newcomer = Session(key, caller.user_id, caller.room_id, "", 0, guest=True)
        with self._watch.sessions.entering(newcomer) as session:
            session.tab_key = caller.tab_key
            await self._check(session, caller)
            answer = await self.admit(session, invite.sdp, caller)
        content = signalling.answer_content(
            caller,
            self.server_session,
            self._config.device_id,
            next(self._seq),
            answer.sdp,
            self._tickets.issue(session, time.time()),
            signalling.websocket(answer.key),
        )
        self._calls.answer(invite, signalling.ANSWER, content)
        self.outcomes["answered"] += 1
        await self._send(caller, signalling.ANSWER, content)
        await self._watch.replace_elsewhere(session)

    async def _check(self, session: Session, caller: Caller) -> None:
        """Ask the homeserver whether the caller is joined, and fill in what it says of them. Raises CallRefused."""
        room = self._watch.view.served(session.room_id)
        if room is None:
            raise CallRefused("this server does not serve that room", caller, "not_joined")
        room = await self._ask(room, session.user_id, caller)
        standing = room.standing(session.user_id)
        if standing != "joined":
            raise CallRefused("not joined", caller, "not_joined" if standing == "absent" else "banned")
        session.follow(room)
        self._check_places(session, caller)

    async def _ask(self, asked: RoomView, user_id: str, caller: Caller) -> RoomView:
        try:
            event = await self._homeserver.member(asked.room_id, user_id)
        except HomeserverError as error:
            log.info("the homeserver did not say whether %s is joined: %s", user_id, error)
            raise CallRefused("the homeserver is away", caller, "homeserver_away", AWAY_RETRY_MS) from None
        if event is None:
            event = {"type": membership.MEMBER, "state_key": user_id, "sender": user_id, "content": {}}
        await self._watch.take_in(*membership.observe(self._watch.view, asked.room_id, event, asked))
        room = self._watch.view.served(asked.room_id)
        if room is None:
            raise CallRefused("this server no longer serves that room", caller, "not_joined")
        return room

    def _check_places(self, session: Session, caller: Caller | None) -> None:
        """Whether the world has a place for this one. Raises CallRefused."""
        limits, sessions = self._config.limits, self._watch.sessions
        if session.inside:
            return  # has one already
        mine = sum(s is not session for s in sessions.of(session.room_id, session.user_id))
        if mine >= limits.sessions_per_user:
            raise CallRefused("too many tabs", caller, "busy", FULL_RETRY_MS)
        others = sessions.count(session.room_id) - (sessions.get(session.key) is session)
        guests = sessions.guests(session.room_id) - (session.guest and sessions.get(session.key) is session)
        if others >= limits.world_capacity or (
            session.guest and guests >= int(limits.guest_share * limits.world_capacity)
        ):
            raise CallRefused("this world is full", caller, "full", FULL_RETRY_MS)

    async def admit(self, session: Session, sdp: str, caller: Caller | None = None) -> Answer:
        """Hand an offer to the node; its answer. Raises CallRefused."""
        if session.revoked:
            raise CallRefused("sent away meanwhile", caller, "not_joined")
        self._check_places(session, caller)
        try:
            answer = await self._node.offer(session, sdp)
        except NodeAway:
            raise CallRefused("the world's node is away", caller, "busy", AWAY_RETRY_MS) from None
        except OfferRefused as refusal:
            code = _FROM_NODE.get(refusal.code, "busy")
            retry = None if code == "bad_offer" else FULL_RETRY_MS
            raise CallRefused(str(refusal), caller, code, retry) from None
        if session.revoked:
            with contextlib.suppress(NodeAway):
                await self._node.eject(session.key, BANNED, "You were sent out of this world.")
            raise CallRefused("sent away meanwhile", caller, "not_joined")
        session.inside = True
        return answer

    def closed(self, session: Session) -> None:
        """The node ended a session: the answer that opened it is void."""
        if session.tab_key is not None:
            self._calls.forget(session.tab_key)

    def _hang_up(self, caller: Caller) -> None:
        session = self._watch.sessions.get(session_key(caller.user_id, caller.room_id, caller.tab))
        if session is not None:
            self._spawn(self._watch.hang_up([session]))

    def _refuse(self, refusal: CallRefused, now: float, invite: Invite | None = None) -> None:
        """Tell the caller, if there is one and they are not told too often already."""
        caller = refusal.caller
        self.outcomes[refusal.code if caller is not None else "dropped"] += 1
        if caller is None or not self._rates.refuse(caller.user_id, now):
            return
        content = signalling.refusal_content(
            caller,
            self.server_session,
            self._config.device_id,
            next(self._seq),
            refusal.code,
            refusal.retry_after_ms,
        )
        if invite is not None:
            self._calls.answer(invite, signalling.HANGUP, content)
        log.info("refused %s in %s: %s (%s)", caller.user_id, caller.room_id, refusal.code, refusal)
        self._spawn(self._send(caller, signalling.HANGUP, content))

    async def _send(self, caller: Caller, event_type: str, content: dict[str, object]) -> None:
        try:
            await self._homeserver.to_device(caller.user_id, caller.device_id, event_type, content)
        except HomeserverError as error:
            log.info("%s to %s was not delivered: %s", event_type, caller.user_id, error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
