"""A real node: visitors by WebRTC and by WebSocket see each other, and one moves between the two unnoticed."""

from __future__ import annotations

import asyncio

import pytest

from roomscale.netcode.core.messages import GoodbyeCode
from roomscale.netcode.node import seam
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.conftest import House
from tests.netcode.node.conftest import Houses
from tests.netcode.sockets import SocketVisitor, StreamPipe

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def see_each_other(one: Visitor | SocketVisitor, other: Visitor | SocketVisitor, x: float) -> None:
    one.move(x, 0, 1)
    await other.until(lambda: other.place(one.peer or 0) == (x, 0, 1))
    other.move(-x, 0, 2)
    await one.until(lambda: one.place(other.peer or 0) == (-x, 0, 2))


async def test_visitors_of_both_kinds_see_each_other(house: House) -> None:
    ada, bo, cy = await house.enter("a"), await house.enter_by_websocket("b"), await house.enter_by_websocket("c")
    await see_each_other(ada, bo, 3)
    await see_each_other(bo, cy, 5)
    counts = (await house.gate.metrics())["transport"]
    assert (counts["open"], counts["websocket_open"]) == (1, 2)
    await house.pushed(seam.Opened("b"))
    await cy.close()
    await house.pushed(seam.Closed("c", GoodbyeCode.LEFT, "the visitor left"))
    await bo.until(lambda: len(bo.talk.roster) == 1)


async def test_one_moves_to_a_websocket_and_back_and_the_others_notice_nothing(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    await see_each_other(ada, bo, 1)
    peer, first = bo.peer, bo._pc
    left = asyncio.create_task(_gone(ada, peer or 0))
    by_socket = await house.enter_by_websocket("b")
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


async def test_a_failed_try_at_webrtc_does_not_disturb_the_websocket(houses: Houses) -> None:
    house = await houses(hello_timeout=1.0)
    ada, bo = await house.enter("a"), await house.enter_by_websocket("b")
    await house.key("b")
    await asyncio.sleep(1.2)  # the node gives the new connection up
    assert (await house.gate.metrics())["transport"]["connecting"] == 0
    await see_each_other(ada, bo, 4)
    assert not bo.closed.is_set()


async def test_one_whose_websocket_broke_is_here_until_the_silence_is_too_long(houses: Houses) -> None:
    house = await houses(silence=1.0)
    ada, bo = await house.enter("a"), await house.enter_by_websocket("b")
    await bo.tear()
    await house.pushed(seam.Closed("b", GoodbyeCode.SILENT, "nothing heard for 1 s"))
    await ada.until(lambda: not ada.others)


async def test_the_key_of_an_answer_is_void_once_its_webrtc_connection_opened(house: House) -> None:
    visitor = house.visitor()
    reply = await house.call("a", visitor)
    assert isinstance(reply, seam.Answer)
    await visitor.inside()
    late = SocketVisitor(await StreamPipe.to(seam.websocket_path(house.path)))
    assert not await late.call(reply.key)
    await late.tear()
    snapshots = visitor.talk.tally.snapshots
    await visitor.until(lambda: visitor.talk.tally.snapshots > snapshots + 3)
