"""The simulation: who is told what, and that the story told to each is consistent. Virtual time throughout."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.messages import (
    Channel,
    Enter,
    Goodbye,
    GoodbyeCode,
    Hello,
    Leave,
    Notice,
    NoticeCode,
    Ping,
    Pong,
    Pose,
    PoseUpdate,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.reports import Closed, Entered
from roomscale.netcode.errors import JoinRefused
from tests.netcode import strategies
from tests.netcode.simulated import World


def test_hello_is_answered_with_welcome_and_everybody_learns_of_everybody() -> None:
    w = World(capacity_per_world=7)
    a = w.enter("a", name="Ada")
    b = w.enter("b", name="Bo")
    welcome = w.told("b", Welcome)[0]
    assert (welcome.version, welcome.peer, welcome.tick_rate, welcome.capacity, welcome.name) == (1, b, 20, 7, "Bo")
    assert isinstance(w.said["b"][0], Welcome)
    assert w.roster("a") == {b: "Bo"}
    assert w.roster("b") == {a: "Ada"}
    assert w.events == [Entered("a"), Entered("b")]


def test_those_who_enter_at_the_same_tick_are_told_of_each_other_once() -> None:
    w = World()
    for session in "abc":
        w.join(session)
        w.hear(session, Hello(1, 1, "test", "ada", Pose()))
    w.step()
    for session in "abc":
        entered = [e.user_id for enter in w.told(session, Enter) for e in enter.entrants]
        assert sorted(entered) == sorted(f"@{other}:x" for other in "abc" if other != session)


def test_a_snapshot_comes_each_tick_with_the_others_poses_and_ones_own_last_seq() -> None:
    w = World()
    a, b = w.enter("a", Pose(x=1)), w.enter("b", Pose(x=2))
    w.hear("a", PoseUpdate(9, 0, Pose(x=1500, yaw=7, flags=1)))
    before = len(w.told("b", Snapshot))
    w.step(0.5)
    assert len(w.told("b", Snapshot)) == before + 10
    assert [(r.peer, r.pose) for r in w.snapshot("b").records] == [(a, Pose(x=1500, yaw=7, flags=1))]
    assert [(r.peer, r.pose) for r in w.snapshot("a").records] == [(b, Pose(x=2))]
    assert w.snapshot("a").last_seq == 9
    assert w.snapshot("a").tick - w.told("a", Snapshot)[-10].tick == 9


def test_older_poses_and_doubles_are_dropped_also_around_the_wrap() -> None:
    w = World()
    w.enter("a")
    w.enter("b")
    for seq, x in ((65534, 1), (65535, 2), (65534, 3), (65535, 4), (0, 5), (65535, 6), (2, 7), (1, 8)):
        w.hear("a", PoseUpdate(seq, 0, Pose(x=x)))
    w.step()
    assert w.snapshot("b").records[0].pose.x == 7
    assert w.snapshot("a").last_seq == 2
    assert w.simulation.counts.stale_poses == 4


def test_a_pose_that_overtakes_hello_is_dropped_and_not_held_against_anybody() -> None:
    w = World()
    w.join("a")
    for seq in range(20):
        w.hear("a", PoseUpdate(seq, 0, Pose(x=1)))
    assert w.simulation.counts.malformed == 0
    w.hear("a", Hello(1, 1, "test", "ada", Pose(x=5)))
    w.enter("b")
    assert w.snapshot("b").records[0].pose.x == 5


def test_a_ping_is_answered_at_once() -> None:
    w = World()
    w.enter("a")
    w.now += 0.02
    w.hear("a", Ping(123))
    pong = w.told("a", Pong)[-1]
    assert (pong.client_ms, pong.tick, pong.server_ms) == (123, 1, 70)


def test_who_leaves_is_gone_for_the_others_at_the_next_tick() -> None:
    w = World()
    w.enter("a")
    b = w.enter("b")
    w.simulation.lost("b", "the connection was closed")
    w.step()
    assert w.told("a", Leave) == [Leave((b,))]
    assert w.snapshot("a").records == ()
    assert w.ending("b") == Closed("b", GoodbyeCode.LEFT, "the connection was closed")
    assert w.told("b", Goodbye) == []


def test_worlds_do_not_hear_of_each_other() -> None:
    w = World()
    w.enter("a", world="plaza")
    w.enter("b", world="gallery", name="a")
    w.simulation.notice("gallery", NoticeCode.TEXT, "only here")
    w.step()
    assert w.roster("a") == {}
    assert w.snapshot("a").records == ()
    assert w.told("a", Notice) == []
    assert w.told("b", Notice) == [Notice(255, "only here")]
    assert w.told("b", Welcome)[0].name == "a"  # names are told apart within a world only
    assert w.simulation.worlds() == {"plaza": 1, "gallery": 1}


def test_an_empty_world_is_forgotten() -> None:
    w = World()
    w.enter("a")
    w.simulation.lost("a", "")
    w.step()
    assert w.simulation.worlds() == {}


def test_a_notice_to_all_reaches_every_participant_and_only_those() -> None:
    w = World()
    w.enter("a", world="plaza")
    w.enter("b", world="gallery")
    w.join("c")
    assert w.simulation.notice(None, NoticeCode.HOMESERVER_AWAY, "ä" * 300) == 2
    assert w.simulation.notice("nowhere", 1, "") == 0
    w.step()
    assert [n.code for n in w.told("a", Notice)] == [1]
    assert w.told("c", Notice) == []
    assert w.told("a", Notice)[0].text == "ä" * 127


@pytest.mark.parametrize("code", list(GoodbyeCode))
def test_an_ejected_session_is_told_why_and_the_others_that_it_left(code: GoodbyeCode) -> None:
    w = World()
    w.enter("a")
    b = w.enter("b")
    assert w.simulation.eject("b", code, "because")
    w.step()
    assert w.said["b"][-1] == Goodbye(code, "because")
    assert w.told("a", Leave) == [Leave((b,))]
    assert w.ending("b") == Closed("b", code, "because")
    assert not w.simulation.eject("b", code, "again")


class Chaos:
    """Operations that hypothesis may do in any order."""

    sessions = st.sampled_from(["a", "b", "c"])
    operation = st.one_of(
        st.tuples(st.just("join"), sessions, st.sampled_from(["plaza", "gallery"]), st.text(max_size=5)),
        st.tuples(st.just("hear"), sessions, strategies.from_client),
        st.tuples(st.just("bytes"), sessions, st.binary(max_size=30), st.sampled_from(list(Channel))),
        st.tuples(st.just("lost"), sessions),
        st.tuples(st.just("eject"), sessions),
        st.tuples(st.just("rename"), sessions, st.text(max_size=60)),
        st.tuples(st.just("step"), st.floats(0, 3)),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(Chaos.operation, max_size=40))
def test_whatever_happens_in_whatever_order_the_story_told_to_each_is_consistent(story: list[Any]) -> None:
    w = World(capacity_per_world=2)
    for what, *arguments in story:
        match what:
            case "join":
                session, world, name = arguments
                try:
                    w.join(session, world=world, name=name)
                except JoinRefused:
                    continue
            case "hear":
                w.hear(*arguments)
            case "bytes":
                w.bytes(*arguments)
            case "lost":
                w.simulation.lost(arguments[0], "gone")
            case "eject":
                w.simulation.eject(arguments[0], GoodbyeCode.KICKED, "")
            case "rename":
                w.simulation.rename(*arguments)
            case "step":
                w.step(arguments[0])
    w.step()
    present = [s for s in w.simulation.sessions() if s.present]
    for me in present:
        others = {s.peer: s.name for s in present if s.world == me.world and s is not me}
        since = max(i for i, m in enumerate(w.said[me.session]) if isinstance(m, Welcome))
        w.said[me.session] = w.said[me.session][since:]
        known = w.roster(me.session)
        known.pop(me.peer, None)
        assert known == others
        assert {r.peer for r in w.snapshot(me.session).records} == set(others)
    names = [(s.world, s.name) for s in w.simulation.sessions()]
    assert len(set(names)) == len(names)
