"""A client's timer finds the server's ticks, through jitter, and keeps to the interval that the server asks for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.core.pacing import Pacer, shift


def settled_leads(
    jitter: float, *, delay: float = 0.053, phase: float = 0.0, seed: int = 1, rate: int = 20
) -> list[int]:
    """The leads of the last of 400 HEREs, ms: a server that ticks, a client that is told, a path that jitters."""
    dice = random.Random(seed)
    tick, now = 1 / rate, phase
    pacer = Pacer(tick, now)
    flying: list[tuple[float, int]] = []
    told: list[tuple[float, int, int]] = []
    newest, seq, came = 0, 0, -1.0
    leads: list[int] = []
    next_tick = tick
    while seq < 400:
        now += 0.001
        if pacer.due(now):
            seq += 1
            flying.append((now + delay + dice.random() * jitter, seq))
        for at, number in sorted(f for f in flying if f[0] <= now):
            flying.remove((at, number))
            if number > newest:
                newest, came = number, at
        if now >= next_tick:
            lead = min(255, int((next_tick - came) * 1000))
            told.append((now + delay, lead, newest))
            if seq > 300:
                leads.append(lead)
            next_tick += tick
        for at, lead, number in [t for t in told if t[0] <= now]:
            told.remove((at, lead, number))
            pacer.heard(lead, number, 1, now)
    return leads


@pytest.mark.parametrize("phase", [0.0, 0.011, 0.024, 0.037, 0.049])
def test_on_a_steady_path_poses_come_4_to_12_ms_before_the_tick(phase: float) -> None:
    leads = settled_leads(0.0, phase=phase)
    assert all(4 <= lead <= 12 for lead in leads)


@pytest.mark.parametrize("seed", range(3))
def test_on_a_path_with_jitter_nearly_none_misses_its_tick(seed: int) -> None:
    leads = settled_leads(0.03, seed=seed)
    assert sum(lead >= 45 for lead in leads) <= len(leads) * 0.05
    assert sum(leads) / len(leads) < 30


def test_with_more_jitter_than_a_tick_nothing_is_shifted() -> None:
    assert shift([i * 50 / 16 for i in range(16)], 50) == 0


@given(st.lists(st.floats(0, 49.9), min_size=1, max_size=16), st.floats(1, 100))
def test_a_shift_is_at_most_half_a_tick(leads: list[float], tick: float) -> None:
    assert abs(shift([lead % tick for lead in leads], tick)) <= tick / 2 + 1e-9


@pytest.mark.parametrize(
    ("leads", "later"), [([8.0] * 16, 0), ([20.0] * 16, 12), ([2.0] * 16, -6), ([45.0, 49.0, 3.0], -13)]
)
def test_the_latest_of_them_counts_also_around_the_tick(leads: list[float], later: float) -> None:
    assert shift(leads, 50) == pytest.approx(later)


def test_the_server_sets_the_interval_and_a_late_timer_makes_up_for_nothing() -> None:
    pacer = Pacer(0.05, 0.0)
    assert [t for t in range(20) if pacer.due(t * 0.05 + 0.001)] == list(range(20))
    pacer.heard(255, 0, 4, 1.0)
    assert len([t for t in range(20, 60) if pacer.due(t * 0.05 + 0.001)]) == 10
    assert pacer.due(10.0)
    assert not pacer.due(10.1)
    pacer.heard(255, 0, 200, 11.0)
    assert pacer.interval == 4


def test_repeats_and_leads_that_say_nothing_are_not_counted() -> None:
    pacer = Pacer(0.05, 0.0)
    for _ in range(100):
        pacer.heard(30, 7, 1, 1.0)
        pacer.heard(255, 8, 1, 1.0)
    assert [t for t in range(5) if pacer.due(t * 0.05 + 0.001)] == list(range(5))
