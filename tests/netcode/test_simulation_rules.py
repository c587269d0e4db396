"""The simulation: what a session may do, and what ends it. Virtual time throughout."""

from __future__ import annotations

import pytest

from roomscale.netcode.core.messages import (
    Channel,
    Goodbye,
    GoodbyeCode,
    Hello,
    Ping,
    Pong,
    Pose,
    PoseUpdate,
    Welcome,
)
from roomscale.netcode.core.protocol import encode
from roomscale.netcode.core.reports import Closed
from tests.netcode.simulated import World


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
