"""The connection to a homeserver that misbehaves: each answer becomes JSON or one named error, in bounded time."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import web

from roomscale.assets.errors import (
    MediaAlreadyThere,
    MediaInterrupted,
    MediaRefused,
    MediaStoreBusy,
    MediaTooLarge,
    ReservationLost,
    ReservationUnsupported,
    UnreadableAsset,
)
from roomscale.worlds.errors import HomeserverAway, HomeserverError, MatrixError, WorldRefused
from roomscale.worlds.matrix import MatrixClient, Patience
from roomscale.worlds.matrix.transport import MAX_ANSWER
from tests.support.homeserver import RunningHomeserver

Answer: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
QUICK = Patience(attempts=3, longest_wait_s=1, first_pause_s=0.01)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[MatrixClient, list[web.BaseRequest]]]:
    """A client of an HTTP server that answers everything with `answer`, and the requests that it saw."""
    seen: list[web.BaseRequest] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        return await answer(request)

    server = web.Server(handle)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    client = MatrixClient(f"http://127.0.0.1:{port}", "@me:localhost", device_id="D", token="t", patience=QUICK)
    try:
        async with client:
            yield client, seen
    finally:
        await runner.cleanup()


def says(status: int, body: Any, **headers: str) -> Answer:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"errcode": "M_FORBIDDEN", "error": "no"}, "M_FORBIDDEN"),
        ({"errcode": 7, "error": {"x": 1}}, "M_UNKNOWN"),
        ([], "M_UNKNOWN"),
        (b"<html>", "M_UNKNOWN"),
        (b"", "M_UNKNOWN"),
        (b"[" * 100_000, "M_UNKNOWN"),
    ],
)
async def test_an_error_status_raises_whatever_its_body(body: Any, errcode: str) -> None:
    async with answering(says(403, body)) as (client, seen):
        with pytest.raises(MatrixError) as error:
            await client.whoami()
        assert (error.value.status, error.value.errcode) == (403, errcode)
        assert len(seen) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"7", b"[" * 100_000, b"\xff\xfe", b"1" * 10_000])
async def test_what_is_no_matrix_is_said_so(body: bytes) -> None:
    async with answering(says(200, body)) as (client, _):
        with pytest.raises(HomeserverError, match="homeserver's address"):
            await client.call("GET", "/_matrix/client/v3/x")


async def test_an_answer_without_end_is_cut() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range((MAX_ANSWER >> 20) + 20):
            await response.write(b" " * (1 << 20))
        return response

    async with answering(endless) as (client, _):
        with pytest.raises(HomeserverError, match="larger than"):
            await client.sync(None)


async def test_a_busy_homeserver_is_waited_for_within_patience() -> None:
    left = [2]

    async def busy(_: web.BaseRequest) -> web.StreamResponse:
        if left[0]:
            left[0] -= 1
            return web.json_response({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 30}, status=429)
        return web.json_response({"room_id": "!r:localhost"})

    async with answering(busy) as (client, seen):
        assert await client.create_room({}) == "!r:localhost"
        assert len(seen) == 3


@pytest.mark.parametrize(("body", "headers"), [({"retry_after_ms": 86_400_000}, {}), ({}, {"Retry-After": "86400"})])
async def test_a_wait_of_a_day_is_told_and_not_slept(body: dict[str, Any], headers: dict[str, str]) -> None:
    async with answering(says(429, {"errcode": "M_LIMIT_EXCEEDED", **body}, **headers)) as (client, seen):
        begun = time.monotonic()
        with pytest.raises(MatrixError) as error:
            await client.whoami()
        assert error.value.retry_after_ms == 86_400_000
        assert time.monotonic() - begun < 0.5
        assert len(seen) == 1


async def test_a_broken_homeserver_is_asked_again_only_what_may_be_repeated() -> None:
    async with answering(says(502, b"bad gateway")) as (client, seen):
        with pytest.raises(MatrixError):
            await client.put_state("!r:localhost", "x", {})
        assert len(seen) == 3
        seen.clear()
        with pytest.raises(MatrixError):
            await client.create_room({})
        assert len(seen) == 1


async def test_a_homeserver_that_is_not_there_is_away() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with MatrixClient(f"http://127.0.0.1:{port}", token="t", patience=QUICK) as client:
        with pytest.raises(HomeserverAway, match="cannot be reached"):
            await client.whoami()


async def test_a_silent_homeserver_is_away_after_its_time() -> None:
    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(1)
        return web.Response()

    async with answering(silent) as (client, _):
        with pytest.raises(HomeserverAway, match="in time"):
            await client.call("POST", "/_matrix/client/v3/x", body={}, timeout_s=0.2)


async def test_a_cut_answer_is_away() -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with answering(cut) as (client, _):
        with pytest.raises(HomeserverAway):
            await client.call("POST", "/_matrix/client/v3/x", body={})


async def test_an_address_that_is_none_is_our_own_mistake() -> None:
    async with MatrixClient("not an address", token="t") as client:
        with pytest.raises(WorldRefused, match="no address"):
            await client.whoami()


@pytest.mark.parametrize(
    ("status", "reserved", "raised"),
    [
        (409, True, MediaAlreadyThere),
        (413, True, MediaTooLarge),
        (413, False, MediaTooLarge),
        (404, True, ReservationLost),
        (403, True, ReservationLost),
        (403, False, MediaRefused),
        (400, True, MediaRefused),
        (500, True, MediaInterrupted),
        (429, True, MediaStoreBusy),
    ],
)
async def test_each_answer_to_an_upload_means_what_the_protocol_says(
    status: int, reserved: bool, raised: type[Exception]
) -> None:
    async with answering(says(status, {"errcode": "M_X", "retry_after_ms": 1500})) as (client, seen):
        with pytest.raises(raised) as error:
            await client.media.upload(
                b"x", content_type="image/png", filename="x", mxc="mxc://localhost/x" if reserved else None
            )
        assert type(error.value) is raised
        if isinstance(error.value, MediaStoreBusy):
            assert error.value.retry_after == 1.5
        assert [request.method for request in seen] == ["PUT" if reserved else "POST"]


async def test_a_homeserver_that_reserves_nothing_takes_uploads_in_one_step() -> None:
    async with answering(says(404, {"errcode": "M_UNRECOGNIZED"})) as (client, _):
        with pytest.raises(ReservationUnsupported):
            await client.media.reserve()
    async with answering(says(200, {"content_uri": "mxc://localhost/fresh"})) as (client, _):
        uploaded = await client.media.upload(b"x", content_type="image/png", filename="ä b.png")
        assert uploaded == "mxc://localhost/fresh"


async def test_a_file_that_shrinks_while_it_is_sent_is_named_as_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "scene.glb"
    file.write_bytes(b"x" * 3_000_000)

    async def reads(request: web.BaseRequest) -> web.StreamResponse:
        async for _ in request.content.iter_any():
            pass
        return web.json_response({})

    def shrink(_: int) -> None:
        file.write_bytes(b"x" * 600_000)

    async with answering(reads) as (client, _):
        with pytest.raises(UnreadableAsset, match="changed"):
            await client.media.upload(
                file,
                content_type="x/y",
                filename="scene.glb",
                progress=shrink,
                mxc="mxc://localhost/x",
            )


@pytest.mark.homeserver
async def test_a_token_that_is_no_longer_good_is_renewed_in_silence_as_the_same_device(
    synapse: RunningHomeserver,
) -> None:
    first = await synapse.person(device_id="KEPT")
    async with first:
        heard: list[str] = []
        second = MatrixClient(
            synapse.url,
            first.user_id,
            device_id="KEPT",
            token="stale",
            password="correct horse",
            on_token=heard.append,
        )
        async with second:
            assert await second.whoami() == first.user_id
            assert second.device_id == "KEPT"
            assert heard == [second.token]
            rooms = await asyncio.gather(*(second.joined_rooms() for _ in range(5)))
            assert rooms == [[]] * 5
        devices = await second.call("GET", "/_matrix/client/v3/devices")
        assert [device["device_id"] for device in devices["devices"]] == ["KEPT"]
        await second.close()


@pytest.mark.homeserver
async def test_a_wrong_password_is_one_error(synapse: RunningHomeserver) -> None:
    async with await synapse.person() as person:
        name = person.user_id
    async with MatrixClient(synapse.url, name, password="wrong") as client:
        with pytest.raises(MatrixError) as error:
            await client.whoami()
        assert error.value.errcode == "M_FORBIDDEN"
    async with MatrixClient(synapse.url, name) as client:
        with pytest.raises(WorldRefused, match="no password"):
            await client.whoami()


@pytest.mark.homeserver
async def test_to_device_messages_arrive_raw(synapse: RunningHomeserver) -> None:
    async with await synapse.person(device_id="ROOMSCALE") as server, await synapse.guest() as guest:
        since = (await server.sync(None, timeout_ms=0))["next_batch"]
        content = {"call_id": "1", "nested": {"list": [1, None, "ä"]}}
        await guest.send_to_device("m.call.invite", server.user_id, "ROOMSCALE", content)
        await guest.send_to_device("m.call.invite", server.user_id, "NOBODY", content)
        answer = await server.sync(since, timeout_ms=5_000)
        assert answer["to_device"]["events"] == [{"type": "m.call.invite", "sender": guest.user_id, "content": content}]
