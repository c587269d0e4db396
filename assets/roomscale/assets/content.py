"""What a piece of media is: its SHA-256, size and media type, found by reading it once in small pieces.

Rule: the type comes from the first bytes, never from the name, and no file is ever held whole in memory.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from roomscale.assets.errors import UnreadableAsset

PIECE_BYTES = 1 << 20
"""How much is read at once: large enough that hashing, not system calls, takes the time."""

MAX_ASSET_BYTES = 1 << 30
"""1 GiB: no homeserver takes more in one upload; a larger file is a mistake, or /dev/zero."""

HEAD_BYTES = 512
"""How many bytes `media_type_of` wants to see."""

UNKNOWN_TYPE = "application/octet-stream"

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xabKTX 20\xbb\r\n\x1a\n", "image/ktx2"),
    (b"glTF", "model/gltf-binary"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x00asm", "application/wasm"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_FTYP = {b"avif": "image/avif", b"avis": "image/avif", b"M4A ": "audio/mp4"}


@dataclass(frozen=True, slots=True)
class Content:
    """One piece of media, described.

    `source`: a path, or the bytes themselves. `filename`: what others may see (never a directory).
    `stamp`: size and modification time when it was read, to notice a file that changes under us; None for bytes.
    """

    source: Path | bytes
    sha256: str
    size: int
    media_type: str
    filename: str
    stamp: tuple[int, int] | None

    def verify_unchanged(self) -> None:
        """Raise `UnreadableAsset` if the file is no longer the one that was hashed."""
        if isinstance(self.source, Path) and _stamp_of(self.source) != self.stamp:
            raise UnreadableAsset(f"{self.filename} changed while it was being sent; run the command again")


def describe(source: Path | bytes, *, filename: str | None = None, limit: int = MAX_ASSET_BYTES) -> Content:
    """Read `source` once and say what it is.

    `limit`: bytes above which it is refused before reading. Raises `UnreadableAsset` for what cannot be
    read, is no regular file, is over the limit, or changes meanwhile.
    """
    if isinstance(source, bytes):
        if len(source) > limit:
            raise UnreadableAsset(f"{filename or 'data'} has {len(source):,} bytes, more than {limit:,}")
        digest = hashlib.sha256(source).hexdigest()
        return Content(source, digest, len(source), media_type_of(source), filename or digest[:16], None)
    before = _stamp_of(source)
    if before[0] > limit:
        raise UnreadableAsset(f"{source.name} has {before[0]:,} bytes, more than {limit:,}")
    hasher, head, size = hashlib.sha256(), b"", 0
    try:
        with source.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                head = head or piece[:HEAD_BYTES]
                size += len(piece)
                if size > limit:  # it grew since it was measured
                    raise UnreadableAsset(f"{source.name} has more than {limit:,} bytes")
                hasher.update(piece)
    except OSError as error:
        raise UnreadableAsset(f"{source.name} cannot be read: {error.strerror}") from error
    if _stamp_of(source) != before or size != before[0]:
        raise UnreadableAsset(f"{source.name} changed while it was being read; run the command again")
    return Content(source, hasher.hexdigest(), size, media_type_of(head), filename or source.name, before)


def media_type_of(head: bytes) -> str:
    """The media type that the first bytes tell, `application/octet-stream` when they tell nothing.

    JSON and text are recognised only as glTF (`model/gltf+json`), the one such format a world holds.
    """
    for prefix, media_type in _PREFIXES:
        if head.startswith(prefix):
            return media_type
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN_TYPE)
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], "video/mp4")
    if _is_mpeg_audio(head):
        return "audio/mpeg"
    if head[:HEAD_BYTES].lstrip(b" \t\r\n").startswith(b"{"):
        return "model/gltf+json" if b'"asset"' in head or b'"scene' in head else "application/json"
    return UNKNOWN_TYPE


def _is_mpeg_audio(head: bytes) -> bool:
    """An MPEG audio frame: 11 sync bits, then neither the reserved version, layer, bit rate nor sample rate."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer == 1 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3


def _stamp_of(path: Path) -> tuple[int, int]:
    """(size in bytes, modification time in ns); raises `UnreadableAsset` for all but regular files."""
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableAsset(f"{path.name} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableAsset(f"{path.name} is no regular file")
    return status.st_size, status.st_mtime_ns
