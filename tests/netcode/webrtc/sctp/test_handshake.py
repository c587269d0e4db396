"""The four-way handshake: each packet lost, copied, late; crossed; and cookies that are not what we gave."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.errors import BadSctp
from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.webrtc.sctp import Message, SctpConfig, State, chunks
from roomscale.netcode.webrtc.sctp.chunks import COOKIE_ACK, COOKIE_ECHO, INIT, INIT_ACK, Init
from roomscale.netcode.webrtc.sctp.handshake import COOKIE_LIFE, Handshake, StaleCookie
from tests.netcode.webrtc.sctp.harness import Gate, Pair

PEER = Init(tag=7, window=100_000, outbound=1024, inbound=2048, tsn=99, forward_tsn=True, cookie=b"")


def losing(kind: int, times: int) -> Callable[[bytes], bool]:
    """Lose the first few packets with this kind of chunk."""
    left = [times]

    def drop(packet: bytes) -> bool:
        if any(chunk.kind == kind for chunk in chunks.split(packet, 12)) and left[0]:
            left[0] -= 1
            return True
        return False

    return drop


def speak(pair: Pair) -> None:
    """Both sides hear each other."""
    pair.client.association.send(0, 53, b"up", pair.now)
    pair.server.association.send(0, 53, b"down", pair.now)
    pair.until(lambda: pair.server.on(0) == [b"up"] and pair.client.on(0) == [b"down"])


def test_four_packets_and_both_are_there() -> None:
    pair = Pair().open()
    assert pair.client.packets == pair.server.packets == 2
    assert pair.client.association.state is pair.server.association.state is State.ESTABLISHED
    speak(pair)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", [INIT, INIT_ACK, COOKIE_ECHO, COOKIE_ACK])
def test_each_packet_of_it_may_be_lost(kind: int, times: int) -> None:
    drop = losing(kind, times)
    pair = Pair(Gate(drop), Gate(drop))
    took = pair.until(lambda: pair.client.established and pair.server.established)
    assert took >= SctpConfig().rto_initial
    assert took < 5
    speak(pair)
    assert len(pair.client.messages) == len(pair.server.messages) == 1


@pytest.mark.parametrize("seed", range(10))
def test_it_completes_on_a_network_that_loses_copies_and_shuffles(seed: int) -> None:
    link = LinkConfig(delay=0.03, jitter=0.05, burst_loss=0.2, burst_length=2, duplicate=0.3, reorder=0.3, hold=0.8)
    pair = Pair.over(link, seed=seed).open()
    speak(pair)
    pair.run(3)
    assert [type(event).__name__ for event in pair.server.events] == ["Established", "Message"]
    assert [type(event).__name__ for event in pair.client.events] == ["Established", "Message"]


@pytest.mark.parametrize("seed", range(5))
def test_two_that_both_begin_end_up_in_one_association(seed: int) -> None:
    pair = Pair() if seed == 0 else Pair.over(LinkConfig(delay=0.02, jitter=0.04, loss=0.2), seed=seed)
    pair.server.association.connect(pair.now)
    pair.open()
    speak(pair)
    pair.run(2)
    assert pair.client.closed is pair.server.closed is None


def test_whoever_is_not_answered_gives_up() -> None:
    pair = Pair(Gate(lambda packet: True), config=SctpConfig(max_init_retransmissions=3))
    pair.run(5)
    assert pair.client.closed == "the peer does not answer"
    assert pair.client.packets == 4


def test_tags_and_first_tsns_are_not_guessable() -> None:
    made = [Handshake(SctpConfig()) for _ in range(50)]
    assert len({h.tag for h in made}) == len({h.tsn for h in made}) == 50
    assert all(h.tag for h in made)


def cookie(handshake: Handshake, now: float = 5.0) -> bytes:
    return chunks.read_init(chunks.split(handshake.answer(PEER, now))[0].body).cookie


def test_a_cookie_brings_back_what_the_peer_said_within_what_we_take() -> None:
    handshake = Handshake(SctpConfig())
    limit = SctpConfig().streams
    assert handshake.check(cookie(handshake), 6.0) == PEER._replace(outbound=limit, inbound=limit)


@given(st.data())
def test_a_cookie_with_any_byte_changed_or_missing_is_refused(data: st.DataObject) -> None:
    handshake = Handshake(SctpConfig())
    good = cookie(handshake)
    at, flip = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(1, 255))
    for bad in (good[:at] + bytes((good[at] ^ flip,)) + good[at + 1 :], good[:at], good + b"\0"):
        with pytest.raises(BadSctp):
            handshake.check(bad, 6.0)


def test_a_cookie_of_another_association_is_refused() -> None:
    with pytest.raises(BadSctp):
        Handshake(SctpConfig()).check(cookie(Handshake(SctpConfig())), 6.0)


def test_a_cookie_is_good_for_a_minute() -> None:
    handshake = Handshake(SctpConfig())
    handshake.check(cookie(handshake), 5.0 + COOKIE_LIFE)
    with pytest.raises(StaleCookie):
        handshake.check(cookie(handshake), 5.1 + COOKIE_LIFE)


def test_a_peer_whose_cookie_is_stale_is_told_and_begins_no_association() -> None:
    pair = Pair()
    client, server = pair.client.association, pair.server.association
    server.receive(client.outgoing(pair.now)[0], pair.now)
    client.receive(server.outgoing(pair.now)[0], pair.now)
    (echo,) = client.outgoing(pair.now)
    server.receive(echo, pair.now + COOKIE_LIFE + 1)
    (refusal,) = server.outgoing(pair.now + COOKIE_LIFE + 1)
    assert server.state is State.CLOSED
    client.receive(refusal, pair.now)
    assert client.over


@pytest.mark.parametrize("size", [0, 1025])
def test_a_cookie_that_is_missing_or_would_not_fit_is_not_returned(size: int) -> None:
    with pytest.raises(BadSctp):
        Handshake(SctpConfig()).echo(PEER._replace(cookie=bytes(size)))


def test_data_that_travels_with_the_cookie_is_taken_and_data_before_it_is_not() -> None:
    """As dcsctp sends it: the first DATA behind COOKIE ECHO in one packet."""
    pair = Pair()
    client, server = pair.client.association, pair.server.association
    (init,) = client.outgoing(pair.now)
    server.receive(init, pair.now)
    (init_ack,) = server.outgoing(pair.now)
    client.receive(init_ack, pair.now)
    (echo,) = client.outgoing(pair.now)
    data = chunks.DATA_HEADER.pack(chunks.DATA, 3, 20, client.outbound.next_tsn, 0, 0, 53) + b"four"
    server.receive(client._seal(data), pair.now)
    assert server.events() == []
    server.receive(client._seal(echo[12:] + data), pair.now)
    assert [event for event in server.events() if isinstance(event, Message)] == [Message(0, 53, b"four")]
    (answer,) = server.outgoing(pair.now + 1)
    assert [chunk.kind for chunk in chunks.split(answer, 12)] == [COOKIE_ACK, chunks.SACK]


def test_a_cookie_of_another_attempt_is_not_acknowledged_once_there_is_an_association() -> None:
    pair = Pair()
    client, server = pair.client.association, pair.server.association
    (init,) = client.outgoing(pair.now)
    stranger = chunks.pack_init(INIT, PEER)
    server.receive(client._envelope(0, stranger), pair.now)
    (other,) = server.outgoing(pair.now)
    echo = server._handshake.echo(chunks.read_init(chunks.split(other, 12)[0].body))
    server.receive(init, pair.now)
    pair.client.wire.send(init, pair.now)
    pair.open()
    pair.run(0.1)
    server.receive(client._seal(echo), pair.now)
    assert server.outgoing(pair.now) == []
    assert server._peer_tag == client._handshake.tag


def test_nothing_but_the_handshake_counts_before_it_is_complete() -> None:
    pair = Pair()
    client, server = pair.client.association, pair.server.association
    (init,) = client.outgoing(pair.now)
    server.receive(init, pair.now)
    (init_ack,) = server.outgoing(pair.now)
    client.receive(init_ack, pair.now)
    (echo,) = client.outgoing(pair.now)
    early = [
        chunks.pack(chunks.HEARTBEAT, chunks.pack_parameters([(1, b"nonce")])),
        chunks.pack_sack(server.outbound.next_tsn, 1000, [], []),
        chunks.pack_forward_tsn(77, []),
        chunks.pack(chunks.SHUTDOWN, bytes(4)),
    ]
    for chunk in early:
        server.receive(client._seal(chunk), pair.now)
    assert not server.over
    assert server.outgoing(pair.now) == []
    server.receive(echo, pair.now)
    (answer,) = server.outgoing(pair.now)
    assert [chunk.kind for chunk in chunks.split(answer, 12)] == [COOKIE_ACK]


def test_a_passive_side_keeps_nothing_of_an_init() -> None:
    pair = Pair()
    server = pair.server.association
    (init,) = pair.client.association.outgoing(pair.now)
    for _ in range(1000):
        server.receive(init, pair.now)
    assert server.state is State.CLOSED
    assert server.next_timer() is None
    assert len(server.outgoing(pair.now)) <= 16
