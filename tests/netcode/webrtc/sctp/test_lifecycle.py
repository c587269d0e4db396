"""How an association ends: politely, at once, or because the peer broke it."""

from __future__ import annotations

import pytest

from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.webrtc.sctp import SctpConfig, State, chunks
from tests.netcode.webrtc.sctp.harness import Gate, Pair


def test_a_close_waits_until_the_peer_has_everything() -> None:
    pair = Pair.over(LinkConfig(delay=0.03, loss=0.2), seed=4).open()
    for n in range(50):
        pair.client.association.send(0, 53, n.to_bytes(2, "big"), pair.now)
        pair.server.association.send(0, 53, n.to_bytes(2, "big"), pair.now)
    pair.client.association.close(pair.now)
    assert not pair.client.association.send(0, 53, b"late", pair.now)
    pair.until(lambda: bool(pair.client.closed and pair.server.closed))
    assert pair.server.on(0) == [n.to_bytes(2, "big") for n in range(50)]
    assert pair.client.on(0) == pair.server.on(0)
    assert {pair.client.closed, pair.server.closed} == {"closed", "closed by the peer"}


@pytest.mark.parametrize("seed", range(5))
def test_both_may_close_at_once_on_a_bad_network(seed: int) -> None:
    pair = Pair.over(LinkConfig(delay=0.03, jitter=0.03, loss=0.2), seed=seed).open()
    pair.client.association.close(pair.now)
    pair.server.association.close(pair.now)
    pair.until(lambda: bool(pair.client.closed and pair.server.closed), 60)


def test_an_abort_tells_the_peer_why_and_leaves_nothing_behind() -> None:
    pair = Pair().open()
    pair.server.association.send(0, 53, bytes(1000), pair.now)
    pair.client.association.abort("enough \ud800" + "x" * 1000)
    pair.run(0.1)
    assert pair.client.closed is not None
    assert pair.server.closed is not None
    assert pair.server.closed.startswith("aborted by the peer: enough ?")
    assert len(pair.server.closed) < 300
    for end in (pair.client, pair.server):
        assert end.association.over
        assert end.association.next_timer() is None
        assert end.association.stats.queued == end.association.stats.flight == 0
        assert end.association.outgoing(pair.now) == []
        end.association.on_timer(pair.now + 100)
        end.association.abort("again")
        end.association.close(pair.now)
        end.association.connect(pair.now)
        end.association.close_stream(0)
        assert end.association.events() == []


def test_closing_what_was_never_open_ends_it() -> None:
    pair = Pair()
    pair.client.association.close(pair.now)
    pair.server.association.close(pair.now)
    pair.run(1)
    assert pair.client.closed == pair.server.closed == "closed before it was established"
    assert pair.client.packets == 0


def test_an_abort_with_the_peers_own_tag_counts_and_one_with_another_does_not() -> None:
    """RFC 9260 §8.5.1: whoever has lost the association reflects the tag it was sent."""
    pair = Pair().open()
    client = pair.client.association
    abort = chunks.pack(chunks.ABORT, flags=chunks.TAG_REFLECTED)
    client.receive(client._envelope(client._peer_tag ^ 1, abort), pair.now)
    client.receive(client._envelope(client._peer_tag, chunks.pack(chunks.ABORT)), pair.now)
    assert not client.over
    client.receive(client._envelope(client._peer_tag, abort), pair.now)
    assert client.over


def test_a_shutdown_that_nobody_answers_ends_too() -> None:
    pair = Pair(config=SctpConfig(max_retransmissions=3)).open()
    assert isinstance(pair.client.wire, Gate)
    pair.client.wire.drop = lambda packet: True
    pair.client.association.close(pair.now)
    assert pair.client.association.state is State.SHUTDOWN_SENT
    pair.run(6)
    assert pair.client.closed == "the peer does not answer"


def test_a_peer_that_refuses_our_cookie_ends_the_attempt() -> None:
    pair = Pair()
    client, server = pair.client.association, pair.server.association
    (init,) = client.outgoing(pair.now)
    server.receive(init, pair.now)
    client.receive(server.outgoing(pair.now)[0], pair.now)
    for cause in (chunks.CAUSE_STREAM, chunks.CAUSE_STALE_COOKIE):
        assert not client.over
        refusal = chunks.pack_causes(chunks.ERROR, cause, bytes(4))
        client.receive(server._envelope(client._handshake.tag, refusal), pair.now)
    pair.run(1)
    assert pair.client.closed == "the peer refused our cookie"
