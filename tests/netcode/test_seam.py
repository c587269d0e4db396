"""The seam: what one side says the other understands, and nonsense ends one connection and nothing else."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.errors import NodeAway, SeamError
from roomscale.netcode.node import seam, seam_server
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.netcode.node.seam_server import SeamServer

texts = st.text(max_size=40)
numbers = st.integers(-(2**53), 2**53)
infos = st.builds(seam.SessionInfo, texts, texts, texts, texts, numbers, st.booleans(), numbers, st.booleans())
bodies = st.one_of(
    st.builds(seam.Offer, texts, texts, texts, texts, numbers, st.booleans(), texts),
    st.builds(seam.Eject, texts, numbers, texts),
    st.builds(seam.Notice, st.none() | texts, numbers, texts),
    st.builds(seam.Rename, texts, texts),
    st.builds(seam.SetRole, texts, numbers),
    st.builds(seam.Mute, texts, st.booleans()),
    st.just(seam.ListSessions()),
    st.just(seam.GetMetrics()),
    st.builds(seam.Answer, texts, texts, texts),
    st.builds(seam.Refused, texts, texts, texts),
    st.builds(seam.Done, numbers),
    st.builds(seam.Sessions, st.lists(infos, max_size=3).map(tuple)),
    st.builds(seam.Metrics, st.dictionaries(texts, numbers, max_size=3)),
    st.builds(seam.Failed, texts),
    st.builds(seam.Opened, texts),
    st.builds(seam.Closed, texts, numbers, texts),
)
ALL: tuple[type[Any], ...] = seam.REQUESTS + seam.REPLIES + seam.PUSHES
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(bodies, st.none() | st.integers(0, 2**53))
def test_every_message_comes_back_as_it_was(body: seam.Body, number: int | None) -> None:
    frame = seam.pack(body, number)
    assert struct.unpack(">I", frame[:4])[0] == len(frame) - 4
    assert seam.unpack(frame[4:], ALL) == (number, body)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_give_a_message_or_a_seam_error(raw: bytes) -> None:
    with pytest.raises(SeamError):
        seam.unpack(raw, ALL)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL), json_values, json_values)
def test_any_body_of_a_known_kind_gives_a_message_or_a_seam_error(
    kind: type[Any], body: object, number: object
) -> None:
    raw = json.dumps({"kind": kind.__name__, "body": body, "id": number}).encode()
    try:
        _, message = seam.unpack(raw, ALL)
    except SeamError:
        return
    assert isinstance(message, kind)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"kind": "Eject", "body": {"session": "a", "code": true, "reason": ""}, "id": 1}',
        b'{"kind": "Eject", "body": {"session": "a", "code": 1.0, "reason": ""}, "id": 1}',
        b'{"kind": "Eject", "body": {"session": "a", "code": 1}, "id": 1}',
        b'{"kind": "Eject", "body": {"session": "a", "code": 1, "reason": "", "more": 1}, "id": 1}',
        b'{"kind": "Eject", "body": {"session": null, "code": 1, "reason": ""}, "id": 1}',
        b'{"kind": "Opened", "body": {"session": "a"}, "id": 1}',
        b'{"kind": "__class__", "body": {}, "id": 1}',
        b'{"kind": "ListSessions", "body": {}, "id": "1"}',
        b"[" * 60_000,
    ],
)
def test_near_misses_are_refused(raw: bytes) -> None:
    with pytest.raises(SeamError):
        seam.unpack(raw, seam.REQUESTS)


def test_frames_above_their_bound_are_not_made() -> None:
    with pytest.raises(SeamError, match="at most"):
        seam.pack(seam.Rename("a", "x" * 70_000), 1, limit=seam.MAX_REQUEST)


class Desk:
    """A seam server that answers from a table, and counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[seam.Request] = []
        self.hold: asyncio.Event | None = None
        self.server = SeamServer(path, self.serve)

    async def serve(self, request: seam.Request) -> seam.Reply:
        self.asked.append(request)
        if self.hold:
            await self.hold.wait()
        match request:
            case seam.Offer(session):
                return seam.Answer(session, "an answer", "a key")
            case seam.ListSessions():
                return seam.Sessions((seam.SessionInfo("s", "w", "@u:x", "n", 1, True, 2, True),))
            case seam.GetMetrics():
                raise RuntimeError("a mistake of ours")
            case _:
                return seam.Done(1)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path / "node.sock")
    await desk.server.start()
    yield desk
    await desk.server.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


async def test_the_socket_is_its_owners_alone_and_goes_with_the_server(desk: Desk) -> None:
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600
    await desk.server.close()
    assert not desk.path.exists()


async def test_requests_are_answered_each_by_its_own_reply(desk: Desk) -> None:
    async with SeamClient(desk.path) as client:
        await client.wait_up(5)
        asked: list[Awaitable[object]] = [client.eject(str(i), 2, "") for i in range(100)]
        assert await asyncio.gather(*asked) == [True] * 100
        offer = seam.Offer("s", "w", "@u:x", "n", 1, False, "sdp")
        assert await client.offer(offer) == seam.Answer("s", "an answer", "a key")
        session = (await client.sessions())[0]
        assert (session.user_id, session.muted) == ("@u:x", True)
        assert await client.notice(None, 1, "x") == 1
        assert await client.rename("s", "x")
        assert await client.set_role("s", 2)
        assert await client.mute("s", muted=True)
        assert desk.asked[-1] == seam.Mute("s", True)


async def test_a_mistake_of_the_nodes_is_an_error_of_that_request_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async with SeamClient(desk.path) as client:
        await client.wait_up(5)
        with pytest.raises(SeamError, match="GetMetrics failed"):
            await client.metrics()
        assert "a mistake of ours" in caplog.text
        assert await client.eject("s", 1, "")


async def test_pushes_reach_every_connection_in_order(desk: Desk) -> None:
    first: list[seam.Push] = []
    second: list[seam.Push] = []
    async with SeamClient(desk.path, on_push=first.append) as a, SeamClient(desk.path, on_push=second.append) as b:
        await a.wait_up(5)
        await b.wait_up(5)
        await a.eject("x", 1, "")
        await b.eject("x", 1, "")
        pushed: list[seam.Push] = [seam.Opened(str(i)) for i in range(50)] + [seam.Closed("0", 1, "left")]
        for message in pushed:
            desk.server.push(message)
        await until(lambda: len(first) == len(second) == 51)
        assert first == second == pushed


async def test_a_node_that_is_away_is_said_at_once_and_found_again_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    ups: list[int] = []
    downs: list[int] = []
    async with SeamClient(path, on_up=lambda: ups.append(1), on_down=lambda: downs.append(1)) as client:
        with pytest.raises(NodeAway):
            await client.eject("s", 1, "")
        with pytest.raises(NodeAway):
            await client.wait_up(0.1)
        for life in (1, 2):
            desk = Desk(path)
            await desk.server.start()
            await client.wait_up(5)
            assert len(ups) == life
            desk.hold = asyncio.Event()
            asking = asyncio.create_task(client.eject("s", 1, ""))
            await until(lambda d=desk: bool(d.asked))  # type: ignore[misc]
            await desk.server.close()
            with pytest.raises(NodeAway, match="went away"):
                await asking
            assert not client.up
            assert len(downs) == life


async def test_a_node_that_does_not_answer_is_away_too(desk: Desk) -> None:
    desk.hold = asyncio.Event()
    async with SeamClient(desk.path, timeout=0.1) as client:
        await client.wait_up(5)
        with pytest.raises(NodeAway, match="within"):
            await client.eject("s", 1, "")


async def test_a_second_node_does_not_take_the_socket_of_a_living_one_but_of_a_dead_one(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    first, second = Desk(path), Desk(path)
    await first.server.start()
    with pytest.raises(SeamError, match="another node"):
        await second.server.start()
    async with SeamClient(path) as client:
        await client.wait_up(5)
    await first.server.close()


async def test_a_path_that_cannot_be_a_socket_is_one_clear_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "node.sock", tmp_path / ("x" * 120)):
        with pytest.raises(SeamError, match="cannot make the socket"):
            await Desk(path).server.start()


NONSENSE = [
    b"\0\0\0\x05hello",
    b"\xff\xff\xff\xff",
    struct.pack(">I", seam.MAX_REQUEST + 1),
    seam.pack(seam.ListSessions()),  # without an id
    seam.pack(seam.Opened("s"), 1),  # not for this way
    b"GET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
async def test_nonsense_ends_its_connection_and_no_other(desk: Desk, nonsense: bytes) -> None:
    async with SeamClient(desk.path) as client:
        await client.wait_up(5)
        reader, writer = await asyncio.open_unix_connection(str(desk.path))
        writer.write(nonsense)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert await client.eject("s", 1, "")


async def test_a_client_that_hears_nonsense_connects_anew(tmp_path: Path) -> None:
    path = tmp_path / "node.sock"
    served: list[int] = []

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(1)
        writer.write(b"\0\0\0\x02{}" if len(served) < 3 else b"")
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(babble, path)
    try:
        async with SeamClient(path):
            await until(lambda: len(served) == 3)
        await asyncio.sleep(0.05)
    finally:
        server.close()


async def test_connections_beyond_the_bound_are_closed(desk: Desk) -> None:
    held = [await asyncio.open_unix_connection(str(desk.path)) for _ in range(8)]
    await asyncio.sleep(0.05)
    reader, writer = await asyncio.open_unix_connection(str(desk.path))
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    for _, w in held:
        w.close()
    await asyncio.sleep(0.05)
    async with SeamClient(desk.path) as client:
        await client.wait_up(5)
        assert await client.eject("s", 1, "")


async def test_a_connection_that_does_not_read_is_cut_before_it_fills_the_memory(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seam_server, "_UNREAD", 100_000)
    _, writer = await asyncio.open_unix_connection(str(desk.path))
    async with SeamClient(desk.path) as client:
        await client.wait_up(5)
        await client.eject("s", 1, "")
        for i in range(3000):
            desk.server.push(seam.Closed(str(i), 1, "x" * 500))
            if i % 100 == 0:
                await asyncio.sleep(0)
                await client.eject("s", 1, "")
        await until(lambda: len(desk.server._writers) == 1)
        assert await client.eject("s", 1, "")
    writer.close()


async def test_a_server_ends_soon_though_somebody_does_not_read(desk: Desk) -> None:
    _, writer = await asyncio.open_unix_connection(str(desk.path))
    await until(lambda: len(desk.server._writers) == 1)
    for _ in range(1000):
        desk.server.push(seam.Closed("s", 1, "x" * 1000))
    await asyncio.wait_for(desk.server.close(), 2)
    writer.close()


async def test_a_connection_gets_no_more_than_its_share_of_work_at_once(desk: Desk) -> None:
    desk.hold = asyncio.Event()
    async with SeamClient(desk.path) as client:
        await client.wait_up(5)
        asking = [asyncio.create_task(client.eject(str(i), 1, "")) for i in range(200)]
        await asyncio.sleep(0.1)
        assert len(desk.asked) == 64
        desk.hold.set()
        assert await asyncio.gather(*asking) == [True] * 200
