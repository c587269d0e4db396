"""What an ICE session tells its endpoint, in the order in which it happened.

Rule: plain values; what follows from them for tables and streams is the endpoint's affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from roomscale.netcode.webrtc.stun import Address


@dataclass(frozen=True, slots=True)
class Claimed:
    """An authentic check came from a new address. It may belong to somebody else, and to another session by right."""

    address: Address


@dataclass(frozen=True, slots=True)
class Proven:
    """This address answered, having been without proof: it is this session's, whoever claimed it before."""

    address: Address


@dataclass(frozen=True, slots=True)
class Moved:
    """The session's datagrams go to this address from now on: the first one, or another that is proven."""

    address: Address


@dataclass(frozen=True, slots=True)
class Forgotten:
    """This address is the session's no more."""

    address: Address


@dataclass(frozen=True, slots=True)
class ConsentLost:
    """The address in use has not answered for `CONSENT` seconds: the stream must stop until it does."""


@dataclass(frozen=True, slots=True)
class Retired:
    """These credentials of ours are dead: an ICE restart has replaced them."""

    ufrag: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No candidate of the answer answered (client)."""


Event: TypeAlias = Claimed | Proven | Moved | Forgotten | ConsentLost | Retired | Failed
