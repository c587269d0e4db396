"""Channel messages and payload protocols: what RFC 8832 shows, what applications say, and what nobody may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.errors import BadDcep
from roomscale.netcode.webrtc.dcep import MAX_LABEL, Ack, Limit, Open, pack_dcep, read_dcep, unwrap, wrap

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=80).filter(lambda t: len(t.encode()) <= MAX_LABEL)
opens = st.builds(Open, names, names, st.booleans(), st.sampled_from(Limit), st.integers(0, 2**32 - 1))

POSES = bytes.fromhex("03 81 0000 00000000 0005 0000") + b"poses"
"""What a browser sends for {ordered: false, maxRetransmits: 0}."""


def test_an_open_as_browsers_write_it_is_read() -> None:
    assert read_dcep(POSES) == Open("poses", ordered=False, limit=Limit.RETRANSMISSIONS, amount=0)
    assert read_dcep(b"\x02") == Ack()


@given(st.one_of(opens, st.just(Ack())))
def test_what_is_packed_is_read_again(message: Open | Ack) -> None:
    assert read_dcep(pack_dcep(message)) == message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x02\x00",
        b"\x03",
        POSES[:11],
        POSES[:-1],
        POSES + b"x",
        b"\x03\x03" + POSES[2:],
        POSES[:12] + b"\xff" * 5,
        b"\x03\x00" + bytes(6) + (MAX_LABEL + 1).to_bytes(2, "big") + b"\0\0" + b"x" * (MAX_LABEL + 1),
    ],
    ids=["empty", "type", "ack-long", "short", "header", "label-short", "long", "channel-type", "utf-8", "label-size"],
)
def test_what_is_no_channel_message_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(BadDcep):
        read_dcep(data)


def test_a_label_that_nobody_would_read_is_not_written() -> None:
    with pytest.raises(ValueError, match="at most"):
        pack_dcep(Open("x" * (MAX_LABEL + 1)))


@given(st.binary(max_size=600))
def test_any_bytes_are_a_message_or_one_named_error(data: bytes) -> None:
    try:
        message = read_dcep(data)
    except BadDcep:
        return
    assert isinstance(message, Ack | Open)


@given(st.one_of(st.binary(max_size=50), st.text(st.characters(exclude_categories=["Cs"]), max_size=50)))
def test_applications_hear_what_was_said_also_when_it_was_nothing(data: bytes | str) -> None:
    ppid, payload = wrap(data)
    assert payload
    assert unwrap(ppid, payload) == data


@pytest.mark.parametrize(("ppid", "payload"), [(50, b"\x02"), (52, b"x"), (0, b"x"), (51, b"\xff")])
def test_other_payload_protocols_and_broken_texts_are_refused(ppid: int, payload: bytes) -> None:
    with pytest.raises(BadDcep):
        unwrap(ppid, payload)
