"""Many visitors over bad networks, in virtual time: they see each other, whatever the network does."""

from __future__ import annotations

import math

import pytest

from roomscale.netcode.core import units
from roomscale.netcode.core.messages import GoodbyeCode
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.testing.rig import Guest, Rig

BAD = LinkConfig(delay=0.05, jitter=0.03, loss=0.05, duplicate=0.02, reorder=0.05)
TERRIBLE = LinkConfig(delay=0.15, jitter=0.1, burst_loss=0.2, burst_length=3, duplicate=0.1, reorder=0.2)


def circle(guests: list[Guest], now: float) -> None:
    """Everybody walks around a circle of their own, 1.4 m/s."""
    for i, guest in enumerate(guests):
        angle = now * 1.4 / 3
        guest.talk.pose = units.pose(10 * i + 3 * math.cos(angle), 0, 3 * math.sin(angle), angle)


def story(seed: int) -> list[object]:
    rig = Rig(link=BAD, seed=seed)
    guests = [rig.visit(s) for s in "abc"]
    rig.run(5, lambda now: circle(guests, now))
    return [(g.talk.tally, g.talk.seen) for g in guests]


def test_the_same_seed_tells_the_same_story() -> None:
    assert story(3) == story(3)
    assert story(3) != story(4)


@pytest.mark.parametrize("link", [LinkConfig(), BAD, TERRIBLE], ids=["good", "bad", "terrible"])
def test_everybody_knows_everybody_and_where_they_were_a_moment_ago(link: LinkConfig) -> None:
    rig = Rig(link=link)
    guests = [rig.visit(f"v{i}", name="Ada") for i in range(6)]
    rig.run(10, lambda now: circle(guests, now))
    oldest = 0.05 + 2 * (link.delay + link.jitter + link.hold) + (1.0 if link.burst_loss > 0.1 else 0.4)
    for guest in guests:
        assert guest.closed is None
        assert len(guest.talk.roster) == len(guest.talk.seen) == 5
        assert len({e.name for e in guest.talk.roster.values()}) == 5
        for peer, seen in guest.talk.seen.items():
            other = next(g for g in guests if g.talk.welcome and g.talk.welcome.peer == peer)
            apart = math.dist(units.metres(seen.pose), units.metres(other.talk.pose))
            assert apart <= 1.4 * oldest + 0.01
        assert guest.talk.tally.malformed == 0
    share = sum(g.talk.tally.snapshots for g in guests) / (6 * 200)
    assert share > (1 - link.loss - link.burst_loss) * 0.75  # what overtook a newer one is not counted


def test_who_vanishes_is_told_to_the_others_after_six_seconds_and_who_leaves_at_once() -> None:
    rig = Rig(link=BAD)
    here, leaves, vanishes = (rig.visit(s) for s in ("here", "leaves", "vanishes"))
    rig.run(2)
    rig.leave(leaves)
    rig.vanish(vanishes)
    rig.run(0.5)
    assert [e.user_id for e in here.talk.roster.values()] == ["@vanishes:test"]
    rig.run(7)
    assert here.talk.roster == {}
    assert vanishes.closed is not None
    assert vanishes.closed.code is GoodbyeCode.SILENT


def test_who_comes_back_on_a_new_path_is_the_same_participant() -> None:
    rig = Rig(link=BAD)
    here, roams = rig.visit("here"), rig.visit("roams")
    rig.run(2)
    peer = roams.talk.welcome.peer if roams.talk.welcome else None
    enters = here.talk.roster.copy()
    rig.vanish(roams)
    rig.run(3)
    rig.visit("roams", link=TERRIBLE)
    rig.run(5, lambda _: setattr(roams.talk, "pose", units.pose(3, 0, 4)))
    assert roams.talk.welcome is not None
    assert roams.talk.welcome.peer == peer
    assert here.talk.roster == enters
    assert units.metres(here.talk.seen[roams.talk.welcome.peer].pose) == (3, 0, 4)


def test_a_hundred_visitors_each_see_the_nearest_64() -> None:
    rig = Rig(config=SimulationConfig(capacity_per_world=100))
    guests = [rig.visit(f"v{i}") for i in range(100)]
    for i, guest in enumerate(guests):
        guest.talk.pose = units.pose(i, 0, 0)
    rig.run(4)  # whom one saw at the start, when all were on one spot, is out of sight by now
    first = guests[0].talk
    assert len(first.roster) == 99
    assert {round(units.metres(first.seen[peer].pose)[0]) for peer in first.in_sight()} == set(range(1, 65))
    assert all(len(guest.talk.in_sight()) == 64 for guest in guests)
    assert sum(guest.talk.tally.corrected for guest in guests) == 0
