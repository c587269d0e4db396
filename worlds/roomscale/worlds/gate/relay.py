"""`GET /net`: a visitor's WebSocket, passed on to the node message by message.

The one rule: what is said is the node's affair. The gate bounds it: who may open how many, how large a message is, and
how much waits, which is next to nothing; each side is read as fast as the other one takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from roomscale.netcode.node import framing
from roomscale.worlds.gate import addresses, signalling
from roomscale.worlds.gate.budget import Rates
from roomscale.worlds.gate.config import GateLimits

log = logging.getLogger(__name__)

KEY_S = 5.0
"""Seconds from the upgrade to the key."""
STUCK_S = 15.0
"""Seconds that a visitor may take to make room for one message."""
LENGTH_BYTES = 2
WRONG_KEY, UNREADABLE, AWAY, ENDED = 4401, 1003, 1013, 1000
"""Close codes: the key is not good; no message of ours; the node is away, or many others are here; it is over."""


def same_site(origin: str | None, host: str, public_url: str) -> bool:
    """Whether a request comes from our own page, or from no page at all."""
    if origin is None:
        return True
    parts, public = urlsplit(origin.lower()), urlsplit(public_url.lower())
    return bool(parts.netloc) and (
        parts.netloc == host.lower() or (parts.scheme, parts.netloc) == (public.scheme, public.netloc)
    )


@dataclass
class RelayStats:
    """Counters for the host."""

    open: int = 0
    passed: int = 0
    """Those that showed a key the node took."""
    refused: int = 0
    crowded_out: int = 0
    """Those without a key that had to make room for newer ones."""


class Relay:
    """The ASGI application behind `/net`."""

    def __init__(self, path: Path, public_url: str, limits: GateLimits, trusted: Sequence[addresses.Network]) -> None:
        self._path = path
        self._public_url = public_url
        self._limits = limits
        self._trusted = tuple(trusted)
        self._by_address: Counter[str] = Counter()
        self._rates: Rates[str] = Rates(limits.websockets_per_address_rate, limits.websockets_per_address_burst)
        self._keyless: dict[asyncio.Future[None], None] = {}
        """Those that have shown no key yet, the oldest first; each ends when its future is done."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self.stats = RelayStats()

    async def close(self) -> None:
        """Wait until all have ended, once uvicorn has cut them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STUCK_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket."""
        peer = scope["client"][0] if scope.get("client") else "127.0.0.1"
        address = addresses.visitor_address(peer, _header(scope, b"x-forwarded-for"), self._trusted)
        key = addresses.budget_key(address)
        status = self._refusal(scope, key)
        if status is not None:
            self.stats.refused += 1
            await _refuse(send, status)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - uvicorn made it
        self._tasks.add(task)
        self._by_address[key] += 1
        self.stats.open += 1
        try:
            await self._serve(receive, send)
        except OSError:  # uvicorn: the visitor is gone already
            pass
        finally:
            self._tasks.discard(task)
            self.stats.open -= 1
            self._by_address[key] -= 1
            if not self._by_address[key]:
                del self._by_address[key]

    async def _serve(self, receive: Receive, send: Send) -> None:
        """One WebSocket, from its upgrade to its end."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        first = await self._key(receive)
        if first is not None:
            code = await self._relay(first, receive, send)
            await send({"type": "websocket.close", "code": code})

    def _refusal(self, scope: Scope, key: str) -> int | None:
        """The HTTP status that refuses an upgrade; None when it is welcome."""
        if scope["path"] != signalling.WEBSOCKET_PATH:
            return 404
        hosts, origins = _header(scope, b"host"), _header(scope, b"origin")
        if not same_site(origins[0] if origins else None, hosts[0] if hosts else "", self._public_url):
            return 403
        if self.stats.open >= self._limits.websockets_at_once:
            return 503
        crowded = self._by_address[key] >= self._limits.websockets_per_address
        return 429 if crowded or not self._rates.take(key, time.monotonic()) else None

    async def _key(self, receive: Receive) -> bytes | None:
        """The visitor's first message, if it is a key and comes soon; None if not."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if len(self._keyless) >= self._limits.websockets_keyless:
            oldest = next(iter(self._keyless))  # an honest client shows its key at once: hardly one of those
            del self._keyless[oldest]
            oldest.set_result(None)
            self.stats.crowded_out += 1
        self._keyless[turn] = None
        first = asyncio.ensure_future(receive())
        ends: set[asyncio.Future[Any]] = {first, turn}
        try:
            await asyncio.wait(ends, timeout=KEY_S, return_when=asyncio.FIRST_COMPLETED)
            message = first.result() if first.done() else {}
        finally:
            self._keyless.pop(turn, None)
            first.cancel()
        key: bytes = message.get("bytes") or b""
        return key if key.startswith(framing.OPEN) and len(key) == 1 + framing.KEY_CHARS else None

    async def _relay(self, first: bytes, receive: Receive, send: Send) -> int:
        """Connect to the node and pass messages on until either side ends; the close code."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._path), limit=2 * framing.MAX_MESSAGE)
        except OSError:
            return AWAY
        writer.write(framing.pack(first))
        up = asyncio.create_task(_up(receive, writer))
        down = asyncio.create_task(self._down(reader, send))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            return down.result() if down.done() else up.result()
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            writer.transport.abort()

    async def _down(self, reader: asyncio.StreamReader, send: Send) -> int:
        """From the node to the visitor. Raises OSError when the visitor is gone, or takes nothing."""
        code = WRONG_KEY
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
                message = await reader.readexactly(size)
                if code == WRONG_KEY:
                    code = ENDED
                    self.stats.passed += 1
                try:
                    async with asyncio.timeout(STUCK_S):
                        await send({"type": "websocket.send", "bytes": message})
                except TimeoutError:
                    raise OSError("the visitor reads nothing") from None
        return code


async def _up(receive: Receive, writer: asyncio.StreamWriter) -> int:
    """From the visitor to the node."""
    try:
        while (message := await receive())["type"] == "websocket.receive":
            data: bytes = message.get("bytes") or b""
            if not 0 < len(data) <= framing.MAX_MESSAGE:
                return UNREADABLE
            writer.write(framing.pack(data))
            await writer.drain()
    except ConnectionError:  # the node has closed it: what it said last is on its way down
        await asyncio.Event().wait()
    return ENDED


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
