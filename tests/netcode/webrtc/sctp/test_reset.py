"""Stream resets: requests that are late, repeated, out of turn, or ask for what we do not do."""

from __future__ import annotations

import struct

import pytest

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.reset import (
    BAD_SEQUENCE,
    DENIED,
    IN_PROGRESS,
    PERFORMED,
    Request,
    Resets,
)

OURS, PEERS = 2**32 - 1, 500


def request(sequence: int, last_tsn: int, *streams: int) -> bytes:
    return struct.pack(f"!LLL{len(streams)}H", sequence, 0, last_tsn, *streams)


def ask(resets: Resets, sequence: int, last_tsn: int, *streams: int, cumulative: int = 1000) -> tuple[int, object]:
    """(result, what is to be performed) of a peer's request."""
    chunk, perform = resets.requested(chunks.OUTGOING_RESET, request(sequence, last_tsn, *streams), cumulative)
    return result(chunk, sequence), perform


def result(chunk: bytes, sequence: int) -> int:
    ((kind, value),) = chunks.read_parameters(chunks.split(chunk)[0].body)
    assert kind == chunks.RESET_RESPONSE
    answered, outcome = struct.unpack("!LL", value)
    assert answered == sequence
    return int(outcome)


def test_a_request_is_performed_once_and_its_repetition_answered_the_same() -> None:
    resets = Resets(OURS, PEERS)
    assert ask(resets, PEERS, 1000, 3, 4) == (PERFORMED, Request(1000, (3, 4)))
    assert ask(resets, PEERS, 1000, 3, 4) == (PERFORMED, None)
    assert ask(resets, PEERS + 1, 1000, 5) == (PERFORMED, Request(1000, (5,)))


def test_a_request_waits_for_the_data_before_it() -> None:
    resets = Resets(OURS, PEERS)
    assert ask(resets, PEERS, 1005, 3) == (IN_PROGRESS, None)
    assert ask(resets, PEERS, 1005, 3) == (IN_PROGRESS, None)
    assert resets.caught_up(1004) is None
    done = resets.caught_up(1005)
    assert done is not None
    assert (result(done[0], PEERS), done[1]) == (PERFORMED, Request(1005, (3,)))
    assert resets.caught_up(1005) is None
    assert ask(resets, PEERS, 1005, 3, cumulative=1005) == (PERFORMED, None)


def test_a_peer_that_asks_anew_after_being_deferred_does_not_close_the_channel_twice() -> None:
    """dcsctp gives its repetition of a deferred request a number of its own."""
    resets = Resets(OURS, PEERS)
    ask(resets, PEERS, 1005, 3)
    assert resets.caught_up(1005)
    assert ask(resets, PEERS + 1, 1005, 3, cumulative=1005) == (PERFORMED, None)


def test_requests_out_of_turn_are_refused() -> None:
    resets = Resets(OURS, PEERS)
    assert ask(resets, PEERS + 1, 1000, 3) == (BAD_SEQUENCE, None)
    assert ask(resets, PEERS - 2, 1000, 3) == (BAD_SEQUENCE, None)


@pytest.mark.parametrize("kind", [chunks.INCOMING_RESET, chunks.TSN_RESET, chunks.ADD_OUTGOING, chunks.ADD_INCOMING])
def test_what_we_do_not_do_is_denied_and_uses_up_its_number(kind: int) -> None:
    resets = Resets(OURS, PEERS)
    chunk, perform = resets.requested(kind, struct.pack("!LL", PEERS, 0), 1000)
    assert (result(chunk, PEERS), perform) == (DENIED, None)
    assert ask(resets, PEERS + 1, 1000, 3)[0] == PERFORMED


def asked(chunk: bytes) -> tuple[int, int, int, tuple[int, ...]]:
    """Our request: number, response number, last TSN, streams."""
    ((kind, value),) = chunks.read_parameters(chunks.split(chunk)[0].body)
    assert kind == chunks.OUTGOING_RESET
    head = struct.unpack_from("!LLL", value)
    return (*head, struct.unpack_from(f"!{(len(value) - 12) // 2}H", value, 12))


def respond(resets: Resets, sequence: int, outcome: int) -> tuple[int, ...]:
    return resets.answered(struct.pack("!LL", sequence, outcome), 0.3, 10.0)


def test_one_request_of_ours_at_a_time_until_it_is_answered() -> None:
    resets = Resets(OURS, PEERS)
    resets.close(3)
    resets.close(3)
    resets.close(1)
    assert resets.wants == {3, 1}
    first = resets.ask(77, 0.3, 5.0)
    assert asked(first) == (OURS, PEERS - 1, 77, (3, 1))
    assert resets.asked_at == 5.3
    resets.close(9)
    resets.close(1)
    assert resets.wants == set()
    assert resets.closing == {3, 1, 9}
    assert resets.ask(77, 0.3, 5.3) == first
    assert resets.asked_at == pytest.approx(5.9)
    assert respond(resets, 12345, PERFORMED) == ()
    assert respond(resets, OURS, IN_PROGRESS) == ()
    assert resets.asked_at == 10.3
    assert respond(resets, OURS, PERFORMED) == (3, 1)
    assert respond(resets, OURS, PERFORMED) == ()
    assert resets.closing == {9}
    assert asked(resets.ask(80, 0.3, 11.0))[0] == 0  # numbers wrap
    assert respond(resets, 0, DENIED) == (9,)


def test_many_channels_close_in_several_requests_that_fit_a_packet() -> None:
    resets = Resets(OURS, PEERS)
    for stream in range(256):
        resets.close(stream)
    first = resets.ask(1, 0.3, 5.0)
    assert len(first) < 400
    closed = respond(resets, OURS, PERFORMED)
    resets.ask(1, 0.3, 5.0)
    assert closed + respond(resets, 0, PERFORMED) == tuple(range(256))


@pytest.mark.parametrize("value", [b"", bytes(3), bytes(11), bytes(13)])
def test_requests_and_responses_of_odd_sizes_are_refused(value: bytes) -> None:
    resets = Resets(OURS, PEERS)
    with pytest.raises(BadSctp):
        resets.requested(chunks.OUTGOING_RESET, value, 1000)
    with pytest.raises(BadSctp):
        resets.answered(value, 0.3, 1.0)
