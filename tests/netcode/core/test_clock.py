"""The server's time as a client knows it."""

from __future__ import annotations

import random

import pytest

from roomscale.netcode.core.clock import ServerClock


def test_the_shortest_round_trip_is_believed() -> None:
    clock = ServerClock()
    clock.start(1000, 50.0)
    clock.pong(50.1, 1060, 50.12)  # 20 ms there and back: the server was at 1,060 at our 50.11
    assert clock.ms(50.11) == 1060
    clock.pong(50.2, 1500, 50.9)  # a bad one changes nothing
    assert clock.ms(50.11) == 1060
    clock.pong(50.9, 9999, 50.0)  # nor does one from the future
    assert clock.ms(50.11) == 1060


def test_it_goes_on_across_the_wrap_of_the_servers_counter() -> None:
    clock = ServerClock()
    clock.start(2**32 - 10, 0.0)
    clock.pong(0.0, 2**32 - 5, 0.01)
    assert clock.ms(0.01) == 0
    assert clock.unwrap(5) - clock.unwrap(2**32 - 10) == pytest.approx(0.015)


def test_once_settled_it_moves_slowly_but_for_a_new_start() -> None:
    clock = ServerClock()
    clock.start(0, 0.0)
    for i in range(5):
        clock.pong(i * 0.25, i * 250 + 5, i * 0.25 + 0.01)
    before = clock.server_now(2.0)
    clock.pong(2.0, 2100, 2.004)  # a shorter trip says 98 ms otherwise
    assert 0.01 < clock.server_now(2.004) - before - 0.004 <= 0.0201
    clock.pong(3.0, 9000, 3.002)
    assert clock.ms(3.001) == pytest.approx(9000, abs=2)


def test_through_jitter_it_is_right_to_a_few_milliseconds() -> None:
    dice = random.Random(2)
    clock = ServerClock()
    clock.start(0, 0.06)  # the server's 0 was at our 0
    for i in range(30):
        sent = i * 1.0 + 1
        there = 0.05 + dice.random() * 0.03
        back = 0.05 + dice.random() * 0.03
        clock.pong(sent, round((sent + there) * 1000), sent + there + back)
    assert clock.ms(40.0) == pytest.approx(40_000, abs=8)
