"""Power levels as the authorisation rules read them, and what we write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.worlds.model import SERVER_EVENT, WORLD_EVENT, is_plain
from roomscale.worlds.permissions import (
    CREATOR,
    LEVELS,
    MODERATOR,
    MUST,
    OWNER,
    PowerLevels,
    Role,
    creators_of,
    has_creator_power,
    mended_levels,
    new_world_levels,
    with_role,
)
from tests.worlds.test_model import JSON

ADA, BOB, EVE = "@ada:localhost", "@bob:localhost", "@eve:localhost"
KEYS = ["users", "events", "users_default", "events_default", "state_default", "kick", "ban", "redact", "invite"]
LEVEL_MAPS = st.dictionaries(st.sampled_from([ADA, BOB, WORLD_EVENT, SERVER_EVENT]), JSON, max_size=4)
ANY_LEVELS = st.dictionaries(st.sampled_from(KEYS), JSON | LEVEL_MAPS, max_size=9)
VERSIONS = st.sampled_from(["", "1", "9", "10", "11", "12", "13", "org.example", "9" * 50])


@given(ANY_LEVELS | JSON, VERSIONS)
def test_any_content_is_read_and_gives_nobody_more_than_integers_say(content: object, version: str) -> None:
    power = PowerLevels.read(content, room_version=version, creators=[ADA])
    assert isinstance(power.of(EVE), int)
    assert power.role(EVE, guest=True) is Role.GUEST
    assert (power.of(ADA) == CREATOR) == has_creator_power(version)


def test_absent_and_empty_events_mean_different_things() -> None:
    absent = PowerLevels.read(None, room_version="11", creators=[ADA])
    assert (absent.of(ADA), absent.of(BOB), absent.to_write_state(WORLD_EVENT)) == (100, 0, 0)
    empty = PowerLevels.read({}, room_version="11", creators=[ADA])
    assert (empty.of(ADA), empty.to_write_state(WORLD_EVENT), empty.kick) == (0, 50, 50)


def test_creators_stand_above_all_from_version_12_on() -> None:
    content = {"users": {BOB: 100}, "events": {WORLD_EVENT: 100}}
    old = PowerLevels.read(content, room_version="11", creators=[ADA])
    new = PowerLevels.read(content, room_version="12", creators=[ADA])
    assert not old.may_write_state(ADA, WORLD_EVENT)
    assert new.may_write_state(ADA, WORLD_EVENT)
    assert creators_of(ADA, {"additional_creators": [BOB, 7]}) == (ADA, BOB)
    assert creators_of(ADA, {"additional_creators": "x"}) == (ADA,)


def test_text_counts_as_a_number_only_where_the_version_allows_it() -> None:
    content = {"users": {ADA: "100"}, "ban": "nonsense", "kick": True}
    assert PowerLevels.read(content, room_version="9").of(ADA) == 100
    assert PowerLevels.read(content, room_version="10").of(ADA) == 0
    assert PowerLevels.read(content, room_version="9").ban == 50
    assert PowerLevels.read(content, room_version="9").kick == 50


def test_roles_follow_what_the_room_lets_people_do() -> None:
    levels = new_world_levels(ADA, room_version="11")
    levels["users"] |= {BOB: 50, "@cleo:localhost": 25}
    power = PowerLevels.read(levels, room_version="11")
    assert [power.role(user) for user in (ADA, BOB, "@cleo:localhost", EVE)] == [
        Role.OWNER,
        Role.MODERATOR,
        Role.BUILDER,
        Role.VISITOR,
    ]
    strict = PowerLevels.read({**levels, "kick": 60}, room_version="11")
    assert strict.role(BOB) is Role.BUILDER


def test_one_below_the_level_of_messages_is_muted() -> None:
    power = PowerLevels.read({"users": {EVE: -1}, "events_default": 0})
    assert power.may_speak(BOB)
    assert not power.may_speak(EVE)


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_a_new_world_guards_everything(version: str) -> None:
    levels = new_world_levels(ADA, room_version=version, owners=[ADA, BOB])
    power = PowerLevels.read(levels, room_version=version, creators=[ADA])
    assert (ADA in levels["users"]) == (version != "12")
    assert power.role(ADA) is power.role(BOB) is Role.OWNER
    moderator, visitor = 50, 0
    for event_type in (*LEVELS, "org.example.anything", "org.matrix.msc3815.world.member"):
        needed = power.to_write_state(event_type)
        assert needed > visitor or event_type in ("m.room.message", "m.reaction")
        assert needed > moderator or LEVELS.get(event_type, OWNER) <= MODERATOR
    assert is_plain(levels)


@given(ANY_LEVELS)
def test_mending_raises_what_must_be_and_lowers_nothing(content: dict[str, Any]) -> None:
    before = PowerLevels.read(content, room_version="1")
    mended = mended_levels(content)
    after = PowerLevels.read(mended, room_version="1")
    for event_type, least in MUST.items():
        assert after.to_write_state(event_type) >= least
        assert after.to_write_state(event_type) >= before.to_write_state(event_type)
    assert after.state_default >= MODERATOR
    assert (after.users, after.users_default, after.kick) == (before.users, before.users_default, before.kick)
    assert mended_levels(mended) == mended


def test_a_role_is_given_beside_the_others() -> None:
    assert with_role({"users": {ADA: 100}, "ban": 50}, BOB, 50) == {"users": {ADA: 100, BOB: 50}, "ban": 50}
    assert with_role({"users": "nonsense"}, BOB, 50) == {"users": {BOB: 50}}
