"""Everything goes away once: the gate, the node, the homeserver. Those inside stay, and come back with a ticket."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from roomscale.netcode.core.messages import GoodbyeCode, NoticeCode
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.visitor import Answer
from tests.netcode.sockets import SocketPipe, SocketVisitor
from tests.support.homeserver import RunningHomeserver, running_homeserver
from tests.worlds.gate.harness import House, Tab, house, person, until

pytestmark = [pytest.mark.homeserver, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHomeserver]:
    """A homeserver that this test may kill."""
    with running_homeserver(tmp_path_factory.mktemp("mortal")) as homeserver:
        yield homeserver


async def test_a_ticket_brings_one_back_as_the_same_participant(built: House, synapse: RunningHomeserver) -> None:
    async with await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as tab, person(built, room_id) as other, built.http() as http:
            await tab.enter()
            await other.enter()
            peer, used = tab.visitor.peer, tab.ticket
            tab.visitor.talk.welcome = None
            assert (await tab.resume(http)).status_code == 200
            await tab.visitor.inside()
            assert tab.visitor.peer == peer
            assert tab.ticket != used
            assert (await tab.resume(http, used)).status_code == 401
            stolen = other.ticket
            assert (await tab.resume(http, stolen)).status_code == 401
            assert (await other.resume(http)).status_code == 401  # and is void from then on


async def test_every_answer_brings_a_key_with_which_the_same_participant_may_come_by_websocket(
    built: House, synapse: RunningHomeserver
) -> None:
    async with await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as tab, built.http() as http, aiohttp.ClientSession() as sockets:
            reply = await tab.reply(15.0)
            assert isinstance(reply, Answer)
            ticket, key, peers = reply.ticket, reply.websocket_key, set()
            for _ in range(2):
                assert key is not None
                visitor = SocketVisitor(SocketPipe(await sockets.ws_connect(built.url + "/net")))
                await visitor.enter(key)
                peers.add(visitor.peer)
                offer = {"type": "offer", "sdp": await tab.visitor.offer()}
                body = {"ticket": ticket, "session": tab.session, "offer": offer}
                answer = (await http.post("/api/session/resume", json=body)).json()
                assert answer["websocket"]["path"] == "/net"
                ticket, key = answer["ticket"]["value"], answer["websocket"]["key"]
                await visitor.tear()
            assert len(peers) == 1
            assert built.sessions(room_id) == 1


async def test_the_node_is_killed_and_the_homeserver_is_away_and_one_is_back_inside(
    mortal: RunningHomeserver, tmp_path: Path
) -> None:
    async with house(mortal, tmp_path) as built, await mortal.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as tab, built.http() as http:
            await tab.enter()
            mortal.kill()
            built.node.kill()
            response = await tab.resume(http)
            assert response.status_code == 503  # the node is away, and the ticket is still good
            assert "retry-after" in response.headers
            built.node.start()
            await until(lambda: built.running.node.up)
            tab.visitor.talk.welcome = None
            assert (await tab.resume(http)).status_code == 200
            await tab.visitor.inside()
            # The gate too: with no homeserver to ask, the ticket stands for what the gate knew last.
            await built.stop()
            await built.start(ready=False)
            async with built.http() as again:
                await until(lambda: built.running.node.up and built.running.outage.away)
                assert (await tab.resume(again)).status_code == 200
                assert (await tab.resume(again, secrets.token_urlsafe(32))).status_code == 401


async def test_while_the_homeserver_is_down_those_inside_stay_and_kicks_apply_on_its_return(
    mortal: RunningHomeserver, tmp_path: Path
) -> None:
    async with (
        house(mortal, tmp_path, away_notice_s=0.3, away_tell_s=1.5, call_lifetime_s=2.0) as built,
        await mortal.person("owner") as owner,
    ):
        room_id = await built.world(owner)
        async with person(built, room_id) as stays, person(built, room_id) as kicked, built.http() as http:
            await stays.enter()
            await kicked.enter()
            # The kick happens where the gate cannot see it: while it is stopped, just before the homeserver dies.
            await built.stop()
            await owner.kick(room_id, kicked.client.user_id)
            mortal.kill()
            await built.start(ready=False)
            await until(lambda: [n.code for n in stays.visitor.talk.notices] == [NoticeCode.HOMESERVER_AWAY, 255], 10)
            assert built.sessions(room_id) == 2
            async with built.http() as now:
                assert (await now.get("/readyz")).status_code == 503
                assert (await now.get("/healthz")).status_code == 200
                assert (await now.get("/_matrix/client/versions")).status_code == 502
            mortal.spawn()
            await mortal.wait()
            await until(lambda: kicked.visitor.talk.goodbye is not None, 10, "the kick is carried out")
            assert kicked.visitor.talk.goodbye is not None
            assert kicked.visitor.talk.goodbye.code in (GoodbyeCode.LEFT, GoodbyeCode.KICKED)
            await until(lambda: stays.visitor.talk.notices[-1].code == NoticeCode.HOMESERVER_BACK)
            assert stays.visitor.talk.goodbye is None
            async with person(built, room_id) as late:
                await late.enter()
        del http


async def test_nobody_enters_when_the_homeserver_cannot_be_asked(synapse: RunningHomeserver, tmp_path: Path) -> None:
    async with house(synapse, tmp_path, state_timeout_s=0.000_001) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as tab:
            content = tab.invite(await tab.visitor.offer(), "call")
            built.running.door.receive({"type": "m.call.invite", "sender": tab.client.user_id, "content": content})
            await until(lambda: built.running.door.outcomes["homeserver_away"] == 1)
            assert len(built.running.sessions) == 0


async def test_a_call_that_waited_while_the_gate_was_down_is_dropped(
    synapse: RunningHomeserver, tmp_path: Path
) -> None:
    async with (
        house(synapse, tmp_path, call_lifetime_s=0.5) as built,
        await synapse.person("owner") as owner,
    ):
        room_id = await built.world(owner)
        async with person(built, room_id) as tab:
            await tab.replies(0)
            await built.stop()
            await tab.send(tab.invite(await tab.visitor.offer(), "stale"))
            await asyncio.sleep(0.6)
            await built.start()
            await until(lambda: built.running.matrix.dropped_as_stale == 1)
            assert await tab.replies(0.5) == []
            await tab.enter()
            await built.stop()
            await built.start()  # the token is stored: nothing of the old comes again
            await asyncio.sleep(0.3)
            assert built.running.matrix.dropped_as_stale == 0
            assert built.running.door.outcomes.total() == 0


async def test_calls_are_answered_once_and_the_newest_counts(synapse: RunningHomeserver, tmp_path: Path) -> None:
    async with house(synapse, tmp_path) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as tab:
            await tab.replies(0)
            offer = tab.invite(await tab.visitor.offer(), "one")
            await tab.send(offer)
            await tab.send(offer)
            (answer, *_) = await tab.replies(5)
            await tab.send({**offer, "seq": offer["seq"] + 1})
            again = await tab.replies(5)
            assert again
            assert all(a["content"] == answer["content"] for a in again)
            await tab.send({**offer, "call_id": "older", "seq": 0})
            assert not [late for late in await tab.replies(0.5) if late["content"]["call_id"] == "older"]
            assert built.running.door.outcomes["answered"] == 1
            assert built.running.door.outcomes["stale"] >= 1
            await tab.visitor.accept(answer["content"]["answer"]["sdp"])
            await tab.visitor.inside()
            assert built.sessions(room_id) == 1


async def test_a_restarted_gate_adopts_those_inside(built: House, synapse: RunningHomeserver) -> None:
    async with await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as tab:
            await tab.enter()
            await built.stop()
            await built.start()
            await until(lambda: built.sessions(room_id) == 1)
            assert tab.visitor.talk.goodbye is None
            await owner.kick(room_id, tab.client.user_id)
            assert await until(lambda: tab.visitor.talk.goodbye is not None, 3) < 1.0


async def test_a_token_that_is_no_longer_good_is_mended_in_silence(built: House, synapse: RunningHomeserver) -> None:
    async with await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        await built.stop()
        database = sqlite3.connect(built.config.state_dir / "gate.db")
        with database:
            database.execute("UPDATE meta SET value = 'syt_no_longer_good' WHERE key = 'access_token'")
        database.close()
        await built.start()
        async with person(built, room_id) as tab:
            await tab.enter()


async def test_a_flood_of_guests_does_not_keep_a_member_out(synapse: RunningHomeserver, tmp_path: Path) -> None:
    limits = GateLimits(world_capacity=10, offers_per_world_burst=15, offers_per_world=0.1)
    async with house(synapse, tmp_path, limits=limits) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        guests = [await synapse.guest() for _ in range(12)]
        flood = [Tab(guest, built.config.user_id, room_id) for guest in guests]
        try:
            for tab in flood:
                await tab.client.join(room_id)
            sdp = await flood[0].visitor.offer()

            async def pester(tab: Tab) -> None:
                for number in range(20):
                    tab.session = secrets.token_urlsafe(16)  # a new session each time, as an attacker would
                    await tab.send(tab.invite(sdp, f"flood-{number}"))

            async with person(built, room_id) as member:
                storm = asyncio.gather(*(pester(tab) for tab in flood))
                await member.enter(seconds=10)
                await storm
            outcomes = built.running.door.outcomes
            assert outcomes["busy"] > 100
            assert built.running.sessions.guests(room_id) <= 8  # the guests' share of ten places
        finally:
            for tab in flood:
                await tab.close()
