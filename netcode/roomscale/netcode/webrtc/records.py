"""The record layer of DTLS 1.2 (RFC 6347 §4.1) with AES-128-GCM (RFC 5288): cut datagrams, seal and open records.

Rules, argued in docs/decisions/0007-dtls-records.md:
- All records sealed with a session's write key are sealed here. OpenSSL's own stay in this process (`reopen`).
- One counter per session is sequence number and explicit nonce at once, so no nonce is used twice.
- A record is opened if its epoch is 1, its number is fresh and its tag is right; whatever else comes is None.

Left out: other ciphers, compression, renegotiation (epoch 2 and on), connection ids (RFC 9146), max_fragment_length
(no record of ours exceeds 1,200 bytes, which no WebRTC stack restricts further).
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from roomscale.netcode.errors import DtlsMisuse
from roomscale.netcode.webrtc.keys import Keys
from roomscale.netcode.webrtc.replay import ReplayWindow

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23

VERSION: Final = 0xFEFD
"""DTLS 1.2."""
VERSIONS: Final = frozenset({0xFEFF, VERSION})
"""What a record header may say during the handshake: a first ClientHello says 1.0 (RFC 6347 §4.2.1)."""
HEADER: Final = 13
"""Bytes: type, version, epoch, sequence number, length."""
OVERHEAD: Final = HEADER + 8 + 16
"""Bytes that sealing adds: header, explicit nonce, tag."""
MAX_DATAGRAM: Final = 1200
"""Bytes of UDP payload that we send at most: what passes everywhere, IPv6 and tunnels included."""
MAX_PAYLOAD: Final = MAX_DATAGRAM - OVERHEAD
"""Bytes that fit one record alone in a datagram."""
MAX_RECEIVED: Final = 2048
"""Bytes of a datagram that we look at: above every MTU that a WebRTC stack assumes. Bounds the records in one, too."""
LAST_RECORD: Final = 1 << 28
"""Records that one key seals, at 1,200 bytes 2^34.2 blocks: below the limit for AES-GCM (RFC 9325 §4.4 by way of RFC
8446 §5.5: 2^24.5 records of 2^10 blocks), so far below the 2^48 sequence numbers. At 20 a second 155 days."""

_EPOCH_1: Final = 1 << 48
"""Where epoch and sequence number are read as one integer of 64 bits."""
_HEADER: Final = Struct("!BHQH")
_SEALED: Final = Struct("!BHQHQ")
_OPENED: Final = Struct("!BHQH8s")
_AAD: Final = Struct("!QBHH")


def split(datagram: bytes) -> Sequence[bytes]:
    """The records of a datagram that came, headers included; none of one that is longer than any should be."""
    size = len(datagram)
    if size > MAX_RECEIVED:
        return ()
    if size >= HEADER and HEADER + (datagram[11] << 8 | datagram[12]) == size:
        return (datagram,)  # nearly always
    return cut(datagram)


def cut(data: bytes) -> list[bytes]:
    """Records, one after the other. What is left when a length does not fit is dropped (RFC 6347 §4.1.2.7)."""
    found: list[bytes] = []
    at, size = 0, len(data)
    while at + HEADER <= size:
        end = at + HEADER + (data[at + 11] << 8 | data[at + 12])
        if end > size:
            break
        found.append(data[at:end])
        at = end
    return found


def epoch(record: bytes) -> int:
    """The epoch in a record's header."""
    return record[3] << 8 | record[4]


def plain(content_type: int, number: int, fragment: bytes) -> bytes:
    """A record of epoch 0, which nothing protects; `number` is its sequence number."""
    return _HEADER.pack(content_type, VERSION, number, len(fragment)) + fragment


class RecordLayer:
    """One session's epoch 1, both directions."""

    __slots__ = ("_open", "_read_salt", "_seal", "_window", "_write_key", "_write_salt", "sealed")

    def __init__(self, keys: Keys) -> None:
        self._write_key = AESGCM(keys.write_key)
        self._seal = self._write_key.encrypt
        self._open = AESGCM(keys.read_key).decrypt
        self._write_salt = keys.write_salt
        self._read_salt = keys.read_salt
        self._window = ReplayWindow()
        self.sealed = 0
        """Records sealed so far: the sequence number of the next."""

    def protect(self, payload: bytes, content_type: int = APPLICATION_DATA) -> bytes:
        """Seal a payload into one record. Raises DtlsMisuse where it is too long or the key is used up."""
        length = len(payload)
        number = self.sealed
        if length > MAX_PAYLOAD or number >= LAST_RECORD:
            raise DtlsMisuse(f"record {number} of {length} bytes: at most {MAX_PAYLOAD}, and {LAST_RECORD} in all")
        self.sealed = number + 1
        number += _EPOCH_1
        head = _SEALED.pack(content_type, VERSION, number, length + 24, number)
        nonce = self._write_salt + head[HEADER:]
        return head + self._seal(nonce, payload, _AAD.pack(number, content_type, VERSION, length))

    def unprotect(self, record: bytes) -> bytes | None:
        """Open one record of `split`'s. None if it is not for us: forged, replayed, of another epoch or version."""
        length = len(record) - OVERHEAD
        if length < 0:
            return None
        content_type, version, number, _, nonce = _OPENED.unpack_from(record)
        window = self._window
        if version != VERSION or number >> 48 != 1 or not window.fresh(number):
            return None
        try:
            aad = _AAD.pack(number, content_type, VERSION, length)
            payload = self._open(self._read_salt + nonce, record[21:], aad)
        except InvalidTag:
            return None
        window.mark(number)
        return payload

    def reopen(self, record: bytes) -> bytes:
        """Open what OpenSSL sealed with our write key, for `protect` to seal. Raises InvalidTag if it was another."""
        content_type, version, number, _, nonce = _OPENED.unpack_from(record)
        aad = _AAD.pack(number, content_type, version, len(record) - OVERHEAD)
        return self._write_key.decrypt(self._write_salt + nonce, record[21:], aad)
