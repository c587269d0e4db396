"""The seeded network: it repeats itself, and is as bad as it was asked to be."""

from __future__ import annotations

import itertools

import pytest

from roomscale.netcode.testing.link import Link, LinkConfig

BAD = LinkConfig(delay=0.05, jitter=0.03, loss=0.1, burst=3, duplicate=0.05, reorder=0.1)


def story(config: LinkConfig, seed: int, *, reliable: bool = False, packets: int = 20_000) -> list[tuple[float, int]]:
    """(arrival, packet) of packets sent every 10 ms."""
    link: Link[int] = Link(config, seed, reliable=reliable)
    arrived = []
    for i in range(packets + 1000):
        if i < packets:
            link.send(i, i / 100)
        arrived += [(i / 100, packet) for packet in link.receive(i / 100)]
    return arrived


@pytest.mark.parametrize("reliable", [False, True])
def test_the_same_seed_tells_the_same_story_and_another_one_does_not(reliable: bool) -> None:
    assert story(BAD, 7, reliable=reliable, packets=500) == story(BAD, 7, reliable=reliable, packets=500)
    assert story(BAD, 7, reliable=reliable, packets=500) != story(BAD, 8, reliable=reliable, packets=500)


def test_a_good_link_delivers_everything_at_once_and_in_order() -> None:
    assert story(LinkConfig(), 1, packets=100) == [(i / 100, i) for i in range(100)]


@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_it_loses_and_duplicates_as_many_as_asked_and_in_bursts_as_long_as_asked(burst: float) -> None:
    arrived = [p for _, p in story(LinkConfig(loss=0.2, burst=burst), 3)]
    missing = sorted(set(range(20_000)) - set(arrived))
    assert len(missing) == pytest.approx(4000, rel=0.15)
    runs = 1 + sum(1 for a, b in itertools.pairwise(missing) if b != a + 1)
    # with burst 1 the losing state is left after each packet, and entered anew at once now and then
    assert len(missing) / runs == pytest.approx(max(burst, 1.0), rel=0.3)
    twice = [p for _, p in story(LinkConfig(duplicate=0.1), 3)]
    assert len(twice) - len(set(twice)) == pytest.approx(2000, rel=0.15)


def test_packets_are_delayed_within_bounds_and_overtake_each_other_only_if_told_to() -> None:
    late = [at - p / 100 for at, p in story(LinkConfig(delay=0.05, jitter=0.03), 5)]
    assert min(late) >= 0.05
    assert max(late) <= 0.08 + 0.011
    order = [p for _, p in story(LinkConfig(delay=0.05, reorder=0.1), 5)]
    assert 1000 < sum(1 for a, b in itertools.pairwise(order) if b < a) < 3000


def test_a_reliable_link_loses_nothing_keeps_the_order_and_pays_with_time() -> None:
    arrived = story(BAD, 9, reliable=True, packets=2000)
    assert [p for _, p in arrived] == list(range(2000))
    assert max(at - p / 100 for at, p in arrived) > 0.25
