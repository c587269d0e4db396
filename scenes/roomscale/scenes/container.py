"""The GLB container (glTF 2.0 §4, "GLB File Format Specification"): bytes to chunks and back.

Rule: pure; every length is compared with what is there before it is used; what a strict reader must not accept
(trailing bytes, odd lengths, chunks twice or out of order) is refused, because two readers could see two scenes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from roomscale.scenes.errors import UnreadableScene

MAGIC = b"glTF"
VERSION = 2
HEADER = struct.Struct("<4sII")
CHUNK_HEADER = struct.Struct("<I4s")
JSON_CHUNK = b"JSON"
BIN_CHUNK = b"BIN\0"
ALIGNMENT = 4
MOST_CHUNKS = 64
"""The format has two; a few of other makers may follow."""
MOST_BYTES = 0xFFFF_FFFF
"""Lengths are 32 bits wide."""


class Glb(NamedTuple):
    """The chunks of a GLB file. `binary`: None if it has none. `others`: unknown ones as (type, data), in order."""

    json: memoryview
    binary: memoryview | None
    others: tuple[tuple[bytes, memoryview], ...] = ()


def is_glb(head: bytes | memoryview) -> bool:
    """Whether a file begins like a GLB; its name says nothing."""
    return bytes(head[:4]) == MAGIC


def parse_glb(data: bytes | memoryview, name: str = "the file") -> Glb:
    """Take a GLB file apart, copying nothing. Raises `UnreadableScene` with what exactly is wrong."""
    view = memoryview(data)
    if len(view) < HEADER.size:
        raise UnreadableScene("GLB_LENGTH_TOO_SMALL", f"{name} is cut off: {len(view)} bytes are no GLB header")
    magic, version, length = HEADER.unpack_from(view)
    if magic != MAGIC:
        raise UnreadableScene("GLB_INVALID_MAGIC", f"{name} is no GLB: it does not begin with glTF")
    if version != VERSION:
        raise UnreadableScene("GLB_INVALID_VERSION", f"{name} is GLB version {version}; only version 2 is read")
    if length != len(view):
        what = "is cut off" if length > len(view) else "has foreign bytes after its end"
        raise UnreadableScene(
            "GLB_LENGTH_MISMATCH", f"{name} {what}: its header says {length:,} bytes, it has {len(view):,}"
        )
    chunks = _chunks(view, name)
    if not chunks or chunks[0][0] != JSON_CHUNK:
        raise UnreadableScene("GLB_UNEXPECTED_FIRST_CHUNK", f"the first chunk of {name} is not its JSON")
    binary, others = None, []
    for index, (kind, content) in enumerate(chunks[1:], start=1):
        if kind == JSON_CHUNK:
            raise UnreadableScene("GLB_DUPLICATE_CHUNK", f"{name} has two JSON chunks; readers would disagree")
        if kind != BIN_CHUNK:
            others.append((kind, content))
        elif binary is not None:
            raise UnreadableScene("GLB_DUPLICATE_CHUNK", f"{name} has two BIN chunks; readers would disagree")
        elif index != 1:
            raise UnreadableScene("GLB_UNEXPECTED_BIN_CHUNK", f"the BIN chunk of {name} is not its second")
        else:
            binary = content
    return Glb(chunks[0][1], binary, tuple(others))


def _chunks(view: memoryview, name: str) -> list[tuple[bytes, memoryview]]:
    chunks: list[tuple[bytes, memoryview]] = []
    offset = HEADER.size
    while offset < len(view):
        if len(view) - offset < CHUNK_HEADER.size:
            raise UnreadableScene("GLB_CHUNK_TRUNCATED", f"{name} is cut off inside a chunk's header")
        if len(chunks) == MOST_CHUNKS:
            raise UnreadableScene("GLB_TOO_MANY_CHUNKS", f"{name} has more than {MOST_CHUNKS} chunks")
        length, kind = CHUNK_HEADER.unpack_from(view, offset)
        offset += CHUNK_HEADER.size
        if length % ALIGNMENT:
            raise UnreadableScene(
                "GLB_CHUNK_LENGTH_UNALIGNED", f"chunk {len(chunks)} of {name} has {length:,} bytes, no multiple of 4"
            )
        if length > len(view) - offset:
            raise UnreadableScene(
                "GLB_CHUNK_TOO_BIG",
                f"chunk {len(chunks)} of {name} says {length:,} bytes, {len(view) - offset:,} are left",
            )
        chunks.append((kind, view[offset : offset + length]))
        offset += length
    return chunks


def build_glb(
    json: bytes,
    binary: Sequence[bytes | memoryview] | None,
    others: Sequence[tuple[bytes, bytes | memoryview]] = (),
) -> bytes:
    """A GLB file of these chunks. `binary`: the pieces of the BIN chunk, put one after another; None for no chunk.

    JSON is padded with blanks, the rest with zeros. Raises `UnreadableScene` above 4 GiB.
    """
    chunks: list[tuple[bytes, Sequence[bytes | memoryview], bytes]] = [(JSON_CHUNK, [json], b" ")]
    if binary is not None:
        chunks.append((BIN_CHUNK, binary, b"\0"))
    chunks.extend((kind, [content], b"\0") for kind, content in others)
    pieces: list[bytes | memoryview] = [b""]
    total = HEADER.size
    for kind, content, filler in chunks:
        size = sum(len(piece) for piece in content)
        padding = -size % ALIGNMENT
        pieces += [CHUNK_HEADER.pack(min(size + padding, MOST_BYTES), kind), *content, filler * padding]
        total += CHUNK_HEADER.size + size + padding
    if total > MOST_BYTES:
        raise UnreadableScene("GLB_TOO_LARGE", f"{total:,} bytes do not fit a GLB, which holds 4 GiB")
    pieces[0] = HEADER.pack(MAGIC, VERSION, total)
    return b"".join(pieces)
