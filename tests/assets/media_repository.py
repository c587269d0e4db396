"""A homeserver's media endpoints over real HTTP, with faults on demand, and a client of them.

The server keeps Synapse's rules: a reserved id takes bytes once (409 after), five unused ids bring a 429 for a day,
expired ones are unknown, a body that is cut off leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from roomscale.assets.errors import (
    MediaAlreadyThere,
    MediaInterrupted,
    MediaRefused,
    MediaStoreBusy,
    MediaStoreError,
    MediaTooLarge,
    ReservationLost,
    ReservationUnsupported,
)
from roomscale.assets.store import Reservation, Sent

SERVER = "media.test"
MOST_PENDING = 4
DAY_MS = 24 * 3600 * 1000
PIECE = 1 << 16


@dataclass
class Repository:
    """What the server has and does. `faults`: what becomes of the next uploads, one each, "" for none."""

    limit: int = 50_000_000
    can_reserve: bool = True
    faults: list[str] = field(default_factory=list)
    media: dict[str, bytes | None] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    uploading: int = 0
    most_uploading: int = 0
    slow: float = 0.0
    expires_in: float = 3600.0
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def stored(self) -> list[bytes]:
        return [data for data in self.media.values() if data is not None]

    def pending(self) -> int:
        return sum(data is None for data in self.media.values())

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/_matrix/client/v1/media/config", self._config)
        app.router.add_post("/_matrix/media/v1/create", self._create)
        app.router.add_post("/_matrix/media/v3/upload", self._post)
        app.router.add_put("/_matrix/media/v3/upload/{server}/{media}", self._put)
        app.router.add_get("/_matrix/client/v1/media/download/{server}/{media}", self._download)
        return app

    async def _config(self, request: web.Request) -> web.Response:
        return web.json_response({"m.upload.size": self.limit})

    async def _create(self, request: web.Request) -> web.Response:
        self.calls["create"] += 1
        if not self.can_reserve:
            return _refusal(404, "M_UNRECOGNIZED")
        if self.pending() >= MOST_PENDING:
            return _refusal(429, "M_LIMIT_EXCEEDED", retry_after_ms=DAY_MS)
        media = f"m{next(self._numbers)}"
        self.media[media] = None
        uri = f"mxc://{SERVER}/{media}"
        return web.json_response({"content_uri": uri, "unused_expires_at": int((time.time() + self.expires_in) * 1000)})

    async def _post(self, request: web.Request) -> web.Response:
        self.calls["post"] += 1
        media = f"m{next(self._numbers)}"
        return await self._receive(request, media) or web.json_response({"content_uri": f"mxc://{SERVER}/{media}"})

    async def _put(self, request: web.Request) -> web.Response:
        self.calls["put"] += 1
        media = request.match_info["media"]
        if media not in self.media:
            return _refusal(404, "M_NOT_FOUND")
        if self.media[media] is not None:
            return _refusal(409, "M_CANNOT_OVERWRITE_MEDIA")
        return await self._receive(request, media) or web.json_response({})

    async def _receive(self, request: web.Request, media: str) -> web.Response | None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "cut":
            await request.content.readany()
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        if fault.startswith("429"):
            return _refusal(429, "M_LIMIT_EXCEEDED", retry_after_ms=int(fault[4:]))
        if fault.isdigit():
            return _refusal(int(fault), "M_UNKNOWN")
        self.uploading += 1
        self.most_uploading = max(self.most_uploading, self.uploading)
        try:
            await asyncio.sleep(self.slow)
            data = await request.read()
        finally:
            self.uploading -= 1
        if len(data) > self.limit:
            return _refusal(413, "M_TOO_LARGE")
        self.media[media] = data
        self.types[media] = request.content_type
        if fault == "lost answer":  # the bytes arrived, the sender never learns it
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        return None

    async def _download(self, request: web.Request) -> web.Response:
        self.calls["download"] += 1
        data = self.media.get(request.match_info["media"])
        return _refusal(404, "M_NOT_FOUND") if data is None else web.Response(body=data)


def _refusal(status: int, errcode: str, **more: int) -> web.Response:
    return web.json_response({"errcode": errcode, "error": errcode, **more}, status=status)


class HttpStore:
    """A `MediaStore` that speaks to a `Repository` over the wire."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    @property
    def server(self) -> str:
        return SERVER

    async def upload_limit(self) -> int | None:
        answer = await self._call("GET", "/_matrix/client/v1/media/config")
        return int(answer["m.upload.size"])

    async def reserve(self) -> Reservation:
        try:
            answer = await self._call("POST", "/_matrix/media/v1/create")
        except MediaRefused as error:
            raise ReservationUnsupported(str(error)) from error
        return Reservation(answer["content_uri"], answer["unused_expires_at"] / 1000)

    async def upload(
        self,
        source: Path | bytes,
        *,
        content_type: str,
        filename: str,
        progress: Sent | None = None,
        mxc: str | None = None,
    ) -> str:
        data = await asyncio.to_thread(source.read_bytes) if isinstance(source, Path) else source
        path = "/_matrix/media/v3/upload" + (mxc.removeprefix("mxc:/") if mxc else "")
        headers = {"Content-Type": content_type, "Content-Length": str(len(data))}
        try:
            answer = await self._call("PUT" if mxc else "POST", path, data=_pieces(data, progress), headers=headers)
        except MediaRefused as error:
            if mxc and error.args[0].startswith("404"):
                raise ReservationLost(str(error)) from error
            raise
        return mxc or str(answer["content_uri"])

    async def exists(self, mxc: str) -> bool:
        path = "/_matrix/client/v1/media/download" + mxc.removeprefix("mxc:/")
        async with self._session.get(self._base + path) as response:
            return response.status == 200

    async def _call(
        self,
        method: str,
        path: str,
        data: AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            async with self._session.request(method, self._base + path, data=data, headers=headers) as response:
                answer: dict[str, Any] = json.loads(await response.read())
        except aiohttp.ClientError as error:
            raise MediaInterrupted(f"the connection was lost ({type(error).__name__})") from error
        if response.status != 200:
            raise _error(response.status, answer)
        return answer


def _error(status: int, answer: dict[str, Any]) -> MediaStoreError:
    text = f"{status} {answer.get('errcode')}"
    if status == 429:
        wait = answer.get("retry_after_ms")
        return MediaStoreBusy(text, None if wait is None else wait / 1000)
    if status >= 500:
        return MediaInterrupted(text)
    return {409: MediaAlreadyThere, 413: MediaTooLarge}.get(status, MediaRefused)(text)


async def _pieces(data: bytes, progress: Callable[[int], None] | None) -> AsyncIterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]
        if progress is not None:
            progress(min(start + PIECE, len(data)))


@asynccontextmanager
async def serving(repository: Repository) -> AsyncIterator[HttpStore]:
    """Run the repository on a free loopback port; yields a store that speaks to it."""
    runner = web.AppRunner(repository.application(), access_log=None, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession() as session:
            yield HttpStore(session, f"http://127.0.0.1:{port}")
    finally:
        await runner.cleanup()
