"""A hostile peer, who passed DTLS: no bytes raise, no bytes cost more than their number, and memory stays bounded."""

from __future__ import annotations

import os
import random
import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.webrtc.sctp import Association, Closed, Message, SctpConfig, State, StreamClosed, chunks
from roomscale.netcode.webrtc.sctp.chunks import FIRST, UNORDERED, WHOLE
from roomscale.netcode.webrtc.sctp.config import INFINITY, MAX_REPLIES
from roomscale.netcode.webrtc.sctp.dispatch import MAX_REPEATS
from roomscale.netcode.webrtc.sctp.flight import LOST, STRIKES
from roomscale.netcode.webrtc.sctp.streams import OVERHEAD
from tests.netcode.webrtc.sctp.harness import Gate, Pair

CONFIG = SctpConfig(receive_buffer=32_768, max_message_size=16_384, streams=16)
BOUND = 400_000
"""Bytes that an association may weigh in Python, whatever its peer does; a fresh one weighs about 8,000."""


def weight(thing: Any, seen: set[int] | None = None) -> int:
    """Bytes of an object and all that it holds, classes and functions excepted."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, type) or callable(thing):
        return 0
    seen.add(id(thing))
    total = sys.getsizeof(thing)
    if isinstance(thing, dict):
        total += sum(weight(k, seen) + weight(v, seen) for k, v in thing.items())
    elif isinstance(thing, list | tuple | set | frozenset) or type(thing).__name__ == "deque":
        total += sum(weight(item, seen) for item in thing)
    for base in type(thing).__mro__:
        for name in getattr(base, "__slots__", ()):
            if isinstance(name, str) and hasattr(thing, name):
                total += weight(getattr(thing, name), seen)
    return total


class Victim:
    """An established association, and packets that its peer seals correctly."""

    def __init__(self, config: SctpConfig = CONFIG) -> None:
        self.pair = Pair(Gate(), Gate(), config=config).open()
        self.now = self.pair.now
        self.association: Association = self.pair.server.association
        self.peer = self.pair.client.association
        self.tsn = self.peer.outbound.next_tsn
        self.association.events()

    def hit(self, body: bytes) -> list[bytes]:
        """One packet with these chunks; returns what it makes the victim send."""
        self.now += 0.001
        self.association.receive(self.peer._seal(body), self.now)
        self.check()
        sent = self.association.outgoing(self.now)
        assert sum(map(len, sent)) <= 10 * CONFIG.mtu
        return sent

    def data(self, offset: int, payload: bytes = b"x", flags: int = WHOLE, stream: int = 0, ssn: int = 0) -> bytes:
        tsn = (self.tsn + offset) & 0xFFFF_FFFF
        return chunks.pack(chunks.DATA, struct.pack("!LHHL", tsn, stream, ssn & 0xFFFF, 53) + payload, flags)

    def check(self) -> None:
        """What must hold whatever came: bounds, and books that balance."""
        a = self.association
        assert len(a._control) <= MAX_REPLIES
        assert len(a._ready) <= MAX_REPLIES
        streams, flight = a.inbound._streams, a._flight
        assert streams.buffered <= 2 * CONFIG.receive_buffer
        waiting = [payload for ssns in streams._waiting.values() for _, payload in ssns.values()]
        parked = [fragment.payload for fragment in a.inbound._ahead.values() if fragment]
        kept = sum(OVERHEAD + len(payload) for payload in waiting + parked)
        assert streams.buffered == kept + len(streams._open_data)
        if a.over:
            return
        flying = [item for item in flight.sent if item.state < STRIKES]
        assert flight.size == sum(item.size for item in flying)
        assert flight.reliable == sum(item.size for item in flying if item.chunk)
        lost = [id(item) for item in flight.sent if item.state == LOST]
        assert sorted(lost) == sorted(id(item) for item in flight.lost if item.state == LOST)
        assert (flight.base + len(flight.sent)) & 0xFFFF_FFFF == (a.outbound.next_tsn - 1) & 0xFFFF_FFFF
        assert flight.t3_at < INFINITY or not flight.sent
        deadlines = (
            a.inbound.sack_at,
            flight.t3_at,
            flight.forward_at,
            a.resets.asked_at,
            a._retry_at,
            a._heartbeats.at,
        )
        assert a.deadline <= min(deadlines)

    @property
    def closed(self) -> str | None:
        return next((e.reason for e in self.association.events() if isinstance(e, Closed)), None)


def test_a_fresh_association_is_small() -> None:
    assert weight(Victim().association) < 16_000


# Bytes at random


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_arbitrary_bytes_change_nothing(packets: list[bytes]) -> None:
    association = Association(CONFIG, 0.0)
    for packet in packets:
        association.receive(packet, 1.0)
        association.receive(memoryview(packet), 1.0)
    assert association.state is State.CLOSED
    assert association.events() == []
    assert association.outgoing(1.0) == []


Forge = Callable[[Victim], bytes]
"""Makes a chunk that nearly fits an association."""
offsets = st.integers(-3, 40)


def near(n: int, tail: bytes) -> Forge:
    """A TSN of the peer's near the next one, and anything behind it: DATA, FORWARD TSN, SHUTDOWN."""
    return lambda victim: (victim.tsn + n & 0xFFFF_FFFF).to_bytes(4, "big") + tail


def sacks(n: int, window: int, gaps: int, tail: bytes) -> Forge:
    """A TSN of ours near the newest, acknowledged."""
    return lambda v: struct.pack("!LLHH", v.association.outbound.next_tsn + n & 0xFFFF_FFFF, window, gaps, 0) + tail


def resets(kind: int, n: int, m: int, tail: bytes) -> Forge:
    """A request or response near the next number."""
    return lambda v: (
        struct.pack("!HHLLL", kind, 16 + len(tail), v.peer._handshake.tsn + n & 0xFFFF_FFFF, 0, v.tsn + m & 0xFFFF_FFFF)
        + tail
    )


def chunk(kind: int, flags: int, body: Forge) -> Forge:
    return lambda victim: chunks.pack(kind, body(victim), flags)


tails = st.binary(max_size=40)
kinds = st.sampled_from([0, 0, 0, 1, 2, 3, 3, 4, 5, 7, 8, 9, 10, 11, 14, 15, 64, 130, 192, 192, 193, 255])
bodies = st.one_of(
    tails.map(lambda tail: lambda victim: tail),
    st.builds(near, offsets, st.binary(min_size=8, max_size=40)),
    st.builds(sacks, st.integers(-3, 1), st.integers(0, 2**32 - 1), st.integers(0, 3), tails),
    st.builds(sacks, st.integers(-3, 0), st.integers(0, 2**32 - 1), st.just(1), st.sampled_from([b"\0\2\0\2"])),
    st.builds(
        resets, st.sampled_from([13, 13, 14, 15, 16, 17, 18]), st.integers(-1, 2), offsets, st.binary(max_size=8)
    ),
)
forges = st.builds(chunk, kinds, st.integers(0, 15), bodies)


@settings(max_examples=int(os.environ.get("SCTP_FUZZ", "200")))
@given(st.lists(forges, max_size=12), st.integers(0, 2**32 - 1))
def test_chunks_that_nobody_would_send_end_the_association_at_most(made: list[Forge], seed: int) -> None:
    dice = random.Random(seed)
    victim = Victim()
    a = victim.association
    a.send(0, 53, b"queued", victim.now)
    a.send(1, 53, b"pose", victim.now, reliable=False, ordered=False)
    a.outgoing(victim.now)
    for forge in made:
        victim.hit(b"".join(f(victim) for f in dice.sample(made, dice.randint(1, len(made)))))
        victim.hit(forge(victim))
        a.send(1, 53, b"pose", victim.now, reliable=False, ordered=False)
        timer = a.next_timer()
        if timer is not None and dice.random() < 0.3:
            victim.now = max(victim.now, timer)
            a.on_timer(victim.now)
            a.outgoing(victim.now)
    assert weight(a) < BOUND
    for event in a.events():
        assert not isinstance(event, Message) or event.data


def plausible(victim: Victim, dice: random.Random) -> bytes:
    """A chunk of the kinds that flow all the time, out of turn more often than not, and always well-formed."""
    a = victim.association
    kind = dice.choice([chunks.DATA] * 4 + [chunks.SACK] * 3 + [chunks.FORWARD_TSN, chunks.RE_CONFIG])
    if kind == chunks.DATA:
        offset = (a.inbound.cumulative - victim.tsn + 1 & 0xFFFF_FFFF) + dice.choice([0, 0, 0, 1, 2, 7, -1])
        payload, flags = dice.randbytes(dice.choice([1, 30, 400])), dice.choice([3, 3, 7, 7, 2, 0, 1, 6, 4, 5, 15])
        return victim.data(offset, payload, flags, stream=dice.randint(0, 3), ssn=dice.randint(0, 5))
    if kind == chunks.SACK:
        flight, blocks, end = a._flight, [], 1
        for _ in range(dice.randint(0, 4)):
            first = end + dice.randint(1, 4)
            end = first + dice.randint(0, 3)
            blocks.append((first, end))
        top = (flight.base + len(flight.sent) - flight._peer) & 0xFFFF_FFFF
        cumulative = flight._peer + min(top, dice.choice([0, 0, 1, 2]))
        return chunks.pack_sack(cumulative & 0xFFFF_FFFF, dice.choice([0, 1000, 100_000]), blocks, [])
    near = a.inbound.cumulative + dice.randint(-2, 6) & 0xFFFF_FFFF
    if kind == chunks.FORWARD_TSN:
        return chunks.pack_forward_tsn(near, [(dice.randint(0, 3), dice.randint(0, 5))])
    value = struct.pack("!LLLH", a.resets._expected - dice.randint(0, 1) & 0xFFFF_FFFF, 0, near, dice.randint(0, 3))
    return chunks.pack(chunks.RE_CONFIG, chunks.pack_parameters([(chunks.OUTGOING_RESET, value)]))


@pytest.mark.parametrize("seed", range(12))
def test_the_books_balance_after_long_nonsense(seed: int) -> None:
    dice, victim = random.Random(seed), Victim()
    a = victim.association
    for _ in range(200):
        for _ in range(dice.randint(0, 4)):
            data, reliable = bytes(dice.choice([5, 500])), dice.random() < 0.4
            a.send(dice.randint(0, 15), 53, data, victim.now, reliable=reliable, ordered=dice.random() < 0.5)
        if dice.random() < 0.02:
            a.close_stream(dice.randint(0, 15))
        victim.hit(b"".join(plausible(victim, dice) for _ in range(dice.randint(1, 4))))
        timer = a.next_timer()
        if timer is not None and dice.random() < 0.3:
            victim.now = max(victim.now, timer)
            a.on_timer(victim.now)
            victim.check()
    assert not a.over
    assert any(isinstance(event, Message) for event in a.events())


@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4))
def test_true_packets_with_bytes_changed_end_the_association_at_most(seed: int, changes: list[tuple[int, int]]) -> None:
    victim = Victim()
    body = bytearray(
        chunks.pack_sack(victim.association.outbound.next_tsn - 1 & 0xFFFF_FFFF, 9999, [(2, 3)], [1])
        + victim.data(0)
        + victim.data(2, b"abc", FIRST)
        + chunks.pack_forward_tsn(victim.tsn + 1 & 0xFFFF_FFFF, [(0, 1)])
        + chunks.pack(chunks.HEARTBEAT, chunks.pack_parameters([(1, b"nonce")]))
    )
    for at, value in changes:
        body[at % len(body)] = value
    victim.hit(bytes(body))
    victim.association.on_timer(victim.now + 1)
    victim.association.outgoing(victim.now + 1)


@pytest.mark.parametrize("at", range(0, 60, 3))
def test_a_packet_with_any_byte_changed_on_the_way_is_dropped(at: int) -> None:
    victim = Victim()
    packet = bytearray(victim.peer._seal(victim.data(0, b"x" * 40, WHOLE | UNORDERED)))
    packet[at % len(packet)] ^= 0x10
    victim.association.receive(bytes(packet), victim.now)
    assert victim.association.events() == []
    assert victim.association.stats.dropped == 1


# Bombs


def test_a_packet_of_heartbeats_is_answered_by_a_few() -> None:
    victim = Victim()
    beat = chunks.pack(chunks.HEARTBEAT, chunks.pack_parameters([(1, b"x" * 8)]))
    sent = victim.hit(beat * 100)
    assert len(b"".join(sent)) <= 12 + MAX_REPEATS * len(beat)
    for _ in range(100):
        victim.association.receive(victim.peer._seal(beat), victim.now)
    assert len(b"".join(victim.association.outgoing(victim.now))) <= 12 + MAX_REPLIES * len(beat)
    assert victim.hit(chunks.pack(chunks.HEARTBEAT, bytes(1500))) == []


def test_packets_of_unknown_chunks_are_answered_by_less_than_they_bring() -> None:
    victim = Victim()
    for kind in (0x40, 0x55, 0xC1, 0xFF):
        body = chunks.pack(kind, bytes(12)) * 70
        assert len(b"".join(victim.hit(body))) < len(body)
    assert victim.hit(chunks.pack(0x20) + victim.data(0)) == []  # 00: stop, say nothing
    assert not victim.association.events()
    victim.hit(chunks.pack(0x80) + victim.data(0))  # 10: skip it
    assert any(isinstance(event, Message) for event in victim.association.events())


def test_thousands_of_inits_are_answered_by_a_few_and_change_nothing() -> None:
    victim = Victim()
    init = victim.peer._envelope(0, victim.peer._handshake.init())
    for _ in range(1000):
        victim.association.receive(init, victim.now)
    assert victim.association.outgoing(victim.now) == []
    assert victim.association.state is State.ESTABLISHED


@pytest.mark.parametrize("mode", ["fragments", "beginnings", "order", "poses"])
@pytest.mark.parametrize("size", [1, 1000])
def test_what_never_becomes_whole_is_bounded_beyond_a_gap(mode: str, size: int) -> None:
    victim = Victim()
    flags = {"fragments": 0, "beginnings": FIRST, "order": WHOLE, "poses": WHOLE | UNORDERED}[mode]
    for offset in range(1, 3000):
        victim.hit(victim.data(offset, bytes(size), flags, stream=offset % 16, ssn=offset))
        victim.association.events()
    assert victim.association.state is State.ESTABLISHED
    assert weight(victim.association) < BOUND


@pytest.mark.parametrize("mode", ["fragments", "order"])
def test_what_never_becomes_whole_with_nothing_missing_ends_the_association(mode: str) -> None:
    victim = Victim()
    for offset in range(3000):
        flags = WHOLE if mode == "order" else 0 if offset else FIRST
        victim.hit(victim.data(offset, bytes(100), flags, ssn=offset + 1 if mode == "order" else 0))
        if victim.association.over:
            break
    assert victim.closed is not None
    assert weight(victim.association) < 20_000


def test_forward_tsn_may_jump_as_far_as_it_likes() -> None:
    victim = Victim()
    for offset in range(1, 1000, 2):
        victim.hit(victim.data(offset, b"x", FIRST))
    for jump in (2**20, 2**30, 2**31 - 1 + 2**30, 5):
        victim.hit(chunks.pack_forward_tsn(victim.tsn + jump & 0xFFFF_FFFF, [(s, s) for s in range(250)]))
    assert victim.association.state is State.ESTABLISHED
    assert weight(victim.association) < 30_000


def test_sacks_with_hundreds_of_blocks_do_no_harm() -> None:
    victim = Victim()
    a = victim.association
    for _ in range(30):
        a.send(1, 53, b"pose", victim.now, reliable=False, ordered=False)
    a.outgoing(victim.now)
    blocks = [(n, n) for n in range(2, 560, 2)]
    base = a._flight.base
    for _ in range(50):
        victim.hit(chunks.pack_sack(base, 9999, blocks, [1] * 100))
    assert a.state is State.ESTABLISHED
    victim.hit(chunks.pack_sack(base, 9999, [(n, 65_535) for n in range(2, 400)], []))
    assert a.over


def test_a_reset_of_all_streams_closes_those_there_are_and_no_more() -> None:
    victim = Victim()
    value = struct.pack("!LLL", victim.peer._handshake.tsn, 0, victim.tsn - 1 & 0xFFFF_FFFF)
    victim.hit(chunks.pack(chunks.RE_CONFIG, chunks.pack_parameters([(chunks.OUTGOING_RESET, value)])))
    closed = [e.stream for e in victim.association.events() if isinstance(e, StreamClosed)]
    assert closed == list(range(16))
    again = struct.pack("!LLL", victim.peer._handshake.tsn + 1 & 0xFFFF_FFFF, 0, victim.tsn & 0xFFFF_FFFF)
    streams = struct.pack("!400H", *([3, 900] * 200))
    victim.hit(chunks.pack(chunks.RE_CONFIG, chunks.pack_parameters([(chunks.OUTGOING_RESET, again + streams)])))
    assert [e for e in victim.association.events() if isinstance(e, StreamClosed)] == []
    victim.hit(victim.data(0, b"x", WHOLE | UNORDERED))
    closed = [e.stream for e in victim.association.events() if isinstance(e, StreamClosed)]
    assert closed == [3]


def test_data_without_data_and_sacks_of_the_future_end_the_association_and_the_peer_is_told() -> None:
    future: Forge = lambda v: chunks.pack_sack(v.association.outbound.next_tsn + 5 & 0xFFFF_FFFF, 1, [], [])  # noqa: E731
    empty: Forge = lambda v: v.data(0, b"")  # noqa: E731
    for forge in (future, empty):
        victim = Victim()
        (abort,) = victim.hit(forge(victim))
        assert [chunk.kind for chunk in chunks.split(abort, 12)] == [chunks.ABORT]
        assert victim.closed


def test_data_on_a_stream_that_was_not_agreed_to_is_acknowledged_and_refused() -> None:
    victim = Victim()
    sent = victim.hit(victim.data(0, b"x", stream=16) + victim.data(1, b"y", stream=15))
    assert [chunk.kind for packet in sent for chunk in chunks.split(packet, 12)] == [chunks.ERROR, chunks.SACK]
    assert [event.data for event in victim.association.events() if isinstance(event, Message)] == [b"y"]
    assert victim.association.inbound.cumulative == victim.tsn + 1 & 0xFFFF_FFFF


def test_packets_of_absurd_sizes_are_dropped() -> None:
    victim = Victim()
    for size in (0, 1, 12, 15, 2049, 65_535):
        victim.association.receive(bytes(size), victim.now)
    assert victim.association.stats.dropped == 6
