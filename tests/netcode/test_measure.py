"""What headless visitors measure is what the network did: in virtual time, over links whose faults are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import pytest

from roomscale.netcode.core import units
from roomscale.netcode.core.messages import Channel, Entrant
from roomscale.netcode.core.sightings import Tally
from roomscale.netcode.testing.circle import RADIUS, SPACING, SPEED, Circle
from roomscale.netcode.testing.headless import Observer
from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.testing.measure import Figures, Probe, Quantiles, figures, pair_up
from roomscale.netcode.testing.rig import Guest, Rig
from roomscale.netcode.testing.visitor import Visitor

GRAIN = 0.005  # the rig's


class RigVisitor:
    """A guest of the rig as a `Participant`: another transport, so to say."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.observer: Observer | None = None

    @property
    def peer(self) -> int | None:
        return self.guest.talk.welcome.peer if self.guest.talk.welcome else None

    @property
    def others(self) -> Mapping[int, Entrant]:
        return self.guest.talk.roster

    @property
    def tally(self) -> Tally:
        return self.guest.talk.tally

    @property
    def tick(self) -> int | None:
        return self.guest.talk.snapshot.tick if self.guest.talk.snapshot else None

    @property
    def over(self) -> str | None:
        return self.guest.closed.reason if self.guest.closed else None

    def place(self, peer: int, /) -> tuple[float, float, float] | None:
        seen = self.guest.talk.seen.get(peer)
        return units.metres(seen.pose) if seen else None

    def move(self, x: float, y: float, z: float, yaw: float = 0.0) -> None:
        self.guest.talk.pose = units.pose(x, y, z, yaw)


def measured(link: LinkConfig, *, count: int = 4, moving: bool = True, seconds: float = 10.0) -> Figures:
    """What `count` visitors see over such links, after a second to get in."""
    rig = Rig(link=link)
    visitors = [RigVisitor(rig.visit(f"v{i}")) for i in range(count)]
    probes = [Probe(visitor, Circle(i, count, moving)) for i, visitor in enumerate(visitors)]
    pair_up(probes)
    sent = [0] * count
    came = [0] * count

    def each(now: float) -> None:
        for i, probe in enumerate(probes):
            tally = probe.visitor.tally
            if tally.bytes_out != sent[i]:  # the rig sent a pose at the grain before
                sent[i] = tally.bytes_out
                probe.sent(Channel.POSES, now - GRAIN)
            if tally.snapshots != came[i]:
                came[i] = tally.snapshots
                probe.received(Channel.POSES, now - GRAIN)
            probe.step(now)

    rig.run(1, each)
    for probe in probes:
        probe.begin()
    rig.run(seconds, each)
    return figures(probes, seconds)


def test_over_a_good_network_everything_comes_and_latency_is_the_ticks() -> None:
    seen = measured(LinkConfig())
    assert (seen.visitors, seen.others_least, seen.others_most, seen.malformed) == (4, 3, 3, 0)
    assert seen.snapshots == pytest.approx(20, abs=0.2)
    assert seen.loss == 0
    assert seen.latency is not None
    assert seen.latency.count >= 4 * 190
    assert seen.latency.most <= 1 / 20 + 2 * GRAIN
    assert seen.rtt is not None
    assert seen.rtt.most <= 2 * GRAIN


def test_delay_is_found_in_round_trips_and_in_latency() -> None:
    seen = measured(LinkConfig(delay=0.1))
    assert seen.rtt is not None
    assert seen.rtt.p50 == pytest.approx(0.2, abs=2 * GRAIN)
    assert seen.latency is not None
    assert 0.2 <= seen.latency.p50 <= 0.25 + 2 * GRAIN
    assert seen.latency.most <= 0.25 + 2 * GRAIN


def test_loss_is_found() -> None:
    seen = measured(LinkConfig(loss=0.2), seconds=30)
    assert seen.loss == pytest.approx(0.2, abs=0.04)
    assert seen.snapshots == pytest.approx(16, abs=1)
    assert seen.snapshots_least <= seen.snapshots


def test_bytes_are_counted_within_the_time_alone() -> None:
    short, long = measured(LinkConfig(), seconds=5), measured(LinkConfig(), seconds=20)
    assert short.bytes_in == pytest.approx(long.bytes_in, rel=0.05)
    assert short.bytes_out == pytest.approx(long.bytes_out, rel=0.05)
    assert short.bytes_in > 20 * 12  # a header each tick at the least


def test_who_stands_shows_no_latency_and_one_alone_has_nobody_to_see() -> None:
    assert measured(LinkConfig(), moving=False, seconds=2).latency is None
    alone = measured(LinkConfig(), count=1, seconds=2)
    assert alone.latency is None
    assert alone.others_most == 0


def test_a_place_off_the_trail_says_nothing_about_time() -> None:
    rig = Rig()
    probe = Probe(RigVisitor(rig.visit("v")), Circle(0, 1))
    assert probe.was_at((0, 0, 0)) is None
    for i in range(200):
        probe.step(i / 20)
        probe.sent(Channel.POSES, i / 20)
    there, _ = probe.walk.at(9.5)
    assert probe.was_at(there) == 9.5
    assert probe.was_at((there[0] + 0.004, there[1], there[2] - 0.004)) == 9.5  # a codec may round to centimetres
    assert probe.was_at((there[0] + 9, *there[1:])) is None


def test_the_real_visitor_tells_its_observer_what_went_and_came() -> None:
    visitor = Visitor()
    assert (visitor.peer, visitor.tick, visitor.over) == (None, None, None)
    Probe(visitor, Circle(0, 1)).step(1.0)
    assert units.metres(visitor.talk.pose) != (0, 0, 0)


@pytest.mark.parametrize("count", [1, 2, 5, 64, 100])
def test_neighbours_by_number_walk_side_by_side(count: int) -> None:
    middles = [Circle(i, count).middle for i in range(count)]
    assert len(set(middles)) == count
    for one, other in itertools.pairwise(middles):
        assert math.dist(one, other) == pytest.approx(SPACING)
    assert max(math.hypot(x, z) for x, _, z in middles) <= SPACING * (math.isqrt(count) + 1) / math.sqrt(2)


def test_a_walk_is_at_walking_speed_and_looks_where_it_goes() -> None:
    walk = Circle(3, 9)
    for now in (0.0, 1.7, 5.0):
        (x0, _, z0), yaw = walk.at(now)
        (x1, _, z1), _ = walk.at(now + 0.01)
        assert math.dist((x0, z0), (x1, z1)) == pytest.approx(SPEED * 0.01, rel=0.01)
        heading = math.atan2(-(x1 - x0), -(z1 - z0)) % math.tau  # yaw 0 looks along -Z
        assert heading == pytest.approx(yaw, abs=0.01)
        assert math.dist((x0, 0.0, z0), walk.middle) == pytest.approx(RADIUS)
    assert Circle(3, 9, moving=False).at(5.0) == (walk.middle, 0.0)


def test_quantiles_are_by_nearest_rank() -> None:
    assert Quantiles.of([]) is None
    assert Quantiles.of([3.0]) == Quantiles(1, 3.0, 3.0, 3.0)
    assert Quantiles.of(float(i) for i in range(1, 201)) == Quantiles(200, 100.0, 198.0, 200.0)
