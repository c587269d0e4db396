"""A visitor's Matrix side, headless: what a browser's tab does to get in, and to be gone again.

A guest account, a name, the join, then the call by to-device (`docs/matrix-events.md`), as `web/src/session` makes it.

Rule: an answer counts only if it comes from the user whom the room's state names, and is meant for this tab and call;
it leads to no address but loopback and those that the caller allows. A visitor does not sync once it is inside.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from roomscale.netcode.testing.candidates import only_at
from roomscale.netcode.testing.headless import Headless
from roomscale.worlds.errors import EntryRefused, GateError, MatrixError, WorldRefused
from roomscale.worlds.gate.signalling import ANSWER, HANGUP, INVITE, TICKET_KEY, VERSION, WEBSOCKET_KEY
from roomscale.worlds.ids import RoomId
from roomscale.worlds.matrix import JsonObject, MatrixClient
from roomscale.worlds.matrix.transport import ONCE
from roomscale.worlds.model import SERVER_EVENT, ServerRef

log = logging.getLogger(__name__)

T = TypeVar("T")

REPEAT_S: Final = 4.0
"""Pause between two invites of one call: to-device may be lost without a word."""
LIFETIME_MS: Final = 10_000
"""How long an invite is worth answering."""
LARGEST_SDP: Final = 20_000  # characters, as the browser's client takes
MOST_RETRY_S: Final = 600.0
"""Longer than this nobody is waited for, whatever they ask for."""
PASSING: Final = frozenset({"busy", "homeserver_away"})
"""Reasons of a refusal that pass by themselves."""
REASON_PREFIX: Final = "org.roomscale."
LEAST_PAUSE_S: Final = 0.5
OPEN_S: Final = 15.0
"""Seconds from an answer to WELCOME; the node gives up a connection after as many."""
FINISH_S: Final = 5.0
"""Seconds that a join under way is given when the visitor no longer wants to come in."""
_TO_DEVICE_ONLY: Final = '{"room":{"rooms":[]},"presence":{"types":[]},"account_data":{"types":[]}}'


@dataclass(frozen=True, slots=True)
class Answer:
    """The world server lets us in."""

    sdp: str
    ticket: str | None
    """To come back with, see `gate.tickets`."""
    websocket_key: str | None = None
    """With which to come by WebSocket instead, once and soon."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """It does not; `reason` is one of docs/matrix-events.md, without its prefix."""

    reason: str
    retry_after_s: float


def read_reply(event: object, server: str, room_id: str, session: str, call_id: str) -> Answer | Refusal | None:
    """A raw to-device event as the reply to a call; None when it is none, or not from `server` to us. Pure."""
    if not isinstance(event, dict) or event.get("sender") != server:
        return None
    content = event.get("content")
    if not isinstance(content, dict):
        return None
    ours = (content.get("dest_session_id"), content.get("call_id"), content.get("conf_id"))
    if ours != (session, call_id, room_id):
        return None
    if event.get("type") == HANGUP:
        reason, wait = content.get("reason"), content.get("retry_after_ms")
        known = isinstance(wait, int) and not isinstance(wait, bool) and 0 <= wait <= MOST_RETRY_S * 1000
        return Refusal(
            reason.removeprefix(REASON_PREFIX)[:100] if isinstance(reason, str) else "",
            wait / 1000 if known and isinstance(wait, int) else 0.0,
        )
    answer = content.get("answer")
    sdp = answer.get("sdp") if event.get("type") == ANSWER and isinstance(answer, dict) else None
    if not isinstance(sdp, str) or len(sdp) > LARGEST_SDP:
        return None
    return Answer(sdp, _text_in(content.get(TICKET_KEY), "value"), _text_in(content.get(WEBSOCKET_KEY), "key"))


def _text_in(holder: object, key: str) -> str | None:
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else None


class Tab:
    """A browser's tab, headless: one Matrix account, one `sender_session_id`, and the calls that it makes."""

    def __init__(self, client: MatrixClient, server: ServerRef, room_id: str) -> None:
        self.client = client
        self.server = server
        self.room_id = room_id
        self.session = secrets.token_urlsafe(16)
        self._seq = 0
        self._since: str | None = None

    def invite(self, sdp: str, call_id: str) -> JsonObject:
        """The content of an `m.call.invite`; each one's `seq` is higher."""
        self._seq += 1
        return {
            "call_id": call_id,
            "party_id": self.session,
            "version": VERSION,
            "conf_id": self.room_id,
            "device_id": self.client.device_id,
            "sender_session_id": self.session,
            "dest_session_id": "",
            "seq": self._seq,
            "lifetime": LIFETIME_MS,
            "offer": {"type": "offer", "sdp": sdp},
        }

    async def send(self, content: JsonObject, event_type: str = INVITE) -> None:
        """Send something to the world server."""
        await self.client.send_to_device(event_type, self.server.user_id, self.server.device_id, content)

    async def replies(self, seconds: float) -> list[dict[str, Any]]:
        """What the world server sent to this tab, raw, waiting at most `seconds` for something.

        The first time it only looks how far the homeserver is, and gives what waited already.
        """
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            wait_ms = max(0, int(left * 1000)) if self._since else 0
            answer = await self.client.sync(self._since, timeout_ms=wait_ms, filter_json=_TO_DEVICE_ONLY)
            self._since = str(answer.get("next_batch", ""))
            to_device = answer.get("to_device")
            events = to_device.get("events") if isinstance(to_device, dict) else None
            found = [event for event in events if self._is_for_us(event)] if isinstance(events, list) else []
            if found or left <= 0:
                return found

    def _is_for_us(self, event: object) -> bool:
        if not isinstance(event, dict) or event.get("sender") != self.server.user_id:
            return False
        content = event.get("content")
        return isinstance(content, dict) and content.get("dest_session_id") == self.session

    async def call(self, sdp: str, *, seconds: float = 15.0) -> Answer | Refusal | None:
        """Call as the browser does, a fresh invite each 4 s, until there is a reply; None when nobody replies."""
        await self.replies(0)
        call_id = secrets.token_hex(8)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            await self.send(self.invite(sdp, call_id))
            for event in await self.replies(min(REPEAT_S, left)):
                reply = read_reply(event, self.server.user_id, self.room_id, self.session, call_id)
                if reply is not None:
                    return reply
        return None

    async def bring_in(self, visitor: Headless, *, hosts: Collection[str] = (), seconds: float = 60.0) -> None:
        """Call until there is an answer, and get the visitor inside; `hosts` are the IP addresses it may go to.

        A world server that is busy is called again when it asks for that, for `seconds` in all.
        Raises EntryRefused, GateError (nobody answered, or no connection came of it), BadAnswer, HomeserverError.
        """
        deadline = time.monotonic() + seconds
        while True:
            reply = await self.call(await visitor.offer(), seconds=deadline - time.monotonic())
            if reply is None:
                raise GateError(f"the world server {self.server.user_id} does not answer calls")
            if isinstance(reply, Answer):
                break
            pause = max(reply.retry_after_s, LEAST_PAUSE_S)
            if reply.reason not in PASSING or time.monotonic() + pause >= deadline:
                raise EntryRefused(reply.reason, f"the world server refuses: {reply.reason or 'no reason given'}")
            await asyncio.sleep(pause)
        await visitor.accept(only_at(reply.sdp, hosts))
        try:
            await visitor.inside(OPEN_S)
        except TimeoutError:
            raise GateError(f"answered, but no connection within {OPEN_S:g} s: is UDP to the node blocked?") from None


class Doorway:
    """The narrow part of coming in, for many at once: what homeservers limit goes one at a time, and waits as asked.

    `waits(seconds)` hears of each wait, and of 0.0 when it is over.
    """

    def __init__(
        self, homeserver: str, room_id: RoomId, via: Collection[str], waits: Callable[[float], object]
    ) -> None:
        self._homeserver = homeserver
        self._room_id = room_id
        self._via = tuple(via)
        self._waits = waits
        self._registering = asyncio.Lock()
        self._joining = asyncio.Lock()
        self.waited = 0.0
        """Seconds spent in waits that the homeserver asked for."""

    async def guest(self, name: str) -> MatrixClient:
        """A new guest of that name. Raises HomeserverError."""
        async with self._registering:  # in turn: all woken by the same 429 would be refused again but one
            client = await self._admitted(lambda: MatrixClient.guest(self._homeserver, patience=ONCE))
        try:
            await self._admitted(lambda: client.set_display_name(name))
        except MatrixError as error:  # a name that is not taken keeps nobody out
            log.info("the homeserver did not take the name %r: %s", name, error)
        except BaseException:
            await client.close()
            raise
        return client

    async def join(self, client: MatrixClient) -> Tab:
        """Join the room, and read whom to call. Raises HomeserverError, WorldRefused."""
        async with self._joining:
            await self._admitted(lambda: _whole(client.join(self._room_id, self._via)))
        content = await self._admitted(lambda: client.state_content(self._room_id, SERVER_EVENT))
        server, _ = ServerRef.read(content)
        if server is None:
            raise WorldRefused("the room names no world server")
        return Tab(client, server, self._room_id)

    async def leave(self, client: MatrixClient) -> bool:
        """Leave the room; False when the homeserver says that we cannot (we are not in it)."""
        try:
            await self._admitted(lambda: client.leave(self._room_id))
        except MatrixError as error:
            if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                return False
            raise
        return True

    async def _admitted(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the homeserver no longer says 429 (section "Rate limiting")."""
        while True:
            try:
                return await call()
            except MatrixError as error:
                pause = LEAST_PAUSE_S if error.retry_after_ms is None else error.retry_after_ms / 1000
                if error.status != HTTPStatus.TOO_MANY_REQUESTS or pause > MOST_RETRY_S:
                    raise
            self._waits(pause)
            self.waited += pause
            await asyncio.sleep(pause)
            self._waits(0.0)


async def _whole(request: Coroutine[Any, Any, T]) -> T:
    """Make a request that is not cut short when we are cancelled: what it did must be known, to be undone."""
    task = asyncio.create_task(request)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=FINISH_S)
        if task.done() and not task.cancelled():
            task.exception()  # nobody else asks for it
        raise
