"""The simulation with clients of version 2: what they see, how they jump, what is taken back, who is told how often."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.frames import FULL
from roomscale.netcode.core.messages import (
    Correct,
    Delta,
    Enter,
    Flags,
    Goodbye,
    Hello,
    Here,
    Jump,
    Keyframe,
    Ping,
    Pose,
    PoseUpdate,
    Role,
    Sight,
    Snapshot,
    Welcome,
)
from roomscale.netcode.core.sightings import Sightings, Tally
from roomscale.netcode.core.world import FIRST_FRAMES
from roomscale.netcode.errors import JoinRefused
from tests.netcode import strategies
from tests.netcode.simulated import World as Old


class World(Old):
    """A simulation at hand, whose sessions speak version 2 unless told otherwise."""

    def enter(self, session: str, pose: Pose | None = None, *, version: int = 2, **join: Any) -> int:
        self.join(session, **join)
        self.hear(session, Hello(version, 1, "test", "ada", pose or Pose()))
        self.step()
        self.seqs[session] = 0
        return next(m.peer for m in reversed(self.said[session]) if isinstance(m, Welcome))

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.seqs: dict[str, int] = {}

    def here(self, session: str, pose: Pose, *, jumps: int = 0, corrections: int = 0) -> None:
        self.seqs[session] += 1
        at = round((self.now - 100) * 1000) & 0xFFFF
        self.hear(session, Here(self.seqs[session], at, jumps, corrections, pose))

    def seen(self, session: str) -> dict[int, Pose]:
        """Where the others are, as this session knows it."""
        sightings = Sightings()
        for sight in self.told(session, Sight):
            sightings.hear(sight, range(9000), 0, Tally())
        return {peer: seen.pose for peer, seen in sightings.seen.items()}


def test_where_the_others_are_comes_by_sights() -> None:
    w = World()
    a, b = w.enter("a", Pose(x=1000)), w.enter("b", Pose(x=2000, flags=8))
    w.here("a", Pose(x=1500, yaw=256, flags=1))
    w.step(0.5)
    assert w.told("b", Snapshot) == []
    assert w.seen("b") == {a: Pose(x=1500, yaw=256, flags=1)}
    assert w.seen("a") == {b: Pose(x=2000, flags=8)}
    sight = w.told("a", Sight)[-1]
    assert (sight.last_seq, sight.interval) == (1, 1)


def test_old_and_new_clients_see_each_other() -> None:
    w = World()
    old, new = w.enter("old", Pose(x=1), version=1), w.enter("new", Pose(x=2))
    w.hear("old", PoseUpdate(1, 0, Pose(x=1010)))
    w.here("new", Pose(x=1990, flags=1))
    w.step()
    assert w.told("old", Welcome)[0].version == 1
    assert [(r.peer, r.pose) for r in w.snapshot("old").records] == [(new, Pose(x=1990, flags=1))]
    assert w.told("old", Sight) == []
    assert w.seen("new") == {old: Pose(x=1010)}


@pytest.mark.parametrize(
    ("version", "message"),
    [(2, PoseUpdate(1, 0, Pose(x=7))), (1, Here(1, 0, 0, 0, Pose(x=7))), (1, Jump(1, 1, Pose(x=7)))],
)
def test_what_the_other_version_says_is_malformed(version: int, message: PoseUpdate | Here | Jump) -> None:
    w = World()
    w.enter("a", version=version)
    w.enter("b")
    w.hear("a", message)
    w.step()
    assert w.simulation.counts.malformed == 1
    assert Pose(x=7) not in w.seen("b").values()


def test_a_here_that_overtakes_hello_is_dropped_and_a_jump_before_welcome_is_malformed() -> None:
    w = World()
    w.join("a")
    w.hear("a", Here(1, 0, 0, 0, Pose(x=9)))
    assert w.simulation.counts.malformed == 0
    w.hear("a", Jump(1, 1, Pose(x=9)))
    w.hear("a", Hello(2, 2, "test", "ada", Pose(x=5)))
    w.hear("a", Jump(1, 1, Pose(x=9)))
    assert w.simulation.counts.malformed == 2
    w.step()
    w.enter("b")
    assert list(w.seen("b").values()) == [Pose(x=5)]


def test_coming_back_with_another_version_is_the_same_participant() -> None:
    w = World()
    a = w.enter("a", Pose(x=1), version=1)
    w.enter("b")
    w.enter("a", Pose(x=4), version=2)
    w.here("a", Pose(x=10))
    w.step(0.2)
    assert w.told("a", Sight)
    assert [m.version for m in w.told("a", Welcome)] == [1, 2]
    assert w.seen("b") == {a: Pose(x=10)}
    snapshots = len(w.told("a", Snapshot))
    w.step(0.5)
    assert len(w.told("a", Snapshot)) == snapshots


def test_a_leap_is_taken_back_and_heard_of_again_only_when_that_was_obeyed() -> None:
    w = World()
    a = w.enter("a", Pose(x=1000))
    w.enter("b")
    w.here("a", Pose(x=1200))
    w.step()
    w.here("a", Pose(x=90_000))
    w.step()
    assert w.told("a", Correct) == [Correct(1, Pose(x=1200))]
    w.here("a", Pose(x=91_000))  # has not heard of it yet
    w.step(0.3)
    assert w.told("a", Correct) == [Correct(1, Pose(x=1200))]
    assert w.seen("b") == {a: Pose(x=1200)}
    w.here("a", Pose(x=1300), corrections=1)
    w.step(0.3)
    assert w.seen("b") == {a: Pose(x=1300)}
    assert w.simulation.counts.corrected == 1
    assert w.ending("a") is None


def test_corrections_and_jumps_are_counted_modulo_16() -> None:
    w = World(jumps_burst=100)
    a = w.enter("a")
    w.enter("b")
    for i in range(20):
        w.here("a", Pose(z=900_000), corrections=i % 16)
        w.step()
    assert [c.corrections for c in w.told("a", Correct)] == [(i + 1) % 16 for i in range(20)]
    for i in range(20):
        w.hear("a", Jump(1, (i + 1) % 16, Pose(x=i * 50_000)))
    w.here("a", Pose(x=950_010), jumps=4, corrections=4)
    w.step()
    assert w.seen("b")[a].x == 950_010


def test_a_jump_is_granted_and_what_was_said_before_it_counts_no_more() -> None:
    w = World()
    a = w.enter("a")
    w.enter("b")
    w.here("a", Pose(x=90_000), jumps=1)  # overtook its JUMP: waits for it
    w.step()
    assert w.told("a", Correct) == []
    assert w.seen("b") == {a: Pose()}
    w.hear("a", Jump(1, 1, Pose(x=90_000)))
    w.here("a", Pose(x=100), jumps=0)  # from before
    w.step()
    assert w.told("a", Correct) == []
    assert w.seen("b") == {a: Pose(x=90_000)}
    w.here("a", Pose(x=90_200), jumps=1)
    w.step()
    assert w.seen("b")[a].x == 90_200
    assert w.simulation.counts.jumps == 1


def test_too_many_jumps_and_one_out_of_the_world_are_refused() -> None:
    w = World(jumps_rate=0.5, jumps_burst=2)
    a = w.enter("a")
    w.enter("b")
    w.hear("a", Jump(2, 1, Pose(x=2_000_001)))
    assert w.told("a", Correct) == [Correct(1, Pose())]
    for i in (2, 3, 4):
        w.hear("a", Jump(3, i, Pose(x=i * 100_000)))
    assert w.told("a", Correct)[1:] == [Correct(2, Pose(x=200_000)), Correct(3, Pose(x=200_000))]
    w.step(2.1)
    w.hear("a", Jump(1, 5, Pose(x=7)))
    w.here("a", Pose(x=17), jumps=5, corrections=3)
    w.step()
    assert w.seen("b")[a].x == pytest.approx(17, abs=5)


def test_version_1_has_no_jump_and_may_leap_as_often() -> None:
    w = World(jumps_rate=0.5, jumps_burst=2)
    a = w.enter("a", version=1)
    w.enter("b")
    for seq, x in ((1, 100_000), (2, 200_000), (3, 300_000), (4, 300_100)):
        w.hear("a", PoseUpdate(seq, 0, Pose(x=x)))
        w.step()
    assert w.seen("b")[a].x == 200_000
    assert w.told("a", Correct) == []
    w.hear("a", PoseUpdate(5, 0, Pose(x=9_000_000 - 1_000_000)))  # out of the world
    w.step(2.5)
    assert w.seen("b")[a].x == 200_000
    assert (w.simulation.counts.jumps, w.simulation.counts.corrected) == (2, 3)


def test_hello_from_outside_the_world_stands_at_its_border() -> None:
    w = World(reach=50.0)
    a = w.enter("a", Pose(x=80_000, z=-3))
    w.enter("b")
    assert w.seen("b") == {a: Pose(x=50_000, z=-3)}


def test_the_muted_do_not_speak_however_they_say_so() -> None:
    w = World()
    a = w.enter("a", Pose(flags=Flags.SPEAKING | Flags.SEATED))
    w.enter("b")
    assert w.seen("b")[a].flags == Flags.SPEAKING | Flags.SEATED
    assert w.simulation.mute("a", True)
    w.step(0.2)
    assert w.seen("b")[a].flags == Flags.SEATED
    w.here("a", Pose(x=100, flags=Flags.SPEAKING))
    w.step(0.2)
    assert w.seen("b")[a].flags == 0
    w.enter("a", Pose(flags=Flags.SPEAKING))  # comes back
    w.step(0.2)
    assert w.seen("b")[a].flags == 0
    assert w.simulation.mute("a", False)
    w.here("a", Pose(x=200, flags=Flags.SPEAKING))
    w.step(0.2)
    assert w.seen("b")[a].flags == Flags.SPEAKING
    w.join("c")
    assert w.simulation.mute("c", True)  # also before they enter
    w.hear("c", Hello(2, 2, "test", "ada", Pose(flags=Flags.SPEAKING)))
    w.step(0.2)
    assert [pose.flags for pose in w.seen("a").values()] == [0, 0]
    assert not w.simulation.mute("nobody", True)


@pytest.mark.parametrize(("hz", "packets"), [(20, 20), (60, 20), (10, 10), (12, 10), (5, 5), (0, 5)])
def test_a_path_that_bears_no_more_is_told_less_often(hz: float, packets: int) -> None:
    w = World()
    w.enter("a")
    w.enter("b")
    assert w.simulation.set_rate("a", hz)
    before = {s: len(w.told(s, Sight)) for s in "ab"}
    for i in range(20):
        w.here("a", Pose(x=i * 100))
        w.here("b", Pose(z=i * 100))
        w.step()
    assert len(w.told("a", Sight)) - before["a"] == packets
    assert len(w.told("b", Sight)) - before["b"] == 20
    assert w.told("a", Sight)[-1].interval == 20 // packets
    assert not w.simulation.set_rate("nobody", 5)


def test_an_overloaded_node_tells_everybody_less_often_and_says_so() -> None:
    w = World()
    for session in ("a", "b", "c"):
        w.enter(session, version=1 if session == "c" else 2)
    for i in range(100):
        for session in "abc":
            w.hear(session, Ping(i))
        w.simulation.busy(1.5)
        w.step()
    assert w.simulation.counts.interval == 4
    assert w.simulation.counts.slowed > 50
    before = {s: len(w.said[s]) for s in "abc"}
    w.step(2)
    assert {s: len(w.said[s]) - before[s] for s in "abc"} == {"a": 10, "b": 10, "c": 10}
    for _ in range(200):
        w.simulation.busy(0.1)
    assert w.simulation.counts.interval == 1


def test_a_newcomer_to_a_crowd_learns_the_names_of_those_nearest_first_and_soon_all() -> None:
    w = World(capacity_per_world=400, capacity=400)
    for i in range(200):
        w.join(f"s{i}", name=f"somebody whose name takes its room {i}")
        w.hear(f"s{i}", Hello(2, 2, "test", "ada", Pose(x=(i * 79 % 200) * 1000)))
    w.step()
    frames = len(w.said["s0"])
    w.enter("late", Pose(x=-1000))
    assert len(w.said["s0"]) - frames <= 3  # one is told by one ENTER
    first = [e for m in w.told("late", Enter) for e in m.entrants]
    places = [int(e.user_id[2:].split(":")[0]) * 79 % 200 for e in first]
    assert places == list(range(len(first)))
    assert 64 <= len(first) < 200
    assert len(w.told("late", Enter)) == FIRST_FRAMES
    w.simulation.lost("s5", "")
    w.step(0.6)
    assert len(w.roster("late")) == 199
    assert not any(e.user_id == "@s5:x" for m in w.told("late", Enter)[FIRST_FRAMES:] for e in m.entrants)


def test_everything_that_is_said_fits_one_packet() -> None:
    w = World(capacity_per_world=200, capacity=200)
    sizes: list[int] = []
    for i in range(120):
        w.join(f"s{i}", name="名" * 48)
        w.hear(f"s{i}", Hello(2, 2, "test", "a" * 200, Pose(x=i)))
    for _ in range(60):
        w.now += 0.05
        w.simulation.step(w.now)
        sizes += [len(frame) for _, _, frame in w.simulation.outgoing()]
    assert FULL - 700 < max(sizes) <= FULL


def test_a_world_that_is_full_says_how_many_are_here() -> None:
    w = World(capacity_per_world=2)
    w.enter("a")
    w.enter("b")
    with pytest.raises(JoinRefused, match="2 of 2"):
        w.join("c")


def test_a_node_cannot_promise_more_seats_than_there_are_peers() -> None:
    with pytest.raises(ValueError, match="at most"):
        World(capacity=9000)
    with pytest.raises(ValueError, match="at most"):
        World(visible=65)


def test_many_worlds_share_a_node_and_see_nothing_of_each_other() -> None:
    w = World(capacity=400)
    peers: dict[str, int] = {}
    for i in range(90):
        peers[f"s{i}"] = w.enter(f"s{i}", Pose(x=i), world=f"w{i % 30}")
        if i % 9 == 8:
            w.simulation.lost(f"s{i - 4}", "")
            del peers[f"s{i - 4}"]
    w.step(1.1)
    here = {s.session: s.world for s in w.simulation.sessions()}
    for session in list(here)[::7]:
        others = {peers[s] for s, world in here.items() if world == here[session] and s != session}
        assert set(w.seen(session)) >= others
        late = [m for m in w.told(session, Sight) if m.tick > w.simulation.tick - 20]
        assert {r.peer for m in late for r in m.records} == others


class Chaos:
    """Operations that hypothesis may do in any order."""

    sessions = st.sampled_from(["a", "b", "c"])
    operation = st.one_of(
        st.tuples(st.just("join"), sessions, st.sampled_from(["plaza", "gallery"])),
        st.tuples(st.just("enter"), sessions, strategies.poses),
        st.tuples(st.just("hear"), sessions, strategies.from_client),
        st.tuples(st.just("here"), sessions, strategies.poses),
        st.tuples(st.just("lost"), sessions),
        st.tuples(st.just("rate"), sessions, st.sampled_from([5, 10, 20])),
        st.tuples(st.just("mute"), sessions, st.booleans()),
        st.tuples(st.just("busy"), st.floats(0, 3)),
        st.tuples(st.just("step"), st.floats(0, 3)),
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(Chaos.operation, max_size=25))
def test_whatever_happens_everybody_ends_up_knowing_where_everybody_is(story: list[Any]) -> None:
    w = World(capacity_per_world=2)
    for what, *arguments in story:
        match what:
            case "join":
                try:
                    w.join(arguments[0], world=arguments[1])
                except JoinRefused:
                    continue
            case "enter":
                w.hear(arguments[0], Hello(2, 2, "test", "ada", arguments[1]))
            case "hear":
                w.hear(*arguments)
            case "here":
                w.seqs.setdefault(arguments[0], 0)
                w.here(*arguments)
            case "lost":
                w.simulation.lost(arguments[0], "gone")
            case "rate":
                w.simulation.set_rate(*arguments)
            case "mute":
                w.simulation.mute(*arguments)
            case "busy":
                w.simulation.busy(arguments[0])
            case "step":
                w.step(arguments[0])
    w.step()
    for view in [s for s in w.simulation.sessions() if s.present]:
        w.said[view.session] = []
    w.step(4.2)
    views = [s for s in w.simulation.sessions() if s.present]
    for me in views:
        if any(isinstance(m, Goodbye) for m in w.said[me.session]):
            continue
        others = {s.peer for s in views if s.world == me.world and s is not me}
        told = {r.peer for m in w.told(me.session, Sight) for r in m.records}
        assert told >= others or w.told(me.session, Snapshot)
        for sight in w.told(me.session, Sight):
            assert all(isinstance(r, Keyframe | Delta) and r.peer != me.peer for r in sight.records)


def test_roles_and_mutes_are_the_gates_alone() -> None:
    w = World()
    a = w.enter("a", role=Role.GUEST)
    w.enter("b")
    for message in (Hello(2, 2, "test", "mod", Pose()), Here(1, 0, 0, 0, Pose(flags=255))):
        w.hear("a", message)
    w.step()
    assert {e.role for m in w.told("b", Enter) for e in m.entrants if e.peer == a} == {Role.GUEST}
