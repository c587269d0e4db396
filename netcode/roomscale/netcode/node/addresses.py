"""Which addresses a node offers to its visitors.

Rule: what the host configured, nothing guessed: loopback is offered when it was asked for, or when a wildcard
finds nothing else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import ifaddr

from roomscale.netcode.errors import TransportError


def _interfaces() -> list[str]:
    """The addresses of this machine's interfaces, without IPv6 link-local ones (they need a scope)."""
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str):
                found.append(ip.ip)
            elif ip.ip[2] == 0:
                found.append(ip.ip[0])
    return found


def candidates(bind_hosts: Sequence[str]) -> list[str]:
    """The addresses to bind and to offer, without doubles.

    `0.0.0.0` and `::` stand for every address of their family that is not loopback, and for loopback when there
    is no other. Raises TransportError for what is not an address, or cannot be bound.
    """
    chosen: list[str] = []
    for host in bind_hosts:
        try:
            wanted = ipaddress.ip_address(host)
        except ValueError:
            raise TransportError(f"{host!r} is not an IP address to bind") from None
        if wanted.is_unspecified:
            same = [a for a in map(ipaddress.ip_address, _interfaces()) if a.version == wanted.version]
            found = [str(a) for a in same if not a.is_loopback and not a.is_link_local]
            chosen += found or [str(a) for a in same if a.is_loopback]
        else:
            chosen.append(str(wanted))
    chosen = list(dict.fromkeys(chosen))
    if not chosen:
        raise TransportError(f"no address to bind in {', '.join(bind_hosts) or 'an empty list'}")
    for host in chosen:
        _check(host)
    return chosen


def _check(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise TransportError(f"cannot bind UDP on {host}: {error.strerror}") from None
