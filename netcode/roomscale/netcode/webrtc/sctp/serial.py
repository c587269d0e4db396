"""Serial numbers that wrap: TSNs of 32 bits and stream sequence numbers of 16 (RFC 9260 §1.6, RFC 1982).

Rule: every comparison of two of them goes through here or masks their difference the same way.
"""

from __future__ import annotations

from typing import Final

U16: Final = 0xFFFF
U32: Final = 0xFFFF_FFFF
HALF: Final = 0x8000_0000
"""Half the TSN space: a difference of this or more means "before"."""


def after(a: int, b: int) -> bool:
    """Whether TSN `a` comes after TSN `b`."""
    return 0 < (a - b) & U32 < HALF


def after16(a: int, b: int) -> bool:
    """Whether stream sequence number `a` comes after `b`."""
    return 0 < (a - b) & U16 < 0x8000
