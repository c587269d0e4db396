"""Records: sealed as the RFCs say, opened once, and refused in every other shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.errors import DtlsMisuse
from roomscale.netcode.webrtc import records
from roomscale.netcode.webrtc.keys import Keys
from roomscale.netcode.webrtc.records import LAST_RECORD, MAX_PAYLOAD, OVERHEAD, RecordLayer, cut, plain, split
from roomscale.netcode.webrtc.replay import WINDOW
from tests.netcode.webrtc.dtls_peers import header, records_of, seal

KEYS = Keys(b"our write key...", b"ours", b"their write key.", b"them")
MIRROR = Keys(KEYS.read_key, KEYS.read_salt, KEYS.write_key, KEYS.write_salt)


def theirs(payload: bytes = b"pose", number: int = 0, **changes: int) -> bytes:
    """A record that the peer sealed."""
    return seal(KEYS.read_key, KEYS.read_salt, payload, number=number, **changes)  # type: ignore[arg-type]


@given(st.binary(max_size=MAX_PAYLOAD), st.integers(0, LAST_RECORD - 1), st.sampled_from([21, 22, 23]))
def test_a_sealed_record_is_byte_for_byte_what_the_rfcs_say(payload: bytes, number: int, content_type: int) -> None:
    layer = RecordLayer(KEYS)
    layer.sealed = number
    nonce = (1 << 48 | number).to_bytes(8)
    expected = seal(KEYS.write_key, KEYS.write_salt, payload, number=number, nonce=nonce, content_type=content_type)
    assert layer.protect(payload, content_type) == expected
    assert len(expected) == len(payload) + OVERHEAD <= 1200


@given(st.binary(max_size=1500), st.integers(0, 2**48 - 1), st.binary(min_size=8, max_size=8))
def test_whatever_nonce_and_number_the_peer_chose_its_record_opens_once(
    payload: bytes, number: int, nonce: bytes
) -> None:
    record = seal(KEYS.read_key, KEYS.read_salt, payload, number=number, nonce=nonce)
    layer = RecordLayer(KEYS)
    assert layer.unprotect(record) == payload
    assert layer.unprotect(record) is None


def test_no_two_records_have_the_same_number_or_nonce() -> None:
    layer, seen = RecordLayer(KEYS), set[bytes]()
    for i in range(2000):
        record = layer.protect(b"x", 21 + i % 3)
        assert header(record)[1:] == (1, i)
        assert record[13:21] == record[3:11]
        seen.add(record[13:21])
    assert len(seen) == 2000


def test_a_record_refused_uses_no_number() -> None:
    layer = RecordLayer(KEYS)
    with pytest.raises(DtlsMisuse):
        layer.protect(bytes(MAX_PAYLOAD + 1))
    assert header(layer.protect(b""))[2] == 0


def test_a_key_seals_no_more_than_its_share() -> None:
    layer = RecordLayer(KEYS)
    layer.sealed = LAST_RECORD - 1
    layer.protect(b"the last one")
    for _ in range(2):
        with pytest.raises(DtlsMisuse):
            layer.protect(b"one more")


def test_records_come_in_any_order_within_the_window() -> None:
    layer = RecordLayer(KEYS)
    numbers = [*range(0, WINDOW, 2), *range(1, WINDOW, 2)]
    assert [layer.unprotect(theirs(b"%d" % n, n)) for n in numbers] == [b"%d" % n for n in numbers]
    assert [layer.unprotect(theirs(b"%d" % n, n)) for n in numbers] == [None] * WINDOW
    assert layer.unprotect(theirs(number=WINDOW + 10)) == b"pose"
    assert layer.unprotect(theirs(number=10)) is None  # seen
    layer = RecordLayer(KEYS)
    assert layer.unprotect(theirs(number=WINDOW)) == b"pose"
    assert layer.unprotect(theirs(number=0)) is None  # too old to know
    assert layer.unprotect(theirs(number=1)) == b"pose"


def test_every_bit_of_a_record_is_protected_and_a_forgery_moves_no_window() -> None:
    layer, record = RecordLayer(KEYS), theirs()
    for bit in range(8 * len(record)):
        forged = bytearray(record)
        forged[bit // 8] ^= 1 << bit % 8
        assert [layer.unprotect(r) for r in split(bytes(forged))] in ([], [None])
    assert layer.unprotect(record) == b"pose"


def test_a_record_cut_short_or_with_a_tail_is_none() -> None:
    layer, record = RecordLayer(KEYS), theirs()
    for size in range(len(record)):
        assert split(record[:size]) == []
        short = record[:11] + max(size - 13, 0).to_bytes(2) + record[13:size]  # whose length says so
        assert [layer.unprotect(r) for r in split(short)] in ([], [None])
    longer = record[:11] + (len(record) - 13 + 1).to_bytes(2) + record[13:] + b"x"
    assert [layer.unprotect(r) for r in split(longer)] == [None]
    assert [layer.unprotect(r) for r in split(record + b"a tail that is no record")] == [b"pose"]


@pytest.mark.parametrize("epoch", [0, 2, 3, 0xFFFF])
def test_other_epochs_are_none_even_where_the_key_is_right(epoch: int) -> None:
    layer = RecordLayer(KEYS)
    assert layer.unprotect(theirs(epoch=epoch)) is None
    assert layer.unprotect(theirs()) == b"pose"


@pytest.mark.parametrize("version", [0xFEFF, 0xFEFC, 0x0303])
def test_other_versions_are_none(version: int) -> None:
    assert RecordLayer(KEYS).unprotect(theirs(version=version)) is None


def test_our_own_records_sent_back_to_us_are_none() -> None:
    layer = RecordLayer(KEYS)
    assert layer.unprotect(layer.protect(b"echo")) is None


def test_a_peer_may_put_many_records_into_a_datagram_but_not_too_much() -> None:
    layer = RecordLayer(KEYS)
    datagram = b"".join(theirs(b"%d" % n, n) for n in range(20))
    assert [layer.unprotect(r) for r in split(datagram)] == [b"%d" % n for n in range(20)]
    assert split(theirs(bytes(records.MAX_RECEIVED))) == ()
    assert split(bytes(65535)) == ()


@given(st.lists(st.binary(max_size=60), max_size=8), st.binary(max_size=12))
def test_cutting_gives_back_what_was_joined(fragments: list[bytes], tail: bytes) -> None:
    joined = [plain(22, n, fragment) for n, fragment in enumerate(fragments)]
    assert cut(b"".join(joined) + tail) == joined
    assert records_of(b"".join(joined)) == joined
    assert [header(r) for r in joined] == [(22, 0, n) for n in range(len(joined))]


@given(st.binary(max_size=2100) | st.lists(st.integers(0, 255), max_size=300).map(bytes))
def test_any_bytes_are_cut_and_opened_to_nothing_without_an_error(data: bytes) -> None:
    layer = RecordLayer(KEYS)
    found = split(data)
    assert b"".join(found) == data[: sum(map(len, found))]
    assert all(layer.unprotect(record) is None for record in found)
    assert layer.unprotect(theirs()) == b"pose"


@given(st.integers(0, 60), st.binary(min_size=1, max_size=40), st.integers(0, 2**48 - 1))
def test_a_record_with_a_few_bytes_overwritten_is_none(at: int, patch: bytes, number: int) -> None:
    record = theirs(b"p" * 24, number)
    forged = record[:at] + patch + record[at + len(patch) :]
    layer = RecordLayer(KEYS)
    opened = [layer.unprotect(r) for r in split(forged)]
    assert forged.startswith(record) or opened in ([], [None])


def test_what_openssl_sealed_with_our_key_can_be_opened_to_be_sealed_anew() -> None:
    layer = RecordLayer(KEYS)
    assert layer.reopen(seal(KEYS.write_key, KEYS.write_salt, b"Finished", number=0, content_type=22)) == b"Finished"
    assert RecordLayer(MIRROR).unprotect(layer.protect(b"Finished", 22)) == b"Finished"
