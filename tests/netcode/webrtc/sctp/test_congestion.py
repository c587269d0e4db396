"""The window: what makes it grow, what makes it yield, and what does not."""

from __future__ import annotations

import pytest

from roomscale.netcode.webrtc.sctp.config import SctpConfig
from roomscale.netcode.webrtc.sctp.congestion import BASE_SPAN, LEAST_RATE, STREAK, Congestion

CONFIG = SctpConfig()
MTU = CONFIG.mtu


def measured(*rtts: float, flight: int = 4000, start: float = 10.0) -> Congestion:
    """After these round trips, one every 50 ms."""
    congestion = Congestion(CONFIG)
    for n, rtt in enumerate(rtts):
        congestion.sampled(rtt, flight, start + n / 20)
    return congestion


def test_the_timeout_follows_the_round_trip_with_room_for_a_sack_that_was_held_back() -> None:
    assert Congestion(CONFIG).rto == CONFIG.rto_initial
    steady = measured(*[0.1] * 100)
    assert steady.srtt == pytest.approx(0.1)
    assert steady.rto == pytest.approx(0.32, abs=0.01)
    assert measured(*[0.001] * 100).rto == CONFIG.rto_min
    shaky = measured(*[0.1, 0.5] * 100)
    assert shaky.rto > shaky.srtt + 0.5
    assert measured(*[30.0] * 10).rto == CONFIG.rto_max


def test_repeated_timeouts_double_it_to_a_bound_and_never_shorten_what_was_measured() -> None:
    congestion = measured(*[0.1] * 50)
    waits = []
    for n in range(5):
        congestion.timed_out(n > 0)
        waits.append(congestion.rto)
    assert waits[0] == pytest.approx(0.64, abs=0.02)
    assert waits[1:] == [CONFIG.backoff_max] * 4
    far = measured(*[2.0] * 50)
    before = far.rto
    far.timed_out(again=False)
    assert far.rto == before > CONFIG.backoff_max


def test_a_window_that_held_something_back_grows_fast_and_after_a_loss_by_a_packet_per_round_trip() -> None:
    congestion = measured(*[0.05] * 5)
    first = congestion.cwnd
    congestion.acknowledged(first)
    assert congestion.cwnd == first + 2 * MTU
    for _ in range(20):
        congestion.acknowledged(2 * MTU)
    congestion.lost()
    halved = congestion.cwnd
    assert halved == (first + 42 * MTU) // 2
    sent = 0
    while sent < 3 * halved:
        congestion.acknowledged(MTU)
        sent += MTU
    assert halved + 2 * MTU <= congestion.cwnd <= halved + 3 * MTU


def test_the_window_has_an_upper_bound() -> None:
    congestion = measured(*[0.05] * 5)
    for _ in range(10_000):
        congestion.acknowledged(4 * MTU)
    assert congestion.cwnd == CONFIG.max_window


def test_losses_never_raise_the_window_and_leave_four_packets() -> None:
    congestion = measured(0.05)
    for _ in range(10):
        before = congestion.cwnd
        congestion.lost()
        assert congestion.cwnd <= before
    assert congestion.cwnd == min(4 * MTU, 4404)


def test_one_timeout_is_a_loss_and_two_in_a_row_leave_one_packet() -> None:
    congestion = measured(*[0.05] * 5)
    for _ in range(20):
        congestion.acknowledged(2 * MTU)
    before = congestion.cwnd
    congestion.timed_out(again=False)
    assert congestion.cwnd == before // 2
    congestion.timed_out(again=True)
    assert congestion.cwnd == MTU


def test_a_queue_that_grows_shrinks_the_window_before_anything_is_lost() -> None:
    congestion = measured(*[0.05] * 20)
    for _ in range(10):
        congestion.acknowledged(2 * MTU)
    before = congestion.cwnd
    for n in range(STREAK):
        assert congestion.cwnd == before
        congestion.sampled(0.2, before, 12.0 + n / 20)
    assert congestion.cwnd == pytest.approx(
        before / 2, abs=2
    )  # a quarter of it is the path's, but one step halves at most
    assert congestion.queueing == pytest.approx(0.15)
    assert congestion.loss == 0


def test_it_yields_once_per_round_trip() -> None:
    congestion = measured(*[0.05] * 20)
    for _ in range(50):
        congestion.acknowledged(2 * MTU)
    for n in range(STREAK):
        congestion.sampled(0.25, congestion.cwnd, 12.0 + n / 1000)
    once = congestion.cwnd
    for n in range(STREAK):
        congestion.sampled(0.25, congestion.cwnd, 12.01 + n / 1000)
    assert congestion.cwnd == once


def test_late_acknowledgements_among_prompt_ones_are_no_queue() -> None:
    congestion = measured(*[0.05, 0.25, 0.25, 0.25] * 20)
    assert congestion.cwnd == Congestion(CONFIG).cwnd
    assert congestion.queueing <= CONFIG.queue_target


def test_with_a_queue_in_sight_the_window_does_not_grow() -> None:
    congestion = measured(*[0.05] * 10, 0.05 + 0.75 * CONFIG.queue_target)
    before = congestion.cwnd
    congestion.acknowledged(4 * MTU)
    assert congestion.cwnd == before


def test_a_queue_that_others_fill_does_not_silence_us() -> None:
    congestion = measured(*[0.05] * 20)
    congestion.timed_out(again=False)
    congestion.timed_out(again=True)
    for n in range(1000):
        congestion.sampled(1.25, 2 * MTU, 12.0 + n / 20)
        congestion.acknowledged(MTU)
    assert congestion.cwnd == pytest.approx(LEAST_RATE * 1.25, abs=MTU)


def test_the_shortest_round_trip_is_forgotten_after_two_spans_and_not_before_one() -> None:
    congestion = measured(0.02)
    now = 10.0
    while now < 10.0 + BASE_SPAN:
        congestion.sampled(0.2, 1000, now)
        assert congestion.base_rtt == 0.02
        now += 0.5
    while now < 11.0 + 2 * BASE_SPAN:
        congestion.sampled(0.2, 1000, now)
        now += 0.5
    assert congestion.base_rtt == 0.2


def test_another_path_begins_anew() -> None:
    congestion = measured(*[0.05] * 20)
    congestion.timed_out(again=True)
    congestion.restart()
    fresh = Congestion(CONFIG)
    assert (congestion.cwnd, congestion.srtt, congestion.rto) == (fresh.cwnd, 0.0, CONFIG.rto_initial)
    congestion.sampled(0.5, 1000, 20.0)
    assert congestion.base_rtt == 0.5


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 1.0])
def test_the_loss_ratio_finds_the_share_that_is_lost(share: float) -> None:
    congestion = measured(0.05)
    seen = []
    for n in range(2000):
        lost = int((n + 1) * share) - int(n * share)
        congestion.counted(1 - lost, lost)
        seen.append(congestion.loss)
    assert sum(seen[500:]) / 1500 == pytest.approx(share, abs=0.02)
