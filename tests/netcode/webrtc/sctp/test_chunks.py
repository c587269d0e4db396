"""The codec: bytes of the RFCs' figures, round trips, and one named error for everything else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import Chunk, Gaps, Init
from roomscale.netcode.webrtc.sctp.config import MAX_CHUNKS
from roomscale.netcode.webrtc.sctp.reset import _read

u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)

READERS: list[Callable[[bytes], Any]] = [
    chunks.split,
    chunks.read_parameters,
    chunks.read_data,
    chunks.read_sack,
    chunks.read_forward_tsn,
    chunks.read_init,
    lambda data: _read(chunks.OUTGOING_RESET, data),
    lambda data: _read(chunks.ADD_OUTGOING, data),
]


@pytest.mark.parametrize("read", READERS)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_value_or_one_named_error(read: Callable[[bytes], Any], data: bytes) -> None:
    with contextlib.suppress(BadSctp):
        read(data)


@given(st.lists(st.builds(Chunk, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=30)), max_size=8))
def test_a_packets_chunks_are_those_it_was_made_of(found: list[Chunk]) -> None:
    body = b"".join(chunks.pack(c.kind, c.body, c.flags) for c in found)
    assert chunks.split(body) == found
    if found:
        assert chunks.split(body[: len(body) - (-len(found[-1].body) & 3)]) == found  # the last padding may be missing


@pytest.mark.parametrize(
    "data",
    [b"\0\0\0", b"\0\0\0\3", b"\0\0\0\5", b"\0\0\0\4\0", bytes(4) * 1, b"\0\0\0\4" * (MAX_CHUNKS + 1)],
    ids=["header", "short", "beyond", "rest", "zero", "many"],
)
def test_chunks_that_do_not_fit_together_are_refused(data: bytes) -> None:
    with pytest.raises(BadSctp):
        chunks.split(data)


@given(u32, u32, st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=20), st.lists(u32, max_size=5))
def test_a_sack_says_what_it_was_told(
    cumulative: int, window: int, steps: list[tuple[int, int]], duplicates: list[int]
) -> None:
    blocks, end = [], 0
    for gap, length in steps:
        blocks.append((end + gap, end + gap + length))
        end = blocks[-1][1]
    (chunk,) = chunks.split(chunks.pack_sack(cumulative, window, blocks, duplicates))
    assert chunk.kind == chunks.SACK
    assert chunks.read_sack(chunk.body) == Gaps(cumulative, window, tuple(blocks))


@pytest.mark.parametrize("blocks", [[(0, 1)], [(3, 2)], [(2, 4), (4, 5)], [(5, 6), (2, 3)]])
def test_gap_blocks_that_overlap_or_go_back_are_refused(blocks: list[tuple[int, int]]) -> None:
    """They could make one SACK cost what a thousand do."""
    (chunk,) = chunks.split(chunks.pack_sack(1, 1, blocks, []))
    with pytest.raises(BadSctp):
        chunks.read_sack(chunk.body)


@given(
    st.builds(
        Init,
        tag=st.integers(1, 0xFFFF_FFFF),
        window=st.integers(1500, 0xFFFF_FFFF),
        outbound=st.integers(1, 0xFFFF),
        inbound=st.integers(1, 0xFFFF),
        tsn=u32,
        forward_tsn=st.just(True),
        cookie=st.binary(max_size=300),
    )
)
def test_an_init_says_what_it_was_told(init: Init) -> None:
    (chunk,) = chunks.split(chunks.pack_init(chunks.INIT_ACK, init))
    assert chunks.read_init(chunk.body) == init


HEAD = bytes.fromhex("00000001 00010000 0400 0400 00000007")
"""Tag 1, a window of 65,536, 1,024 streams each way, TSN 7."""


def test_an_init_as_usrsctp_writes_it_is_read() -> None:
    parameters = bytes.fromhex(
        "80000004"  # ECN
        "c0000004"  # Forward-TSN-Supported
        "80080009 c00fc180 82000000"  # Supported Extensions, and padding
        "80020024" + "5a" * 32 + "80040006 00010000 80030006 80c10000"  # for AUTH
    )
    assert chunks.read_init(HEAD + parameters) == Init(1, 65536, 1024, 1024, 7, forward_tsn=True, cookie=b"")


def test_supported_extensions_alone_announce_forward_tsn_as_dcsctp_has_it() -> None:
    assert chunks.read_init(HEAD + bytes.fromhex("80080006 82c00000")).forward_tsn
    assert not chunks.read_init(HEAD + bytes.fromhex("80080005 82000000")).forward_tsn


@pytest.mark.parametrize(("stranger", "goes_on"), [("0100", False), ("4100", False), ("8100", True), ("c100", True)])
def test_the_upper_bit_of_an_unknown_parameter_says_whether_to_go_on(stranger: str, goes_on: bool) -> None:
    init = chunks.read_init(HEAD + bytes.fromhex(stranger + "0004 c0000004"))
    assert init.forward_tsn is goes_on


@pytest.mark.parametrize("at", [0, 4, 8, 10], ids=["tag", "window", "outbound", "inbound"])
def test_an_init_without_tag_window_or_streams_is_refused(at: int) -> None:
    with pytest.raises(BadSctp):
        chunks.read_init(HEAD[:at] + bytes(2 if at >= 8 else 4) + HEAD[at + (2 if at >= 8 else 4) :])


def test_more_parameters_than_anybody_has_are_refused() -> None:
    with pytest.raises(BadSctp):
        chunks.read_parameters(b"\x80\x00\x00\x04" * 100)


@given(u32, st.lists(st.tuples(u16, u16), max_size=20))
def test_a_forward_tsn_says_what_it_was_told(cumulative: int, skipped: list[tuple[int, int]]) -> None:
    (chunk,) = chunks.split(chunks.pack_forward_tsn(cumulative, skipped))
    assert chunks.read_forward_tsn(chunk.body) == (cumulative, skipped)


@given(st.lists(st.integers(1, 300).map(lambda n: bytes(4 * n)), max_size=30))
def test_bundles_keep_the_order_and_the_room(found: list[bytes]) -> None:
    bodies = chunks.bundle(found, 1148)
    assert b"".join(bodies) == b"".join(found)
    left = list(found)
    for number, body in enumerate(bodies):
        if number:
            assert len(bodies[number - 1]) + len(left[0]) > 1148  # it had no room in the packet before
        size = 0
        while size < len(body):
            size += len(left.pop(0))
        assert size == len(body)
        assert size <= 1148 or body in found
