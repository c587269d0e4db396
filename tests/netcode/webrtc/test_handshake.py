"""The handshake: who is believed, what is negotiated, what OpenSSL never gets to see, and that it is let go."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.dtls import FIRST_REPEAT, PATIENCE, DtlsSession, DtlsState
from roomscale.netcode.webrtc.handshake import DtlsContext, admitted
from roomscale.netcode.webrtc.records import plain, split
from tests.netcode.webrtc.dtls_peers import (
    CLIENT,
    SERVER,
    STRANGER,
    OpenSsl,
    client,
    header,
    joined,
    meet,
    records_of,
    server,
    shake,
)


def failed(session: DtlsSession) -> str:
    """The reason why a session failed, as it did."""
    assert session.state is DtlsState.FAILED
    assert session.failure
    assert session.next_timer() is None
    return session.failure.reason


def test_a_server_ends_the_session_of_a_client_with_another_certificate_and_tells_it() -> None:
    s, c = server(STRANGER), client()
    c.start(0.0)
    shake(c, s)
    assert failed(s) == "fingerprint"
    assert failed(c) == "handshake"  # by the server's alert


def test_a_client_ends_the_session_with_another_server_and_never_says_finished() -> None:
    s, c, wire = server(), client(STRANGER), list[bytes]()
    c.start(0.0)
    shake(c, s, wire)
    assert failed(c) == "fingerprint"
    assert failed(s) == "handshake"
    assert all(header(datagram)[1] == 0 for datagram in wire)


def test_the_clients_last_flight_may_come_record_by_record_in_any_order() -> None:
    for order in itertools.permutations(range(5)):
        s, c = server(), client()
        c.start(0.0)
        for ours, theirs in ((c, s), (s, c)):
            for datagram in ours.outgoing():
                theirs.receive(datagram, 0.0)
        flight = [record for datagram in c.outgoing() for record in split(datagram)]
        assert [header(record)[0] for record in flight] == [22, 22, 22, 20, 22]
        for at in order:
            s.receive(flight[at], 0.0)
        assert s.state is DtlsState.ESTABLISHED, order


def test_any_of_several_fingerprints_will_do_and_none_will_not() -> None:
    for allowed, state in (
        ([STRANGER, CLIENT.certificate.fingerprint], DtlsState.ESTABLISHED),
        ([STRANGER, CLIENT.certificate.fingerprint[:31]], DtlsState.FAILED),
        ([], DtlsState.FAILED),
    ):
        s, c = DtlsSession(SERVER, client=False, peer_fingerprints=allowed, now=0.0), client()
        c.start(0.0)
        shake(c, s)
        assert s.state is state


@pytest.mark.parametrize("as_client", [True, False])
def test_the_right_certificate_further_up_a_chain_proves_nothing(as_client: bool) -> None:
    victim = Certificate.generate(datetime.now(UTC))
    peer = OpenSsl(client=as_client, adjust=lambda context: context.add_extra_chain_cert(victim.x509))
    session = (server if as_client else client)(victim.fingerprint)
    if not as_client:
        session.start(0.0)
    with pytest.raises(SSL.Error, match="alert"):
        meet(session, peer)
    assert failed(session) == "fingerprint"


@pytest.mark.parametrize(
    ("ask", "reason"), [(lambda *_: True, "handshake"), (None, "timeout")], ids=["somebody else", "nobody"]
)
def test_a_certificate_that_openssl_let_pass_without_asking_us_proves_nothing(
    ask: Callable[..., bool] | None, reason: str
) -> None:
    lax = DtlsContext(Certificate.generate(datetime.now(UTC)))
    lax._context.set_verify(SSL.VERIFY_PEER if ask else SSL.VERIFY_NONE, ask)
    s = DtlsSession(lax, client=False, peer_fingerprints=[CLIENT.certificate.fingerprint], now=0.0)
    c = client(lax.certificate.fingerprint)
    c.start(0.0)
    shake(c, s)
    s.on_timer(PATIENCE)  # with no certificate there is no CertificateVerify, and so the rest is never heard
    assert failed(s) == reason
    assert c.state is DtlsState.CONNECTING


def test_a_client_without_a_certificate_is_refused() -> None:
    peer, session = OpenSsl(client=True, bare=True), server()
    with pytest.raises(SSL.Error, match="alert"):
        meet(session, peer)
    assert failed(session) == "handshake"


@pytest.mark.parametrize("days", [-400, 400])
def test_dates_are_not_looked_at(days: int) -> None:
    dated = DtlsContext(Certificate.generate(datetime.fromtimestamp(datetime.now(UTC).timestamp() + days * 86400, UTC)))
    s = server(dated.certificate.fingerprint)
    c = DtlsSession(dated, client=True, peer_fingerprints=[SERVER.certificate.fingerprint], now=0.0)
    c.start(0.0)
    shake(c, s)
    assert s.state is c.state is DtlsState.ESTABLISHED


def test_a_peer_without_our_cipher_is_refused() -> None:
    peer = OpenSsl(client=True, adjust=lambda context: context.set_cipher_list(b"ECDHE-ECDSA-AES256-GCM-SHA384"))
    session = server(peer.fingerprint)
    with pytest.raises(SSL.Error, match="alert"):
        meet(session, peer)
    assert failed(session) == "handshake"


NO_EXTENDED_MASTER_SECRET = 1
"""OpenSSL's SSL_OP_NO_EXTENDED_MASTER_SECRET, which pyOpenSSL does not name."""


@pytest.mark.parametrize("as_client", [True, False])
@pytest.mark.parametrize("extended", [True, False])
def test_what_is_negotiated_with_and_without_an_extended_master_secret(as_client: bool, extended: bool) -> None:
    """Version and cipher are those that `records` seals with; SRTP is there for aiortc; nothing can be resumed."""

    def adjust(context: SSL.Context) -> None:
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
        context.set_options(0 if extended else NO_EXTENDED_MASTER_SECRET)

    peer = OpenSsl(client=as_client, adjust=adjust)
    session = (server if as_client else client)(peer.fingerprint)
    peer.receive(b"")
    hellos = peer.outgoing()
    if as_client:
        session.receive(hellos[0], 0.0)
        hellos = session.outgoing()
        peer.receive(hellos[0])
    else:
        session.start(0.0)
        peer.receive(session.outgoing()[0])
        hellos = peer.outgoing()
        for datagram in hellos:
            session.receive(datagram, 0.0)
    server_hello = records_of(hellos[0])[0]
    assert (b"\x00\x17\x00\x00" in server_hello) is extended
    assert b"\x00\x23\x00\x00" not in server_hello  # session tickets
    if as_client:
        assert server_hello[13 + 12 + 2 + 32] == 0  # length of the session id
    meet(session, peer)
    assert peer.done
    assert peer.receive(session.protect(b"snapshot")) == [b"snapshot"]
    assert session.receive(peer.seal(b"pose"), 0.0) == [b"pose"]
    c = peer.connection
    assert c.get_protocol_version_name() == "DTLSv1.2"
    assert c.get_cipher_name() == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert c.get_selected_srtp_profile() == b"SRTP_AES128_CM_SHA1_80"


def large_hello() -> tuple[DtlsSession, DtlsSession]:
    """A client whose ClientHello is as long as Chromium's, so in two datagrams, and the server that it calls."""
    wordy = DtlsContext(Certificate.generate(datetime.now(UTC)))
    wordy._context.set_alpn_protos([bytes([97 + i]) * 230 for i in range(5)])
    c = DtlsSession(wordy, client=True, peer_fingerprints=[SERVER.certificate.fingerprint], now=0.0)
    return c, server(wordy.certificate.fingerprint)


def test_a_hello_in_two_fragments_is_two_datagrams_as_long_as_chromiums() -> None:
    c, _ = large_hello()
    c.start(0.0)
    hello = c.outgoing()
    assert len(hello) == 2
    assert 1300 < sum(map(len, hello)) < 1450


Way = Callable[[list[bytes]], list[bytes]]
WAYS: dict[str, Way] = {
    "in order": lambda a: a,
    "reversed": lambda a: a[::-1],
    "in one datagram": lambda a: [b"".join(a)],
    "twice": lambda a: [a[0], a[0], a[1], a[1]],
    "twice, reversed": lambda a: [a[1], a[1], a[0], a[0]],
    "first lost": lambda a: a[1:],
    "second lost": lambda a: a[:1],
    "both lost": lambda _: [],
}


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_hello_in_two_fragments_completes_however_it_comes_when_repeated(first: str, second: str) -> None:
    c, s = large_hello()
    c.start(0.0)
    for way, now in ((first, FIRST_REPEAT), (second, 3 * FIRST_REPEAT), ("in order", 7 * FIRST_REPEAT)):
        for datagram in WAYS[way](c.outgoing()):
            s.receive(datagram, now)
        c.on_timer(now)
    shake(c, s)
    assert s.state is c.state is DtlsState.ESTABLISHED


def test_a_clients_last_flight_completes_in_any_order_or_when_repeated() -> None:
    """Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished: a datagram each. OpenSSL drops a
    ChangeCipherSpec that comes before its time.
    """
    repeated = set()
    for order in itertools.permutations(range(5)):
        s, c = server(), client()
        c.start(0.0)
        s.receive(c.outgoing()[0], 0.0)
        c.receive(s.outgoing()[0], 0.0)
        flight = records_of(b"".join(c.outgoing()))
        assert len(flight) == 5
        for i in order:
            s.receive(flight[i], 0.0)
        if s.state is not DtlsState.ESTABLISHED:
            repeated.add(order)
            c.on_timer(FIRST_REPEAT)
        shake(s, c)
        assert s.state is c.state is DtlsState.ESTABLISHED, order
    assert all(order.index(3) < max(map(order.index, (0, 1, 2))) for order in repeated)


def test_openssl_is_let_go_without_the_garbage_collector_when_a_handshake_ends() -> None:
    gc.disable()
    try:
        for own, peers in ((SERVER, CLIENT), (STRANGER, None)):
            s = server() if peers else server(STRANGER)
            c = client()
            c.start(0.0)
            for datagram in c.outgoing():
                s.receive(datagram, 0.0)
            assert s._handshake
            assert c._handshake
            refs = [weakref.ref(s._handshake._connection), weakref.ref(c._handshake._connection)]
            assert all(ref() for ref in refs)
            shake(s, c)
            assert s.state is (DtlsState.ESTABLISHED if own is SERVER else DtlsState.FAILED)
            assert not any(ref() for ref in refs)
    finally:
        gc.enable()


def test_an_offer_that_nobody_takes_up_costs_openssl_nothing() -> None:
    assert server()._handshake is None
    assert client()._handshake is None


def message(kind: int, length: int, fragment: bytes, number: int = 0, offset: int = 0) -> bytes:
    """A handshake message's fragment (RFC 6347 §4.2.2)."""
    return (
        bytes([kind])
        + length.to_bytes(3)
        + number.to_bytes(2)
        + offset.to_bytes(3)
        + len(fragment).to_bytes(3)
        + fragment
    )


def test_messages_that_claim_a_sane_size_are_admitted_wherever_they_stand_in_a_record() -> None:
    ok, huge = message(11, 2000, b"x" * 100), message(11, 100_000, b"x" * 100, 1)
    assert admitted(plain(22, 0, ok))
    assert admitted(plain(22, 0, ok + ok))
    assert not admitted(plain(22, 0, huge))
    assert not admitted(plain(22, 0, ok + huge))
    assert not admitted(plain(22, 0, huge + ok))


def test_only_records_of_a_handshake_are_admitted() -> None:
    hello = plain(22, 0, message(1, 4, b"abcd"))
    assert admitted(hello)
    assert admitted(hello[:1] + b"\xfe\xff" + hello[3:])  # as old clients begin
    assert not admitted(hello[:1] + b"\x03\x03" + hello[3:])
    assert [t for t in range(256) if admitted(bytes([t]) + hello[1:])] == [20, 21, 22]
    assert [e for e in range(65536) if admitted(hello[:3] + e.to_bytes(2) + hello[5:])] == [0, 1]


@given(st.binary(min_size=13, max_size=200))
def test_admission_of_any_bytes_is_a_plain_yes_or_no(record: bytes) -> None:
    assert admitted(record) in (True, False)
    assert admitted(b"\x16\xfe\xfd\0\0" + record[5:]) in (True, False)


def test_a_message_that_openssl_never_sees_does_not_end_the_handshake() -> None:
    s, c = server(), client()
    s.receive(plain(22, 0, message(1, 100_000, b"x" * 900)), 0.0)
    c.start(0.0)
    shake(c, s)
    assert s.state is DtlsState.ESTABLISHED
    assert joined()
