"""Passes Matrix requests on to the homeserver, streamed both ways.

The one rule: nothing of a request or an answer is kept in memory beyond the chunk in flight, and when either side goes,
the other side's connection is cut at once (a closed tab must not leave its long poll with the homeserver).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
import yarl
from starlette.types import Message, Receive, Scope, Send

from roomscale.worlds.gate import addresses, headers, paths
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.gate.todevice import ToDeviceRates

log = logging.getLogger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"X-Requested-With, Content-Type, Authorization, Date"),
)
"""Client-server API, "Web Browser Clients": for the answers that are the gate's own."""
CONNECT_S = 3.0
SILENCE_S = 300.0
"""A homeserver that says nothing for so long is not coming back to this request (long polls ask for 30 s)."""


class _Refused(Exception):
    """Answer this request ourselves."""

    def __init__(self, status: int, errcode: str, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.errcode = errcode
        self.retry_after_ms = retry_after_ms


@dataclass
class PassStats:
    """Counters for the host."""

    passed: int = 0
    refused: int = 0
    away: int = 0
    under_way: int = 0


class PassThrough:
    """The ASGI application behind `/_matrix/client`, `/_matrix/media` and the client well-known."""

    def __init__(
        self, homeserver_url: str, public_url: str, limits: GateLimits, trusted: Sequence[addresses.Network]
    ) -> None:
        self._base = homeserver_url.rstrip("/")
        self._scheme = "https" if public_url.startswith("https:") else "http"
        self._limits = limits
        self._trusted = tuple(trusted)
        self._to_device = ToDeviceRates(limits)
        self._by_address: Counter[str] = Counter()
        self._session: aiohttp.ClientSession | None = None
        self.stats = PassStats()

    async def close(self) -> None:
        """Cut all upstream connections."""
        if self._session is not None:
            await self._session.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        peer = scope["client"][0] if scope.get("client") else "127.0.0.1"
        lines = [v.decode("latin-1") for k, v in scope["headers"] if k == b"x-forwarded-for"]
        address = addresses.visitor_address(peer, lines, self._trusted)
        key = addresses.budget_key(address)
        try:
            target = paths.target(scope.get("raw_path") or scope["path"].encode("utf-8", "replace"))
            self._admit(scope, target, key)
        except paths.PathRefused as refusal:
            code = "M_UNRECOGNIZED" if refusal.status == 404 else "M_INVALID_PARAM"
            await self._answer(send, _Refused(refusal.status, code, str(refusal)))
            return
        except _Refused as refusal:
            await self._answer(send, refusal)
            return
        self._by_address[key] += 1
        self.stats.under_way += 1
        try:
            await self._pass(scope, receive, send, target, address)
        finally:
            self.stats.under_way -= 1
            self._by_address[key] -= 1
            if not self._by_address[key]:
                del self._by_address[key]

    def _admit(self, scope: Scope, target: paths.Target, key: str) -> None:
        """Refuse what is over a limit, before a byte of the body is read."""
        if scope["method"] not in METHODS:
            raise _Refused(405, "M_UNRECOGNIZED", "This method is not known here")
        if self.stats.under_way >= self._limits.requests_at_once:
            raise _Refused(503, "M_LIMIT_EXCEEDED", "Too many requests are under way", 2000)
        if self._by_address[key] >= self._limits.requests_at_once_per_address:
            raise _Refused(429, "M_LIMIT_EXCEEDED", "Too many requests of your address are under way", 2000)
        length = headers.content_length(scope["headers"])
        if length is not None and length > self._most(target):
            raise _Refused(413, "M_TOO_LARGE", "This is too large")
        if target.kind == "to_device" and scope["method"] != "OPTIONS":
            now = asyncio.get_running_loop().time()
            token = headers.access_token(scope["headers"], scope["query_string"]) or f"address {key}"
            wait = self._to_device.admit(token, key, target.event_type, length, now)
            if wait is not None:
                raise _Refused(429, "M_LIMIT_EXCEEDED", "Too many to-device messages", int(wait * 1000) + 1)

    def _most(self, target: paths.Target) -> int:
        if target.kind == "media":
            return self._limits.upload_bytes
        return self._limits.to_device_bytes if target.kind == "to_device" else self._limits.body_bytes

    async def _pass(self, scope: Scope, receive: Receive, send: Send, target: paths.Target, address: str) -> None:
        """Run the exchange with the homeserver beside a watch on the visitor; the first to end ends both."""
        body = _Body(receive, self._most(target))
        sent = _Sent(send)
        exchange = asyncio.create_task(self._exchange(scope, body, sent, target, address))
        gone = asyncio.create_task(body.gone())
        try:
            await asyncio.wait({exchange, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not exchange.done():
                return
            self.stats.passed += 1
            exchange.result()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await self._broken(scope, sent, body, error)
        finally:
            for task in (exchange, gone):
                task.cancel()
            await asyncio.gather(exchange, gone, return_exceptions=True)

    async def _broken(self, scope: Scope, sent: _Sent, body: _Body, error: Exception) -> None:
        """The homeserver could not be asked, or stopped in the middle of its answer."""
        if sent.started:
            log.info("the homeserver broke off an answer: %s", type(error).__name__)
            return  # the server cuts the connection of an answer that is not finished
        if body.too_large:
            await self._answer(sent, _Refused(413, "M_TOO_LARGE", "This is too large"))
            return
        self.stats.away += 1
        if scope["method"] == "OPTIONS":
            await sent({"type": "http.response.start", "status": 204, "headers": list(CORS)})
            await sent({"type": "http.response.body", "body": b""})
            return
        status = 503 if isinstance(error, TimeoutError) else 502
        await self._answer(sent, _Refused(status, "M_UNKNOWN", "The homeserver is away"))

    async def _exchange(self, scope: Scope, body: _Body, send: Send, target: paths.Target, address: str) -> None:
        query = scope["query_string"].decode("latin-1")
        url = yarl.URL(f"{self._base}{target.path}{'?' + query if query else ''}", encoded=True)
        has_body = headers.has_body(scope["headers"])
        if not has_body:
            body.nothing_to_read()
        async with self._client().request(
            scope["method"],
            url,
            headers=headers.to_homeserver(scope["headers"], address, self._scheme),
            data=body.chunks() if has_body else None,
            allow_redirects=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as answer:
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": headers.to_visitor(answer.raw_headers, media=target.kind == "media"),
                }
            )
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=10),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session

    async def _answer(self, send: Send, refusal: _Refused) -> None:
        self.stats.refused += 1
        content: dict[str, object] = {"errcode": refusal.errcode, "error": str(refusal)}
        if refusal.retry_after_ms is not None:
            content["retry_after_ms"] = refusal.retry_after_ms
        payload = json.dumps(content).encode()
        lines = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(payload)).encode()),
            (b"x-content-type-options", b"nosniff"),
            *CORS,
        ]
        await send({"type": "http.response.start", "status": refusal.status, "headers": lines})
        await send({"type": "http.response.body", "body": payload})


class _Body:
    """The visitor's side of a request: its body in chunks, and then the watch for their leaving.

    ASGI has one `receive` for both, so one object owns it.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._read = asyncio.Event()
        self._gone = asyncio.Event()
        self.too_large = False

    def nothing_to_read(self) -> None:
        """The request has no body."""
        self._read.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes in."""
        length = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone.set()
                await asyncio.Event().wait()  # the watch cancels the exchange; nothing more may reach upstream
            chunk: bytes = message.get("body", b"")
            length += len(chunk)
            if length > self._most:
                self.too_large = True
                raise aiohttp.ClientPayloadError("too large")
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                self._read.set()
                return

    async def gone(self) -> None:
        """Returns when the visitor is gone."""
        read = asyncio.create_task(self._read.wait())
        gone = asyncio.create_task(self._gone.wait())
        try:
            await asyncio.wait({read, gone}, return_when=asyncio.FIRST_COMPLETED)
            while not self._gone.is_set():
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._gone.set()
        finally:
            read.cancel()
            gone.cancel()


class _Sent:
    """`send`, and whether an answer was begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)
