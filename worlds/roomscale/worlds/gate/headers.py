"""HTTP headers on their way through the gate. Pure.

The one rule: what a visitor says about their own address, or about the connection, never reaches the homeserver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs

import multidict

RawHeaders = Sequence[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)
"""RFC 9110, 7.6.1: these speak about one connection, not about the message."""
OURS_TO_SAY = frozenset(b"host expect forwarded x-real-ip content-length".split())
"""Dropped on the way to the homeserver, as is all that begins with `x-forwarded`: the gate writes its own."""
SERVERS_OWN = frozenset({b"server", b"date"})
"""Dropped on the way to the visitor: uvicorn writes the date, and nobody needs the software's name."""
MEDIA_POLICY = b"sandbox; default-src 'none'; frame-ancestors 'none'"
"""Whatever somebody uploaded must never run as a page of this origin."""


def to_homeserver(lines: RawHeaders, address: str, scheme: str) -> multidict.CIMultiDict[str]:
    """The headers of a visitor's request as the homeserver gets them. `address`: the visitor's real one."""
    named = _named_by_connection(lines)
    passed: multidict.CIMultiDict[str] = multidict.CIMultiDict()
    for name, value in lines:
        lower = name.lower()
        if lower in HOP_BY_HOP or lower in OURS_TO_SAY or lower in named or lower.startswith(b"x-forwarded"):
            continue
        if name.isascii() and value.isascii():  # Matrix has no others
            passed.add(name.decode("ascii"), value.decode("ascii"))
    length = content_length(lines)
    if length is not None:
        passed["Content-Length"] = str(length)
    passed["X-Forwarded-For"] = address
    passed["X-Forwarded-Proto"] = scheme
    return passed


def to_visitor(lines: RawHeaders, *, media: bool) -> list[tuple[bytes, bytes]]:
    """The headers of the homeserver's answer as the visitor gets them."""
    named = _named_by_connection(lines)
    passed = [
        (name.lower(), value)
        for name, value in lines
        if name.lower() not in HOP_BY_HOP and name.lower() not in named and name.lower() not in SERVERS_OWN
    ]
    there = {name for name, _ in passed}
    if b"x-content-type-options" not in there:
        passed.append((b"x-content-type-options", b"nosniff"))
    if media and b"content-security-policy" not in there:
        passed.append((b"content-security-policy", MEDIA_POLICY))
    return passed


def content_length(lines: RawHeaders) -> int | None:
    """The announced length of the body in bytes; None if there is none (no body, or chunks)."""
    if any(name.lower() == b"transfer-encoding" for name, _ in lines):
        return None  # RFC 9112, 6.3: chunks win over a length
    for name, value in lines:
        if name.lower() == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return None


def has_body(lines: RawHeaders) -> bool:
    """Whether a request brings a body, be it an empty one."""
    return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in lines)


def access_token(lines: RawHeaders, query: bytes) -> str | None:
    """The access token of a Matrix request, from its header or (the old way) its query."""
    for name, value in lines:
        if name.lower() == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip().decode("latin-1")
    if b"access_token" in query:
        try:
            found = parse_qs(query.decode("latin-1"), max_num_fields=64).get("access_token")
        except ValueError:
            return None
        return found[0] if found else None
    return None


def _named_by_connection(lines: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    values = (value for name, value in lines if name.lower() == b"connection")
    return {part.strip().lower() for value in values for part in value.split(b",")}
