"""Where programs that speak WebRTC come to be told what to do: a page to open, and a WebSocket to talk over.

Rule: one program at a time, one join at a time. What a program does there is `join.mjs`, the same for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web

from tests.netcode.interop.client import FRAMES, PATIENCE, SNAPSHOTS, Call, Joined, JoinFailed

_FOLDER: Final = Path(__file__).parent
_ARRIVES: Final = 60.0
"""Seconds that a program may take from its start to its WebSocket: a browser's first start makes a profile."""


class Booth:
    """The client that is played by whoever opened `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._free: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def join(self, call: Call) -> Joined:
        """See `Client.join`; waits while the program has all its hands full."""
        socket = await asyncio.wait_for(self._free.get(), _ARRIVES)
        order = {name: list(frame) for name, frame in FRAMES.items()}
        await socket.send_json({"join": {**order, "snapshots": SNAPSHOTS, "patience": PATIENCE * 1000}})
        async with asyncio.timeout(PATIENCE + 10):
            while "offer" in (said := await _hear(socket)):
                await socket.send_json({"answer": await call(said["offer"])})
        seen = said["joined"]
        if seen["failed"]:
            raise JoinFailed(seen["failed"])
        self._free.put_nowait(socket)
        return Joined(seen["inside"], seen["open"])

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """A program has come, or another hand of it: each plays one client at a time, and stays."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._free.put_nowait(socket)
        await self.closed.wait()  # `join` reads
        return socket


async def _hear(socket: web.WebSocketResponse) -> dict[str, Any]:
    message = await socket.receive()
    if message.type is not WSMsgType.TEXT:
        raise JoinFailed("the program is gone")
    said: dict[str, Any] = message.json()
    return said


@asynccontextmanager
async def booth() -> AsyncIterator[Booth]:
    """A booth on this machine, for one program."""
    app = web.Application()
    runner = web.AppRunner(app, shutdown_timeout=0)
    own = Booth("")
    app.router.add_get("/test", own.serve)
    app.router.add_get("/", _page)
    app.router.add_get("/join.mjs", _script)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        own.url = f"http://{host}:{port}/"
        yield own
    finally:
        own.closed.set()
        await runner.cleanup()


async def _page(_: web.Request) -> web.Response:
    return _file("page.html", "text/html")


async def _script(_: web.Request) -> web.Response:
    return _file("join.mjs", "text/javascript")


def _file(name: str, content_type: str) -> web.Response:
    return web.Response(text=(_FOLDER / name).read_text("utf-8"), content_type=content_type)
