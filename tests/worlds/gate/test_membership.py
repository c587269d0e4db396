"""The reducer over raw sync JSON: what each shape of news does, and that no JSON makes it raise."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.worlds.gate.membership import observe, reconcile, reduce
from roomscale.worlds.gate.rooms import Change, Left, Muted, Renamed, RoleChanged, RoomGone, RoomView, View
from roomscale.worlds.permissions import Role
from tests.support.homeserver import RunningHomeserver

ME = "@roomscale:here"
ROOM = "!room:here"
ADA, BOB, EVE = "@ada:here", "@bob:here", "@eve:evil.example"
WORLD = "org.matrix.msc3815.world"


def state(kind: str, content: Any, key: str = "", sender: str = ADA) -> dict[str, Any]:
    return {"type": kind, "state_key": key, "sender": sender, "content": content, "event_id": "$x"}


def member(user: str, membership: str = "join", *, by: str | None = None, **more: Any) -> dict[str, Any]:
    return state("m.room.member", {"membership": membership, **more}, user, by or user)


BASE = [
    state("m.room.create", {"type": WORLD, "room_version": "12"}),
    state("m.room.power_levels", {"users": {BOB: 50}, "state_default": 100}),
    state("org.roomscale.server", {"user_id": ME, "device_id": "ROOMSCALE"}),
    state("m.room.join_rules", {"join_rule": "public"}),
    member(ADA, displayname="Ada"),
    member(BOB),
    member(EVE),
    member(ME),
]


def sync(*timeline: Any, before: Any = (), room: str = ROOM) -> dict[str, Any]:
    body = {"state": {"events": list(before)}, "timeline": {"events": list(timeline), "limited": bool(before)}}
    return {"rooms": {"join": {room: body}}}


def opened() -> View:
    view, _ = reduce(View(ME, "ROOMSCALE"), sync(before=BASE))
    return view


def lefts(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(c.user_id, c.how) for c in changes if isinstance(c, Left)]


def test_a_world_that_names_this_server_is_served() -> None:
    room = opened().served(ROOM)
    assert room is not None
    assert [room.standing(u) for u in (ADA, BOB, "@nobody:here")] == ["joined", "joined", "absent"]
    assert [room.role(u) for u in (ADA, BOB, EVE)] == [Role.OWNER, Role.MODERATOR, Role.VISITOR]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (member(BOB, "leave"), "left"),
        (member(BOB, "leave", by=ADA), "kicked"),
        (member(BOB, "ban", by=ADA), "banned"),
        (member(BOB, "leave", by=ADA, reason={"an": "object"}), "kicked"),
        (member(BOB, "leave", by=ADA, reason=["x"], displayname=7), "kicked"),
        (member(BOB, "knock"), "left"),
        (member(BOB, "Join"), "left"),
        (state("m.room.member", {"membership": ["join"]}, BOB, ADA), "kicked"),
        (state("m.room.member", "no object", BOB, ADA), "kicked"),
        ({"type": "m.room.member", "state_key": BOB}, "kicked"),
    ],
)
def test_every_way_of_no_longer_being_joined_counts(event: Any, expected: str) -> None:
    for news in (sync(event), sync(before=[event]), sync({"type": "m.room.message"}, before=[event])):
        view, changes = reduce(opened(), news)
        assert lefts(changes) == [(BOB, expected)]
        assert view.rooms[ROOM].standing(BOB) != "joined"


def test_a_kick_and_a_return_in_one_answer_is_still_a_kick() -> None:
    view, changes = reduce(opened(), sync(member(BOB, "leave", by=ADA), member(BOB)))
    assert lefts(changes) == [(BOB, "kicked")]
    assert view.rooms[ROOM].standing(BOB) == "joined"


def test_somebody_who_comes_and_is_banned_in_one_answer_was_here() -> None:
    _, changes = reduce(opened(), sync(member("@new:here"), member("@new:here", "ban", by=ADA)))
    assert lefts(changes) == [("@new:here", "banned")]


def test_the_timeline_is_newer_than_the_state_before_it() -> None:
    view, changes = reduce(opened(), sync(member(BOB), before=[member(BOB, "leave")]))
    assert view.rooms[ROOM].standing(BOB) == "joined"
    assert lefts(changes) == [(BOB, "left")]


def test_the_same_news_twice_changes_nothing_more() -> None:
    news = sync(member(BOB, "ban", by=ADA), member(ADA, displayname="Ada L."))
    once, _ = reduce(opened(), news)
    twice, changes = reduce(once, copy.deepcopy(news))
    assert changes == ()
    assert twice == once


def test_an_acl_sends_out_the_members_of_a_denied_server() -> None:
    acl = state("m.room.server_acl", {"allow": ["*"], "deny": ["*.example"]})
    view, changes = reduce(opened(), sync(acl))
    assert lefts(changes) == [(EVE, "denied")]
    assert view.rooms[ROOM].standing(EVE) == "denied"
    _, changes = reduce(view, sync(member("@more:evil.example")))
    assert lefts(changes) == [("@more:evil.example", "denied")]


def test_an_acl_that_cannot_be_read_lets_nobody_in() -> None:
    view, _ = reduce(opened(), sync(state("m.room.server_acl", {"allow": "*"})))
    assert view.rooms[ROOM].standing(ADA) == "denied"


def test_a_new_name_and_a_new_power_level_are_told() -> None:
    view, changes = reduce(opened(), sync(member(ADA, displayname="Countess")))
    assert Renamed(ROOM, ADA, "Countess") in changes
    _, changes = reduce(view, sync(state("m.room.power_levels", {"users": {BOB: 0}})))
    assert changes[-1] == RoleChanged(ROOM, BOB, Role.VISITOR)


def test_those_below_the_level_of_messages_are_muted_and_those_above_it_again_are_not() -> None:
    view, changes = reduce(opened(), sync(state("m.room.power_levels", {"users": {BOB: -1}})))
    assert [c for c in changes if isinstance(c, Muted)] == [Muted(ROOM, BOB, True)]
    assert [view.rooms[ROOM].muted(user) for user in (ADA, BOB, EVE)] == [False, True, False]
    levels = {"users": {BOB: -1}, "events": {"m.room.message": 25}}
    view, changes = reduce(view, sync(state("m.room.power_levels", levels)))
    assert {c for c in changes if isinstance(c, Muted)} == {Muted(ROOM, EVE, True), Muted(ROOM, ME, True)}
    _, changes = reduce(view, sync(state("m.room.power_levels", {**levels, "users": {BOB: 25}})))
    assert [c for c in changes if isinstance(c, Muted)] == [Muted(ROOM, BOB, False)]


@pytest.mark.parametrize(
    ("news", "how"),
    [
        ({"rooms": {"leave": {ROOM: {}}}}, "left"),
        ({"rooms": {"leave": {ROOM: None}}}, "left"),
        (sync(state("org.roomscale.server", {"user_id": EVE, "device_id": "ROOMSCALE"})), "unnamed"),
        (sync(state("org.roomscale.server", {})), "unnamed"),
        (sync(state("m.room.tombstone", {"replacement_room": "!next:here"})), "moved"),
        (sync(state("m.room.tombstone", "broken")), "moved"),
    ],
)
def test_a_world_that_is_no_longer_ours_is_told(news: Any, how: str) -> None:
    view, changes = reduce(opened(), news)
    assert RoomGone(ROOM, how) in changes  # type: ignore[arg-type]  # a parameter is no literal
    assert view.served(ROOM) is None


def test_an_invitation_is_kept_until_it_is_dealt_with() -> None:
    events = [state("m.room.create", {"type": WORLD}), member(ME, "invite", by=ADA), "junk", {"type": 3}]
    view, _ = reduce(opened(), {"rooms": {"invite": {"!other:here": {"invite_state": {"events": events}}}}})
    assert view.invitations["!other:here"].inviter == ADA
    assert view.invitations["!other:here"].room_type == WORLD
    view, _ = reduce(view, {"rooms": {"leave": {"!other:here": {}}}})
    assert not view.invitations


def test_reconciling_finds_who_is_missing_and_keeps_what_is_newer() -> None:
    view = opened()
    asked = view.rooms[ROOM]
    view, _ = reduce(view, sync(member(ADA, "ban", by=BOB)))  # arrives while the full state is on its way
    full = [e for e in BASE if e.get("state_key") != BOB]  # the homeserver no longer has Bob, and still has Ada
    view, changes = reconcile(view, ROOM, full, asked)
    assert lefts(changes) == [(BOB, "left")]
    assert view.rooms[ROOM].standing(ADA) == "banned"
    assert view.rooms[ROOM].standing(EVE) == "joined"


@pytest.mark.parametrize("nonsense", [[], [None, 3, {}], [member(ADA, "leave")]])
def test_a_full_state_without_a_create_event_is_no_state(nonsense: list[Any]) -> None:
    view = opened()
    assert reconcile(view, ROOM, nonsense, view.rooms[ROOM]) == (view, ())


def test_an_observed_membership_gives_way_to_a_newer_one() -> None:
    view = opened()
    asked = view.rooms[ROOM]
    view, _ = reduce(view, sync(member(BOB, "ban", by=ADA)))
    after, changes = observe(view, ROOM, member(BOB), asked)
    assert after.rooms[ROOM].standing(BOB) == "banned"
    assert changes == ()
    after, _ = observe(view, ROOM, member("@late:here"), view.rooms[ROOM])
    assert after.rooms[ROOM].standing("@late:here") == "joined"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
types = st.sampled_from([e["type"] for e in BASE] + ["m.room.server_acl", "m.room.tombstone", WORLD, "m.room.name"])
users = st.sampled_from([ADA, BOB, EVE, ME, "", "@", "nobody"])
contents = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {},
        optional={
            "membership": st.sampled_from(["join", "leave", "ban", "invite"]) | json_values,
            "displayname": json_values,
            "reason": json_values,
            "users": json_values | st.dictionaries(users, json_values),
            "allow": json_values,
            "deny": st.lists(st.text(alphabet="*?a.:[]", max_size=6), max_size=3) | json_values,
            "type": st.just(WORLD) | json_values,
            "room_version": st.sampled_from(["1", "12"]) | json_values,
            "additional_creators": json_values,
            "thumbnail_url": st.just("mxc://here/abc") | json_values,
            "user_id": users | json_values,
            "device_id": json_values,
            "alias": json_values,
        },
    ),
)
events = json_values | st.fixed_dictionaries(
    {}, optional={"type": types | json_values, "state_key": users | json_values, "sender": users, "content": contents}
)
bodies = json_values | st.fixed_dictionaries(
    {},
    optional={
        "state": json_values | st.fixed_dictionaries({"events": st.lists(events, max_size=6) | json_values}),
        "timeline": json_values | st.fixed_dictionaries({"events": st.lists(events, max_size=6) | json_values}),
        "invite_state": json_values | st.fixed_dictionaries({"events": st.lists(events, max_size=4) | json_values}),
    },
)
sections = json_values | st.dictionaries(st.sampled_from([ROOM, "!other:here", "", "#no"]), bodies, max_size=2)
syncs = json_values | st.fixed_dictionaries(
    {},
    optional={
        "rooms": json_values
        | st.fixed_dictionaries({}, optional={"join": sections, "leave": sections, "invite": sections})
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(syncs, max_size=3))
def test_no_json_makes_it_raise_and_repeating_changes_nothing(answers: list[Any]) -> None:
    view = opened()
    for answer in answers:
        view, _ = reduce(view, answer)
        again, _ = reduce(view, answer)
        assert {r: set(v.members) for r, v in again.rooms.items()} == {r: set(v.members) for r, v in view.rooms.items()}
        assert all(isinstance(room, RoomView) for room in view.rooms.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=10))
def test_no_full_state_makes_reconciling_raise(full: list[Any]) -> None:
    view = opened()
    after, changes = reconcile(view, ROOM, full, view.rooms[ROOM])
    for user, _ in lefts(changes):
        assert after.rooms[ROOM].standing(user) != "joined"
    observe(view, ROOM, full[0] if full else None, view.rooms[ROOM])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(users, st.sampled_from(["join", "leave", "ban", "invite"]), users), max_size=12), st.data())
def test_however_the_news_is_cut_into_answers_the_outcome_is_the_same(
    moves: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    timeline = [member(user, membership, by=by) for user, membership, by in moves]
    whole, changes_at_once = reduce(opened(), sync(*timeline))
    view, one_by_one = opened(), []
    while timeline:
        size = data.draw(st.integers(1, len(timeline)))
        view, changes = reduce(view, sync(*timeline[:size]))
        one_by_one += lefts(changes)
        timeline = timeline[size:]
    assert view.rooms[ROOM].members == whole.rooms[ROOM].members
    departures = [left for left in lefts(changes_at_once) if left[1] != "denied"]  # ids without a server
    assert [left for left in one_by_one if left[1] != "denied"] == departures


@pytest.mark.homeserver
async def test_a_ban_in_a_real_gap_of_thirty_messages(synapse: RunningHomeserver, tmp_path: Path) -> None:
    async with await synapse.person("owner") as owner, await synapse.person("visitor") as visitor:
        room_id = await owner.create_room({"preset": "public_chat"})
        await visitor.join(room_id)
        narrow = '{"room":{"timeline":{"limit":5}}}'
        answer = await owner.sync(None, timeout_ms=0, filter_json=narrow)
        view, _ = reduce(View(owner.user_id, "TEST"), answer)
        assert view.rooms[room_id].standing(visitor.user_id) == "joined"
        await owner.ban(room_id, visitor.user_id)
        for number in range(30):
            await owner.send(room_id, "m.room.message", {"msgtype": "m.text", "body": str(number)})
        answer = await owner.sync(answer["next_batch"], timeout_ms=0, filter_json=narrow)
        news = answer["rooms"]["join"][room_id]
        assert news["timeline"]["limited"] is True
        assert all(e["type"] == "m.room.message" for e in news["timeline"]["events"])
        view, changes = reduce(view, answer)
        assert lefts(changes) == [(visitor.user_id, "banned")]
