"""Questions and their answers, each counted once."""

from __future__ import annotations

import pytest

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.events import PathProved
from roomscale.netcode.webrtc.sctp.heartbeat import Heartbeats


def body(chunk: bytes | None) -> bytes:
    assert chunk is not None
    return chunks.split(chunk)[0].body


def test_nobody_is_asked_who_was_heard_lately() -> None:
    heartbeats = Heartbeats(10.0)
    heartbeats.start(100.0)
    assert heartbeats.at == 110.0
    assert heartbeats.beat(heard_at=108.0, rto=0.3, errors=0, now=110.0) == (None, False)
    assert heartbeats.at == 118.0


def test_silence_is_asked_about_and_no_answer_is_a_miss_that_backs_off() -> None:
    heartbeats = Heartbeats(10.0)
    question, missed = heartbeats.beat(heard_at=100.0, rto=0.3, errors=0, now=110.0)
    assert not missed
    assert heartbeats.at == 110.3
    again, missed = heartbeats.beat(heard_at=100.0, rto=0.3, errors=0, now=110.3)
    assert missed
    assert again != question
    assert heartbeats.at == pytest.approx(110.9)
    assert heartbeats.answered(body(question), 111.0) is None  # too late: another one is out
    assert heartbeats.answered(body(again), 111.0) == pytest.approx(0.7)
    assert heartbeats.at == 121.0
    assert heartbeats.answered(body(again), 111.0) is None


def test_a_probe_is_answered_once_and_by_its_own_nonce() -> None:
    heartbeats = Heartbeats(10.0)
    (one, first), (other, second) = heartbeats.probe(5.0), heartbeats.probe(6.0)
    assert one != other
    assert heartbeats.answered(body(second), 6.5) == PathProved(other, 0.5)
    assert heartbeats.answered(body(second), 6.6) is None
    assert heartbeats.answered(body(first), 7.0) == PathProved(one, 2.0)


@pytest.mark.parametrize("parameters", [[], [(1, b"x" * 16), (1, b"y")]])
def test_an_answer_of_another_shape_is_refused(parameters: list[tuple[int, bytes]]) -> None:
    with pytest.raises(BadSctp):
        Heartbeats(10.0).answered(chunks.pack_parameters(parameters), 1.0)


def test_an_empty_nonce_answers_nothing() -> None:
    heartbeats = Heartbeats(10.0)
    assert heartbeats.answered(chunks.pack_parameters([(1, b"")]), 1.0) is None
