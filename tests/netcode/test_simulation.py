"""The simulation: who gets in, who is told what, who must go. Virtual time throughout."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.messages import (
    Channel,
    ClientMessage,
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
    Role,
    ServerMessage,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.protocol import channel_of, decode_server, encode
from roomscale.netcode.core.reports import Closed, Entered, Event
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.simulation import Simulation
from roomscale.netcode.errors import JoinRefused
from tests.netcode import strategies


class World:
    """A simulation at hand: what was said to whom, message by message."""

    def __init__(self, **config: Any) -> None:
        self.simulation = Simulation(SimulationConfig(**config), 100.0)
        self.now = 100.0
        self.said: dict[str, list[ServerMessage]] = {}
        self.events: list[Event] = []

    def join(self, session: str, *, world: str = "plaza", name: str = "", role: int = Role.VISITOR) -> None:
        self.simulation.join(
            session, world=world, user_id=f"@{session}:x", name=name or session, role=role, now=self.now
        )

    def enter(self, session: str, pose: Pose | None = None, **join: Any) -> int:
        self.join(session, **join)
        self.hear(session, Hello(1, 1, "test", "ada", pose or Pose()))
        self.step()
        return next(m.peer for m in reversed(self.said[session]) if isinstance(m, Welcome))

    def hear(self, session: str, message: ClientMessage) -> None:
        self.simulation.receive(session, channel_of(message), encode(message), self.now)
        self._drain()

    def bytes(self, session: str, data: bytes, channel: Channel = Channel.EVENTS) -> None:
        self.simulation.receive(session, channel, data, self.now)
        self._drain()

    def step(self, seconds: float = 0.05) -> None:
        for _ in range(max(1, round(seconds / 0.05))):
            self.now += 0.05
            self.simulation.step(self.now)
            self._drain()

    def _drain(self) -> None:
        for session, channel, frame in self.simulation.outgoing():
            self.said.setdefault(session, []).append(decode_server(channel, frame))
        self.events += self.simulation.events()

    def told(self, session: str, kind: type[ServerMessage]) -> list[Any]:
        return [m for m in self.said.get(session, []) if isinstance(m, kind)]

    def snapshot(self, session: str) -> Snapshot:
        last = self.told(session, Snapshot)[-1]
        assert isinstance(last, Snapshot)
        return last

    def roster(self, session: str) -> dict[int, str]:
        """Names by peer, as this session was told."""
        known: dict[int, str] = {}
        for message in self.said[session]:
            if isinstance(message, Enter):
                known.update({e.peer: e.name for e in message.entrants})
            elif isinstance(message, Leave):
                for peer in message.peers:
                    known.pop(peer, None)  # may leave before one was told of them
        return known

    def ending(self, session: str) -> Closed | None:
        return next((e for e in self.events if isinstance(e, Closed) and e.session == session), None)


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


def test_a_full_world_refuses_and_those_inside_notice_nothing() -> None:
    w = World(capacity_per_world=2)
    w.enter("a")
    w.join("b")  # has not said hello, but has the seat
    with pytest.raises(JoinRefused, match="2 of 2") as refused:
        w.join("c")
    assert refused.value.code == "full"
    w.join("a")  # coming back needs no new seat
    w.join("d", world="gallery")
    w.simulation.lost("b", "")
    w.join("c")


def test_a_full_node_refuses() -> None:
    w = World(capacity=2)
    w.join("a", world="plaza")
    w.join("b", world="gallery")
    with pytest.raises(JoinRefused) as refused:
        w.join("c", world="third")
    assert refused.value.code == "busy"
    assert w.simulation.worlds().keys() == {"plaza", "gallery"}


def test_a_session_cannot_be_taken_over_by_another_user_or_moved_to_another_world() -> None:
    w = World()
    w.enter("a")
    with pytest.raises(JoinRefused):
        w.simulation.join("a", world="plaza", user_id="@eve:x", name="a", role=4, now=w.now)
    with pytest.raises(JoinRefused):
        w.simulation.join("a", world="gallery", user_id="@a:x", name="a", role=1, now=w.now)
    assert w.simulation.sessions()[0].role == Role.VISITOR


def test_coming_back_keeps_the_peer_and_the_others_notice_nothing() -> None:
    w = World()
    a = w.enter("a", Pose(x=1))
    b = w.enter("b")
    w.hear("a", PoseUpdate(500, 0, Pose(x=2)))
    news = len(w.told("b", Enter)) + len(w.told("b", Leave))
    w.join("a")
    w.hear("a", Ping(1))  # the old connection is still there
    w.hear("a", Hello(1, 1, "test", "ada", Pose(x=3)))
    w.hear("a", PoseUpdate(1, 0, Pose(x=4)))  # seq starts anew
    w.step()
    assert [m.peer for m in w.told("a", Welcome)] == [a, a]
    assert w.said["a"][-2] == Enter((w.told("a", Enter)[-1].entrants[0],))
    assert w.told("a", Enter)[-1].entrants[0].peer == b
    assert len(w.told("b", Enter)) + len(w.told("b", Leave)) == news
    assert w.snapshot("b").records[0].pose.x == 4
    assert w.events.count(Entered("a")) == 2
    assert w.simulation.counts.malformed == 0


def test_coming_back_with_another_name_or_avatar_tells_the_others() -> None:
    w = World()
    a = w.enter("a", name="Ada")
    w.enter("b")
    w.join("a", name="Countess", role=Role.OWNER)
    w.hear("a", Hello(1, 1, "test", "bo", Pose()))
    w.step()
    entrant = w.told("b", Enter)[-1].entrants[0]
    assert (entrant.peer, entrant.name, entrant.role, entrant.avatar) == (a, "Countess", 4, "bo")


def test_equal_names_are_told_apart_and_a_free_one_can_be_had_again() -> None:
    w = World()
    for session in "abc":
        w.enter(session, name="Ada")
    assert [w.told(s, Welcome)[0].name for s in "abc"] == ["Ada", "Ada (2)", "Ada (3)"]
    w.simulation.lost("b", "")
    w.enter("d", name="\u202eADA\u200b")
    assert w.told("d", Welcome)[0].name == "ADA (2)"


def test_a_rename_is_told_to_all_and_to_oneself_only_when_it_changes_what_is_shown() -> None:
    w = World()
    a = w.enter("a", name="Ada")
    w.enter("b", name="Bo")
    assert w.simulation.rename("a", "BO")
    w.step()
    assert w.roster("b")[a] == "BO (2)"
    assert w.told("a", Enter)[-1].entrants[0].name == "BO (2)"
    news = len(w.told("b", Enter))
    assert w.simulation.rename("a", "BO")
    assert w.simulation.set_role("a", Role.VISITOR)
    w.step()
    assert len(w.told("b", Enter)) == news
    assert w.simulation.set_role("a", Role.MODERATOR)
    w.step()
    assert w.told("b", Enter)[-1].entrants[0].role == Role.MODERATOR
    assert not w.simulation.rename("nobody", "x")
    assert not w.simulation.set_role("nobody", 1)


def test_peer_ids_are_reused_as_late_as_possible() -> None:
    w = World()
    first = [w.enter(s) for s in ("a", "b")]
    seen = set(first)
    w.simulation.lost("a", "")
    for i in range(300):
        peer = w.enter(f"v{i}")
        assert peer not in seen
        seen.add(peer)
        w.simulation.lost(f"v{i}", "")


def test_silence_ends_a_session_and_either_sign_of_life_keeps_it() -> None:
    w = World()
    for session in ("pings", "poses", "silent"):
        w.enter(session)
    for i in range(10):
        w.hear("pings", Ping(i))
        w.hear("poses", PoseUpdate(i + 1, 0, Pose()))
        w.step(0.9)
    assert w.said["silent"][-1] == Goodbye(GoodbyeCode.SILENT, "nothing heard for 6 s")
    assert w.ending("silent")
    assert {s.session for s in w.simulation.sessions()} == {"pings", "poses"}


def test_malformed_frames_are_no_sign_of_life() -> None:
    w = World(malformed_limit=1000)
    w.enter("a")
    for _ in range(7):
        w.bytes("a", b"\xff")
        w.step(1)
    assert w.ending("a")


def test_who_never_says_hello_loses_the_seat() -> None:
    w = World()
    w.join("a")
    w.step(14)
    assert "a" in w.simulation
    w.step(2)
    assert w.ending("a") == Closed("a", GoodbyeCode.SILENT, "no hello within 15 s")


@pytest.mark.parametrize(
    ("newest", "oldest", "version"), [(1, 1, 1), (2, 1, 2), (2, 2, 2), (9, 1, 2), (9, 2, 2), (9, 3, None)]
)
def test_the_newest_version_that_both_speak_is_spoken_and_without_one_the_session_ends(
    newest: int, oldest: int, version: int | None
) -> None:
    w = World()
    w.join("a")
    w.hear("a", Hello(newest, oldest, "test", "ada", Pose()))
    w.step()
    if version:
        assert w.told("a", Welcome)[0].version == version
    else:
        assert w.said["a"] == [Goodbye(GoodbyeCode.VERSION, "this server speaks version 1 to 2")]


def test_a_few_malformed_frames_end_the_session_and_are_counted() -> None:
    w = World()
    w.enter("a")
    w.enter("b")
    for data in (b"", b"\x99", b"\x02\x00", bytes(1201)):
        w.bytes("a", data)
    assert "a" in w.simulation
    w.bytes("a", b"\x10", Channel.POSES)
    assert w.said["a"][-1].code == GoodbyeCode.PROTOCOL_ERROR  # type: ignore[union-attr]
    assert w.simulation.counts.malformed == 5
    assert "b" in w.simulation


def test_a_second_hello_and_anything_before_the_first_are_malformed() -> None:
    w = World()
    w.join("early")
    w.hear("early", Ping(1))
    assert w.told("early", Pong) == []
    w.enter("a")
    w.hear("a", Hello(1, 1, "test", "other", Pose()))
    assert w.simulation.counts.malformed == 2
    w.step()
    assert len(w.told("a", Welcome)) == 1


def test_a_client_above_its_rate_is_cut_down_and_one_far_above_is_ended() -> None:
    w = World()
    w.enter("steady")
    w.enter("quick")
    w.enter("flood")
    for i in range(200):  # 10 s
        w.hear("steady", PoseUpdate(i, 0, Pose()))
        for j in range(2):
            w.hear("quick", Ping(2 * i + j))
        for _ in range(20):
            w.hear("flood", Ping(i))
        w.step()
    assert w.ending("steady") is None
    assert 200 <= len(w.told("quick", Pong)) <= 260  # 40 a second asked, 20 allowed
    ending = w.ending("flood")
    assert ending is not None
    assert ending.code is GoodbyeCode.PROTOCOL_ERROR
    assert len(w.told("flood", Pong)) < 100


def test_sessions_that_do_not_exist_change_nothing() -> None:
    w = World()
    w.bytes("ghost", encode(Ping(1)))
    w.simulation.lost("ghost", "")
    w.step()
    assert w.said == {}
    assert w.events == []


def test_left_out_steps_leave_a_gap_in_the_ticks_and_time_going_back_leaves_none() -> None:
    w = World()
    w.enter("a")
    w.now += 1.0
    w.step()
    assert w.simulation.tick == 22
    w.simulation.step(w.now - 5)
    assert w.simulation.tick == 23


def test_a_large_world_is_told_in_frames_that_fit() -> None:
    w = World(capacity_per_world=300, capacity=300)
    for i in range(50):
        w.join(f"s{i}", name="名" * 48)
        w.hear(f"s{i}", Hello(1, 1, "test", "a" * 200, Pose(x=i)))
    w.step()
    w.enter("late")
    assert 0 < len(w.roster("late")) < 50  # not all at once
    w.step(1.5)
    assert len(w.roster("late")) == 50
    for i in range(50):
        w.simulation.lost(f"s{i}", "")
    w.step()
    assert w.roster("late") == {}


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
