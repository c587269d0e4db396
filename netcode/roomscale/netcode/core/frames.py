"""Filling frames: long lists over as many frames as it takes, texts cut to their field.

Rule: whatever comes in, what goes out fits the wire, and one UDP packet with all that is put around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from roomscale.netcode.core.messages import MAX_STR8, Leave
from roomscale.netcode.core.protocol import ENTER_TYPE, encode

MOST: Final = 255
"""Entries that a u8 can count."""
FULL: Final = 1100
"""Bytes of a frame of ours at most: with SCTP and DTLS around it a UDP payload stays below 1,200."""


def fit(text: str, limit: int = MAX_STR8) -> str:
    """A text of at most `limit` bytes of UTF-8: cut at a character, lone surrogates replaced."""
    raw = text.encode("utf-8", "replace")
    return raw[:limit].decode("utf-8", "ignore")


def enter_frames(entries: Iterable[bytes]) -> list[bytes]:
    """ENTER for any number of encoded entrants, in as few frames of at most `FULL` bytes as their order allows."""
    frames: list[bytes] = []
    batch: list[bytes] = []
    size = 2
    for entry in entries:
        if batch and (size + len(entry) > FULL or len(batch) == MOST):
            frames.append(_enter(batch))
            batch, size = [], 2
        batch.append(entry)
        size += len(entry)
    if batch:
        frames.append(_enter(batch))
    return frames


def _enter(batch: list[bytes]) -> bytes:
    return bytes((ENTER_TYPE, len(batch))) + b"".join(batch)


def leave_frames(peers: Sequence[int]) -> list[bytes]:
    """LEAVE for any number of participants."""
    return [encode(Leave(tuple(peers[i : i + MOST]))) for i in range(0, len(peers), MOST)]
