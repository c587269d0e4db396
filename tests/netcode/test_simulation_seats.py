"""The simulation: who gets in, who comes back, and what they are called. Virtual time throughout."""

from __future__ import annotations

import pytest

from roomscale.netcode.core.messages import (
    Enter,
    Hello,
    Leave,
    Ping,
    Pose,
    PoseUpdate,
    Role,
    Welcome,
)
from roomscale.netcode.core.reports import Entered
from roomscale.netcode.errors import JoinRefused
from tests.netcode.simulated import World


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
