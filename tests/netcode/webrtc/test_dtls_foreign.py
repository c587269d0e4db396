"""Sessions with others' DTLS: OpenSSL itself, before and after the handshake, and aiortc; in both roles."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL

from roomscale.netcode.webrtc.dtls import FIRST_REPEAT, DtlsSession, DtlsState
from tests.netcode.webrtc.dtls_peers import CLIENT, SERVER, OpenSsl, client, header, meet, server

ROLES = pytest.mark.parametrize("ours", ["server", "client"])


def pair(ours: str) -> tuple[DtlsSession, OpenSsl]:
    peer = OpenSsl(client=ours == "server")
    session = (server if ours == "server" else client)(peer.fingerprint)
    if ours == "client":
        session.start(0.0)
    return session, peer


def met(ours: str) -> tuple[DtlsSession, OpenSsl]:
    session, peer = pair(ours)
    meet(session, peer)
    assert peer.done
    assert session.state is DtlsState.ESTABLISHED
    return session, peer


@ROLES
def test_openssl_opens_what_we_seal_and_we_what_it_seals(ours: str) -> None:
    session, peer = met(ours)
    for i in range(300):
        payload = bytes([i % 251]) * (1 + 37 * i % 1163)
        assert peer.receive(session.protect(payload)) == [payload]
        record = peer.seal(payload)
        assert session.receive(record, 0.0) == [payload]
        assert session.receive(record, 0.0) == []


@ROLES
def test_openssl_drops_what_it_has_seen_of_ours_and_what_was_altered(ours: str) -> None:
    session, peer = met(ours)
    record = session.protect(b"once")
    assert peer.receive(record[:-1] + bytes([record[-1] ^ 1])) == []
    assert [peer.receive(record), peer.receive(record)] == [[b"once"], []]


@ROLES
def test_its_own_nonces_are_not_its_sequence_numbers_which_is_why_ours_never_meet_them(ours: str) -> None:
    """What decision 0007 says of OpenSSL, so that a change of its ways is noticed: random start, then one by one."""
    _, peer = met(ours)
    seen = [peer.seal(b"x") for _ in range(3)]
    nonces = [int.from_bytes(record[13:21]) for record in seen]
    numbers = [header(record)[2] for record in seen]
    assert [n - numbers[0] for n in numbers] == [(n - nonces[0]) % 2**64 for n in nonces] == [0, 1, 2]
    assert nonces[0] >> 48 != 1


@ROLES
def test_goodbyes_are_understood_both_ways(ours: str) -> None:
    session, peer = met(ours)
    session.close()
    for datagram in session.outgoing():
        peer.receive(datagram)
    assert peer.closed
    session, peer = met(ours)
    peer.connection.shutdown()
    for datagram in peer.outgoing():
        session.receive(datagram, 0.0)
    assert session.state is DtlsState.CLOSED
    for datagram in session.outgoing():
        peer.receive(datagram)
    assert peer.connection.get_shutdown() == SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN


@ROLES
def test_a_renegotiation_is_ignored(ours: str) -> None:
    session, peer = met(ours)
    peer.connection.renegotiate()
    with contextlib.suppress(SSL.WantReadError):
        peer.connection.do_handshake()
    asked = peer.outgoing()
    assert asked
    for datagram in asked:
        assert session.receive(datagram, 0.0) == []
    assert session.outgoing() == []
    assert session.state is DtlsState.ESTABLISHED


def test_openssl_as_server_answers_our_repeated_finished() -> None:
    session, peer = pair("client")
    for datagram in session.outgoing():
        peer.receive(datagram)
    for datagram in peer.outgoing():
        session.receive(datagram, 0.0)
    for datagram in session.outgoing():
        peer.receive(datagram)
    assert peer.done
    assert peer.outgoing()  # lost
    session.on_timer(FIRST_REPEAT)
    meet(session, peer)
    assert session.state is DtlsState.ESTABLISHED
    assert session.receive(peer.seal(b"snapshot"), 1.0) == [b"snapshot"]
    assert peer.receive(session.protect(b"pose")) == [b"pose"]


def wait_for_openssls_clock(connection: SSL.Connection) -> None:
    while left := connection.DTLSv1_get_timeout():
        time.sleep(left)


def test_openssl_as_client_gets_our_last_flight_again_when_it_repeats_its_own() -> None:
    session, peer = pair("server")
    peer.receive(b"")
    for datagram in peer.outgoing():
        session.receive(datagram, 0.0)
    for datagram in session.outgoing():
        peer.receive(datagram)
    for datagram in peer.outgoing():
        session.receive(datagram, 0.0)
    assert session.state is DtlsState.ESTABLISHED
    assert session.outgoing()  # lost
    wait_for_openssls_clock(peer.connection)
    peer.connection.DTLSv1_handle_timeout()
    meet(session, peer)
    assert peer.done
    assert peer.receive(session.protect(b"snapshot")) == [b"snapshot"]
    assert session.receive(peer.seal(b"pose"), 1.0) == [b"pose"]


def test_a_datagram_after_a_second_of_silence_makes_openssl_repeat_itself_and_the_handshake_goes_on() -> None:
    """The one place where a clock shows that is not the caller's."""
    session, peer = pair("client")
    for datagram in session.outgoing():
        peer.receive(datagram)
    for datagram in peer.outgoing():
        session.receive(datagram, 0.0)
    assert session.outgoing()  # lost
    assert session._handshake
    wait_for_openssls_clock(session._handshake._connection)
    session.receive(b"\x15\xfe\xfd" + bytes(9) + b"\x02\x01\x5a", 0.1)  # a warning: anything that OpenSSL takes
    repeated = session.outgoing()
    assert len(repeated) == 1
    assert {header(repeated[0])[1]} == {0}
    for datagram in repeated:
        peer.receive(datagram)
    meet(session, peer)
    assert session.state is DtlsState.ESTABLISHED
    assert peer.receive(session.protect(b"pose")) == [b"pose"]


class Ice:
    """What aiortc's DTLS needs of an ICE transport, with our session at its other end."""

    def __init__(self, role: str, session: DtlsSession) -> None:
        self.role = role
        self.session = session
        self.got: list[bytes] = []
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.flush()

    def flush(self) -> None:
        for datagram in self.session.outgoing():
            self.queue.put_nowait(datagram)

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self.got += self.session.receive(data, 0.0)
        self.flush()


class Receiver:
    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    async def _handle_data(self, data: bytes) -> None:
        self.got.put_nowait(data)


@ROLES
async def test_aiortc_completes_sends_receives_and_says_goodbye(ours: str) -> None:
    certificate = RTCCertificate.generateCertificate()
    theirs = bytes.fromhex(certificate.getFingerprints()[0].value.replace(":", ""))
    session = (server if ours == "server" else client)(theirs)
    if ours == "client":
        session.start(0.0)
    ice: Any = Ice("controlled" if ours == "server" else "controlling", session)
    transport = RTCDtlsTransport(ice, [certificate])
    receiver: Any = Receiver()
    transport._register_data_receiver(receiver)
    own = (SERVER if ours == "server" else CLIENT).certificate.fingerprint.hex(":")
    async with asyncio.timeout(10):
        await transport.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", own)]))
        assert transport.state == "connected"
        await transport._send_data(b"pose")
        assert ice.got == [b"pose"]
        for payload in (b"snapshot", b"s" * 1163):
            ice.queue.put_nowait(session.protect(payload))
            assert await receiver.got.get() == payload
        await transport.stop()
    assert session.state is DtlsState.CLOSED
