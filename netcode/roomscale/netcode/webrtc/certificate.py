"""The node's DTLS certificate: self-signed, known to peers by its fingerprint alone (RFC 8827 §6.5, RFC 8122).

Rule: nobody reads anything in it but the key. No name, no host, no chain: the SDP says which fingerprint is the node's,
and Matrix vouches for the SDP. Wall-clock time is a parameter, here alone a `datetime`: X.509 has no other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

LIFETIME: Final = timedelta(days=30)
"""Validity, the browsers' own default. They do not check it; other libraries may."""
SKEW: Final = timedelta(days=1)
"""How far a peer's clock may be behind ours."""
ROTATE_AFTER: Final = timedelta(days=7)
"""Age from which new sessions get a new certificate. Running ones keep theirs: a fingerprint once answered holds."""
_NAME: Final = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "WebRTC")])


@dataclass(frozen=True, slots=True)
class Certificate:
    """An ECDSA P-256 key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    x509: x509.Certificate
    fingerprint: bytes
    """SHA-256 of the DER encoding, 32 bytes: what stands behind `a=fingerprint:sha-256`."""
    made: datetime

    @classmethod
    def generate(cls, now: datetime) -> Certificate:
        """A new key and certificate; `now` is aware (UTC)."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_NAME)
            .issuer_name(_NAME)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - SKEW)
            .not_valid_after(now + LIFETIME)
            .sign(key, SHA256())
        )
        return cls(key, certificate, hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest(), now)

    def stale(self, now: datetime) -> bool:
        """Whether new sessions should get another one."""
        return now >= self.made + ROTATE_AFTER
