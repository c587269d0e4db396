"""Messages on the stream between gate and node: whole again however they are cut, or one error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.errors import SocketBroken
from roomscale.netcode.node.framing import MAX_MESSAGE, Unpacker, pack, read_receipt, receipt

messages = st.lists(st.binary(min_size=1, max_size=40) | st.just(b"x" * MAX_MESSAGE), max_size=8)


@settings(deadline=None)
@given(messages, st.lists(st.integers(1, 50), min_size=1))
def test_messages_come_back_however_the_stream_is_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(pack, sent))
    unpacker = Unpacker()
    got: list[bytes] = []
    at = 0
    while at < len(stream):
        for cut in cuts:
            got += unpacker.feed(stream[at : at + cut])
            at += cut
    assert got == sent


@settings(deadline=None, max_examples=300)
@given(st.lists(st.binary(max_size=80), max_size=10))
def test_any_bytes_are_messages_or_broken_and_little_is_kept(chunks: list[bytes]) -> None:
    unpacker = Unpacker()
    try:
        for chunk in chunks:
            for message in unpacker.feed(chunk):
                assert 0 < len(message) <= MAX_MESSAGE
            assert len(unpacker._rest) < 2 + MAX_MESSAGE
    except SocketBroken:
        return


@pytest.mark.parametrize("size", [0, MAX_MESSAGE + 1, 65_535])
def test_a_message_of_no_size_or_too_large_is_broken_before_it_is_there(size: int) -> None:
    with pytest.raises(SocketBroken, match=f"a message of {size} bytes"):
        Unpacker().feed(size.to_bytes(2, "big"))


@given(st.integers(0, 2**33))
def test_a_receipt_tells_its_count_modulo_its_width(count: int) -> None:
    assert read_receipt(receipt(count)) == count % 2**32


@pytest.mark.parametrize("message", [b"\x02", b"\x02\0\0\0", b"\x02\0\0\0\0\0"])
def test_a_receipt_of_another_length_is_broken(message: bytes) -> None:
    with pytest.raises(SocketBroken):
        read_receipt(message)
