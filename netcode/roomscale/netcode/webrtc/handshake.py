"""OpenSSL's part of a session: the DTLS 1.2 handshake, through pyOpenSSL's public calls and memory BIOs.

Rule: it computes flights and judges the peer's, once each, and is dropped at the end with its 80 kB. It sends nothing:
what it says comes out as records in plaintext, to be numbered, sealed and repeated by the session. So OpenSSL's timer
is never asked, which reads a clock of its own. It may fire inside `advance`, when a datagram comes after a second of
silence; OpenSSL then says its flight again, and the session passes it on, as if it had repeated it itself.

The peer proves itself by its certificate, which must have the SHA-256 fingerprint that the SDP named (RFC 8827 §6.5).
Names, dates, issuers and chains are not looked at.

No HelloVerifyRequest (RFC 6347 §4.2.1): it would cost a round trip to prove an address that is already proven. A
handshake starts only for a session that signalling announced, from an address whose STUN check carried that session's
password, and the endpoint sends no unproven address more than three times what came from it.

OpenSSL reserves what a message's header claims: `admitted` bounds the memory that a hostile peer can make it take.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from OpenSSL import SSL, crypto

from roomscale.netcode.errors import DtlsFailure
from roomscale.netcode.webrtc import records
from roomscale.netcode.webrtc.certificate import Certificate
from roomscale.netcode.webrtc.keys import Keys
from roomscale.netcode.webrtc.records import RecordLayer

_CIPHER: Final = b"ECDHE-ECDSA-AES128-GCM-SHA256"
"""What Chromium, Firefox, OpenSSL (aiortc, libdatachannel) and Mbed TLS all offer, and `records` can seal."""
_SRTP: Final = b"SRTP_AES128_CM_SHA1_80"
"""No media here, but aiortc gives up where no SRTP profile was agreed on (RFC 5764)."""
_OPTIONS: Final = SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_NO_QUERY_MTU
"""OP_NO_QUERY_MTU: a memory BIO knows no MTU, and after a few timeouts OpenSSL would believe its answer of 0."""
_TOO_EARLY: Final = frozenset(
    {b"SSLv3/TLS write server done", b"SSLv3/TLS read client certificate", b"SSLv3/TLS read client key exchange"}
)
"""What OpenSSL calls the states of a server in which it throws a ChangeCipherSpec away, and asks for no other."""
_MAX_MESSAGE: Final = 8192
"""Bytes of one handshake message: a Certificate or a post-quantum ClientHello has 2,000 at most. OpenSSL's own limit is
100 kB, and it reserves that ten times over for messages that come early."""
_DRAIN: Final = 1 << 14
"""Bytes read from OpenSSL at once: more than any flight of ours."""


class Spoken(NamedTuple):
    """A record that OpenSSL has for the peer, in plaintext."""

    content_type: int
    fragment: bytes
    layer: RecordLayer | None
    """What seals it, in epoch 1; None in epoch 0."""


class _Verdict:
    """What a connection's certificate is judged by, and the judgement."""

    __slots__ = ("allowed", "proven", "seen")

    def __init__(self, allowed: Sequence[bytes]) -> None:
        self.allowed = allowed
        self.seen = False
        self.proven = False


def _verify(connection: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, _ok: int) -> bool:
    """OpenSSL asks at each certificate of the peer's, and at each flaw that it finds, such as being self-signed."""
    if depth:
        return True
    verdict: _Verdict = connection.get_app_data()
    digest = hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)).digest()
    verdict.seen = True
    verdict.proven = any(hmac.compare_digest(digest, allowed) for allowed in verdict.allowed)
    return verdict.proven


class DtlsContext:
    """What all sessions of a node share: the certificate and OpenSSL's settings, for both roles."""

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_min_proto_version(records.VERSION)
        context.set_max_proto_version(records.VERSION)
        context.set_options(_OPTIONS)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_cipher_list(_CIPHER)
        context.set_tlsext_use_srtp(_SRTP)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verify)
        context.use_certificate(certificate.x509)
        context.use_privatekey(certificate.key)
        self._context = context

    def connection(self) -> SSL.Connection:
        """A new connection of OpenSSL's, on memory BIOs."""
        connection = SSL.Connection(self._context)
        connection.set_ciphertext_mtu(records.MAX_DATAGRAM)
        return connection


class Handshake:
    """One handshake."""

    __slots__ = ("_change", "_client", "_connection", "_verdict", "done", "layer")

    def __init__(self, context: DtlsContext, *, client: bool, fingerprints: Sequence[bytes]) -> None:
        self._change = b""
        """The client's newest ChangeCipherSpec, while it is too early for it."""
        self._client = client
        self._verdict = _Verdict(fingerprints)
        self._connection = connection = context.connection()
        connection.set_app_data(self._verdict)
        if client:
            connection.set_connect_state()
        else:
            connection.set_accept_state()
        self.layer: RecordLayer | None = None
        """Epoch 1, from our own Finished on."""
        self.done = False
        """Both Finished are right, and the peer's certificate is the one named."""

    def advance(self, came: Sequence[bytes]) -> tuple[list[Spoken], DtlsFailure | None]:
        """Take a datagram's `admitted` records; give what is to be said now, and the failure, if it ends here.

        A client that repeats its last flight may send each record on its own (libdatachannel does), so that one
        overtakes another: all else waits within OpenSSL for its turn, but a ChangeCipherSpec waits here.
        """
        connection = self._connection
        if not self._client and connection.get_state_string() in _TOO_EARLY:
            changes = [record for record in came if record[0] == records.CHANGE_CIPHER_SPEC]
            came = [record for record in came if record[0] != records.CHANGE_CIPHER_SPEC]
            self._change = changes[-1] if changes else self._change
        failure = self._feed(b"".join(came))
        if self._change and failure is None and connection.get_state_string() not in _TOO_EARLY:
            change, self._change = self._change, b""
            failure = self._feed(change)
        try:
            spoken = [self._spoken(record) for record in records.cut(self._drain())]
        except InvalidTag:
            return [], DtlsFailure("handshake", "our keys are not OpenSSL's")
        if self.done and not (self._verdict.proven and self.layer):
            self.done = False
            return [], DtlsFailure("handshake", "OpenSSL was content without a certificate")
        return spoken, failure

    def _feed(self, came: bytes) -> DtlsFailure | None:
        connection = self._connection
        if came:
            connection.bio_write(came)
        try:
            connection.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            return self._explain(error)
        return None

    def _spoken(self, record: bytes) -> Spoken:
        """In plaintext: what OpenSSL has sealed is opened again, so that no nonce of its choice reaches the wire."""
        if records.epoch(record) == 0:
            return Spoken(record[0], record[records.HEADER :], None)
        if self.layer is None:
            self.layer = RecordLayer(self._keys())
        return Spoken(record[0], self.layer.reopen(record), self.layer)

    def _keys(self) -> Keys:
        c = self._connection
        return Keys.derive(
            c.master_key() or b"", c.client_random() or b"", c.server_random() or b"", client=self._client
        )

    def _drain(self) -> bytes:
        """All that OpenSSL wrote. A memory BIO keeps no datagrams apart: only records can be told in it."""
        out = b""
        try:
            while True:
                out += self._connection.bio_read(_DRAIN)
        except SSL.WantReadError:
            return out

    def _explain(self, error: SSL.Error) -> DtlsFailure:
        if self._verdict.seen and not self._verdict.proven:
            return DtlsFailure("fingerprint", "the peer's certificate is not the one that its SDP names")
        reasons = error.args[0] if error.args and isinstance(error.args[0], list) else []
        return DtlsFailure("handshake", ", ".join(str(entry[-1]) for entry in reasons) or type(error).__name__)


def admitted(record: bytes) -> bool:
    """Whether OpenSSL may see a record: one of a handshake, epoch 0 or 1, whose messages claim no more than is sane."""
    content_type, version = record[0], record[1] << 8 | record[2]
    if version not in records.VERSIONS or not records.CHANGE_CIPHER_SPEC <= content_type <= records.HANDSHAKE:
        return False
    if records.epoch(record):
        return records.epoch(record) == 1
    if content_type != records.HANDSHAKE:
        return True
    at = records.HEADER
    while at + 12 <= len(
        record
    ):  # RFC 6347 §4.2.2: type (1), length (3), number (2), fragment's offset (3), length (3)
        if int.from_bytes(record[at + 1 : at + 4]) > _MAX_MESSAGE:
            return False
        at += 12 + int.from_bytes(record[at + 9 : at + 12])
    return True
