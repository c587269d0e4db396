"""The other ends of DTLS tests: a pair of ours, OpenSSL itself, and an independent hand that seals records."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.dtls import DtlsSession, DtlsState
from roomscale.netcode.webrtc.handshake import DtlsContext

SERVER: Final = DtlsContext(Certificate.generate(datetime.now(UTC)))
CLIENT: Final = DtlsContext(Certificate.generate(datetime.now(UTC)))
STRANGER: Final = hashlib.sha256(b"somebody else").digest()


def server(fingerprint: bytes = CLIENT.certificate.fingerprint, now: float = 0.0) -> DtlsSession:
    return DtlsSession(SERVER, client=False, peer_fingerprints=[fingerprint], now=now)


def client(fingerprint: bytes = SERVER.certificate.fingerprint, now: float = 0.0) -> DtlsSession:
    return DtlsSession(CLIENT, client=True, peer_fingerprints=[fingerprint], now=now)


def shake(a: DtlsSession, b: DtlsSession, wire: list[bytes] | None = None) -> None:
    """Carry datagrams both ways until there are none; `wire` gets a copy."""
    while True:
        there, back = a.outgoing(), b.outgoing()
        if wire is not None:
            wire += there + back
        if not there and not back:
            return
        for datagram in there:
            assert b.receive(datagram, 0.0) == []
        for datagram in back:
            assert a.receive(datagram, 0.0) == []


def joined(wire: list[bytes] | None = None) -> tuple[DtlsSession, DtlsSession]:
    """Server and client, established."""
    s, c = server(), client()
    c.start(0.0)
    shake(c, s, wire)
    assert s.state is c.state is DtlsState.ESTABLISHED
    return s, c


def header(record: bytes) -> tuple[int, int, int]:
    """Content type, epoch, sequence number; read independently of the code under test."""
    content_type, _, epoch, high, low = struct.unpack_from("!BHHHI", record)
    return content_type, epoch, high << 32 | low


def records_of(data: bytes) -> list[bytes]:
    """The records in well-formed bytes."""
    found = []
    while data:
        end = 13 + int.from_bytes(data[11:13])
        assert len(data) >= end
        found.append(data[:end])
        data = data[end:]
    return found


class OpenSsl:
    """A peer that is nothing but OpenSSL, before and after the handshake; it believes every certificate."""

    def __init__(
        self,
        *,
        client: bool,
        mtu: int = 1200,
        bare: bool = False,
        adjust: Callable[[SSL.Context], object] | None = None,
    ) -> None:
        certificate = Certificate.generate(datetime.now(UTC))
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA")
        context.set_options(SSL.OP_NO_QUERY_MTU)
        if not bare:  # without a certificate
            context.use_certificate(certificate.x509)
            context.use_privatekey(certificate.key)
        if adjust:
            adjust(context)
        self.fingerprint = hashlib.sha256(certificate.x509.public_bytes(Encoding.DER)).digest()
        self.connection = SSL.Connection(context)
        self.connection.set_ciphertext_mtu(mtu)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()
        self.done = False
        self.closed = False

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram, or just go on; give payloads."""
        if datagram:
            self.connection.bio_write(datagram)
        payloads: list[bytes] = []
        try:
            if not self.done:
                self.connection.do_handshake()
                self.done = True
            while True:
                payloads.append(self.connection.recv(2048))
        except SSL.WantReadError:
            return payloads
        except SSL.ZeroReturnError:
            self.closed = True
            return payloads

    def outgoing(self) -> list[bytes]:
        """What OpenSSL has to send, a record to a datagram: memory BIOs forget where datagrams ended."""
        data = b""
        try:
            while True:
                data += self.connection.bio_read(65536)
        except SSL.WantReadError:
            return records_of(data)

    def seal(self, payload: bytes) -> bytes:
        self.connection.send(payload)
        (record,) = self.outgoing()
        return record


def meet(session: DtlsSession, peer: OpenSsl) -> None:
    """Carry datagrams between a session and OpenSSL until there are none."""
    peer.receive(b"")
    while True:
        there, back = session.outgoing(), peer.outgoing()
        if not there and not back:
            return
        for datagram in there:
            peer.receive(datagram)
        for datagram in back:
            session.receive(datagram, 0.0)


def seal(
    key: bytes, salt: bytes, payload: bytes, *, number: int, nonce: bytes | None = None, content_type: int = 23,
    epoch: int = 1, version: int = 0xFEFD,
) -> bytes:  # fmt: skip
    """A record of RFC 6347 and RFC 5288, written from the RFCs and not from the code under test."""
    if nonce is None:
        nonce = hashlib.sha256(number.to_bytes(8)).digest()[:8]
    sequence = epoch.to_bytes(2) + number.to_bytes(6)
    kind = bytes([content_type]) + version.to_bytes(2)
    sealed = AESGCM(key).encrypt(salt + nonce, payload, sequence + kind + len(payload).to_bytes(2))
    return kind + sequence + (len(sealed) + 8).to_bytes(2) + nonce + sealed
