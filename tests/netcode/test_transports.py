"""A real node: visitors by WebRTC and by WebSocket see each other, and one moves between the two unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from roomscale.netcode.core.messages import Channel, GoodbyeCode
from roomscale.netcode.node import framing, seam
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.conftest import House
from tests.netcode.sockets import SocketVisitor, StreamPipe

Houses = Callable[..., Awaitable[House]]
Come = Callable[..., Awaitable[SocketVisitor]]


@pytest.fixture
async def come() -> AsyncIterator[Come]:
    """`come(house, "a")` offers for a session and then comes by WebSocket."""
    async with AsyncExitStack() as stack:

        async def come(house: House, session: str, *, key: str | None = None) -> SocketVisitor:
            visitor = SocketVisitor(await StreamPipe.to(seam.websocket_path(house.path)))
            stack.push_async_callback(visitor.close)
            await visitor.enter(key or await offered(house, session))
            return visitor

        yield come


async def offered(house: House, session: str) -> str:
    """The key in the answer to an offer whose WebRTC connection never opens."""
    async with Visitor() as nobody:
        reply = await house.gate.offer(house.offer(session, await nobody.offer()))
    assert isinstance(reply, seam.Answer)
    return reply.key


async def see_each_other(one: Visitor | SocketVisitor, other: Visitor | SocketVisitor, x: float) -> None:
    one.move(x, 0, 1)
    await other.until(lambda: other.place(one.peer or 0) == (x, 0, 1))
    other.move(-x, 0, 2)
    await one.until(lambda: one.place(other.peer or 0) == (-x, 0, 2))


async def test_visitors_of_both_kinds_see_each_other(house: House, come: Come) -> None:
    ada, bo, cy = await house.enter("a"), await come(house, "b"), await come(house, "c")
    await see_each_other(ada, bo, 3)
    await see_each_other(bo, cy, 5)
    counts = (await house.gate.metrics())["transport"]
    assert (counts["open"], counts["websocket_open"]) == (1, 2)
    await house.pushed(seam.Opened("b"))
    await cy.pipe.send(framing.LEAVE)
    await house.pushed(seam.Closed("c", GoodbyeCode.LEFT, "the visitor left"))
    await bo.until(lambda: len(bo.talk.roster) == 1)


async def test_one_moves_to_a_websocket_and_back_and_the_others_notice_nothing(house: House, come: Come) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    await see_each_other(ada, bo, 1)
    peer, first = bo.peer, bo._pc
    left = asyncio.create_task(_gone(ada, peer or 0))
    by_socket = await come(house, "b")
    assert by_socket.peer == peer
    await asyncio.wait_for(bo.closed.wait(), 5)
    await see_each_other(ada, by_socket, 7)
    await house.call("b", bo)
    await bo.until(lambda: bo._pc is not first and bo.talk.welcome is not None)
    assert bo.peer == peer
    await asyncio.wait_for(by_socket.closed.wait(), 5)
    await see_each_other(ada, bo, 9)
    assert not left.done()
    left.cancel()
    counts = (await house.gate.metrics())["transport"]
    assert (counts["open"], counts["websocket_open"], counts["websocket_connections"]) == (2, 0, 0)
    assert not any(isinstance(push, seam.Closed) for push in house.pushes)


async def _gone(watcher: Visitor, peer: int) -> None:
    while peer in watcher.others:
        await asyncio.sleep(0.005)


async def test_a_failed_try_at_webrtc_does_not_disturb_the_websocket(houses: Houses, come: Come) -> None:
    house = await houses(hello_timeout=1.0)
    ada, bo = await house.enter("a"), await come(house, "b")
    await offered(house, "b")
    await asyncio.sleep(1.2)  # the node gives the new connection up
    assert (await house.gate.metrics())["transport"]["connecting"] == 0
    await see_each_other(ada, bo, 4)
    assert not bo.closed.is_set()


async def test_a_broken_websocket_is_replaced_by_another(house: House, come: Come) -> None:
    ada, bo = await house.enter("a"), await come(house, "b")
    peer = bo.peer
    bo.reads.clear()  # its network is gone, and nobody knows yet
    again = await come(house, "b")
    assert again.peer == peer
    await see_each_other(ada, again, 4)
    assert not any(isinstance(push, seam.Closed) for push in house.pushes)


async def test_one_whose_websocket_broke_is_here_until_the_silence_is_too_long(houses: Houses, come: Come) -> None:
    house = await houses(silence=1.0)
    ada, bo = await house.enter("a"), await come(house, "b")
    await bo.close()
    await house.pushed(seam.Closed("b", GoodbyeCode.SILENT, "nothing heard for 1 s"))
    await ada.until(lambda: not ada.others)


async def test_an_ejected_visitor_is_told_over_the_websocket(house: House, come: Come) -> None:
    bo = await come(house, "b")
    assert await house.gate.eject("b", GoodbyeCode.KICKED, "be kind")
    await asyncio.wait_for(bo.closed.wait(), 5)
    assert bo.talk.goodbye is not None
    assert (bo.talk.goodbye.code, bo.talk.goodbye.reason) == (GoodbyeCode.KICKED, "be kind")


async def test_the_key_of_an_answer_is_void_once_its_webrtc_connection_opened(house: House) -> None:
    visitor = house.visitor()
    reply = await house.call("a", visitor)
    assert isinstance(reply, seam.Answer)
    await visitor.inside()
    late = SocketVisitor(await StreamPipe.to(seam.websocket_path(house.path)))
    assert not await late.call(reply.key)
    await late.close()
    snapshots = visitor.talk.tally.snapshots
    await visitor.until(lambda: visitor.talk.tally.snapshots > snapshots + 3)


async def test_a_flood_over_a_websocket_ends_its_session_while_others_walk_on(house: House, come: Come) -> None:
    ada, bo, eve = await house.enter("a"), await come(house, "b"), await come(house, "e")
    for _ in range(3000):
        if eve.closed.is_set():
            break
        await eve.send(Channel.POSES, bytes(15))
    await asyncio.wait_for(eve.closed.wait(), 5)
    assert eve.talk.goodbye is not None
    assert eve.talk.goodbye.code == GoodbyeCode.PROTOCOL_ERROR
    await see_each_other(ada, bo, 2)


async def test_a_node_that_stops_says_goodbye_over_the_websocket(house: House, come: Come) -> None:
    bo = await come(house, "b")
    code, logged = await house.end()
    assert (code, "Traceback" in logged) == (0, False)
    await asyncio.wait_for(bo.closed.wait(), 5)
    assert bo.talk.goodbye is not None
    assert bo.talk.goodbye.code == GoodbyeCode.SERVER_STOPPING
    assert not seam.websocket_path(house.path).exists()
