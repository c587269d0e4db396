"""What every transport promises, whichever it is: the lean endpoint, aiortc, and the WebSocket where UDP is blocked.

Rule: a test here names no transport. What only some of them can be asked is elsewhere, and why:

- `test_calls`: what an offer says and how it is answered. A WebSocket is opened by a key, and reads no SDP.
- `test_framing`, `test_websocket` and `test_aiortc`: what breaks a transport's own rules (texts and frames above 1,200
  bytes are malformed on a data channel, and end a WebSocket).
- `test_flow` and `webrtc/`: how much of what a path cannot take waits, as each has a congestion control of its own.
- `test_transports`: moving from one to another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel, Flags, GoodbyeCode, Here, NoticeCode, Ping, Pose, Role
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.node import seam
from roomscale.netcode.testing.talker import Talker
from tests.netcode.conftest import House
from tests.netcode.node.conftest import Houses

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["lean", "aiortc", "websocket"], scope="module")
def transport(request: pytest.FixtureRequest) -> str:
    """All of them."""
    return str(request.param)


async def walks_on(talker: Talker) -> None:
    """Somebody still hears of the others."""
    before = talker.tally.snapshots
    await talker.until(lambda: talker.tally.snapshots > before + 3)


async def test_two_visitors_see_each_other_to_the_millimetre(house: House) -> None:
    ada, bo = await asyncio.gather(house.come("a", name="Ada"), house.come("b", name="Ada", role=Role.OWNER))
    await ada.until(lambda: len(ada.others) == len(bo.others) == 1)
    assert ada.peer is not None
    assert bo.peer is not None
    assert {ada.name, bo.name} == {"Ada", "Ada (2)"}
    assert ada.others[bo.peer].name == bo.name
    assert (ada.others[bo.peer].user_id, ada.others[bo.peer].role, ada.others[bo.peer].avatar) == ("@b:x", 4, "ada")
    for x, y, z in ((1.5, 0.25, -2.125), (-1.001, 0, 7.999), (1000, -20, -1000)):
        moved = time.monotonic()
        ada.move(x, y, z, 1.0)
        await bo.until(lambda x=x, y=y, z=z: bo.place(ada.peer or 0) == (x, y, z))  # type: ignore[misc]
        assert time.monotonic() - moved < 1.0
    assert not ada.tally.malformed


async def test_the_gate_learns_who_opened_and_who_closed_within_a_second(house: House) -> None:
    ada = await house.come("a")
    await house.pushed(seam.Opened("a"))
    took = []
    for session in "bcd":
        visitor = await house.come(session)
        closed = time.monotonic()
        await visitor.close()
        assert (await house.ended(session)).code == GoodbyeCode.LEFT
        took.append(time.monotonic() - closed)
        await ada.until(lambda: not ada.others)
    assert max(took) < 1


async def test_an_ejected_visitor_is_told_and_out_within_a_second(house: House) -> None:
    ada, bo = await asyncio.gather(house.come("a"), house.come("b"))
    began = time.monotonic()
    assert await house.gate.eject("b", GoodbyeCode.KICKED, "be kind")
    await asyncio.wait_for(bo.closed.wait(), 1)
    await ada.until(lambda: not ada.others, 1)
    assert time.monotonic() - began < 1
    assert bo.talk.goodbye is not None
    assert (bo.talk.goodbye.code, bo.talk.goodbye.reason) == (GoodbyeCode.KICKED, "be kind")
    assert not await house.gate.eject("b", GoodbyeCode.KICKED, "")
    assert house.pushes.count(seam.Closed("b", GoodbyeCode.KICKED, "be kind")) == 1


async def test_notices_names_and_roles_reach_those_they_are_for(house: House) -> None:
    ada, bo = await house.come("a", name="Ada"), await house.come("b", world="!gallery:x")
    cy = await house.come("c", name="Cy")
    assert await house.gate.notice("!gallery:x", NoticeCode.TEXT, "only here") == 1
    assert await house.gate.notice(None, NoticeCode.HOMESERVER_AWAY, "away") == 3
    await bo.until(lambda: len(bo.talk.notices) == 2)
    await ada.until(lambda: len(ada.talk.notices) == 1)
    assert await house.gate.rename("a", "cy\u202e")
    assert await house.gate.set_role("a", Role.MODERATOR)
    await cy.until(lambda: [(e.name, e.role) for e in cy.others.values()] == [("cy (2)", 3)])
    await ada.until(lambda: ada.name == "cy (2)")


async def test_the_muted_do_not_show_that_they_speak_until_they_may_again(house: House) -> None:
    ada, bo = await house.come("a"), await house.come("b", muted=True)
    await ada.until(lambda: bool(ada.others))

    async def shows(x: float, flags: int) -> None:
        bo.move(x, 0, 0, flags=Flags.SPEAKING)
        await ada.until(lambda: ada.place(bo.peer or 0) == (x, 0, 0))
        assert ada.talk.seen[bo.peer or 0].pose.flags == flags

    await shows(1, 0)
    assert [s.muted for s in await house.gate.sessions()] == [False, True]
    assert await house.gate.mute("b", muted=False)
    await shows(2, Flags.SPEAKING)
    assert await house.gate.mute("b", muted=True)
    await shows(3, 0)
    assert not await house.gate.mute("nobody", muted=True)


async def test_a_new_connection_of_a_session_keeps_the_participant_and_ends_the_old_one(house: House) -> None:
    ada, bo = await house.come("a"), await house.come("b")
    await bo.until(lambda: bool(bo.others))
    peer = ada.peer
    changes: list[dict[int, object]] = []
    watching = asyncio.create_task(_watch(lambda: dict(bo.others), changes))
    again = await house.come("a")
    assert again.peer == peer
    await asyncio.wait_for(ada.closed.wait(), 5)
    await again.until(lambda: bool(again.others))
    again.move(3, 0, 4)
    await bo.until(lambda: bo.place(peer or 0) == (3, 0, 4))
    watching.cancel()
    assert all(change.keys() == {peer} for change in changes)
    assert ada.talk.goodbye is None
    assert await house.open_connections() == (await house.gate.metrics())["participants"] == 2
    assert not any(isinstance(push, seam.Closed) for push in house.pushes)


async def _watch(look: Callable[[], dict[int, object]], seen: list[dict[int, object]]) -> None:
    while True:
        seen.append(look())
        await asyncio.sleep(0.005)


async def test_a_new_connection_brings_back_a_visitor_whose_network_died(house: House) -> None:
    ada, bo = await house.come("a"), await house.come("b")
    await bo.until(lambda: bool(bo.others))
    peer = ada.peer
    await ada.vanish()
    await asyncio.sleep(0.5)
    again = await house.come("a")
    assert again.peer == peer
    again.move(1, 2, 3)
    await bo.until(lambda: bo.place(peer or 0) == (1, 2, 3))


async def test_a_full_world_refuses_and_a_seat_that_came_free_is_given_away(houses: Houses) -> None:
    house = await houses(capacity_per_world=2, capacity=3)
    await house.come("a")
    bo = await house.come("b")
    assert await house.call("c", house.visitor()) == seam.Refused("c", "full", "2 of 2 are here")
    await house.come("d", world="!gallery:x")
    reply = await house.call("e", house.visitor(), world="!third:x")
    assert isinstance(reply, seam.Refused)
    assert reply.code == "busy"
    await bo.close()
    await house.ended("b")
    await house.come("c")


async def test_malformed_frames_end_a_session_and_trouble_no_other(house: House) -> None:
    ada, bo = await house.come("a"), await house.come("b")
    before = (await house.gate.metrics())["frames"]["malformed"]
    for data in (b"\xff" * 9, b"\x02", b"\x81" * 20, b"\x01" + bytes(500), b"\x10"):
        bo.send(Channel.EVENTS, data)
    await asyncio.wait_for(bo.closed.wait(), 2)
    assert bo.talk.goodbye is not None
    assert bo.talk.goodbye.code == GoodbyeCode.PROTOCOL_ERROR
    await ada.until(lambda: not ada.others)
    assert (await house.gate.metrics())["frames"]["malformed"] == before + 5


async def test_a_flood_is_cut_down_and_ends_its_session_while_others_walk_on(house: House) -> None:
    ada, bo, eve = [await house.come(s) for s in "abe"]
    eve_peer = eve.peer or 0
    # As many as it takes: a slow machine sends them slowly.
    for number in range(400):
        if any(isinstance(push, seam.Closed) for push in house.pushes):
            break  # not only when Eve knows: what she has queued by then would keep her from hearing of it
        for seq in range(40):
            eve.send(Channel.POSES, encode(Here(number * 40 + seq, 0, 0, 0, Pose())))
            eve.send(Channel.EVENTS, encode(Ping(1)))
        await asyncio.sleep(0.01)
    await asyncio.wait_for(eve.closed.wait(), 10)
    ada.move(5, 0, 5)
    await bo.until(lambda: bo.place(ada.peer or 0) == (5, 0, 5))
    await bo.until(lambda: eve_peer not in bo.others)
    assert await house.ended("e") == seam.Closed("e", GoodbyeCode.PROTOCOL_ERROR, "too many messages")


async def test_silence_ends_a_session(houses: Houses) -> None:
    house = await houses(silence=1.0)
    ada, bo = await house.come("a"), await house.come("b")
    await ada.until(lambda: bool(ada.others))
    began = time.monotonic()
    await bo.vanish()
    await ada.until(lambda: not ada.others, 3)
    assert 0.8 < time.monotonic() - began < 2
    await house.pushed(seam.Closed("b", GoodbyeCode.SILENT, "nothing heard for 1 s"))


class Speechless(Conversation):
    """Comes in and does not say HELLO."""

    def opened(self, now: float) -> list[tuple[Channel, bytes]]:
        return []


async def test_who_never_says_hello_is_let_go(houses: Houses) -> None:
    house = await houses(hello_timeout=1.0)
    await house.knock("m", talk=Speechless())
    await house.ended("m", 4)
    assert await house.gate.sessions() == ()
    assert await house.open_connections() == 0


async def test_who_does_not_read_is_dropped_before_much_is_kept_for_them(houses: Houses) -> None:
    house = await houses(backlog=20_000, silence=30.0)
    ada, bo = await house.come("a"), await house.come("b")
    await bo.vanish()
    for _ in range(200):
        await house.gate.notice(None, NoticeCode.TEXT, "x" * 250)
    await house.pushed(seam.Closed("b", GoodbyeCode.LEFT, "it reads too slowly"), 2)
    counts = (await house.gate.metrics())["transport"]
    assert counts["too_slow"] + counts["websocket_too_slow"] == 1
    await ada.until(lambda: len(ada.talk.notices) == 200)


async def test_a_node_that_ends_says_goodbye(houses: Houses) -> None:
    house = await houses()
    ada = await house.come("a")
    await walks_on(ada)
    code, logged = await house.end()
    assert (code, "Traceback" in logged) == (0, False)
    await asyncio.wait_for(ada.closed.wait(), 2)
    assert ada.talk.goodbye is not None
    assert ada.talk.goodbye.code == GoodbyeCode.SERVER_STOPPING
