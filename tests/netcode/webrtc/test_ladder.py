"""The ladder of rates: down at once, up slowly, and more slowly after a relapse."""

from __future__ import annotations

import pytest

from roomscale.netcode.webrtc.ladder import LOOK, RATES, Ladder
from roomscale.netcode.webrtc.sctp.events import Stats

FINE = Stats(
    srtt=0.05, base_rtt=0.05, queueing=0.0, rto=0.3, loss=0.01, cwnd=9_000, flight=600, queued=0, skipped=0, dropped=0
)


def rates(ladder: Ladder, stats: Stats, seconds: float, now: float) -> list[float]:
    return [ladder.look(stats, now + LOOK * step) for step in range(1, round(seconds / LOOK) + 1)]


@pytest.mark.parametrize("trouble", [FINE._replace(loss=0.3), FINE._replace(queueing=0.2)])
def test_trouble_leads_down_to_the_last_rung_and_no_further(trouble: Stats) -> None:
    assert rates(Ladder(0.0), trouble, 2, 0.0) == [10, 5, 5, 5]


def test_poses_that_find_no_room_are_trouble() -> None:
    ladder = Ladder(0.0)
    assert [ladder.look(FINE._replace(skipped=n), n * LOOK) for n in (1, 3, 9, 9, 9)] == [20, 20, 10, 10, 10]


def test_a_path_that_is_fine_stays_at_the_top() -> None:
    assert set(rates(Ladder(0.0), FINE, 60, 0.0)) == {RATES[0]}


def test_it_climbs_one_rung_after_four_clear_seconds_each() -> None:
    ladder = Ladder(0.0)
    rates(ladder, FINE._replace(loss=0.3), 1, 0.0)
    climb = rates(ladder, FINE, 10, 1.0)
    assert climb.index(10) == round(4 / LOOK) - 1
    assert climb.index(20) == round(8 / LOOK) - 1


def test_a_step_up_that_does_not_hold_is_tried_again_much_later() -> None:
    ladder = Ladder(0.0)
    ladder.look(FINE._replace(queueing=0.2), 0.5)
    assert rates(ladder, FINE, 4, 0.5)[-1] == 20
    assert ladder.look(FINE._replace(queueing=0.2), 5.0) == 10
    assert rates(ladder, FINE, 15, 5.0)[-1] == 10
    assert rates(ladder, FINE, 2, 20.0)[-1] == 20
