"""Which worlds the server takes on: invitations are wishes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roomscale.worlds.gate.config import WorldPolicy
from roomscale.worlds.gate.policy import declined
from roomscale.worlds.gate.rooms import Invitation
from tests.support.homeserver import RunningHomeserver
from tests.worlds.gate.harness import house, until

WORLD = "org.matrix.msc3815.world"
OURS = WorldPolicy()


def invitation(**changes: Any) -> Invitation:
    fields = {"room_id": "!a:here", "inviter": "@ada:here", "creator": "@ada:here", "room_type": WORLD, **changes}
    return Invitation(**fields)


@pytest.mark.parametrize(
    ("changes", "policy", "welcome"),
    [
        ({}, OURS, True),
        ({"room_type": None}, OURS, False),
        ({"room_type": None}, WorldPolicy(anyone=True), False),
        ({"inviter": "@eve:evil.example"}, OURS, False),
        ({"creator": "@eve:evil.example"}, OURS, False),
        ({"creator": None}, OURS, True),
        ({"inviter": None, "creator": None}, OURS, False),
        ({"inviter": "@eve:evil.example", "creator": "@eve:evil.example"}, WorldPolicy(anyone=True), True),
        ({"inviter": "@pub:else.where"}, WorldPolicy(False, frozenset({"@pub:else.where"})), True),
        ({}, WorldPolicy(own_server_rooms=False), False),
    ],
)
def test_only_the_hosts_own_people_are_followed(changes: dict[str, Any], policy: WorldPolicy, welcome: bool) -> None:
    assert (declined(invitation(**changes), policy, "here") is None) == welcome


@pytest.mark.homeserver
async def test_rooms_that_are_no_worlds_or_name_another_server_are_left(
    synapse: RunningHomeserver, tmp_path: Path
) -> None:
    policy = WorldPolicy(settle_s=1.0)
    async with house(synapse, tmp_path, policy=policy) as built, await synapse.person("owner") as owner:
        me = built.config.user_id
        chat = await owner.create_room({"preset": "private_chat", "invite": [me]})
        nameless = await owner.create_room(
            {"preset": "private_chat", "invite": [me], "creation_content": {"type": WORLD}}
        )
        served = await built.world(owner)
        watch = built.running.watch
        await until(lambda: nameless in watch.view.rooms)  # a publisher may name the server a moment later
        await until(lambda: nameless not in watch.view.rooms and chat not in watch.view.invitations, 10)
        assert chat not in watch.view.rooms
        assert watch.view.served(served)
        members = await owner.joined_members(chat)
        assert set(members) == {owner.user_id}
        await owner.put_state(served, "org.roomscale.server", {"user_id": owner.user_id, "device_id": "OTHER"})
        await until(lambda: served not in watch.view.rooms, 10)
        await asyncio.sleep(0)
