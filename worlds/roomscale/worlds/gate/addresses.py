"""Who is really at the other end of a request. Pure.

The one rule: X-Forwarded-For is believed only as far as the host's own proxies wrote it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from roomscale.worlds.errors import WorldRefused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The host's proxies as networks. Raises WorldRefused, naming the one that is no network."""
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise WorldRefused(f"trusted_proxies: {text!r} is no address and no network") from None
    return tuple(networks)


def visitor_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address nearest to us that none of our proxies has.

    `peer` is the socket's other end, `forwarded_for` the X-Forwarded-For header lines in their order.
    """
    chain = [part.strip() for line in forwarded_for for part in line.split(",")]
    address = peer
    while chain and _is_trusted(address, trusted):
        claimed = _plain(chain.pop())
        if claimed is None:
            break
        address = claimed
    return address


def budget_key(address: str) -> str:
    """The key under which an address is counted: a whole /64 of IPv6 is one visitor's to choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in trusted)


def _plain(text: str) -> str | None:
    """An address from X-Forwarded-For without brackets and port; None if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
