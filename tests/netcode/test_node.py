"""A real node process, over its seam, with real WebRTC visitors."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel, Flags, GoodbyeCode, NoticeCode, Ping, Pose, PoseUpdate, Role
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.core.simulation import Simulation
from roomscale.netcode.errors import NodeAway, NodeFailed, TransportError
from roomscale.netcode.node import addresses, seam
from roomscale.netcode.node.config import NodeConfig
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.netcode.node.service import serve
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.conftest import House

Houses = Callable[..., Awaitable[House]]


@pytest.fixture(params=["lean", "aiortc"])
def transport(request: pytest.FixtureRequest) -> str:
    """Both: this file is what they all promise."""
    return str(request.param)


async def test_two_visitors_see_each_other_to_the_millimetre(house: House) -> None:
    ada, bo = await asyncio.gather(house.enter("a", name="Ada"), house.enter("b", name="Ada", role=Role.OWNER))
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
    assert not ada.talk.tally.malformed


async def test_the_gate_learns_who_opened_and_who_closed_within_a_second(house: House) -> None:
    ada = await house.enter("a")
    await house.pushed(seam.Opened("a"))
    took = []
    for session in "bcd":
        visitor = await house.enter(session)
        closed = time.monotonic()
        await visitor.close()
        await house.pushed(seam.Closed(session, GoodbyeCode.LEFT, "the connection was closed"))
        took.append(time.monotonic() - closed)
        await ada.until(lambda: not ada.others)
    assert max(took) < 1


async def test_an_ejected_visitor_is_told_and_out_within_a_second(house: House) -> None:
    ada, bo = await asyncio.gather(house.enter("a"), house.enter("b"))
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
    ada, bo = await house.enter("a", name="Ada"), await house.enter("b", world="!gallery:x")
    cy = await house.enter("c", name="Cy")
    assert await house.gate.notice("!gallery:x", NoticeCode.TEXT, "only here") == 1
    assert await house.gate.notice(None, NoticeCode.HOMESERVER_AWAY, "away") == 3
    await bo.until(lambda: len(bo.talk.notices) == 2)
    await ada.until(lambda: len(ada.talk.notices) == 1)
    assert await house.gate.rename("a", "cy\u202e")
    assert await house.gate.set_role("a", Role.MODERATOR)
    await cy.until(lambda: [(e.name, e.role) for e in cy.others.values()] == [("cy (2)", 3)])
    await ada.until(lambda: ada.name == "cy (2)")


async def test_the_muted_do_not_show_that_they_speak_until_they_may_again(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b", muted=True)
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


async def test_a_new_offer_of_a_session_keeps_the_participant_and_closes_the_old_connection(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    await bo.until(lambda: bool(bo.others))
    peer, connection = ada.peer, ada._pc
    changes: list[dict[int, object]] = []
    watching = asyncio.create_task(_watch(lambda: dict(bo.others), changes))
    await house.call("a", ada)
    await ada.until(lambda: ada._pc is not connection and ada.talk.welcome is not None and bool(ada.others))
    assert ada.peer == peer
    ada.move(3, 0, 4)
    await bo.until(lambda: bo.place(peer or 0) == (3, 0, 4))
    await asyncio.sleep(0.3)
    watching.cancel()
    assert all(change.keys() == {peer} for change in changes)
    assert connection is not None
    assert connection.connectionState == "closed"
    metrics = await house.gate.metrics()
    assert metrics["transport"]["open"] == metrics["participants"] == 2
    assert not any(isinstance(push, seam.Closed) for push in house.pushes)


async def _watch(look: Callable[[], dict[int, object]], seen: list[dict[int, object]]) -> None:
    while True:
        seen.append(look())
        await asyncio.sleep(0.005)


async def test_a_new_offer_brings_back_a_visitor_whose_network_died(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    await bo.until(lambda: bool(bo.others))
    peer = ada.peer
    await ada.vanish()
    await asyncio.sleep(1)
    again = house.visitor()
    await house.call("a", again)
    await again.inside()
    assert again.peer == peer
    again.move(1, 2, 3)
    await bo.until(lambda: bo.place(peer or 0) == (1, 2, 3))


async def test_a_replacement_that_never_connects_leaves_the_connection_in_use_alone(houses: Houses) -> None:
    house = await houses(hello_timeout=1.0)
    ada = await house.enter("a")
    stranger = house.visitor()
    reply = await house.gate.offer(house.offer("a", await stranger.offer()))  # the answer gets lost
    assert isinstance(reply, seam.Answer)
    await asyncio.sleep(1.5)
    snapshots = ada.talk.tally.snapshots
    await ada.until(lambda: ada.talk.tally.snapshots > snapshots + 5)
    assert (await house.gate.metrics())["transport"]["connecting"] == 0
    assert not any(isinstance(push, seam.Closed) for push in house.pushes)


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


async def test_a_full_world_refuses_and_a_seat_that_came_free_is_given_away(houses: Houses) -> None:
    house = await houses(capacity_per_world=2, capacity=3)
    await house.enter("a")
    bo = await house.enter("b")
    reply = await house.call("c", house.visitor())
    assert reply == seam.Refused("c", "full", "2 of 2 are here")
    await house.enter("d", world="!gallery:x")
    reply = await house.call("e", house.visitor(), world="!third:x")
    assert isinstance(reply, seam.Refused)
    assert reply.code == "busy"
    await bo.close()
    await house.pushed(seam.Closed("b", GoodbyeCode.LEFT, "the connection was closed"))
    await house.enter("c")


@pytest.mark.parametrize(
    "damage",
    [
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
    ],
    ids=range(11),
)
async def test_a_damaged_offer_is_refused_or_gets_nowhere_and_harms_nobody(
    houses: Houses, damage: Callable[[str], str]
) -> None:
    house = await houses(hello_timeout=1.0)
    ada = await house.enter("a")
    reply = await house.gate.offer(house.offer("b", damage(await house.visitor().offer())))
    if isinstance(reply, seam.Refused):
        assert reply.code == "bad_offer"
    else:
        await house.pushed(seam.Closed("b", GoodbyeCode.LEFT, "it did not connect"), 3)
    assert [s.session for s in await house.gate.sessions()] == ["a"]
    snapshots = ada.talk.tally.snapshots
    await ada.until(lambda: ada.talk.tally.snapshots > snapshots + 3)
    code, logged = await house.end()
    assert code == 0
    assert "Traceback" not in logged


async def test_malformed_frames_end_a_session_and_trouble_no_other(house: House) -> None:
    ada, bo = await house.enter("a"), await house.enter("b")
    for data in (b"\xff" * 9, "a text", b"\x02", b"\0" * 60_000, b"\x81" * 20):
        bo.send(Channel.EVENTS, data)
    await asyncio.wait_for(bo.closed.wait(), 2)
    assert bo.talk.goodbye is not None
    assert bo.talk.goodbye.code == GoodbyeCode.PROTOCOL_ERROR
    await ada.until(lambda: not ada.others)
    assert (await house.gate.metrics())["frames"]["malformed"] == 5


async def test_a_flood_is_cut_down_and_ends_its_session_while_others_walk_on(house: House) -> None:
    ada, bo, eve = [await house.enter(s) for s in "abe"]
    eve_peer = eve.peer or 0
    frame = encode(PoseUpdate(1, 0, Pose()))
    for _ in range(60):
        if eve.closed.is_set():
            break
        for _ in range(40):
            eve.send(Channel.POSES, frame)
            eve.send(Channel.EVENTS, encode(Ping(1)))
        await asyncio.sleep(0.01)
    await asyncio.wait_for(eve.closed.wait(), 5)
    ada.move(5, 0, 5)
    await bo.until(lambda: bo.place(ada.peer or 0) == (5, 0, 5))
    await bo.until(lambda: eve_peer not in bo.others)
    ending = next(p for p in house.pushes if isinstance(p, seam.Closed))
    assert (ending.session, ending.code) == ("e", GoodbyeCode.PROTOCOL_ERROR)


async def test_silence_ends_a_session(houses: Houses) -> None:
    house = await houses(silence=1.0)
    ada, bo = await house.enter("a"), await house.enter("b")
    await ada.until(lambda: bool(ada.others))
    began = time.monotonic()
    await bo.vanish()
    await ada.until(lambda: not ada.others, 3)
    assert 0.8 < time.monotonic() - began < 2
    await house.pushed(seam.Closed("b", GoodbyeCode.SILENT, "nothing heard for 1 s"))


async def test_who_never_says_hello_is_let_go(houses: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    house = await houses(hello_timeout=1.0)
    mute = house.visitor()
    monkeypatch.setattr(Conversation, "opened", lambda *_: [])
    await house.call("m", mute)
    await house.pushed(seam.Closed("m", GoodbyeCode.SILENT, "no hello within 1 s"), 4)
    assert await house.gate.sessions() == ()


async def test_who_does_not_read_is_dropped_before_much_is_kept_for_them(houses: Houses) -> None:
    house = await houses(backlog=20_000, silence=30.0)
    ada, bo = await house.enter("a"), await house.enter("b")
    await bo.vanish()
    for _ in range(200):
        await house.gate.notice(None, NoticeCode.TEXT, "x" * 250)
    await house.pushed(seam.Closed("b", GoodbyeCode.LEFT, "it reads too slowly"), 2)
    assert (await house.gate.metrics())["transport"]["too_slow"] == 1
    await ada.until(lambda: len(ada.talk.notices) == 200)


async def test_a_restarted_gate_finds_who_is_inside_and_nobody_noticed(house: House) -> None:
    ada, bo = await house.enter("a", name="Ada", role=Role.OWNER), await house.enter("b")
    await house.gate.close()
    await bo.close()  # while nobody listens
    await ada.until(lambda: not ada.others)
    pushes: list[seam.Push] = []
    async with SeamClient(house.path, on_push=pushes.append) as gate:
        await gate.wait_up(5)
        assert await gate.sessions() == (
            seam.SessionInfo("a", "!plaza:x", "@a:x", "Ada", Role.OWNER, False, ada.peer or 0, present=True),
        )
        assert await gate.eject("a", GoodbyeCode.BANNED, "")
        await asyncio.wait_for(ada.closed.wait(), 1)
        assert pushes == [seam.Closed("a", GoodbyeCode.BANNED, "")]


async def test_the_answer_names_the_public_address(houses: Houses) -> None:
    house = await houses(public_address="203.0.113.7")
    reply = await house.gate.offer(house.offer("a", await house.visitor().offer()))
    assert isinstance(reply, seam.Answer)
    candidates = [line for line in reply.sdp.split("\r\n") if line.startswith("a=candidate:")]
    assert len(candidates) == 1
    assert " 203.0.113.7 " in candidates[0]
    assert not any("127.0.0.1" in line for line in reply.sdp.split("\r\n") if not line.startswith("o="))


async def test_metrics_tell_how_it_goes(house: House) -> None:
    ada = await house.enter("a")
    await ada.until(lambda: ada.talk.tally.snapshots > 8)
    metrics = await house.gate.metrics()
    assert metrics["worlds"] == {"!plaza:x": 1}
    assert (metrics["sessions"], metrics["participants"]) == (1, 1)
    assert metrics["ticks"]["ticks"] > 8
    assert metrics["frames"]["frames_in"] > 3  # HELLO, and a few of PING and HERE
    assert metrics["process"]["rss_max_bytes"] > 10_000_000


@pytest.mark.parametrize("how", ["stdin", "SIGTERM", "SIGINT"])
async def test_a_node_that_is_told_to_end_says_goodbye_and_ends_at_once(house: House, how: str) -> None:
    ada = await house.enter("a")
    assert house.process is not None
    began = time.monotonic()
    if how != "stdin":
        house.process.send_signal(getattr(signal, how))
        await asyncio.wait_for(house.process.wait(), 3)
    code, logged = await house.end()
    assert time.monotonic() - began < 2
    assert code == 0
    assert "Traceback" not in logged
    assert not house.path.exists()
    await asyncio.wait_for(ada.closed.wait(), 2)
    assert ada.talk.goodbye is not None
    assert ada.talk.goodbye.code == GoodbyeCode.SERVER_STOPPING


async def test_a_killed_node_is_away_at_once_and_its_successor_takes_over_the_socket(house: House) -> None:
    await house.enter("a")
    assert house.process is not None
    house.process.kill()
    await house.process.wait()
    async with asyncio.timeout(1):
        while house.gate.up:
            await asyncio.sleep(0.005)
    with pytest.raises(NodeAway):
        await house.gate.sessions()
    assert house.path.exists()
    await house.start()
    assert await house.gate.sessions() == ()
    await house.enter("a")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (['bind_hosts=["203.0.113.77"]'], "cannot bind UDP on 203.0.113.77"),
        (['bind_hosts=["plaza"]'], "'plaza' is not an IP address to bind"),
        (["tick_rate=x"], "usage:"),
    ],
)
async def test_a_node_that_cannot_run_says_so_in_one_line(house: House, settings: list[str], line: str) -> None:
    path = house.path.with_name("other.sock")
    code, logged = await _run(str(path), *settings)
    assert code in (1, 2)
    assert line in logged
    assert logged.count("\n") == 1
    code, logged = await _run(str(house.path))
    assert (code, logged) == (1, f"another node serves {house.path}\n")


async def test_a_tick_that_fails_ends_the_node_instead_of_leaving_it_half_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Simulation, "step", fail)
    config = NodeConfig(tmp_path / "node.sock", leash=False)
    with pytest.raises(NodeFailed, match="ours"):
        await asyncio.wait_for(serve(config), 5)
    assert not config.seam_path.exists()


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "roomscale.netcode.node", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        logged = await asyncio.wait_for(process.stderr.read(), 20)
        return await process.wait(), logged.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
