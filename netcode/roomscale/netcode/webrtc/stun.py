"""STUN (RFC 8489) as ICE uses it (RFC 8445 section 7): Binding requests and what answers them, as bytes.

Owns the shape of a message, MESSAGE-INTEGRITY (SHA-1), FINGERPRINT and XOR-MAPPED-ADDRESS.

Rule: `parse` gives a `Message` or raises `BadStun`, whatever the bytes, in at most `MAX_ATTRIBUTES` steps; it looks
at lengths and FINGERPRINT alone. Who sent it is `Message.authentic`'s to say, and no value counts before that.

Left out: TCP framing, long-term credentials, MESSAGE-INTEGRITY-SHA256 (no WebRTC agent sends it), RFC 3489's messages
without a cookie, and every method but Binding.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import struct
import zlib
from collections.abc import Sequence
from typing import Final, TypeAlias

from roomscale.netcode.errors import BadStun

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
"""Where a datagram came from or goes to, as a UDP socket of either family has it."""

MAX_SIZE: Final = 1500
"""Bytes of a message. A browser's check has about 100; DTLS carried in STUN may fill an Ethernet frame."""
MAX_ATTRIBUTES: Final = 32
"""Attributes of a message; Chromium sends 8. It bounds the work that a datagram can ask for."""

BINDING_REQUEST: Final = 0x0001
BINDING_INDICATION: Final = 0x0011
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111

MAPPED_ADDRESS: Final = 0x0001
USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
SOFTWARE: Final = 0x8022
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029
ICE_CONTROLLING: Final = 0x802A

_UNDERSTOOD: Final = frozenset(
    (MAPPED_ADDRESS, USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES)
    + (XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE)
)
"""Of the comprehension-required range, below 0x8000: the others in a request are answered with 420."""
_COOKIE: Final = 0x2112_A442
_COOKIE_BYTES: Final = _COOKIE.to_bytes(4, "big")
_FINGERPRINT_XOR: Final = 0x5354_554E
_HEADER: Final = struct.Struct("!HHL")
_TYPE_LENGTH: Final = struct.Struct("!HH")
_U16: Final = struct.Struct("!H")
_FINGERPRINT: Final = struct.Struct("!HHL")
_INTEGRITY_HEAD: Final = _TYPE_LENGTH.pack(MESSAGE_INTEGRITY, 20)


def is_stun(datagram: bytes) -> bool:
    """Whether a datagram is for this layer: RFC 7983's first byte, 0 to 3, and the cookie."""
    return len(datagram) >= 20 and datagram[0] < 4 and datagram[4:8] == _COOKIE_BYTES


def is_dtls(datagram: bytes) -> bool:
    """Whether a datagram is for DTLS: RFC 7983's first byte, 20 to 63."""
    return len(datagram) > 0 and 19 < datagram[0] < 64


class Key:
    """HMAC-SHA1 (RFC 2104) under one password, its two halves hashed ahead: 0.8 µs where `hmac.digest` takes 1.9."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, password: bytes) -> None:
        if len(password) > 64:
            password = hashlib.sha1(password, usedforsecurity=False).digest()
        padded = password.ljust(64, b"\0")
        self._inner = hashlib.sha1(bytes(b ^ 0x36 for b in padded), usedforsecurity=False)
        self._outer = hashlib.sha1(bytes(b ^ 0x5C for b in padded), usedforsecurity=False)

    def mac(self, message: bytes) -> bytes:
        """The 20 bytes of MESSAGE-INTEGRITY."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class Message:
    """A well-formed message. Attributes are raw, the first of each type, and none that no MESSAGE-INTEGRITY covers."""

    __slots__ = ("_integrity_at", "attributes", "data", "kind", "transaction")

    def __init__(self, data: bytes, kind: int, attributes: dict[int, bytes], integrity_at: int) -> None:
        self.data = data
        """The datagram."""
        self.kind = kind
        """Method and class, such as `BINDING_REQUEST`."""
        self.attributes = attributes
        """Value by type, without padding."""
        self.transaction = data[8:20]
        """The transaction ID."""
        self._integrity_at = integrity_at

    def authentic(self, key: Key) -> bool:
        """Whether it has a MESSAGE-INTEGRITY made with this key (RFC 8489 section 14.5)."""
        at = self._integrity_at
        if not at:
            return False
        data = self.data
        # What was hashed ended here: its header told a length as if MESSAGE-INTEGRITY were the last attribute.
        covered = data[:2] + _U16.pack(at + 4) + data[4:at]
        return hmac.compare_digest(key.mac(covered), data[at + 4 : at + 24])

    def local_ufrag(self) -> bytes:
        """The first half of a request's USERNAME, which names its receiver's session; empty without any."""
        return self.attributes.get(USERNAME, b"").partition(b":")[0]

    def unknown(self) -> list[int]:
        """The comprehension-required attributes that this layer does not know."""
        return [kind for kind in self.attributes if kind < 0x8000 and kind not in _UNDERSTOOD]

    def mapped_address(self) -> tuple[str, int]:
        """XOR-MAPPED-ADDRESS (RFC 8489 section 14.2): host and port. Raises BadStun."""
        value = self.attributes.get(XOR_MAPPED_ADDRESS, b"")
        if len(value) != {1: 8, 2: 20}.get(value[1] if len(value) > 1 else 0):
            raise BadStun("no XOR-MAPPED-ADDRESS, or not of its family's length")
        pad = int.from_bytes((_COOKIE_BYTES + self.transaction)[: len(value) - 4], "big")
        packed = (int.from_bytes(value[4:], "big") ^ pad).to_bytes(len(value) - 4, "big")
        return str(ipaddress.ip_address(packed)), int.from_bytes(value[2:4], "big") ^ (_COOKIE >> 16)

    def error_code(self) -> int:
        """The code of an error response, 300 to 699. Raises BadStun."""
        value = self.attributes.get(ERROR_CODE, b"")
        if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
            raise BadStun("no ERROR-CODE, or not 300 to 699")
        return (value[2] & 7) * 100 + value[3]


def parse(data: bytes) -> Message:
    """The message that a datagram is. Raises BadStun."""
    size = len(data)
    if not 20 <= size <= MAX_SIZE or size & 3:
        raise BadStun(f"{size} bytes")
    kind, length, cookie = _HEADER.unpack_from(data)
    if kind > 0x3FFF or cookie != _COOKIE or length != size - 20:
        raise BadStun("not the header of a datagram of this length")
    attributes: dict[int, bytes] = {}
    integrity_at = 0
    at = 20
    steps = 0
    while at < size:  # `at` and `size` are multiples of four: a whole head is there
        steps += 1
        if steps > MAX_ATTRIBUTES:
            raise BadStun(f"more than {MAX_ATTRIBUTES} attributes")
        name, length = _TYPE_LENGTH.unpack_from(data, at)
        end = at + 4 + length
        if end > size:
            raise BadStun("an attribute is longer than what follows")
        if name == FINGERPRINT:
            _check_fingerprint(data, at)
        elif not integrity_at:  # what follows MESSAGE-INTEGRITY is nobody's word (RFC 8489 section 14.5)
            if name == MESSAGE_INTEGRITY:
                if length != 20:
                    raise BadStun("a MESSAGE-INTEGRITY that is not SHA-1's")
                integrity_at = at
            elif name not in attributes:
                attributes[name] = data[at + 4 : end]
        at = (end + 3) & ~3
    return Message(data, kind, attributes, integrity_at)


def _check_fingerprint(data: bytes, at: int) -> None:
    if data[at:] != _fingerprint(data[:at]):
        raise BadStun("a FINGERPRINT that is wrong, or not the last attribute")


def _fingerprint(covered: bytes) -> bytes:
    """The FINGERPRINT attribute (RFC 8489 section 14.7) of what precedes it."""
    return _FINGERPRINT.pack(FINGERPRINT, 4, zlib.crc32(covered) ^ _FINGERPRINT_XOR)


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute's bytes, padded."""
    return _TYPE_LENGTH.pack(kind, len(value)) + value + bytes(-len(value) & 3)


def seal(kind: int, transaction: bytes, attributes: bytes, key: Key) -> bytes:
    """A message of these attributes, with MESSAGE-INTEGRITY and FINGERPRINT after them."""
    size = len(attributes)
    tail = _COOKIE_BYTES + transaction + attributes
    tail += _INTEGRITY_HEAD + key.mac(_TYPE_LENGTH.pack(kind, size + 24) + tail)
    covered = _TYPE_LENGTH.pack(kind, size + 32) + tail
    return covered + _fingerprint(covered)


class MappedAddress:
    """XOR-MAPPED-ADDRESS of one address, made once for the many responses that say it."""

    __slots__ = ("_fixed", "_packed")

    def __init__(self, address: Address) -> None:
        ip = ipaddress.ip_address(address[0].partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped  # a dual-stack socket's name for an IPv4 peer, which knows itself by the other
        port = _U16.pack(address[1] ^ (_COOKIE >> 16))
        self._packed = int(ip)
        if ip.version == 4:
            self._fixed = b"\0\x20\0\x08\0\1" + port + (self._packed ^ _COOKIE).to_bytes(4, "big")
        else:
            self._fixed = b"\0\x20\0\x14\0\2" + port

    def attribute(self, transaction: bytes) -> bytes:
        """The attribute; for IPv6 the transaction ID takes part in it."""
        if len(self._fixed) == 12:
            return self._fixed
        pad = int.from_bytes(_COOKIE_BYTES + transaction, "big")
        return self._fixed + (self._packed ^ pad).to_bytes(16, "big")


def success(transaction: bytes, mapped: MappedAddress, key: Key) -> bytes:
    """A Binding success response."""
    return seal(BINDING_SUCCESS, transaction, mapped.attribute(transaction), key)


def error(transaction: bytes, code: int, reason: str, key: Key, unknown: Sequence[int] = ()) -> bytes:
    """A Binding error response; `unknown` are the attributes of a 420."""
    value = attribute(ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason.encode())
    if unknown:
        value += attribute(UNKNOWN_ATTRIBUTES, b"".join(map(_U16.pack, unknown)))
    return seal(BINDING_ERROR, transaction, value, key)


def check_attributes(username: bytes, priority: int, role: int, tie_breaker: int, *, nominate: bool) -> bytes:
    """What a connectivity check says (RFC 8445 section 7.1), the same each time: give it to `seal`.

    `role` is `ICE_CONTROLLING` or `ICE_CONTROLLED`.
    """
    return (
        attribute(USERNAME, username)
        + attribute(PRIORITY, priority.to_bytes(4, "big"))
        + attribute(role, tie_breaker.to_bytes(8, "big"))
        + (attribute(USE_CANDIDATE, b"") if nominate else b"")
    )
