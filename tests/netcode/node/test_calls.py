"""Offers and their answers, over every transport that reads SDP: repeated, lost, damaged, and by which address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from roomscale.netcode.core.messages import Channel, GoodbyeCode
from roomscale.netcode.errors import TransportError
from roomscale.netcode.node import addresses, seam
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.conftest import House
from tests.netcode.node.conftest import Houses

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["lean", "aiortc"], scope="module")
def transport(request: pytest.FixtureRequest) -> str:
    """Both."""
    return str(request.param)


async def test_the_same_offer_gets_the_same_answer_at_any_time(house: House) -> None:
    visitor = house.visitor()
    offer = house.offer("a", await visitor.offer())
    first, second = await asyncio.gather(house.gate.offer(offer), house.gate.offer(offer))
    assert first == second
    assert isinstance(first, seam.Answer)
    await visitor.accept(first.sdp)
    await visitor.inside()
    assert await house.gate.offer(offer) == first
    await asyncio.sleep(0.2)
    assert not visitor.closed.is_set()


async def test_an_answer_that_got_lost_is_asked_for_again_while_the_visitor_walks_on(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    await bo.until(lambda: bool(bo.others))
    first = ada._pc
    lost = await house.gate.offer(house.offer("a", await ada.offer()))
    assert isinstance(lost, seam.Answer)
    snapshots = ada.talk.tally.snapshots
    await ada.until(lambda: ada.talk.tally.snapshots > snapshots + 5)
    assert ada._pc is first
    await house.call("a", ada)
    await ada.until(lambda: ada._pc is not first and bool(ada.others))
    assert first is not None
    assert first.connectionState == "closed"
    ada.move(1, 2, 3)
    await bo.until(lambda: bo.place(ada.peer or 0) == (1, 2, 3))


@pytest.mark.parametrize("host", ["::1", "0.0.0.0"])
async def test_visitors_come_over_ipv6_and_over_every_interface(houses: Houses, host: str) -> None:
    try:
        own = addresses.candidates([host])
    except TransportError:
        pytest.skip(f"this machine has nothing to bind for {host}")
    house = await houses(bind_hosts=[host])
    async with Visitor(hosts=own) as ada:
        reply = await house.call("a", ada)
        assert isinstance(reply, seam.Answer)
        assert all(f" {address} " in reply.sdp for address in own)
        await ada.inside()


DAMAGES: list[Callable[[str], str]] = [
    lambda sdp: "",
    lambda sdp: "v=0",
    lambda sdp: sdp.replace("a=sctp-port:5000", "a=sctp-port:x"),
    lambda sdp: sdp.replace("a=ice-pwd:", "a=ice-pwd: "),
    lambda sdp: sdp.replace("m=application", "m=video"),
    lambda sdp: sdp.replace("UDP/DTLS/SCTP", "RTP/AVP"),
    lambda sdp: sdp.replace("sha-256", "md-two").replace("sha-384", "x").replace("sha-512", "y"),
    lambda sdp: sdp.replace("a=mid:0", "a=mid:" + "0" * 5000),
    lambda sdp: sdp + "a=" + "x" * 20_000,
    lambda sdp: "\0" * 100 + sdp,
    lambda sdp: sdp.replace("o=-", "o="),
]


async def test_damaged_offers_and_replacements_that_never_connect_are_let_go_and_harm_nobody(houses: Houses) -> None:
    house = await houses(hello_timeout=1.0)
    ada = await house.enter("a")
    stranger = house.visitor()
    lost = await house.gate.offer(house.offer("a", await stranger.offer()))  # the answer gets lost
    assert isinstance(lost, seam.Answer)
    whole = await house.visitor().offer()
    offers = [house.offer(f"b{number}", damage(whole)) for number, damage in enumerate(DAMAGES)]
    for reply in [await house.gate.offer(offer) for offer in offers]:
        if isinstance(reply, seam.Refused):
            assert reply.code == "bad_offer", reply
        else:
            await house.pushed(seam.Closed(reply.session, GoodbyeCode.LEFT, "it did not connect"), 3)
    async with asyncio.timeout(3):
        while (await house.gate.metrics())["transport"]["connecting"]:
            await asyncio.sleep(0.02)
    assert [s.session for s in await house.gate.sessions()] == ["a"]
    snapshots = ada.talk.tally.snapshots
    await ada.until(lambda: ada.talk.tally.snapshots > snapshots + 3)
    assert not any(isinstance(push, seam.Closed) and push.session == "a" for push in house.pushes)
    code, logged = await house.end()
    assert code == 0
    assert "Traceback" not in logged


async def test_a_text_and_a_message_of_sixty_kilobytes_are_malformed_frames(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    before = (await house.gate.metrics())["frames"]["malformed"]
    for data in ("a text", b"\0" * 60_000, "", b"\0" * 1201, "\0"):
        bo.send(Channel.EVENTS, data)
    await asyncio.wait_for(bo.closed.wait(), 2)
    assert bo.talk.goodbye is not None
    assert bo.talk.goodbye.code == GoodbyeCode.PROTOCOL_ERROR
    await ada.until(lambda: not ada.others)
    assert (await house.gate.metrics())["frames"]["malformed"] == before + 5


async def test_the_answer_names_the_public_address(houses: Houses) -> None:
    house = await houses(public_address="203.0.113.7")
    reply = await house.gate.offer(house.offer("a", await house.visitor().offer()))
    assert isinstance(reply, seam.Answer)
    candidates = [line for line in reply.sdp.split("\r\n") if line.startswith("a=candidate:")]
    assert len(candidates) == 1
    assert " 203.0.113.7 " in candidates[0]
    assert not any("127.0.0.1" in line for line in reply.sdp.split("\r\n") if not line.startswith("o="))
