"""Where an SDP answer says that its server is reached (RFC 8839, a=candidate), read and rewritten as text.

Rule: whatever the text, nothing is raised but BadAnswer; a line that is no candidate of UDP counts as none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from typing import Final, TypeAlias

from roomscale.netcode.errors import BadAnswer

Address: TypeAlias = tuple[str, int]
"""IP address and port."""

_CANDIDATE: Final = "a=candidate:"
_FIELDS: Final = 8
"""Of a candidate at least: foundation, component, transport, priority, address, port, `typ`, type."""


def candidates(answer: str) -> list[Address]:
    """The UDP addresses that an answer offers, in its order, without doubles."""
    found = (_read(line) for line in _lines(answer))
    return list(dict.fromkeys(address for address in found if address is not None))


def advertise(answer: str, address: Address) -> str:
    """The answer with `address` as its one candidate: a proxy's, in front of the server. Raises BadAnswer."""
    host, port = address
    version = ipaddress.ip_address(host).version
    kept: list[str] = []
    placed = False
    for line in _lines(answer):
        if line.startswith(_CANDIDATE):
            if placed or _read(line) is None:
                continue
            fields = line.split(" ")
            placed, fields[4], fields[5] = True, host, str(port)
            kept.append(" ".join(fields))
        elif line.startswith("c=IN "):
            kept.append(f"c=IN IP{version} {host}")
        elif line.startswith("m=application "):
            kept.append(" ".join(["m=application", str(port), *line.split(" ")[2:]]))
        else:
            kept.append(line)
    if not placed:
        raise BadAnswer("the answer has no candidate")
    return "\r\n".join(kept) + "\r\n"


def only_at(answer: str, hosts: Collection[str]) -> str:
    """The answer without candidates at other IP addresses than `hosts` and loopback. Raises BadAnswer if none is left.

    A server could otherwise make its visitors send packets to anybody.
    """
    lines = [line for line in _lines(answer) if not line.startswith(_CANDIDATE) or _allowed(_read(line), hosts)]
    if not any(line.startswith(_CANDIDATE) for line in lines):
        named = ", ".join(sorted({host for host, _ in candidates(answer)})) or "none"
        raise BadAnswer(f"the answer offers no address that may be contacted (it names {named})")
    return "\r\n".join(lines) + "\r\n"


def _allowed(address: Address | None, hosts: Collection[str]) -> bool:
    return address is not None and (address[0] in hosts or ipaddress.ip_address(address[0]).is_loopback)


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _read(line: str) -> Address | None:
    """The address of a candidate line, None for any other line. A name instead of an address (mDNS) is none."""
    fields = line.split(" ")
    if not line.startswith(_CANDIDATE) or len(fields) < _FIELDS or fields[2].lower() != "udp":
        return None
    try:
        host = str(ipaddress.ip_address(fields[4]))
        port = int(fields[5]) if fields[5].isascii() and fields[5].isdigit() and len(fields[5]) <= 5 else 0
    except ValueError:
        return None
    return (host, port) if 0 < port < 1 << 16 else None
