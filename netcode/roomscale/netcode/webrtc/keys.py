"""From the master secret to the keys of one session: the PRF and the key block of TLS 1.2 (RFC 5246 §5, §6.3).

Rule: one cipher suite, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289), so one hash and one layout of the key block.
OpenSSL's exporter cannot give the key block (its seed has the randoms the other way round, RFC 5705); the master secret
it can give, and with an extended master secret (RFC 7627) that one is already the extended one.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

KEY: Final = 16
"""Bytes of an AES-128 key."""
SALT: Final = 4
"""Bytes of a GCM nonce that are secret and never sent (RFC 5288 §3)."""


def prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """`length` bytes of P_SHA256 (RFC 5246 §5)."""
    seed = label + seed
    a, out = seed, b""
    while len(out) < length:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:length]


@dataclass(frozen=True, slots=True)
class Keys:
    """Key and salt of each direction, seen from one side."""

    write_key: bytes
    write_salt: bytes
    read_key: bytes
    read_salt: bytes

    @classmethod
    def derive(cls, master: bytes, client_random: bytes, server_random: bytes, *, client: bool) -> Keys:
        """Cut the key block (RFC 5246 §6.3): the client's key, the server's, their salts; an AEAD has no MAC keys."""
        block = prf(master, b"key expansion", server_random + client_random, 2 * KEY + 2 * SALT)
        client_key, server_key = block[:KEY], block[KEY : 2 * KEY]
        client_salt, server_salt = block[2 * KEY : 2 * KEY + SALT], block[2 * KEY + SALT :]
        if client:
            return cls(client_key, client_salt, server_key, server_salt)
        return cls(server_key, server_salt, client_key, client_salt)
