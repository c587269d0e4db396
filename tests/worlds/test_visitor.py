"""The Matrix side of a headless visitor: which replies count, and how the homeserver's limits are waited out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.worlds.ids import parse_room_id
from roomscale.worlds.visitor import MOST_RETRY_S, Answer, Doorway, Refusal, read_reply
from tests.support.homeserver import running_homeserver

SERVER, ROOM, SESSION, CALL = "@roomscale:x", "!room:x", "session", "call"
OURS = {"dest_session_id": SESSION, "call_id": CALL, "conf_id": ROOM}


def read(event: object) -> Answer | Refusal | None:
    return read_reply(event, SERVER, ROOM, SESSION, CALL)


def answer(**changes: Any) -> dict[str, Any]:
    content = {**OURS, "answer": {"type": "answer", "sdp": "v=0"}, "org.roomscale.ticket": {"value": "secret"}}
    return {"type": "m.call.answer", "sender": SERVER, "content": {**content, **changes}}


def hangup(**changes: Any) -> dict[str, Any]:
    content = {**OURS, "reason": "org.roomscale.busy", "retry_after_ms": 1500}
    return {"type": "m.call.hangup", "sender": SERVER, "content": {**content, **changes}}


def test_an_answer_and_a_refusal_are_read() -> None:
    assert read(answer()) == Answer("v=0", "secret")
    assert read(answer(**{"org.roomscale.ticket": {"value": 7}})) == Answer("v=0", None)
    assert read(hangup()) == Refusal("busy", 1.5)
    assert read(hangup(reason=None, retry_after_ms=True)) == Refusal("", 0.0)
    assert read(hangup(retry_after_ms=MOST_RETRY_S * 1000 + 1)) == Refusal("busy", 0.0)


@pytest.mark.parametrize(
    "event",
    [
        {**answer(), "sender": "@somebody:x"},
        {**answer(), "type": "m.call.invite"},
        {**answer(), "content": []},
        answer(dest_session_id="another tab's"),
        answer(call_id="an earlier call"),
        answer(conf_id="!elsewhere:x"),
        answer(answer="v=0"),
        answer(answer={"sdp": 7}),
        answer(answer={"sdp": "v" * 20_001}),
        None,
    ],
)
def test_what_is_not_from_the_worlds_server_to_this_call_is_no_reply(event: object) -> None:
    assert read(event) is None


KEYS = st.sampled_from(["type", "sender", "content", "answer", "sdp", "reason", "retry_after_ms", *OURS])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([SERVER, *OURS.values()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


@given(
    VALUES
    | st.builds(
        lambda c: {"type": "m.call.answer", "sender": SERVER, "content": {**OURS, **c}}, st.dictionaries(KEYS, VALUES)
    )
)
def test_whatever_comes_it_is_a_reply_or_none(event: object) -> None:
    reply = read(event)
    assert reply is None or isinstance(reply, Answer | Refusal)


@pytest.mark.homeserver
async def test_what_the_homeserver_limits_is_waited_for_in_turn_and_told(tmp_path: Path) -> None:
    def serve() -> Any:
        return running_homeserver(tmp_path, overrides={"rc_registration": {"per_second": 2, "burst_count": 1}})

    # `running_homeserver` runs a loop of its own to wait for Synapse: not in this thread, then.
    manager = serve()
    homeserver = await asyncio.to_thread(manager.__enter__)
    try:
        async with await homeserver.person("owner") as owner:
            room = await owner.create_room(
                {
                    "preset": "public_chat",
                    "initial_state": [
                        {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "can_join"}},
                        {
                            "type": "org.roomscale.server",
                            "state_key": "",
                            "content": {"user_id": SERVER, "device_id": "ROOMSCALE"},
                        },
                    ],
                }
            )
            waits: list[float] = []
            doorway = Doorway(homeserver.url, parse_room_id(room), (), waits.append)
            guests = await asyncio.gather(*(doorway.guest(f"Visitor {i}") for i in range(4)))
            try:
                assert doorway.waited > 0
                assert sum(waits) == pytest.approx(doorway.waited)
                assert waits[-1] == 0.0
                assert waits.count(0.0) <= 4  # each waits about once: they stand in line
                tabs = await asyncio.gather(*(doorway.join(guest) for guest in guests))
                assert {tab.server.user_id for tab in tabs} == {SERVER}
                members = await owner.joined_members(room)
                assert {str(member["display_name"]) for member in members.values()} >= {"Visitor 0", "Visitor 3"}
                assert all(await asyncio.gather(*(doorway.leave(guest) for guest in guests)))
                assert list(await owner.joined_members(room)) == [owner.user_id]
            finally:
                for guest in guests:
                    await guest.close()
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
