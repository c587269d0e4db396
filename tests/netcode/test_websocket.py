"""The WebSocket transport over real Unix sockets: keys, replacement, and what a slow or hostile reader can cost."""

from __future__ import annotations

import asyncio
import random
import secrets
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.errors import SeamError
from roomscale.netcode.node import framing
from roomscale.netcode.node.flow import FIRST, OVERHEAD
from roomscale.netcode.node.websocket import WebSocketConfig, WebSocketTransport
from tests.netcode.sockets import StreamPipe

HELLO = b"\x00hello"


class Told:
    """A handler that remembers, and a transport for it."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.transport: WebSocketTransport

    def opened(self, session: str) -> None:
        self.events.append(("opened", session))

    def message(self, session: str, channel: Channel, data: bytes) -> None:
        self.events.append((session, channel, data))

    def paced(self, session: str, rate: float) -> None:
        self.events.append(("paced", session, rate))

    def closed(self, session: str, reason: str) -> None:
        self.events.append(("closed", session, reason))

    async def come(self, session: str, *, speak: bool = True) -> StreamPipe:
        """A connection of a session, by a new key."""
        return await self.show(self.transport.key(session), speak=speak)

    async def show(self, key: str, *, speak: bool = True) -> StreamPipe:
        pipe = await StreamPipe.to(self.transport._config.path)
        await pipe.send(framing.key_message(key))
        assert await pipe.receive() == framing.OPEN
        if speak:
            before = len(self.events)
            await pipe.send(HELLO)
            await self.until(lambda: len(self.events) > before)
        return pipe

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0.005)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Told]]]:
    made: list[Told] = []

    async def start(**settings: float) -> Told:
        told = Told()
        told.transport = WebSocketTransport(WebSocketConfig(tmp_path / "x.net", **settings), told)  # type: ignore[arg-type]
        made.append(told)
        await told.transport.start()
        return told

    yield start
    for told in made:
        await told.transport.shutdown()


@pytest.fixture
async def told(start: Callable[..., Awaitable[Told]]) -> Told:
    return await start()


async def refused(told: Told, first: bytes) -> None:
    """A connection that begins like this is ended without a word."""
    pipe = await StreamPipe.to(told.transport._config.path)
    await pipe.send(first)
    assert await pipe.receive() is None
    await pipe.close()


async def test_frames_go_both_ways_on_both_channels(told: Told) -> None:
    pipe = await told.come("a")
    await pipe.send(b"\x01" + bytes(1200))
    await pipe.send(b"\x00")
    await told.until(lambda: len(told.events) == 4)
    assert told.events == [
        ("opened", "a"),
        ("a", Channel.EVENTS, b"hello"),
        ("a", Channel.POSES, bytes(1200)),
        ("a", Channel.EVENTS, b""),
    ]
    told.transport.send("a", Channel.EVENTS, b"welcome")
    told.transport.send("a", Channel.POSES, b"where")
    assert [await pipe.receive(), await pipe.receive()] == [b"\x00welcome", b"\x01where"]
    told.transport.send("b", Channel.EVENTS, b"for nobody")
    await pipe.close()


async def test_only_we_may_connect(told: Told) -> None:
    assert stat.S_IMODE(told.transport._config.path.stat().st_mode) == 0o600


async def test_a_key_is_good_once_for_its_session_and_only_the_newest(told: Told) -> None:
    first, second = told.transport.key("a"), told.transport.key("a")
    await refused(told, framing.key_message(first))
    pipe = await told.show(second)
    await refused(told, framing.key_message(second))
    for wrong in (secrets.token_urlsafe(32), "", "x" * 1200):
        await refused(told, framing.key_message(wrong))
    assert told.events == [("opened", "a"), ("a", Channel.EVENTS, b"hello")]
    assert told.transport.stats()["wrong_keys"] == 5
    await pipe.close()


async def test_a_key_that_comes_late_or_of_a_session_that_ended_is_refused(
    start: Callable[..., Awaitable[Told]],
) -> None:
    told = await start(key_life=0.0)
    await refused(told, framing.key_message(told.transport.key("a")))
    key = told.transport.key("b")
    told.transport.close("b")
    await refused(told, framing.key_message(key))
    assert told.transport.stats()["keys"] == 1


@pytest.mark.parametrize("first", [HELLO, b"\x01", b"\x02\0\0\0\0", b"\x09"])
async def test_whoever_speaks_before_showing_a_key_is_cut(told: Told, first: bytes) -> None:
    await refused(told, first)
    assert told.events == []
    assert told.transport.stats()["broken"] == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"\0\0",
        b"\xff\xff",
        b"\0\x01\x05",
        b"\0\x05\x02\0\0\0\0",
        b"\0\x05\x02\x05\0\0\0",
        b"\0\x02\x02\0",
        b"\0\x01\x03",
    ],
    ids=["empty", "too long", "unknown", "old receipt", "receipt of what never was", "torn receipt", "key again"],
)
async def test_a_visitor_who_breaks_the_rules_is_cut_and_the_session_told_to_be_closed(told: Told, raw: bytes) -> None:
    pipe = await told.come("a")
    pipe.writer.write(raw)
    assert await pipe.receive() is None
    assert [event[0] for event in told.events] == ["opened", "a", "closed"]
    assert told.transport.stats()["broken"] == 1
    assert told.transport.stats()["connections"] == 0
    await pipe.close()


async def test_a_new_connection_takes_over_with_its_first_frame_and_the_old_one_is_closed(told: Told) -> None:
    old = await told.come("a")
    new = await told.come("a", speak=False)
    told.transport.send("a", Channel.EVENTS, b"to the old")
    assert await old.receive() == b"\x00to the old"
    await new.send(HELLO)
    assert await old.receive() is None
    told.transport.send("a", Channel.EVENTS, b"to the new")
    assert await new.receive() == b"\x00to the new"
    assert [event[0] for event in told.events] == ["opened", "a", "opened", "a"]
    await old.close()
    await new.close()


async def test_one_who_leaves_is_gone_at_once_and_one_whose_path_breaks_is_not(told: Told) -> None:
    left, broken = await told.come("a"), await told.come("b")
    told.events.clear()
    await broken.close()
    await told.until(lambda: told.transport.stats()["open"] == 1)
    await left.send(framing.LEAVE)
    assert await left.receive() is None
    assert told.events == [("closed", "a", "the visitor left")]
    await left.close()


async def test_an_old_connection_may_go_while_the_new_one_is_silent(told: Told) -> None:
    old = await told.come("a")
    new = await told.come("a", speak=False)
    await old.close()
    await told.until(lambda: told.transport.stats()["open"] == 0)
    assert [event[0] for event in told.events] == ["opened", "a"]
    assert told.transport.holds("a")
    await new.send(framing.LEAVE)
    await told.until(lambda: told.events[-1] == ("closed", "a", "the visitor left"))
    await new.close()


async def test_connections_without_a_key_and_those_that_never_speak_go_by_themselves(
    start: Callable[..., Awaitable[Told]],
) -> None:
    told = await start(key_timeout=0.05, open_timeout=0.05)
    silent = await StreamPipe.to(told.transport._config.path)
    shown = await told.come("a", speak=False)
    assert await silent.receive() is None
    assert await shown.receive() is None
    assert told.events == [("closed", "a", "nothing was said")]
    for pipe in (silent, shown):
        await pipe.close()


async def test_connections_in_all_are_bounded(start: Callable[..., Awaitable[Told]]) -> None:
    told = await start(connections=3)
    inside = await told.come("a")
    pipes = [await StreamPipe.to(told.transport._config.path) for _ in range(50)]
    ended = [pipe for pipe in pipes[2:] if await pipe.receive() is None]
    assert len(ended) == 48
    assert told.transport.stats()["connections"] == 3
    told.transport.send("a", Channel.EVENTS, b"still here")
    assert await inside.receive() == b"\x00still here"
    for pipe in (*pipes, inside):
        await pipe.close()


async def test_while_a_visitor_does_not_say_what_came_only_the_newest_pose_waits(told: Told) -> None:
    pipe = await told.come("a")
    for number in range(500):
        told.transport.send("a", Channel.POSES, b"%d" % number)
    got = [await pipe.receive() for _ in range(FIRST)]
    assert got == [b"\x01%d" % number for number in range(FIRST)]
    assert told.transport.stats()["snapshots_skipped"] == 500 - FIRST - 1
    await pipe.send(framing.receipt(FIRST))
    assert await pipe.receive() == b"\x01499"
    told.transport.send("a", Channel.EVENTS, b"after it")
    assert await pipe.receive() == b"\x00after it"
    await pipe.close()


async def test_events_pass_poses_that_wait(told: Told) -> None:
    pipe = await told.come("a")
    for _ in range(FIRST + 1):
        told.transport.send("a", Channel.POSES, b"where")
    told.transport.send("a", Channel.EVENTS, b"at once")
    got = [await pipe.receive() for _ in range(FIRST + 1)]
    assert got[-1] == b"\x00at once"
    await pipe.close()


@pytest.mark.parametrize("reads", [True, False])
async def test_a_reader_too_slow_for_events_is_dropped_with_a_reason(
    start: Callable[..., Awaitable[Told]], reads: bool
) -> None:
    told = await start(backlog=100_000)
    pipe = await told.come("a")
    sent = 0
    while told.transport.holds("a") and sent < 1000:
        told.transport.send("a", Channel.EVENTS, bytes(1000))
        sent += 1
        if reads:  # but never says so
            await pipe.receive()
    assert sent == 100_000 // (1001 + OVERHEAD) + 2
    assert told.events[-1] == ("closed", "a", "it reads too slowly")
    assert told.transport.stats()["too_slow"] == 1
    await pipe.close()


async def test_a_goodbye_is_read_before_the_connection_ends(told: Told) -> None:
    pipe = await told.come("a")
    for _ in range(20):
        told.transport.send("a", Channel.EVENTS, bytes(1000))
    told.transport.send("a", Channel.EVENTS, b"goodbye")
    told.transport.close("a", linger=0.5)
    got = []
    while (message := await pipe.receive()) is not None:
        got.append(message)
    assert got[-1] == b"\x00goodbye"
    assert told.events[-1] == ("a", Channel.EVENTS, b"hello")  # whoever closes is not told
    await pipe.close()


async def test_one_that_does_not_read_its_goodbye_is_cut(told: Told) -> None:
    pipe = await told.come("a")
    for _ in range(200):
        told.transport.send("a", Channel.EVENTS, bytes(1000))
    told.transport.close("a", linger=0.05)
    await told.until(lambda: told.transport.stats()["connections"] == 0)
    await pipe.close()


async def test_a_living_nodes_socket_is_left_alone(told: Told) -> None:
    another = WebSocketTransport(told.transport._config, told)
    with pytest.raises(SeamError, match="another node serves"):
        await another.start()
    await another.shutdown()
    await (await told.come("a")).close()


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_strangers_write_costs_only_their_connection(told: Told, seed: int) -> None:
    dice = random.Random(seed)
    inside = await told.come("a")
    for _ in range(30):
        pipe = await (told.come("b") if dice.random() < 0.5 else StreamPipe.to(told.transport._config.path))
        pipe.writer.write(dice.randbytes(dice.randrange(1, 4000)))
        if dice.random() < 0.5:
            pipe.writer.write_eof()
        await pipe.close()
    await told.until(lambda: told.transport.stats()["connections"] == 1)
    told.transport.send("a", Channel.EVENTS, b"still here")
    assert await inside.receive() == b"\x00still here"
    await inside.close()
