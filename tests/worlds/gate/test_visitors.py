"""The product's headless visitors at a real gate: they find the world, wait when asked to, and give up when refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from roomscale.netcode.testing.visitor import Visitor
from roomscale.worlds.crowd import Crowd, CrowdPlan
from roomscale.worlds.errors import EntryRefused, GateError, WorldRefused
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.gateclient import Entrance, find_entrance
from roomscale.worlds.ids import parse_room_id
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ServerRef
from roomscale.worlds.visitor import Tab
from tests.support.homeserver import RunningHomeserver
from tests.worlds.gate.harness import House, house, person

pytestmark = pytest.mark.homeserver


def entrance(built: House, room_id: str) -> Entrance:
    """Into a room, at the homeserver itself (the harness' gate has a port of its own choice to pass on from)."""
    return Entrance(parse_room_id(room_id), "A world", built.homeserver.url)


async def members(owner: MatrixClient, room_id: str) -> int:
    return len(await owner.joined_members(room_id))


async def test_a_gate_says_where_a_world_is(synapse: RunningHomeserver, tmp_path: Path) -> None:
    async with house(synapse, tmp_path) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        found = await find_entrance(built.url, f"{built.url}/w/{room_id}")
        assert (found.room_id, found.homeserver) == (room_id, built.config.public_url)
        with pytest.raises(WorldRefused):
            await find_entrance(built.url, "/w/nowhere")


async def test_a_busy_world_is_asked_again_and_a_full_one_is_not(synapse: RunningHomeserver, tmp_path: Path) -> None:
    limits = GateLimits(world_capacity=2, offers_per_world=1.0, offers_per_world_burst=1)
    async with house(synapse, tmp_path, limits=limits) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        async with person(built, room_id) as one, person(built, room_id) as two, person(built, room_id) as three:
            await asyncio.gather(one.bring_in(one.visitor), two.bring_in(two.visitor))
            assert built.running.door.outcomes["busy"] >= 1
            assert built.sessions(room_id) == 2
            with pytest.raises(EntryRefused) as refusal:
                await three.bring_in(three.visitor)
            assert refusal.value.reason == "full"


async def test_a_server_that_does_not_answer_is_given_up(synapse: RunningHomeserver) -> None:
    async with await synapse.person("silent") as silent, await synapse.person("caller") as caller:
        tab = Tab(caller, ServerRef(silent.user_id, "TEST"), "!room:localhost")
        visitor = Visitor()
        try:
            with pytest.raises(GateError, match="does not answer"):
                await tab.bring_in(visitor, seconds=1)
        finally:
            await visitor.close()


async def test_a_crowd_stops_coming_when_the_world_is_full_and_all_leave(
    synapse: RunningHomeserver, tmp_path: Path
) -> None:
    limits = GateLimits(world_capacity=5, guest_share=0.6)
    async with house(synapse, tmp_path, limits=limits) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        before = await members(owner, room_id)
        crowd = Crowd(entrance(built, room_id), CrowdPlan(20, rate=4), Visitor)
        try:
            await crowd.arrive()
            assert crowd.progress.inside == len(crowd.joins) == built.sessions(room_id) == 3
            assert {getattr(error, "reason", error) for error in crowd.progress.failed} == {"full"}
            assert len(crowd.progress.failed) < 10  # the rest did not even set out
            stay = await crowd.stay(0.5, asyncio.Event())
            assert stay.lost == ()
            assert stay.figures.others_least == 2
        finally:
            remaining = await crowd.leave()
        assert remaining == 0
        assert await members(owner, room_id) == before


async def test_whoever_is_sent_out_counts_as_lost(synapse: RunningHomeserver, tmp_path: Path) -> None:
    async with house(synapse, tmp_path) as built, await synapse.person("owner") as owner:
        room_id = await built.world(owner)
        made: list[Visitor] = []

        def make() -> Visitor:
            made.append(Visitor())
            return made[-1]

        crowd = Crowd(entrance(built, room_id), CrowdPlan(2, moving=False), make)
        try:
            await crowd.arrive()
            enough = asyncio.Event()
            staying = asyncio.create_task(crowd.stay(30, enough))
            victim = next(user for user in await owner.joined_members(room_id) if user[1:].split(":")[0].isdigit())
            await owner.kick(room_id, victim, "enough")
            async with asyncio.timeout(5):
                while not any(visitor.over for visitor in made):
                    await asyncio.sleep(0.02)
            enough.set()
            stay = await staying
            assert [why.endswith("enough") for why in stay.lost] == [True]
        finally:
            assert await crowd.leave() == 0
