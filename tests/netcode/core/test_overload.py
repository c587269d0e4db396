"""Overload: slower for everybody when ticks stay long, faster again when there is room, and no flutter."""

from __future__ import annotations

from roomscale.netcode.core.overload import Overload


def after(overload: Overload, share: float, ticks: int) -> list[int]:
    intervals = []
    for _ in range(ticks):
        overload.busy(share)
        intervals.append(overload.interval)
    return intervals


def test_a_node_with_room_keeps_20_hz_and_one_long_tick_changes_nothing() -> None:
    overload = Overload()
    assert set(after(overload, 0.5, 200)) == {1}
    overload.busy(30.0)
    assert set(after(overload, 0.5, 100)) == {1}


def test_lasting_overload_halves_the_rates_twice_and_no_further() -> None:
    intervals = after(Overload(), 1.2, 400)
    assert intervals[0] == 1
    assert sorted(set(intervals)) == [1, 2, 4]
    assert intervals == sorted(intervals)
    assert 5 < intervals.index(2) < 40
    assert intervals.index(4) - intervals.index(2) >= 39  # 2 s to see what the first step brought


def test_rates_rise_again_when_there_is_room_and_do_not_flutter() -> None:
    overload = Overload()
    after(overload, 1.2, 200)
    assert overload.interval == 4
    assert after(overload, 0.5, 400)[-1] == 4  # twice as much would be too much
    down = after(overload, 0.1, 400)
    assert down == sorted(down, reverse=True)
    assert down[-1] == 1
