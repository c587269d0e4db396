"""Which servers a room lets in, evaluated by ourselves. Pure.

One rule: homeservers keep the members of a denied server "joined" and deliver their to-device messages, so
whoever asks "is this person here?" asks here too. Specification: `m.room.server_acl`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from roomscale.worlds.ids import server_of


@dataclass(frozen=True)
class ServerAcl:
    """`m.room.server_acl`; the default is a room without one, which lets every server in."""

    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    allow_ip_literals: bool = True

    @classmethod
    def read(cls, content: object) -> ServerAcl:
        """From the event's content. An event without a readable `allow` lets nobody in, as the rules say."""
        if content is None:
            return cls()
        source = content if isinstance(content, Mapping) else {}
        literals = source.get("allow_ip_literals", True)
        return cls(
            allow=_patterns(source.get("allow")),
            deny=_patterns(source.get("deny")),
            allow_ip_literals=literals if isinstance(literals, bool) else True,
        )

    def allows(self, server: str) -> bool:
        """Whether members of this server may be here. A port counts on either side of the comparison."""
        full = server.lower()
        host = _without_port(full)
        if not self.allow_ip_literals and _is_ip(host):
            return False
        names = {full, host}
        if any(_glob(pattern, name) for pattern in self.deny for name in names):
            return False
        return any(_glob(pattern, name) for pattern in self.allow for name in names)

    def allows_user(self, user_id: str) -> bool:
        """As `allows`, for the server of a user id."""
        server = server_of(user_id)
        return server is not None and self.allows(server)


def _patterns(value: object) -> tuple[str, ...]:
    return tuple(p.lower() for p in value if isinstance(p, str)) if isinstance(value, list) else ()


def _without_port(server: str) -> str:
    if server.startswith("["):
        return server[: server.find("]") + 1]
    return server.partition(":")[0]


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _glob(pattern: str, text: str) -> bool:
    """Whether `text` matches a pattern of `*` and `?`, in time proportional to the product of their lengths."""
    at = star = 0
    place, after_star = 0, -1
    while at < len(text):
        if place < len(pattern) and pattern[place] != "*" and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif place < len(pattern) and pattern[place] == "*":
            after_star, star, place = place, at, place + 1
        elif after_star >= 0:
            star += 1
            at, place = star, after_star + 1
        else:
            return False
    return all(c == "*" for c in pattern[place:])
