"""Choices that contradict each other are refused before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from roomscale.netcode.webrtc.sctp import SctpConfig


@pytest.mark.parametrize(
    "choice",
    [
        {"mtu": 1163},
        {"mtu": 100},
        {"mtu": 9000},
        {"receive_buffer": 60_000},
        {"receive_buffer": 1000, "max_message_size": 500},
        {"sack_delay": 0.3},
        {"sack_age": 0.02},
        {"sack_age": -0.01},
        {"streams": 0},
        {"streams": 257},
    ],
    ids=str,
)
def test_a_choice_that_cannot_work_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        SctpConfig(**choice)
