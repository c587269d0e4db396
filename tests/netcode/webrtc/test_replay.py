"""The replay window against the plainest model of it: a set of all that was seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.webrtc.replay import WINDOW, ReplayWindow

NUMBERS = st.one_of(st.integers(0, 400), st.integers(0, 2**64 - 1))


@given(st.lists(NUMBERS, max_size=200))
def test_a_number_is_fresh_once_and_only_within_the_window(numbers: list[int]) -> None:
    window, seen, newest = ReplayWindow(), set[int](), -1
    for number in numbers:
        expected = number not in seen and number > newest - WINDOW
        assert window.fresh(number) is expected
        assert window.fresh(number) is expected  # asking changes nothing
        if expected:
            window.mark(number)
            seen.add(number)
            newest = max(newest, number)


def test_a_packet_that_many_others_overtook_still_counts_once() -> None:
    window = ReplayWindow()
    for number in range(1, WINDOW):
        window.mark(number)
    assert window.fresh(0)
    window.mark(0)
    assert not window.fresh(0)
    window.mark(WINDOW)
    assert not window.fresh(0)


def test_a_leap_over_all_numbers_costs_no_memory() -> None:
    window = ReplayWindow()
    window.mark(0)
    window.mark(2**64 - 1)
    assert window.fresh(2**64 - 2)
    assert not window.fresh(0)
    assert window._seen.bit_length() <= WINDOW
