"""Filling frames: long lists over as many frames as it takes, texts cut to their field.

Rule: whatever comes in, what goes out fits the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from roomscale.netcode.core.messages import MAX_MESSAGE, MAX_STR8, Enter, Entrant, Leave
from roomscale.netcode.core.protocol import encode, encode_entrant

MOST: Final = 255
"""Entries that a u8 can count."""


def fit(text: str, limit: int = MAX_STR8) -> str:
    """A text of at most `limit` bytes of UTF-8: cut at a character, lone surrogates replaced."""
    raw = text.encode("utf-8", "replace")
    return raw[:limit].decode("utf-8", "ignore")


def enter_frames(entrants: Iterable[Entrant]) -> list[bytes]:
    """ENTER for any number of participants, in as few frames of at most 1,200 bytes as their order allows."""
    frames: list[bytes] = []
    batch: list[Entrant] = []
    size = 2
    for entrant in entrants:
        more = len(encode_entrant(entrant))
        if batch and (size + more > MAX_MESSAGE or len(batch) == MOST):
            frames.append(encode(Enter(tuple(batch))))
            batch, size = [], 2
        batch.append(entrant)
        size += more
    if batch:
        frames.append(encode(Enter(tuple(batch))))
    return frames


def leave_frames(peers: Sequence[int]) -> list[bytes]:
    """LEAVE for any number of participants."""
    return [encode(Leave(tuple(peers[i : i + MOST]))) for i in range(0, len(peers), MOST)]
