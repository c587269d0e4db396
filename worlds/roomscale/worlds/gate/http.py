"""The gate's own web side: the client's files, the world list, coming back, health.

The one rule: nothing here knows how anything is decided; each route asks one part and writes down its answer.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roomscale.netcode.core.messages import NEWEST_VERSION, OLDEST_VERSION
from roomscale.worlds.gate import addresses, directory, paths, webheaders
from roomscale.worlds.gate.budget import Rates
from roomscale.worlds.gate.clientfiles import ASK_AGAIN, FOREVER, Folder
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.directory import Thumbnails
from roomscale.worlds.gate.passthrough import PassThrough
from roomscale.worlds.gate.relay import Relay
from roomscale.worlds.gate.resume import ResumeRefused, Resumption
from roomscale.worlds.gate.watch import Watch

log = logging.getLogger(__name__)
access = logging.getLogger(f"{__name__}.access")

PROTOCOL = [OLDEST_VERSION, NEWEST_VERSION]
"""Of netcode/PROTOCOL.md, as the node speaks it."""
RESUME_BYTES = 65_536
AVATARS_CACHE = "public, max-age=3600"
THUMBNAIL_CACHE = "public, max-age=300"
NO_CLIENT = (
    "<!doctype html><meta charset=utf-8><title>Roomscale</title><h1>The browser client is not built</h1>"
    "<p>Run <code>make web</code> in the checkout, or install a wheel of Roomscale, which brings it along."
)
GET = ["GET", "HEAD"]


@dataclass(frozen=True)
class Parts:
    """What the routes ask."""

    config: GateConfig
    watch: Watch
    resumption: Resumption
    thumbnails: Thumbnails
    passthrough: PassThrough
    relay: Relay
    client: Folder
    avatars: Folder
    trusted: tuple[addresses.Network, ...]
    problems: Callable[[], dict[str, str]]
    """Why the gate is not ready, by part; empty when it is."""


def make_app(parts: Parts) -> ASGIApp:
    """The whole web side: Matrix requests to the pass-through, everything else to the routes."""
    app = FastAPI(title="Roomscale gate", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _our_mistake)
    _add_health(app, parts)
    _add_worlds(app, parts)
    _add_resume(app, parts)
    _add_files(app, parts)
    return Front(app, parts.passthrough, parts.relay)


class Front:
    """Sends each request to its application, and writes one line about it: never a query, never a header."""

    def __init__(self, app: ASGIApp, passthrough: ASGIApp, relay: ASGIApp) -> None:
        self._app = app
        self._passthrough = passthrough
        self._relay = relay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._relay(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        started = time.monotonic()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await (self._passthrough if paths.is_matrix(scope["path"]) else self._app)(scope, receive, noted)
        finally:
            took_ms = (time.monotonic() - started) * 1000
            path = str(scope["path"])[:200].encode("ascii", "backslashreplace").decode()
            access.debug("%s %s %d %.0f ms", scope["method"], path.replace("\n", "\\n"), status, took_ms)


def data(content: object, status: int = 200, cache: str = "no-store") -> Response:
    """A JSON answer."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    lines = {**webheaders.api_headers(), "cache-control": cache}
    return Response(body, status, lines, "application/json")


def error(status: int, code: str, message: str, retry_after_ms: int | None = None) -> Response:
    """A JSON answer that says what is wrong: `code` for programs, `error` for people."""
    content: dict[str, Any] = {"code": code, "error": message}
    if retry_after_ms is None:
        return data(content, status)
    response = data({**content, "retry_after_ms": retry_after_ms}, status)
    response.headers["retry-after"] = str(-(-retry_after_ms // 1000))  # whole seconds, rounded up
    return response


async def _http_error(_: Request, exception: Exception) -> Response:
    status = exception.status_code if isinstance(exception, HTTPException) else 500
    return error(status, "not_found" if status == 404 else "http", "Not here" if status == 404 else "Not like this")


async def _our_mistake(request: Request, exception: Exception) -> Response:
    log.error("a mistake of ours at %s: %r", request.url.path, exception, exc_info=exception)
    return error(500, "internal", "The gate made a mistake; its host finds it in the log.")


def _add_health(app: FastAPI, parts: Parts) -> None:
    @app.api_route("/healthz", methods=GET)
    async def healthz() -> Response:
        return data({"ok": True})

    @app.api_route("/readyz", methods=GET)
    async def readyz() -> Response:
        problems = parts.problems()
        return data({"ready": not problems, "problems": problems}, 503 if problems else 200)


def _add_worlds(app: FastAPI, parts: Parts) -> None:
    config, watch = parts.config, parts.watch

    @app.api_route("/api/config", methods=GET)
    async def configuration() -> Response:
        return data(
            {
                "homeserver": config.public_homeserver_url or config.public_url,
                "server_name": config.server_name,
                "protocol": PROTOCOL,
                "client": parts.client.build or "none",
            }
        )

    @app.api_route("/api/worlds", methods=GET)
    async def worlds() -> Response:
        return data({"worlds": directory.listing(watch.view, watch.sessions, config.server_name)})

    @app.api_route("/api/worlds/{which}/thumbnail", methods=GET)
    async def thumbnail(which: str) -> Response:
        room = directory.find(watch.view, which, config.server_name)
        mxc = None if room is None else directory.thumbnail_of(room)
        picture = None if mxc is None else await parts.thumbnails.get(mxc)
        if picture is None:
            return error(404, "not_found", "There is no picture of this world")
        headers = {**webheaders.api_headers(), "cache-control": THUMBNAIL_CACHE}
        return Response(picture.body, 200, headers, picture.content_type)

    @app.api_route("/api/worlds/{which}", methods=GET)
    async def world(which: str) -> Response:
        room = directory.find(watch.view, which, config.server_name)
        if room is None:
            return error(404, "not_found", "This host serves no such world")
        return data(directory.describe(room, watch.sessions, config.server_name))


def _add_resume(app: FastAPI, parts: Parts) -> None:
    limits = parts.config.limits
    rates: Rates[str] = Rates(limits.resumes_per_address, limits.resumes_per_address_burst)

    @app.post("/api/session/resume")
    async def resume(request: Request) -> Response:
        key = addresses.budget_key(visitor(request, parts.trusted))
        now = time.monotonic()
        if not rates.take(key, now):
            return error(429, "limit", "Too many tickets from your address", int(rates.wait_s(key, now) * 1000) + 1)
        try:
            return data(await parts.resumption.resume(await _json(request, RESUME_BYTES)))
        except ResumeRefused as refusal:
            return error(refusal.status, refusal.code, str(refusal), refusal.retry_after_ms)


def _add_files(app: FastAPI, parts: Parts) -> None:
    config = parts.config
    origins = [*config.connect_origins, *([config.public_homeserver_url] if config.public_homeserver_url else [])]
    headers = webheaders.page_headers(origins)

    @app.api_route("/avatars/index.json", methods=GET)
    async def avatar_list() -> Response:
        names = [name for name in parts.avatars.names() if name.endswith(".glb") and "/" not in name]
        entries = ({"id": n[:-4], "name": n[:-4].replace("-", " ").title(), "url": f"/avatars/{n}"} for n in names)
        return data(list(entries), cache=ASK_AGAIN)

    @app.api_route("/avatars/{name}", methods=GET)
    async def avatar(request: Request, name: str) -> Response:
        file = parts.avatars.get(name) if name.endswith(".glb") else None
        if file is None:
            return error(404, "not_found", "There is no such avatar")
        return file.response(request, AVATARS_CACHE, webheaders.api_headers())

    @app.api_route("/", methods=GET)
    @app.api_route("/w/{world:path}", methods=GET)
    async def page(request: Request, world: str = "") -> Response:
        file = parts.client.get("index.html")
        if file is None:
            return Response(NO_CLIENT, 503, {**headers, "cache-control": "no-store"}, "text/html; charset=utf-8")
        return file.response(request, ASK_AGAIN, headers)

    @app.api_route("/{name:path}", methods=GET)
    async def client_file(request: Request, name: str) -> Response:
        file = parts.client.get(name)
        if file is None:
            return error(404, "not_found", "Not here")
        return file.response(request, FOREVER if name.startswith("assets/") else ASK_AGAIN, headers)


def visitor(request: Request, trusted: tuple[addresses.Network, ...]) -> str:
    """The real address at the other end."""
    peer = request.client.host if request.client else "127.0.0.1"
    return addresses.visitor_address(peer, request.headers.getlist("x-forwarded-for"), trusted)


async def _json(request: Request, most: int) -> object:
    """The request's body as JSON; raises ResumeRefused when it is none, or longer than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ResumeRefused(413, "too_large", f"more than {most} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ResumeRefused(400, "bad_request", "the request is no JSON") from None
