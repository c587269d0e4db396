"""The world obeys its room: a ban ends the visit, and any Matrix client takes part in the chat."""

from __future__ import annotations

import time
from collections.abc import Callable

import nio
import pytest

from roomscale.worlds.matrix import MatrixClient
from tests.support.browser import Visitor, once_in_three
from tests.support.house import House
from tests.support.matrix import as_host, with_nio

pytestmark = [pytest.mark.browser, pytest.mark.homeserver]
Visit = Callable[..., Visitor]


def test_a_ban_ends_the_visit_within_a_second_and_says_so(visit: Visit, house: House) -> None:
    ada = visit("Ada")

    def attempt() -> bool:
        grace = visit("Grace")
        ada.wait_for("Object.values(r.peers).some((p) => p.name === 'Grace')")
        hook = grace.hook()

        async def ban(client: MatrixClient) -> float:
            await client.ban(hook["world"]["roomId"], hook["self"]["userId"], "for a test")
            return time.monotonic()

        banned = as_host(house, ban)
        ada.wait_for("!Object.values(r.peers).some((p) => p.name === 'Grace')", seconds=5)
        took = time.monotonic() - banned
        grace.wait_for("r.phase === 'ended'", seconds=5)
        assert "banned" in grace.page.locator("body").inner_text().lower()
        return took < 1.0

    once_in_three(attempt)


def test_a_plain_matrix_client_chats_with_those_inside(visit: Visit, house: House) -> None:
    ada = visit("Ada")
    room = ada.hook()["world"]["roomId"]
    ada.say("Is anybody listening?")
    ada.wait_for("r.chat.some((m) => m.mine && m.body === 'Is anybody listening?')")

    async def talk(client: nio.AsyncClient) -> list[str]:
        assert isinstance(await client.join(room), nio.JoinResponse)
        sync = await client.sync(timeout=0)
        assert isinstance(sync, nio.SyncResponse)
        events = sync.rooms.join[room].timeline.events
        content = {"msgtype": "m.text", "body": "I am, from another client."}
        assert isinstance(await client.room_send(room, "m.room.message", content), nio.RoomSendResponse)
        return [event.body for event in events if isinstance(event, nio.RoomMessageText)]

    assert "Is anybody listening?" in with_nio(house, talk)
    ada.wait_for("r.chat.some((m) => !m.mine && m.body === 'I am, from another client.')", seconds=5)
