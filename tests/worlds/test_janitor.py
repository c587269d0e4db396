"""The janitor on a real homeserver: who is made to leave, and who is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roomscale.assets.cache import UploadCache
from roomscale.worlds.errors import HomeserverAway
from roomscale.worlds.ids import RoomId
from roomscale.worlds.janitor import JanitorPolicy, sweep
from roomscale.worlds.matrix import MatrixClient, Patience
from roomscale.worlds.publish import PublishRequest, publish
from tests.support.homeserver import RunningHomeserver
from tests.worlds.test_publish import glb

pytestmark = pytest.mark.homeserver

AT_ONCE = JanitorPolicy(gone_after_s=-60, leaves_per_s=1000)
"""Everybody counts as long gone: last seen before the end of the next minute."""


@pytest.fixture
async def admin(synapse: RunningHomeserver) -> AsyncIterator[MatrixClient]:
    async with await synapse.person("janitor", admin=True) as client:
        yield client


@pytest.fixture
async def world(admin: MatrixClient, tmp_path: Path) -> RoomId:
    with UploadCache(tmp_path / "cache.db") as cache:
        return (await publish(admin, PublishRequest(glb(), "W", listed=False), cache)).room_id


async def test_a_guest_long_gone_leaves_by_their_own_name_and_may_come_back(
    synapse: RunningHomeserver, admin: MatrixClient, world: RoomId
) -> None:
    async with await synapse.guest() as guest, await synapse.person() as member:
        await guest.join(world)
        await member.join(world)
        assert await sweep(admin, set, AT_ONCE) == 1
        assert set(await admin.joined_members(world)) == {admin.user_id, member.user_id}
        content = await admin.state_content(world, "m.room.member", guest.user_id)
        assert content is not None
        assert content["membership"] == "leave"
        left = [e for e in await admin.room_state(world) if e.state_key == guest.user_id]
        assert [event.sender for event in left] == [guest.user_id]
        assert await sweep(admin, set, AT_ONCE) == 0
        await guest.join(world)
        assert guest.user_id in await admin.joined_members(world)


async def test_who_is_inside_or_was_seen_lately_stays(
    synapse: RunningHomeserver, admin: MatrixClient, world: RoomId
) -> None:
    async with await synapse.guest() as inside, await synapse.guest() as lately:
        await inside.join(world)
        await lately.join(world)
        assert await sweep(admin, set, JanitorPolicy(gone_after_s=900)) == 0
        assert await sweep(admin, lambda: {(world, inside.user_id)}, AT_ONCE) == 1
        assert inside.user_id in await admin.joined_members(world)
        assert lately.user_id not in await admin.joined_members(world)


async def test_a_round_is_bounded_and_paced(synapse: RunningHomeserver, admin: MatrixClient, world: RoomId) -> None:
    guests = [await synapse.guest() for _ in range(4)]
    try:
        await asyncio.gather(*(guest.join(world) for guest in guests))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        policy = JanitorPolicy(gone_after_s=-60, leaves_per_s=10, leaves_per_round=3)
        assert await sweep(admin, set, policy) == 3
        assert loop.time() - begun >= 0.3
        assert await sweep(admin, set, policy) == 1
    finally:
        for guest in guests:
            await guest.close()


async def test_rooms_that_are_no_worlds_are_let_be(synapse: RunningHomeserver, admin: MatrixClient) -> None:
    room = await admin.create_room(
        {
            "preset": "public_chat",
            "initial_state": [
                {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "can_join"}}
            ],
        }
    )
    async with await synapse.guest() as guest:
        await guest.join(room)
        assert await sweep(admin, set, AT_ONCE) == 0
        assert guest.user_id in await admin.joined_members(room)


async def test_without_the_homeserver_the_round_ends() -> None:
    nowhere = MatrixClient("http://127.0.0.1:9", "@a:localhost", token="t", patience=Patience(attempts=1))
    async with nowhere:
        with pytest.raises(HomeserverAway):
            await sweep(nowhere, set)
