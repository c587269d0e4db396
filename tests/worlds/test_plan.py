"""What is wanted less what is there: properties that hold for every room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.worlds.errors import WorldRefused
from roomscale.worlds.ids import MxcUri, RoomAlias, RoomId, UserId, localpart_of
from roomscale.worlds.model import ROOM_TYPE, SERVER_EVENT, WORLD_EVENT, Media, ServerRef, World
from roomscale.worlds.permissions import POWER_EVENT
from roomscale.worlds.plan import (
    CreateRoom,
    Current,
    Invite,
    PutAlias,
    PutState,
    SetListed,
    Step,
    Wanted,
    ownership_steps,
    plan,
)

ME, PARTNER = UserId("@me:localhost"), UserId("@partner:localhost")
ROOM = RoomId("!room:localhost")
ALIAS = RoomAlias("#plaza:localhost")
SERVER = ServerRef(UserId("@roomscale:localhost"))


def media(name: str) -> Media:
    return Media(MxcUri(f"mxc://localhost/{name}"), "a" * 64, 1, "model/gltf-binary")


TEXTS = st.none() | st.sampled_from(["Plaza", "Gallery"])
PICTURES = st.none() | st.sampled_from([media("p"), media("q")])
WANTED = st.builds(
    Wanted,
    world=st.builds(
        World,
        name=TEXTS,
        description=TEXTS,
        scene=st.sampled_from([media("s"), media("t")]),
        thumbnail=PICTURES,
        package=st.none() | st.just(media("m")),
    ),
    name=TEXTS,
    topic=TEXTS,
    alias=st.none() | st.just(ALIAS),
    server=st.none() | st.just(SERVER),
    listed=st.none() | st.booleans(),
    owners=st.sampled_from([(), (PARTNER,)]),
)
VERSIONS = st.sampled_from(["10", "11", "12"])


def applied(current: Current | None, steps: tuple[Step, ...], version: str = "11") -> Current | None:
    """The room after these steps, as a homeserver would have it."""
    for step in steps:
        if isinstance(step, CreateRoom):
            current = created(step.body, version)
            continue
        assert current is not None
        state: dict[tuple[str, str], Mapping[str, Any]] = dict(current.state)
        match step:
            case PutState():
                state[step.event_type, step.state_key] = step.content
            case Invite():
                state["m.room.member", step.user_id] = {"membership": "invite"}
            case PutAlias():
                current = replace(current, alias_is_ours=True)
            case SetListed():
                current = replace(current, listed=step.listed)
        current = replace(current, state=state)
    return current


def created(body: Mapping[str, Any], version: str) -> Current:
    """What `POST /createRoom` does with our body."""
    state: dict[tuple[str, str], Mapping[str, Any]] = {
        ("m.room.create", ""): {**body["creation_content"], "room_version": version},
        ("m.room.member", ME): {"membership": "join"},
        (POWER_EVENT, ""): body["power_level_content_override"],
    }
    for event in body["initial_state"]:
        state[event["type"], event["state_key"]] = event["content"]
    for user in body.get("invite", []):
        state["m.room.member", user] = {"membership": "invite"}
    for key in ("name", "topic"):
        if key in body:
            state[f"m.room.{key}", ""] = {key: body[key]}
    alias = f"#{body['room_alias_name']}:localhost" if "room_alias_name" in body else None
    if alias is not None:
        state["m.room.canonical_alias", ""] = {"alias": alias}
    return Current(ROOM, state, ME, alias_is_ours=alias is not None, listed=body["visibility"] == "public")


@given(WANTED, WANTED, VERSIONS)
def test_a_plan_leads_to_a_room_whose_plan_is_empty(first: Wanted, second: Wanted, version: str) -> None:
    room = applied(None, plan(None, first, me=ME, room_version=version), version)
    assert plan(room, first, me=ME) == ()
    room = applied(room, plan(room, second, me=ME))
    assert plan(room, second, me=ME) == ()


@given(WANTED, WANTED, VERSIONS)
def test_the_world_event_is_last_and_any_earlier_end_leaves_the_old_world(
    first: Wanted, second: Wanted, version: str
) -> None:
    room = applied(None, plan(None, first, me=ME, room_version=version), version)
    assert room is not None
    steps = plan(room, second, me=ME)
    worlds = [n for n, step in enumerate(steps) if isinstance(step, PutState) and step.event_type == WORLD_EVENT]
    assert worlds in ([], [len(steps) - 1])
    for end in range(len(steps)):
        partial = applied(room, steps[:end])
        assert partial is not None
        assert partial.get(WORLD_EVENT) == room.get(WORLD_EVENT)
        done = applied(partial, plan(partial, second, me=ME))
        assert done == applied(room, steps)


def whole_room() -> Current:
    wanted = Wanted(World(name="Plaza", scene=media("s")), name="Plaza", alias=ALIAS, server=SERVER)
    room = applied(None, plan(None, wanted, me=ME, room_version="11"))
    assert room is not None
    return room


def with_state(room: Current, event_type: str, content: Mapping[str, Any], key: str = "") -> Current:
    return replace(room, state={**room.state, (event_type, key): content})


def test_rights_that_are_lacking_are_named_before_anything_is_done() -> None:
    room = whole_room()
    wanted = Wanted(World(name="Other"), listed=None)
    with pytest.raises(WorldRefused, match="needs level 100 and has 0"):
        plan(with_state(room, "m.room.member", {"membership": "join"}, PARTNER), wanted, me=PARTNER)
    with pytest.raises(WorldRefused, match="not in this room"):
        plan(room, wanted, me=PARTNER)
    with pytest.raises(WorldRefused, match="not made as a world"):
        plan(with_state(room, "m.room.create", {}), wanted, me=ME)
    with pytest.raises(WorldRefused, match="banned"):
        plan(
            with_state(room, "m.room.member", {"membership": "ban"}, SERVER.user_id),
            replace(wanted, server=SERVER),
            me=ME,
        )


def test_a_world_server_that_left_is_invited_again() -> None:
    room = with_state(whole_room(), "m.room.member", {"membership": "leave"}, SERVER.user_id)
    assert plan(room, Wanted(World(), server=SERVER, listed=None), me=ME) == (Invite(SERVER.user_id),)


def test_levels_that_somebody_lowered_are_raised_and_their_own_kept() -> None:
    room = whole_room()
    levels = room.get(POWER_EVENT)
    lowered = {**levels, "events": {**levels["events"], WORLD_EVENT: 0, "m.room.topic": 50}, "org.example": 1}
    steps = plan(with_state(room, POWER_EVENT, lowered), Wanted(World(), listed=None), me=ME)
    assert steps == (PutState(POWER_EVENT, {**lowered, "events": {**lowered["events"], WORLD_EVENT: 100}}),)


@pytest.mark.parametrize("content", [{}, {"events": 7, "users": []}, {"scene_url": 5}])
def test_a_room_with_broken_content_is_mended(content: dict[str, Any]) -> None:
    broken = with_state(with_state(whole_room(), SERVER_EVENT, content), WORLD_EVENT, content)
    wanted = Wanted(World(name="Plaza", scene=media("s")), server=SERVER, listed=None)
    mended = applied(broken, plan(broken, wanted, me=ME))
    assert mended is not None
    assert World.read(mended.get(WORLD_EVENT))[0].scene == media("s")
    assert ServerRef.read(mended.get(SERVER_EVENT))[0] == SERVER


def test_ownership_is_given_once() -> None:
    room = whole_room()
    steps = ownership_steps(room, (PARTNER,))
    assert [type(step) for step in steps] == [PutState, Invite]
    after = applied(room, steps)
    assert after is not None
    assert ownership_steps(after, (PARTNER,)) == ()
    assert after.get(POWER_EVENT)["users"] == {ME: 100, PARTNER: 100}


def test_each_step_says_what_it_does() -> None:
    wanted = Wanted(World(), name="Plaza", alias=ALIAS)
    steps = plan(None, wanted, me=ME, room_version="12")
    assert [str(step) for step in steps] == ["make the room Plaza", f"write {WORLD_EVENT}"]
    assert isinstance(steps[0], CreateRoom)
    assert steps[0].body["room_alias_name"] == localpart_of(ALIAS)
    assert steps[0].body["creation_content"] == {"type": ROOM_TYPE}
