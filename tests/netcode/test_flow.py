"""What is under way over a WebSocket: poses wait for a path that has fallen behind, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.errors import SocketBroken
from roomscale.netcode.node.flow import FIRST, MOST, OVERHEAD, QUEUEING, Flow


def walked(flow: Flow, trip: float, *, seconds: float = 2.0, start: float = 0.0) -> tuple[float, int]:
    """A pose each 50 ms, each acknowledged after `trip` seconds; (the time, how many went out)."""
    count = 0
    now = start
    while now < start + seconds - 0.001:
        while flow._under_way and flow._under_way[0][0] + trip <= now:
            flow.received(flow._count + 1, now)
        if flow.room(now):
            flow.sent(1000, now)
            count += 1
        now += 0.05
    return now, count


@pytest.mark.parametrize("trip", [0.0, 0.03, 0.3, 0.39])
def test_a_steady_path_carries_every_pose_however_long_it_is(trip: float) -> None:
    _, count = walked(Flow(), trip)
    assert count == 40


def test_a_path_that_is_longer_than_the_first_messages_is_learned() -> None:
    flow = Flow()
    walked(flow, 1.0, seconds=4)
    assert walked(flow, 1.0, seconds=4, start=4.0)[1] == 80


def test_a_pose_waits_as_soon_as_the_path_has_fallen_behind_by_the_queueing() -> None:
    flow = Flow()
    flow.sent(1000, 0.0)
    flow.received(1, 0.1)
    flow.sent(1000, 1.0)
    assert flow.room(1.1 + QUEUEING - 0.001)
    assert not flow.room(1.1 + QUEUEING + 0.001)
    flow.received(2, 1.5)
    assert flow.room(1.5)


def test_before_any_receipt_only_a_few_messages_go_out() -> None:
    flow = Flow()
    for _ in range(FIRST):
        assert flow.room(0.0)
        flow.sent(1, 0.0)
    assert not flow.room(0.0)


def test_a_path_that_became_longer_is_believed_after_a_while() -> None:
    flow = Flow()
    now, _ = walked(flow, 0.05)
    now, starved = walked(flow, 1.0, seconds=8, start=now + 1)
    now, _ = walked(flow, 1.0, seconds=24, start=now)
    _, carried = walked(flow, 1.0, seconds=8, start=now)
    assert starved < carried == 160


def test_waiting_counts_bytes_until_they_are_received() -> None:
    flow = Flow()
    flow.sent(100, 0.0)
    flow.sent(200, 0.0)
    assert flow.waiting == 300 + 2 * OVERHEAD
    flow.received(1, 0.1)
    assert flow.waiting == 200 + OVERHEAD
    flow.received(2, 0.1)
    assert flow.waiting == 0


def test_the_count_wraps() -> None:
    flow = Flow()
    flow._count = 2**32 - 1
    flow.sent(1, 0.0)
    flow.sent(1, 0.0)
    flow.received(1, 0.1)
    assert flow.waiting == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=30), st.integers(0, 5))
def test_any_receipts_are_taken_or_refused_and_never_count_twice(counts: list[int], sent: int) -> None:
    flow = Flow()
    for _ in range(sent):
        flow.sent(1, 0.0)
    last = 0
    for count in counts:
        if last < count <= sent:
            flow.received(count, 1.0)
            last = count
        else:
            with pytest.raises(SocketBroken):
                flow.received(count, 1.0)
    assert flow.waiting == (sent - last) * (1 + OVERHEAD)


def test_much_that_is_under_way_holds_poses_back_whatever_its_age() -> None:
    flow = Flow()
    flow.sent(1, 0.0)
    flow.received(1, 0.1)
    for _ in range(MOST):
        assert flow.room(0.2)
        flow.sent(1, 0.2)
    assert not flow.room(0.2)


def test_a_queue_of_our_own_is_never_taken_for_the_path() -> None:
    """A link that carries 14 poses a second of 20, for two minutes, with a queue that never overflows."""
    flow = Flow()
    free_at = now = worst = 0.0
    arrivals: list[float] = []
    while now < 120:
        while arrivals and arrivals[0] <= now:
            flow.received(flow._count + 1, arrivals.pop(0))
        if flow.room(now):
            flow.sent(1000, now)
            free_at = max(free_at, now) + 0.07
            arrivals.append(free_at + 0.03)
            if now > 1:
                worst = max(worst, arrivals[-1] - now - 0.1)
        now += 0.05
    assert worst < 0.2
    assert flow._count > 120 / 0.07 * 0.9  # and the link is hardly ever idle
