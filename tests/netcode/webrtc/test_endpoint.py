"""All layers together, both roles, over bad networks in virtual time, and against those who mean harm."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.webrtc import sdp, stun
from roomscale.netcode.webrtc.channels import EVENTS, POSES, Ended, Opened
from roomscale.netcode.webrtc.connection import Connection
from roomscale.netcode.webrtc.sctp.events import Message
from tests.netcode.webrtc.net import GRAIN, SERVER, Net, Visitor

NETWORKS = {
    "perfect": LinkConfig(delay=0.01),
    "jittery": LinkConfig(delay=0.03, jitter=0.03, loss=0.05, reorder=0.1, duplicate=0.05),
    "bursts": LinkConfig(
        delay=0.05, jitter=0.02, burst_loss=0.2, burst_length=3, burst_time=0.3, reorder=0.1, duplicate=0.1
    ),
}


def opened(net: Net) -> tuple[Visitor, Connection]:
    """A visitor whose channels are open on both sides."""
    visitor, connection = net.call()
    net.until(lambda: visitor.open and (connection, Opened()) in net.events, 15)
    return visitor, connection


def moved(net: Net, visitor: Visitor, connection: Connection) -> Callable[[], bool]:
    """Whether the stream goes to where the visitor is now. Each look is followed by a pose of theirs."""

    def look() -> bool:
        visitor.client.send(POSES, bytes(21), net.now)
        return connection.ice.address == visitor.address

    return look


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_open_and_carry_everything_that_must_arrive_in_order(name: str) -> None:
    for seed in range(8):
        net = Net(NETWORKS[name], seed=seed)
        ada, connection = opened(net)
        for number in range(40):
            assert net.endpoint.send(connection, EVENTS, b"down %d" % number, net.now)
            assert ada.client.send(EVENTS, b"up %d" % number, net.now)
            net.run(0.02)
        net.run(8)
        assert [data for channel, data in ada.heard if channel == EVENTS] == [b"down %d" % n for n in range(40)]
        came = [event.data for _, event in net.events if isinstance(event, Message)]
        assert came == [b"up %d" % n for n in range(40)]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_visitor_on_another_network_keeps_its_channels_by_an_ice_restart(name: str) -> None:
    net = Net(NETWORKS[name])
    ada, connection = opened(net)
    net.run(1)
    ada.address = ("203.0.113.9", 4444)
    net.restart(ada, connection)
    assert net.until(moved(net, ada, connection), 4) < 2
    heard = len(ada.heard)
    net.endpoint.send(connection, EVENTS, b"welcome back", net.now)
    net.until(lambda: len(ada.heard) > heard, 4)
    assert ada.heard[-1] == (EVENTS, b"welcome back")
    assert not any(isinstance(event, Ended) for _, event in net.events)


def test_what_comes_from_a_new_address_pays_for_its_checks_until_it_is_proven() -> None:
    net = Net(LinkConfig(delay=0.02))
    ada, connection = opened(net)
    ada.address = ("203.0.113.9", 4444)
    net.restart(ada, connection)
    net.run(0.03)
    ada.up.config = LinkConfig(loss=1.0)  # its answers are lost, until the server may ask no more
    net.run(2)
    ada.up.config = LinkConfig(delay=0.02)
    assert connection.ice.address != ada.address
    assert net.until(moved(net, ada, connection), 2) < 0.5


def test_a_good_network_opens_in_four_round_trips_and_waits_for_no_timer() -> None:
    net = Net(LinkConfig(delay=0.02))
    ada, _ = net.call()
    # ICE, the two round trips of DTLS, the two of SCTP of which the last one's second half is not waited for
    assert net.until(lambda: ada.open, 1) <= 5 * 0.04 + 10 * GRAIN + 0.01


def test_poses_flow_on_while_a_megabyte_of_events_goes_by() -> None:
    net = Net(LinkConfig(delay=0.02, loss=0.02))
    ada, connection = opened(net)
    left = [b"%04d" % n + bytes(1000) for n in range(1000)]
    beat = 0

    def each() -> None:
        nonlocal beat
        beat += 1
        association = connection.channels.sctp
        assert association is not None
        while left and association.stats.queued < 60_000 and net.endpoint.send(connection, EVENTS, left[0], net.now):
            left.pop(0)
        if beat % 10 == 0:
            net.endpoint.send(connection, POSES, b"pose" + bytes(600), net.now)

    net.run(20, each)
    assert not left
    events = [data for channel, data in ada.heard if channel == EVENTS]
    assert [int(data[:4]) for data in events] == list(range(len(events)))
    assert len(events) > 990
    poses = sum(channel == POSES for channel, _ in ada.heard)
    assert poses > 0.7 * beat / 10


def test_one_packet_carries_what_a_tick_says_and_the_acknowledgement() -> None:
    net = Net()
    ada, connection = opened(net)
    net.run(1)
    before = len(net.sent)
    for _ in range(20):
        ada.client.send(POSES, bytes(21), net.now)
        net.run(0.045)
        net.endpoint.send(connection, EVENTS, b"somebody came", net.now)
        net.endpoint.send(connection, POSES, bytes(400), net.now)
        net.run(0.005)
    assert len(net.sent) - before <= 22


def test_closing_is_noticed_by_the_other_side_in_one_trip() -> None:
    net = Net(LinkConfig(delay=0.02))
    ada, connection = net.call()
    bo, other = net.call()
    net.until(lambda: ada.open and bo.open, 5)
    ada.client.close(net.now)
    net.run(0.05)
    assert (connection, Ended("the connection was closed")) in net.events
    net.endpoint.close(other, net.now)
    net.run(0.05)
    assert bo.ended == "the connection was closed"
    assert len(net.endpoint) == 0


def test_who_only_knows_the_password_cannot_aim_the_stream_elsewhere() -> None:
    """A check with a forged source is challenged there, within three times its bytes, and nothing else is sent."""
    net = Net()
    ada, connection = opened(net)
    net.run(1)
    victim = ("203.0.113.77", 53)
    check = next(d for d, a in _checks_of(ada.client) if a == SERVER)
    spoofed = 0
    for _ in range(100):
        net.endpoint.receive(check, victim, net.now)
        spoofed += len(check)
        net.endpoint.send(connection, POSES, bytes(900), net.now)
        net.run(0.05)
    assert connection.ice.address == ada.address
    to_victim = [datagram for datagram, address in net.sent if address == victim]
    assert sum(map(len, to_victim)) <= 3 * spoofed
    assert all(stun.is_stun(datagram) for datagram in to_victim)


def _checks_of(client: object) -> list[tuple[bytes, object]]:
    """A check of the client's, as somebody would see it who reads its packets."""
    ice = client._ice  # type: ignore[attr-defined]
    path = ice._path
    return [(path.check(b"", 0.0), path.address)]


def test_the_handshake_stays_within_three_times_what_came() -> None:
    net = Net(LinkConfig(delay=0.01))
    ada, _ = net.call()
    proven = False
    while not proven:
        net.run(0.005)
        proven = net.connections[0].ice.proven
        if not proven:
            assert sum(len(d) for d, a in net.sent if a == ada.address) <= 3 * net.came[ada.address]


def test_without_consent_the_stream_stops() -> None:
    net = Net()
    ada, connection = opened(net)
    net.visitors.remove(ada)  # gone without a word
    net.run(40, lambda: net.endpoint.send(connection, POSES, bytes(300), net.now))
    before = len(net.sent)
    net.run(5, lambda: net.endpoint.send(connection, POSES, bytes(300), net.now))
    assert not any(stun.is_dtls(datagram) for datagram, _ in net.sent[before:])


def test_ten_thousand_half_open_offers_cost_little_and_trouble_nobody() -> None:
    net = Net()
    ada, connection = opened(net)
    offer = sdp.parse_offer(net.visitors[0].client.offer())
    half_open = [net.endpoint.answer("half", offer, net.now)[0] for _ in range(10_000)]
    net.run(1)
    net.endpoint.send(connection, EVENTS, b"still here", net.now)
    net.run(0.1)
    assert ada.heard[-1] == (EVENTS, b"still here")
    assert sum(map(sys.getsizeof, half_open)) < 10_000 * 500
    for one in half_open:
        net.endpoint.close(one, net.now)
    assert len(net.endpoint) == 1


def test_the_wrong_certificate_gets_nowhere() -> None:
    net = Net()
    ada, connection = net.call()
    connection.channels._dtls._fingerprints = (bytes(32),)
    net.run(2)
    ended = [event.reason for _, event in net.events if isinstance(event, Ended)]
    assert len(ended) == 1
    assert "fingerprint" in ended[0]
    assert not ada.open


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20), st.booleans())
def test_no_datagram_makes_it_raise_or_answer_strangers(datagrams: list[bytes], known: bool) -> None:
    net = Net()
    ada, _ = opened(net)
    before = len(net.sent)
    stranger = ("203.0.113.5", 1)
    for datagram in datagrams:
        net.endpoint.receive(datagram, ada.address if known else stranger, net.now)
        net.endpoint.receive(bytes([23]) + datagram, ada.address if known else stranger, net.now)
    net.run(0.05)
    assert not any(address == stranger for _, address in net.sent[before:])
    assert ada.ended is None


def test_a_replayed_a_truncated_and_a_foreign_datagram_change_nothing() -> None:
    net = Net()
    ada, _ = opened(net)
    ada.client.send(EVENTS, b"once", net.now)
    (datagram, _), *_ = ada.client.outgoing(net.now)
    for copy in (datagram[:-1], datagram, datagram, datagram + secrets.token_bytes(8), datagram):
        net.endpoint.receive(copy, ada.address, net.now)
    net.run(0.1)
    assert [e.data for _, e in net.events if isinstance(e, Message)] == [b"once"]
