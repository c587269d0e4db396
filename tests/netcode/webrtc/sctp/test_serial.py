"""Numbers that wrap."""

from __future__ import annotations

import pytest

from roomscale.netcode.webrtc.sctp.serial import after, after16


@pytest.mark.parametrize(
    ("a", "b", "later"),
    [(1, 0, True), (0, 0, False), (0, 1, False), (0, 2**32 - 1, True), (2**31 - 1, 0, True), (2**31, 0, False)],
)
def test_a_tsn_comes_after_those_of_half_the_space_before_it(a: int, b: int, later: bool) -> None:
    assert after(a, b) is later


@pytest.mark.parametrize(
    ("a", "b", "later"), [(1, 0, True), (0, 0, False), (0, 0xFFFF, True), (0x7FFF, 0, True), (0x8000, 0, False)]
)
def test_stream_sequence_numbers_have_sixteen_bits(a: int, b: int, later: bool) -> None:
    assert after16(a, b) is later
