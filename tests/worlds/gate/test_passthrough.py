"""The pass-through in front of a homeserver that behaves badly: streams, limits, cut connections."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from aiohttp import web

from roomscale.worlds.gate.addresses import parse_networks
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.gate.passthrough import PassThrough
from roomscale.worlds.gate.service import _listen, _Server
from tests.worlds.gate.harness import until

MB = 1024 * 1024


class Upstream:
    """A homeserver's stand-in that notes what reaches it. Real ones cannot be made to break off in mid-answer."""

    def __init__(self) -> None:
        self.seen: list[web.Request] = []
        self.received = 0
        self.cancelled = 0
        self.polling = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        name = request.path.rsplit("/", 1)[-1]
        if name == "poll":
            self.polling += 1
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if name == "upload":
            async for chunk in request.content.iter_chunked(65_536):
                self.received += len(chunk)
            return web.json_response({"received": self.received})
        if name == "broken":
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b"x" * 10)
            assert request.transport is not None
            request.transport.abort()
            return response
        if name == "large":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(64):
                await response.write(b"y" * MB)
            return response
        return web.json_response(
            {"path": request.raw_path, "for": request.headers.get("X-Forwarded-For")}, headers={"Server": "Secret 1.0"}
        )


@asynccontextmanager
async def front(limits: GateLimits | None = None, *, up: bool = True) -> AsyncIterator[tuple[str, Upstream]]:
    """A pass-through on a port of its own, before an `Upstream`."""
    upstream = Upstream()
    application = web.Application(client_max_size=0)
    application.router.add_route("*", "/{path:.*}", upstream.handle)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    if not up:
        await runner.cleanup()
    passing = PassThrough(
        f"http://127.0.0.1:{port}", "http://public", limits or GateLimits(), parse_networks(["127.0.0.2"])
    )
    listener = _listen("127.0.0.1", 0)
    server = _Server(
        uvicorn.Config(passing, log_config=None, proxy_headers=False, access_log=False, lifespan="off", ws="none")
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", upstream
    finally:
        server.should_exit = server.force_exit = True
        await task
        await passing.close()
        await runner.cleanup()
        listener.close()


def client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=20)


async def test_the_query_and_the_path_arrive_as_they_were_sent() -> None:
    async with front() as (url, _), client(url) as http:
        raw = b"/_matrix/client/v3/rooms/%21a%3Ab/x?filter=%7B%22a%22%3A1%7D&via=x&via=y"
        response = await http.get(httpx.URL(url).copy_with(raw_path=raw), headers={"X-Forwarded-For": "6.6.6.6"})
        assert response.json() == {"path": raw.decode(), "for": "127.0.0.1"}
        assert "server" not in response.headers or "Secret" not in response.headers["server"]


async def test_nothing_but_the_client_api_reaches_the_homeserver() -> None:
    async with front() as (url, upstream):
        host, port = url.removeprefix("http://").split(":")
        for path in (
            "/_synapse/admin/v1/register",
            "/_matrix/client/../../_synapse/x",
            "/_matrix/client/%2e%2e/%2e%2e/_synapse/x",
            "/_matrix/client//x",
            "/_matrix/federation/v1/version",
        ):
            reader, writer = await asyncio.open_connection(host, int(port))  # a client that folds no paths
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            assert answer.split(b" ", 2)[1] in (b"400", b"404"), path
            writer.close()
        assert upstream.seen == []


async def test_a_long_poll_ends_upstream_when_the_client_goes() -> None:
    async with front() as (url, upstream):
        async with client(url) as http:
            poll = asyncio.create_task(http.get("/_matrix/client/v3/poll"))
            await until(lambda: upstream.polling == 1)
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)
        assert await until(lambda: upstream.cancelled == 1, 2) < 1.0


async def test_a_large_upload_and_download_pass_without_being_kept() -> None:
    size = 100 * MB

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size // 65_536):
            yield bytes(65_536)

    async with front() as (url, upstream), client(url) as http:
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        response = await http.post("/_matrix/media/v3/upload", content=body(), headers={"Content-Length": str(size)})
        assert response.json() == {"received": size}
        received = 0
        async with http.stream("GET", "/_matrix/client/v1/media/download/here/large") as stream:
            async for chunk in stream.aiter_raw():
                received += len(chunk)
        assert received == 64 * MB
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 30 * 1024  # the visitor, the gate and the homeserver are all in this process
        assert upstream.received == size


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_long_is_cut_off(announced: bool) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(1_024)

    async with front(GateLimits(upload_bytes=20_000)) as (url, upstream), client(url) as http:
        lengths = {"Content-Length": str(64 * 1_024)} if announced else {}
        response = await http.post("/_matrix/media/v3/upload", content=body(), headers=lengths)
        assert response.status_code == 413
        assert response.json()["errcode"] == "M_TOO_LARGE"
        assert upstream.received <= 20_000


async def test_an_absent_homeserver_is_said_so_and_browsers_may_read_it() -> None:
    async with front(up=False) as (url, _), client(url) as http:
        response = await http.get("/_matrix/client/versions")
        assert response.status_code == 502
        assert response.json()["errcode"] == "M_UNKNOWN"
        assert response.headers["access-control-allow-origin"] == "*"
        response = await http.options("/_matrix/client/v3/sync")
        assert response.status_code == 204
        assert "Authorization" in response.headers["access-control-allow-headers"]


async def test_an_answer_that_breaks_off_breaks_off_for_the_visitor_too() -> None:
    async with front() as (url, _), client(url) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/_matrix/client/v3/broken")
        assert (await http.get("/_matrix/client/versions")).status_code == 200


async def test_to_device_is_capped_by_token_before_its_body_is_read() -> None:
    async with front() as (url, upstream), client(url) as http:
        path = "/_matrix/client/v3/sendToDevice/m.call.invite/"
        started = time.monotonic()
        answers = [await http.put(f"{path}{n}", json={}, headers={"Authorization": "Bearer a"}) for n in range(60)]
        passed = sum(a.status_code == 200 for a in answers)
        assert 20 <= passed <= 21 + 2 * (time.monotonic() - started)  # a burst of 20, and 2 a second
        answers = [a for a in answers if a.status_code == 429]
        assert answers[-1].json()["errcode"] == "M_LIMIT_EXCEEDED"
        assert answers[-1].json()["retry_after_ms"] > 0
        other = await http.put(f"{path}x", json={}, headers={"Authorization": "Bearer b"})
        assert other.status_code == 200
        huge = await http.put(f"{path}y", content=bytes(300_000), headers={"Authorization": "Bearer c"})
        assert huge.status_code == 413
        assert all(int(r.headers.get("Content-Length", 0)) < 100 for r in upstream.seen)


async def test_waiting_requests_are_bounded_per_address() -> None:
    async with front(GateLimits(requests_at_once_per_address=3)) as (url, upstream), client(url) as http:
        polls = [asyncio.create_task(http.get("/_matrix/client/v3/poll")) for _ in range(3)]
        await until(lambda: upstream.polling == 3)
        assert (await http.get("/_matrix/client/versions")).status_code == 429
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        await until(lambda: upstream.cancelled == 3)
        assert (await http.get("/_matrix/client/versions")).status_code == 200


async def test_methods_that_matrix_does_not_know_stay_here() -> None:
    async with front() as (url, upstream), client(url) as http:
        response = await http.request("PROPFIND", "/_matrix/client/versions")
        assert response.status_code == 405
        assert json.loads(response.content)["errcode"] == "M_UNRECOGNIZED"
        assert upstream.seen == []
        head = await http.head("/_matrix/client/versions")
        assert head.status_code == 200
        assert head.content == b""
