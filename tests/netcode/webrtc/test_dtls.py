"""A session from ClientHello to close_notify: over bad networks, with numbers that never repeat, and its ends."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from OpenSSL import SSL

from roomscale.netcode.errors import DtlsMisuse
from roomscale.netcode.testing.link import Link, LinkConfig
from roomscale.netcode.webrtc import dtls
from roomscale.netcode.webrtc.dtls import DtlsSession, DtlsState
from roomscale.netcode.webrtc.records import ALERT, HANDSHAKE, LAST_RECORD, MAX_PAYLOAD, plain
from tests.netcode.webrtc.dtls_peers import client, header, joined, records_of, server, shake

BAD = LinkConfig(delay=0.03, jitter=0.03, loss=0.2, duplicate=0.1, reorder=0.2)
BURSTS = LinkConfig(delay=0.08, burst_loss=0.2, burst_length=3, duplicate=0.05)
AWFUL = LinkConfig(delay=0.02, loss=0.5)


def run(config: LinkConfig, seed: int) -> tuple[DtlsSession, DtlsSession, list[bytes], list[bytes], float]:
    """Handshake over a bad network: both sessions, all that each sent, and how long it took."""
    s, c = server(), client()
    up = Link(config, seed)
    down = Link(config, seed + 10_000)
    said: tuple[list[bytes], list[bytes]] = ([], [])
    now = 0.0
    c.start(now)
    while c.state is DtlsState.CONNECTING or s.state is DtlsState.CONNECTING:
        for session, link, log in ((c, up, said[1]), (s, down, said[0])):
            if (due := session.next_timer()) is not None and now >= due:
                session.on_timer(now)
            for datagram in session.outgoing():
                log.append(datagram)
                link.send(datagram, now)
        now += 0.01
        for session, link in ((c, down), (s, up)):
            for datagram in link.due(now):
                assert session.receive(datagram, now) == []
    return s, c, *said, now


@pytest.mark.parametrize("config", [BAD, BURSTS, AWFUL], ids=["bad", "bursts", "awful"])
def test_it_completes_over_bad_networks_and_no_number_or_nonce_is_used_twice(config: LinkConfig) -> None:
    took = []
    for seed in range(40):
        s, c, from_server, from_client, seconds = run(config, seed)
        assert s.state is c.state is DtlsState.ESTABLISHED
        took.append(seconds)
        assert c.receive(s.protect(b"down"), seconds) == [b"down"]
        assert s.receive(c.protect(b"up"), seconds) == [b"up"]
        for session, said in ((s, from_server), (c, from_client)):
            said.append(session.protect(b"one more"))
            assert max(map(len, said)) <= 1200
            numbers = defaultdict(list)
            for record in (r for datagram in said for r in records_of(datagram)):
                _, epoch, number = header(record)
                numbers[epoch].append(number)
                if epoch:
                    assert record[13:21] == record[3:11]  # the nonce is the number, epoch included
            assert sorted(numbers) == [0, 1]
            assert numbers[0] == list(range(len(numbers[0])))
            assert numbers[1] == [*range(len(numbers[1]) - 1), len(numbers[1])]  # one was b"down" or b"up"
    assert sorted(took)[len(took) // 2] < 1.0 or config is AWFUL


def test_the_same_network_tells_the_same_story() -> None:
    for seed in range(5):
        a, b = run(BAD, seed), run(BAD, seed)
        assert a[4] == b[4]
        assert [len(a[2]), len(a[3])] == [len(b[2]), len(b[3])]


def test_a_good_network_needs_no_repetition_and_one_datagram_a_flight() -> None:
    wire = list[bytes]()
    s, c = joined(wire)
    assert len(wire) == 4
    s.receive(c.protect(b"hello"), 0.0)
    assert s.next_timer() is c.next_timer() is None
    assert s.outgoing() == c.outgoing() == []


def test_no_record_that_openssl_sealed_leaves_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL begins its nonces at random; what it seals with the session's key is opened, and sealed by us."""
    emitted = list[bytes]()
    bio_read = SSL.Connection.bio_read

    def recorded(connection: SSL.Connection, size: int) -> bytes:
        data = bio_read(connection, size)
        emitted.append(data)
        return data

    monkeypatch.setattr(SSL.Connection, "bio_read", recorded)
    s, c, from_server, from_client, _ = run(AWFUL, 11)
    wire = [*from_server, *from_client]
    for session in (s, c):
        wire.append(session.protect(b"data"))
        session.close()
        wire += session.outgoing()
    by_openssl = {r for r in records_of(b"".join(emitted)) if header(r)[1] == 1}
    on_wire = [r for datagram in wire for r in records_of(datagram) if header(r)[1] == 1]
    assert len(by_openssl) == 2  # a Finished each; none for the repetitions, the data and the alerts
    assert len(on_wire) > 6
    assert not by_openssl & set(on_wire)
    assert not any(record[21:] in datagram for record in by_openssl for datagram in wire)
    assert not {record[13:21] for record in by_openssl} & {record[13:21] for record in on_wire}


def to_last_flight() -> tuple[DtlsSession, DtlsSession, list[bytes], list[bytes]]:
    """A server that is through, a client that waits for its last flight; that flight, and the client's."""
    s, c = server(), client()
    c.start(0.0)
    s.receive(c.outgoing()[0], 0.0)
    c.receive(s.outgoing()[0], 0.0)
    finished = c.outgoing()
    for datagram in finished:
        s.receive(datagram, 0.0)
    assert s.state is DtlsState.ESTABLISHED
    assert c.state is DtlsState.CONNECTING
    return s, c, s.outgoing(), finished


def test_a_server_says_its_last_flight_again_when_the_client_does_but_not_for_an_echo() -> None:
    s, c, lost, finished = to_last_flight()
    for datagram in [*finished, *lost]:
        s.receive(datagram, 0.0)
    assert s.outgoing() == []  # an echo of the very datagrams
    c.on_timer(dtls.FIRST_REPEAT)
    again = c.outgoing()
    assert again
    for datagram in again:
        s.receive(datagram, 0.3)
    answer = s.outgoing()
    assert answer
    assert not set(answer) & set(lost)
    for datagram in answer:
        c.receive(datagram, 0.3)
    assert c.state is DtlsState.ESTABLISHED
    for datagram in again:
        s.receive(datagram, 0.4)
    assert s.outgoing() == []


def test_a_server_whose_last_flight_was_lost_says_it_again_by_its_own_timer_until_it_hears_from_the_client() -> None:
    s, c, _lost, _ = to_last_flight()
    said = []
    while (at := s.next_timer()) is not None:
        s.on_timer(at)
        said.append((round(at, 3), s.outgoing()))
    assert [at for at, _ in said[:5]] == [0.2, 0.6, 1.4, 3.0, 5.0]
    assert [len(out) for _, out in said] == [1] * dtls.MAX_ANSWERS + [0]
    assert len({out[0] for _, out in said[:-1]}) == dtls.MAX_ANSWERS  # no record twice
    c.receive(said[3][1][0], 3.0)
    assert c.state is DtlsState.ESTABLISHED
    assert c.outgoing() == []  # it is content, and asks for nothing more

    s, c, flight, _ = to_last_flight()
    c.receive(flight[0], 0.0)
    s.receive(c.protect(b"hello"), 0.0)
    assert s.next_timer() is None
    s.on_timer(1.0)
    assert s.outgoing() == []


def test_it_stops_when_the_client_speaks_with_the_new_keys_and_after_a_few_times() -> None:
    s, c, flight, _ = to_last_flight()
    for datagram in flight:
        c.receive(datagram, 0.0)
    assert c._layer
    finished = bytes([20]) + bytes(23)
    for i in range(dtls.MAX_ANSWERS + 5):
        s.receive(c._layer.protect(finished, HANDSHAKE), 0.0)
        assert len(s.outgoing()) == (1 if i < dtls.MAX_ANSWERS else 0)
    s, c = joined()
    assert c._layer
    s.receive(c.protect(b"hello"), 0.0)
    s.receive(c._layer.protect(finished, HANDSHAKE), 0.0)
    assert s.outgoing() == []
    s.receive(c._layer.protect(bytes([1]) + bytes(40), HANDSHAKE), 0.0)  # renegotiation
    c.receive(s._layer.protect(bytes(12), HANDSHAKE), 0.0)  # type: ignore[union-attr]  # HelloRequest
    assert s.outgoing() == c.outgoing() == []
    assert s.state is c.state is DtlsState.ESTABLISHED


def test_data_that_overtakes_the_last_flight_is_given_once_when_it_can_be_read() -> None:
    s, c, flight, _ = to_last_flight()
    early = [s.protect(b"one"), s.protect(b"two")]
    for datagram in early:
        assert c.receive(datagram, 0.0) == []
    assert [p for datagram in flight for p in c.receive(datagram, 0.0)] == [b"one", b"two"]
    assert [p for datagram in [*early, *flight] for p in c.receive(datagram, 0.0)] == []


def test_data_in_the_same_datagram_as_the_last_flight_is_given() -> None:
    s, c, flight, _ = to_last_flight()
    assert c.receive(b"".join(flight) + s.protect(b"one"), 0.0) == [b"one"]


def test_what_is_held_back_before_the_keys_is_bounded() -> None:
    s, c, flight, _ = to_last_flight()
    for i in range(40):
        assert c.receive(s.protect(b"%d" % i), 0.0) == []
    assert len(c._held) == dtls.MAX_HELD
    assert [p for datagram in flight for p in c.receive(datagram, 0.0)] == [b"%d" % i for i in range(dtls.MAX_HELD)]
    s, c, flight, _ = to_last_flight()
    assert s._layer
    for i in range(40):
        c.receive(s._layer.protect(b"%d" % i, HANDSHAKE), 0.0)
    assert len(c._held) == dtls.MAX_HELD
    assert c.outgoing() == []


def test_timers_double_to_a_limit_and_the_session_fails_when_patience_ends() -> None:
    c = client(now=100.0)
    c.start(100.0)
    at, sent = [], 0
    while (due := c.next_timer()) is not None:
        c.on_timer(due - 0.001)
        c.on_timer(due)
        at.append(due - 100.0)
        sent += len(c.outgoing())
    assert at[:5] == pytest.approx([0.2, 0.6, 1.4, 3.0, 5.0])
    assert at[-1] == dtls.PATIENCE
    assert sent == len(at)  # and the first
    assert c.failure
    assert c.failure.reason == "timeout"
    c.on_timer(200.0)
    assert c.outgoing() == []


def test_a_server_that_nobody_calls_fails_in_time_and_a_stranger_to_the_protocol_gets_no_answer() -> None:
    s = server(now=5.0)
    for junk in (b"", b"\x16", bytes(13), b"\x17\xfe\xfd" + bytes(9) + b"\x01x", b"\xff" * 1200, bytes(3000)):
        assert s.receive(junk, 5.0) == []
    assert s._handshake is None
    assert s.outgoing() == []
    assert s.next_timer() == 5.0 + dtls.PATIENCE
    s.on_timer(5.0 + dtls.PATIENCE)
    assert s.state is DtlsState.FAILED


def test_too_many_datagrams_without_a_handshake_fail_it() -> None:
    s, c = server(), client()
    c.start(0.0)
    hello = c.outgoing()[0]
    for i in range(dtls.MAX_CAME):
        s.receive(hello, i / 100)
        assert s.state is DtlsState.CONNECTING
    assert len(s.outgoing()) == 1
    s.receive(hello, 2.0)
    assert s.failure
    assert s.failure.reason == "flood"


@pytest.mark.parametrize("who", ["server", "client"])
def test_close_tells_the_peer_and_nothing_is_sent_or_taken_afterwards(who: str) -> None:
    s, c = joined()
    a, b = (s, c) if who == "server" else (c, s)
    late = b.protect(b"late")
    a.close()
    a.close()
    (goodbye,) = a.outgoing()
    assert b.receive(goodbye, 0.0) == []
    assert b.state is a.state is DtlsState.CLOSED
    assert b.failure is a.failure is None
    (answer,) = b.outgoing()
    assert a.receive(answer, 0.0) == a.receive(late, 0.0) == []
    assert a.outgoing() == []
    for session in (a, b):
        with pytest.raises(DtlsMisuse):
            session.protect(b"x")


def test_closing_before_the_handshake_is_through_is_silent() -> None:
    s, c = server(), client()
    c.start(0.0)
    hello = c.outgoing()
    c.close()
    s.close()
    assert c.state is s.state is DtlsState.CLOSED
    assert s.receive(hello[0], 0.0) == []
    assert s.outgoing() == c.outgoing() == []
    assert s.next_timer() is None


def test_a_fatal_alert_ends_the_session_a_warning_does_not_and_data_behind_the_end_is_not_given() -> None:
    s, c = joined()
    assert c._layer
    for harmless in (b"\x01\x5a", b"\x02", b"", b"\x02\x28\x00"):
        s.receive(c._layer.protect(harmless, ALERT), 0.0)
        assert s.state is DtlsState.ESTABLISHED
    fatal = c._layer.protect(b"\x02\x28", ALERT)
    assert s.receive(c.protect(b"before") + fatal + c.protect(b"after"), 0.0) == [b"before"]
    assert s.state is DtlsState.FAILED
    assert s.failure
    assert s.failure.reason == "alert"
    assert s.outgoing() == []


def test_what_anybody_can_say_changes_nothing_after_the_handshake() -> None:
    wire = list[bytes]()
    s, c = joined(wire)
    forged = [
        plain(ALERT, 99, b"\x01\x00"),
        plain(ALERT, 99, b"\x02\x28"),
        plain(20, 99, b"\x01"),
        *wire,
        plain(23, 99, b"data without a key"),
    ]
    for session in (s, c):
        for datagram in forged:
            assert session.receive(datagram, 0.0) == []
        assert session.outgoing() == []
        assert session.state is DtlsState.ESTABLISHED
    assert s.receive(forged[0] + c.protect(b"mine"), 0.0) == [b"mine"]


def test_a_used_up_key_ends_the_session_in_good_order() -> None:
    s, c = joined()
    assert s._layer
    s._layer.sealed = LAST_RECORD - 3
    assert c.receive(s.protect(b"last but one"), 0.0) == [b"last but one"]
    assert s.outgoing() == []
    assert c.receive(s.protect(b"last"), 0.0) == [b"last"]
    assert s.state is DtlsState.CLOSED
    for datagram in s.outgoing():
        c.receive(datagram, 0.0)
    assert c.state is DtlsState.CLOSED


def test_misuse_is_an_error_of_ours() -> None:
    s, c = server(), client()
    with pytest.raises(DtlsMisuse):
        s.start(0.0)
    with pytest.raises(DtlsMisuse):
        s.protect(b"too early")
    c.start(0.0)
    with pytest.raises(DtlsMisuse):
        c.start(0.0)
    shake(c, s)
    with pytest.raises(DtlsMisuse):
        s.protect(bytes(MAX_PAYLOAD + 1))
    assert len(s.protect(bytes(MAX_PAYLOAD))) == 1200


def test_a_client_that_has_not_started_takes_nothing() -> None:
    c: Any = client()
    c.receive(plain(22, 0, bytes(30)), 0.0)
    assert c._handshake is None
    assert c.outgoing() == []
