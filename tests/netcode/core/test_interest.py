"""Whom one is shown: the nearest, never oneself, never anybody of another world, whatever the crowd looks like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.interest import FIRST_LEVEL, MOST, SMALL, Order, Scene, Search
from roomscale.netcode.core.poses import Rows

Places = npt.NDArray[np.int32]


def scene(places: Places, *, yaw: float = 0.0, speaking: Rows | None = None, world: Rows | None = None) -> Scene:
    """A scene of people at (n, 3) millimetres, in rows 1 to n."""
    n = len(places)
    x, y, z = np.concatenate([np.zeros((1, 3), np.int32), places]).T
    speaks = np.zeros(n + 1, np.bool_)
    if speaking is not None:
        speaks[speaking] = True
    worlds = np.concatenate([[-1], np.zeros(n, np.int64) if world is None else world])
    return Scene(x, y, z, np.full(n + 1, yaw, np.float32), speaks, worlds)


def look(s: Scene, *, limit: int = 64, small: bool | None = None, times: int = 12) -> Rows:
    """Everybody's sight, after cells have found their size."""
    viewers = np.flatnonzero(s.world >= 0)
    levels = np.full(len(viewers), FIRST_LEVEL, np.uint8)
    whole = np.full(len(viewers), len(viewers) <= SMALL if small is None else small)
    search = Search()
    for _ in range(times):
        chosen = search.nearest(Order(s), viewers, levels, whole, limit)
    return chosen


def crowd(kind: str, n: int) -> Places:
    dice = np.random.default_rng(7)
    match kind:
        case "spread":
            where = dice.random((n, 2)) * np.sqrt(n * 4.0)
        case "sparse":
            where = dice.random((n, 2)) * 3000 - 1500
        case "throng":
            where = dice.normal(0, 2, (n, 2))
        case "mixed":
            where = np.where(dice.random((n, 1)) < 0.8, dice.normal(0, 4, (n, 2)), dice.random((n, 2)) * 2000 - 1000)
        case "line":
            where = np.stack([np.arange(n) * 0.7, np.zeros(n)], axis=1)
        case _:
            where = np.zeros((n, 2))
    return np.stack([where[:, 0] * 1000, np.zeros(n), where[:, 1] * 1000], axis=1).astype(np.int32)


def check(chosen: Rows, viewers: int, limit: int) -> None:
    """Nobody sees themselves or anybody twice, and who is missing is missing at the end."""
    assert chosen.shape == (viewers, limit)
    for me, row in enumerate(chosen.tolist(), 1):
        there = [r for r in row if r]
        assert me not in there
        assert len(set(there)) == len(there)
        assert row[len(there) :] == [0] * (limit - len(there))


@pytest.mark.parametrize("n", [1, 2, 5, 64, 65])
def test_few_all_see_all_but_themselves(n: int) -> None:
    chosen = look(scene(np.zeros((n, 3), np.int32)))
    check(chosen, n, 64)
    assert [set(row) - {0} for row in chosen.tolist()] == [set(range(1, n + 1)) - {me} for me in range(1, n + 1)]


@pytest.mark.parametrize("kind", ["spread", "sparse", "throng", "line"])
@pytest.mark.parametrize("n", [66, 150, SMALL])
def test_in_a_small_world_exactly_the_nearest_are_seen_nearest_first(kind: str, n: int) -> None:
    places = crowd(kind, n)
    chosen = look(scene(places, yaw=0.5))
    check(chosen, n, 64)
    apart = np.linalg.norm(places[:, None].astype(float) - places[None], axis=2)
    ahead = (places[None, :, 0] - places[:, None, 0]) * -np.sin(0.5) - (
        places[None, :, 2] - places[:, None, 2]
    ) * np.cos(0.5)
    counts = apart - 0.3 * np.maximum(ahead, 0)
    for me, row in enumerate(chosen):
        seen = counts[me][row - 1]
        assert np.all(np.diff(seen) > -33)  # a step is 1/64 m, and single precision is near
        assert sorted(seen) == pytest.approx(sorted(np.delete(counts[me], me))[:64], abs=33)


@pytest.mark.parametrize("kind", ["spread", "sparse", "throng", "mixed", "line"])
def test_in_a_large_world_nearly_all_of_the_nearest_are_seen(kind: str) -> None:
    n = 800
    places = crowd(kind, n)
    chosen = look(scene(places))
    check(chosen, n, 64)
    apart = np.linalg.norm(places[:, None].astype(float) - places[None], axis=2)
    ahead = np.maximum(-(places[None, :, 2] - places[:, None, 2]), 0)
    counts = apart - 0.3 * ahead
    np.fill_diagonal(counts, np.inf)
    border = np.sort(counts, axis=1)[:, 63]
    good = np.array([np.count_nonzero(counts[me][row - 1] <= border[me] + 33) for me, row in enumerate(chosen)])
    assert good.mean() / 64 > 0.9
    nearest_16 = np.array([set(np.argsort(counts[me])[:16] + 1) <= set(row.tolist()) for me, row in enumerate(chosen)])
    assert nearest_16.mean() > 0.95


def test_who_stands_on_one_spot_by_the_thousand_still_sees_64_others_and_bounded_work_is_done() -> None:
    s = scene(crowd("spot", 3000))
    check(look(s, times=4), 3000, 64)
    _, lengths = Order(s).runs(np.arange(1, 3001), np.zeros(3000, np.uint8))
    assert lengths.sum(axis=1).min() == 3000 > MOST  # so many are near, and no more than MOST were looked at


def test_worlds_do_not_see_each_other_even_on_one_spot() -> None:
    world = np.arange(300) % 3
    chosen = look(scene(np.zeros((300, 3), np.int32), world=world), small=True)
    for me, row in enumerate(chosen):
        assert set(world[row[row > 0] - 1]) == {world[me]}
        assert np.count_nonzero(row) == 64


def test_who_speaks_and_who_is_looked_at_counts_as_nearer() -> None:
    ring = np.array([[np.cos(a) * 10000, 0, np.sin(a) * 10000] for a in np.linspace(0, 2 * np.pi, 101)[:-1]])
    places = np.concatenate([np.zeros((1, 3)), ring]).astype(np.int32)
    ahead = look(scene(places, yaw=np.pi / 2), limit=20)[0]  # looks along -X
    assert all(places[row - 1][0] < -7000 for row in ahead)
    speaking = np.array([3, 4, 90])
    assert set(speaking) <= set(look(scene(places, yaw=np.pi, speaking=speaking), limit=40)[0].tolist())


def test_floors_count() -> None:
    places = np.array([[0, 0, 0], [3000, 0, 0], [0, 4000, 0], [0, -9000, 0]], np.int32)
    assert look(scene(places, yaw=np.pi / 2), limit=2)[0].tolist() == [2, 3]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.sampled_from([1, 8, 64, 72]), st.booleans())
def test_any_crowd_anywhere_in_any_worlds_gives_a_sound_sight(seed: int, n: int, limit: int, small: bool) -> None:
    dice = np.random.default_rng(seed)
    reach = 10 ** dice.integers(1, 7, size=(n, 1))
    places = np.clip(dice.integers(-reach, reach, (n, 3)), -(2**23), 2**23 - 1).astype(np.int32)
    world = dice.integers(0, 3, n)
    chosen = look(scene(places, world=world), limit=limit, small=small, times=3)
    check(chosen, n, limit)
    for me, row in enumerate(chosen):
        others = np.count_nonzero(world == world[me]) - 1
        assert set(world[row[row > 0] - 1]) <= {world[me]}
        assert np.count_nonzero(row) == min(others, limit) or (not small and np.count_nonzero(row) > 0)
