"""Which request paths go on to the homeserver. Pure.

The one rule: the path is passed on byte for byte or not at all. Nothing is decoded, folded or repaired on the way, so
the gate and the homeserver (and a proxy between them) can only ever mean the same thing by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

WELL_KNOWN = "/.well-known/matrix/client"
CLIENT = "/_matrix/client/"
MEDIA = "/_matrix/media/"
PATH_CHARS = 4096
"""Longest path: the longest honest one holds a few identifiers of 255 bytes, percent-encoded."""
DECODINGS = 4
"""A path that still changes after so many decodings was made to deceive somebody."""

Kind = Literal["api", "media", "to_device"]

_PLAIN = re.compile(r"[!-~]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class PathRefused(Exception):
    """This path is not passed on. `status` is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Target:
    """A path that may be passed on."""

    path: str
    """Exactly as it came, without the query."""
    kind: Kind
    event_type: str = ""
    """Of a to-device request: the type of its events."""


def is_matrix(path: str) -> bool:
    """Whether a request is the pass-through's to answer (be it with a refusal)."""
    return path.startswith(("/_matrix", "/_synapse")) or path == WELL_KNOWN


def target(raw_path: bytes) -> Target:
    """What to do with a request path.

    Raises:
        PathRefused: it leads anywhere else than to the client API, the media API or the client well-known.
    """
    path = raw_path.decode("latin-1")
    if len(path) > PATH_CHARS or not _PLAIN.fullmatch(path) or _BAD_ESCAPE.search(path):
        raise PathRefused(400, "This path is not well-formed")
    if path == WELL_KNOWN:
        return Target(path, "api")
    if not path.startswith((CLIENT, MEDIA)):
        raise PathRefused(404, "Not here")
    decoded = _decode(path)
    segments = re.split(r"[/\\]", decoded)
    if "//" in path or "\\" in path or any(s.partition(";")[0] in (".", "..") for s in segments):
        raise PathRefused(400, "This path is not normalised")
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in decoded):
        raise PathRefused(400, "This path holds control characters")
    if path.startswith(MEDIA) or (len(segments) > 4 and segments[4] == "media"):
        return Target(path, "media")
    if "sendToDevice" in segments[3:8]:
        where = segments.index("sendToDevice", 3)
        return Target(path, "to_device", segments[where + 1] if len(segments) > where + 1 else "")
    return Target(path, "api")


def _decode(path: str) -> str:
    for _ in range(DECODINGS):
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return path
        path = decoded
    raise PathRefused(400, "This path is encoded too often")
