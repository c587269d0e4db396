"""What arrives: order, gaps, fragments, what is given up, and what a hostile peer may make us keep."""

from __future__ import annotations

import random

import pytest

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.webrtc.sctp import chunks
from roomscale.netcode.webrtc.sctp.chunks import FIRST, IMMEDIATE, LAST, UNORDERED, WHOLE, Gaps
from roomscale.netcode.webrtc.sctp.config import GAP_DELAY, INFINITY, MAX_AHEAD, MAX_DUPLICATES, MAX_GAPS, SctpConfig
from roomscale.netcode.webrtc.sctp.events import Event, Message
from roomscale.netcode.webrtc.sctp.inbound import Inbound
from roomscale.netcode.webrtc.sctp.streams import OVERHEAD

CONFIG = SctpConfig(receive_buffer=20_000, max_message_size=10_000)


class Peer:
    """Sends DATA to an `Inbound` as a peer would; TSNs are told as offsets from the first."""

    def __init__(self, config: SctpConfig = CONFIG, first: int = 1000) -> None:
        self.first = first
        self.delivered: list[Event] = []
        self.inbound = Inbound(config, first, self.delivered)

    def data(
        self, offset: int, payload: bytes = b"x", *, flags: int = WHOLE, stream: int = 0, ssn: int = 0, now: float = 0.0
    ) -> None:
        tsn = (self.first + offset) & 0xFFFF_FFFF
        self.inbound.data(flags, tsn, stream, ssn & 0xFFFF, 53, payload, now)

    def forward(self, offset: int, *skipped: tuple[int, int]) -> None:
        self.inbound.forward((self.first + offset) & 0xFFFF_FFFF, list(skipped), 10, 0.0)

    @property
    def got(self) -> list[bytes]:
        return [event.data for event in self.delivered if isinstance(event, Message)]

    def sack(self) -> Gaps:
        return chunks.read_sack(chunks.split(self.inbound.sack())[0].body)

    @property
    def arrived(self) -> int:
        """The cumulative TSN, as an offset."""
        offset = (self.inbound.cumulative - self.first) & 0xFFFF_FFFF
        return offset - 2**32 if offset > 2**31 else offset

    @property
    def kept(self) -> int:
        """Bytes that the window is short of."""
        return CONFIG.receive_buffer - self.sack().window


@pytest.mark.parametrize("first", [0, 1000, 2**32 - 5], ids=["zero", "some", "wraps"])
@pytest.mark.parametrize("ssn", [0, 0xFFF0], ids=["start", "wraps"])
def test_shuffled_messages_come_out_in_order_and_each_once(first: int, ssn: int) -> None:
    peer = Peer(first=first)
    peer.inbound._streams._next[0] = ssn
    names = [str(n).encode() for n in range(40)]
    order = [n for n in range(40) for _ in range(2)]
    random.Random(4).shuffle(order)
    for n in order:
        peer.data(n, names[n], ssn=ssn + n)
    assert peer.got == names
    assert peer.arrived == 39
    assert peer.kept == 0


def test_in_order_they_come_out_past_the_wrap_too() -> None:
    peer = Peer(first=2**32 - 2)
    peer.inbound._streams._next[0] = 0xFFFE
    for n in range(5):
        peer.data(n, b"%d" % n, ssn=0xFFFE + n)
    assert peer.got == [b"0", b"1", b"2", b"3", b"4"]


def test_unordered_messages_do_not_wait_and_ordered_ones_wait_for_their_own_stream_alone() -> None:
    peer = Peer()
    peer.data(1, b"pose", flags=WHOLE | UNORDERED, stream=1)
    peer.data(2, b"other", stream=2)
    peer.data(4, b"late", stream=3, ssn=1)
    assert peer.got == [b"pose", b"other"]
    peer.data(3, b"early", stream=3, ssn=0)
    assert peer.got == [b"pose", b"other", b"early", b"late"]


def test_a_sack_reports_gaps_duplicates_and_the_room_that_is_left() -> None:
    peer = Peer()
    for offset in (0, 2, 3, 6, 3, 0):
        peer.data(offset, b"four", ssn=offset)
    gaps = peer.sack()
    assert gaps.cumulative == 1000
    assert gaps.blocks == ((2, 3), (6, 6))
    assert CONFIG.receive_buffer - gaps.window == 3 * (OVERHEAD + 4)
    for offset in (1, 4, 5):
        peer.data(offset, b"four", ssn=offset)
    assert peer.sack() == Gaps(1006, CONFIG.receive_buffer, ())


def test_duplicates_are_named_in_one_sack_and_not_again() -> None:
    peer = Peer()
    peer.data(0)
    peer.data(0)
    body = chunks.split(peer.inbound.sack())[0].body
    assert body[12:] == (1000).to_bytes(4, "big")
    assert len(chunks.split(peer.inbound.sack())[0].body) == 12


@pytest.mark.parametrize("first", [1000, 2**32 - 3], ids=["some", "wraps"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (1, 3, 0, 4, 2), (3, 0, 2, 4, 1)])
@pytest.mark.parametrize("mode", [0, UNORDERED], ids=["ordered", "unordered"])
def test_fragments_become_a_message_whatever_their_order(first: int, order: tuple[int, ...], mode: int) -> None:
    peer = Peer(first=first)
    flags = [FIRST, 0, 0, LAST, WHOLE]
    for n in order:
        peer.data(n, bytes([65 + n]) * 3, flags=flags[n] | mode, ssn=int(n == 4))
    assert sorted(peer.got) == [b"AAABBBCCCDDD", b"EEE"]
    assert mode or peer.got[0] == b"AAABBBCCCDDD"
    assert peer.kept == 0


def test_a_message_whose_beginning_was_given_up_is_dropped_and_the_next_is_not() -> None:
    peer = Peer()
    peer.data(1, b"middle", flags=UNORDERED)
    peer.data(2, b"end", flags=LAST | UNORDERED)
    peer.data(3, b"next", flags=FIRST | UNORDERED)
    peer.data(4, b"!", flags=LAST | UNORDERED)
    peer.forward(2)
    assert peer.got == [b"next!"]
    assert peer.arrived == 4
    assert peer.kept == 0


def test_a_message_whose_end_was_given_up_is_not_kept() -> None:
    peer = Peer()
    peer.data(0, b"beginning", flags=FIRST | UNORDERED)
    assert peer.kept == 9
    peer.forward(2)
    assert peer.kept == 0
    peer.data(3, b"next", flags=WHOLE | UNORDERED)
    assert peer.got == [b"next"]


def test_a_message_that_a_forward_tsn_reaches_into_but_that_is_all_here_is_delivered() -> None:
    peer = Peer()
    for offset, flags in ((1, FIRST), (2, 0), (3, LAST)):
        peer.data(offset, b"abc"[offset - 1 : offset], flags=flags | UNORDERED)
    peer.forward(2)
    assert peer.got == [b"abc"]


def test_forward_tsn_lets_an_ordered_stream_go_on_and_never_back() -> None:
    peer = Peer()
    peer.data(2, b"two", stream=1, ssn=2)
    peer.data(4, b"four", stream=1, ssn=4)
    peer.data(5, b"five", stream=1, ssn=5)
    peer.forward(1, (1, 1))
    assert peer.got == [b"two"]
    peer.forward(3, (1, 3))
    assert peer.got == [b"two", b"four", b"five"]
    peer.forward(3, (1, 0))
    peer.forward(-5, (1, 0))
    peer.data(6, b"six", stream=1, ssn=6)
    assert peer.got[-1] == b"six"
    assert peer.arrived == 6


def test_forward_tsn_delivers_what_waited_below_it() -> None:
    """RFC 3758 §3.6: messages up to the one skipped, which waited for one before them, are stranded otherwise."""
    peer = Peer()
    peer.data(1, b"one", stream=1, ssn=1)
    peer.data(3, b"three", stream=1, ssn=3)
    peer.forward(2, (1, 2))
    assert peer.got == [b"one", b"three"]
    assert peer.kept == 0


def test_streams_beyond_those_agreed_to_are_acknowledged_and_leave_nothing() -> None:
    peer = Peer()
    peer.inbound.discard(1001, 0.0)
    peer.inbound.discard(1000, 0.0)
    peer.inbound.discard(1000, 0.0)
    peer.inbound.discard(999_999, 0.0)
    assert peer.sack() == Gaps(1001, CONFIG.receive_buffer, ())
    peer.forward(1, *((stream, 7) for stream in range(3000)))
    assert len(peer.inbound._streams._next) <= 10


def test_a_reset_stream_begins_at_zero_and_drops_what_waited() -> None:
    peer = Peer()
    peer.data(0, b"a", ssn=0)
    peer.data(1, b"c", ssn=2)
    peer.inbound.reset(0)
    assert peer.kept == 0
    peer.data(2, b"new", ssn=0)
    assert peer.got == [b"a", b"new"]


# When a SACK is due


def test_a_sack_waits_for_data_to_ride_on_but_not_long() -> None:
    peer = Peer()
    assert peer.inbound.sack_at == INFINITY
    peer.data(0, flags=WHOLE | UNORDERED, now=5.0)
    assert peer.inbound.sack_at == 5.0 + CONFIG.sack_delay
    peer.data(1, flags=WHOLE | UNORDERED, now=5.01)
    assert peer.inbound.sack_at == 5.0 + CONFIG.sack_delay
    peer.inbound.sack()
    assert peer.inbound.sack_at == INFINITY


def test_bulk_is_acknowledged_at_once_every_two_full_packets() -> None:
    peer = Peer()
    peer.data(0, bytes(1160), flags=WHOLE | UNORDERED, now=5.0)
    assert peer.inbound.sack_at > 5.0
    peer.data(1, bytes(1160), flags=WHOLE | UNORDERED, now=5.0)
    assert peer.inbound.sack_at == 5.0


def test_a_peer_that_asks_for_a_sack_gets_it_at_once_and_a_gap_within_a_tick() -> None:
    peer = Peer()
    peer.data(0, flags=WHOLE | UNORDERED | IMMEDIATE, now=5.0)
    assert peer.inbound.sack_at == 5.0
    peer.inbound.sack()
    peer.data(2, flags=WHOLE | UNORDERED, now=6.0)
    assert peer.inbound.sack_at == 6.0 + GAP_DELAY
    peer.data(2, flags=WHOLE | UNORDERED, now=6.01)
    assert peer.inbound.sack_at == 6.01


# Bounds


def test_what_is_too_far_ahead_is_not_kept_and_not_acknowledged() -> None:
    peer = Peer()
    peer.data(MAX_AHEAD, b"far", flags=WHOLE | UNORDERED)
    peer.data(2**30, b"farther", flags=WHOLE | UNORDERED)
    peer.data(MAX_AHEAD - 1, b"near", flags=WHOLE | UNORDERED)
    assert peer.got == [b"near"]
    assert peer.sack().blocks == ((MAX_AHEAD, MAX_AHEAD),)


def test_a_sack_stays_small_however_many_gaps_and_duplicates_there_are() -> None:
    peer = Peer()
    for offset in range(1, MAX_AHEAD, 2):
        for _ in range(2):
            peer.data(offset, flags=WHOLE | UNORDERED)
    sack = peer.inbound.sack()
    assert len(sack) <= 16 + 4 * (MAX_GAPS + MAX_DUPLICATES)
    assert chunks.read_sack(chunks.split(sack)[0].body).blocks[0] == (2, 2)


@pytest.mark.parametrize("size", [1, 1000])
def test_beyond_a_gap_no_more_is_kept_than_was_offered(size: int) -> None:
    peer = Peer()
    for offset in range(1, 1000):
        peer.data(offset, bytes(size), ssn=offset)
    gaps = peer.sack()
    assert gaps.window < size + OVERHEAD
    kept = sum(last - first + 1 for first, last in gaps.blocks)
    assert kept * (size + OVERHEAD) <= CONFIG.receive_buffer
    peer.data(0, bytes(size))
    assert len(peer.got) == kept + 1  # what was acknowledged is not lost


def test_fragments_beyond_a_gap_are_kept_within_the_same_bound() -> None:
    peer = Peer()
    for offset in range(1, 1000):
        peer.data(offset, bytes(100), flags=UNORDERED)
    assert peer.kept <= CONFIG.receive_buffer


def test_with_nothing_missing_a_peer_that_ignores_its_window_ends_its_association() -> None:
    peer = Peer()
    with pytest.raises(BadSctp, match="were offered"):
        for offset in range(1000):
            peer.data(offset, bytes(100), ssn=offset + 1)
    assert peer.inbound._streams.buffered <= 2 * CONFIG.receive_buffer


def test_a_message_without_end_ends_the_association() -> None:
    peer = Peer()
    peer.data(0, bytes(1000), flags=FIRST)
    with pytest.raises(BadSctp, match="10000 bytes"):
        for offset in range(1, 100):
            peer.data(offset, bytes(1000), flags=0)


def test_a_message_as_large_as_was_agreed_to_arrives() -> None:
    peer = Peer()
    for offset in range(10):
        flags = FIRST if offset == 0 else LAST if offset == 9 else 0
        peer.data(offset, bytes(1000), flags=flags)
    assert [len(data) for data in peer.got] == [10_000]


def test_fragments_that_contradict_each_other_make_no_message() -> None:
    peer = Peer()
    peer.data(0, b"a", flags=FIRST, stream=1)
    peer.data(1, b"b", flags=LAST, stream=2)
    peer.data(2, b"c", flags=FIRST, stream=1)
    peer.data(3, b"d", flags=LAST | UNORDERED, stream=1)
    peer.data(4, b"e", flags=FIRST, stream=1)
    peer.data(5, b"f", flags=WHOLE | UNORDERED, stream=1)
    peer.data(6, b"g", flags=LAST, stream=1)
    assert peer.got == [b"f"]
    peer.forward(6)
    assert peer.kept == 0


def test_stream_sequence_numbers_that_repeat_or_go_back_keep_nothing_twice() -> None:
    peer = Peer()
    peer.data(0, b"zero", ssn=0)
    peer.data(1, b"old", ssn=0)
    peer.data(2, b"two", ssn=2)
    peer.data(3, b"again", ssn=2)
    assert peer.got == [b"zero"]
    assert peer.kept == OVERHEAD + 3
    peer.data(4, b"one", ssn=1)
    assert peer.got == [b"zero", b"one", b"two"]
    assert peer.kept == 0
