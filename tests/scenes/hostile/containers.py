"""GLBs whose header, lengths or chunks are not what they say."""

from __future__ import annotations

import json

from tests.scenes.crafted import BINARY, chunk, container, glb, gltf, padded, triangle
from tests.scenes.hostile.case import Case

_JSON_TEXT = padded(json.dumps(triangle()).encode())
_TRIANGLE_GLB = glb()


def container_cases() -> list[Case]:
    text, binary = chunk(b"JSON", _JSON_TEXT), chunk(b"BIN\0", BINARY)
    whole = _TRIANGLE_GLB
    return [
        Case("a triangle", None, glb),
        Case("a triangle with data: URIs", None, lambda: gltf(triangle())),
        Case("an empty file", "EMPTY_FILE", lambda: b""),
        Case("a header cut off", "GLB_LENGTH_TOO_SMALL", lambda: whole[:10]),
        Case("json cut off", "GLB_LENGTH_MISMATCH", lambda: whole[:200]),
        Case("binary cut off", "GLB_LENGTH_MISMATCH", lambda: whole[:-20]),
        Case("another magic", "UNKNOWN_FORMAT", lambda: container(text, binary, magic=b"XXXX")),
        Case("version 3", "GLB_INVALID_VERSION", lambda: container(text, binary, version=3)),
        Case("a length too small", "GLB_LENGTH_MISMATCH", lambda: container(text, binary, length=100)),
        Case("a huge json chunk", "GLB_CHUNK_TOO_BIG", lambda: container(chunk(b"JSON", b"{}  ", 0xFFFFFFF0))),
        Case("a huge bin chunk", "GLB_CHUNK_TOO_BIG", lambda: container(text, chunk(b"BIN\0", b"", 0xFFFFFFF0))),
        Case("an odd chunk", "GLB_CHUNK_LENGTH_UNALIGNED", lambda: container(chunk(b"JSON", b"{}", 2))),
        Case("half a chunk header", "GLB_CHUNK_TRUNCATED", lambda: container(text, b"\0\0\0\0")),
        Case("json twice", "GLB_DUPLICATE_CHUNK", lambda: container(text, text, binary)),
        Case("bin twice", "GLB_DUPLICATE_CHUNK", lambda: container(text, binary, binary)),
        Case("bin first", "GLB_UNEXPECTED_FIRST_CHUNK", lambda: container(binary, text)),
        Case("bin third", "GLB_UNEXPECTED_BIN_CHUNK", lambda: container(text, chunk(b"NOTE", b""), binary)),
        Case("no chunk", "GLB_UNEXPECTED_FIRST_CHUNK", container),
        Case("a thousand chunks", "GLB_TOO_MANY_CHUNKS", lambda: container(text, *[chunk(b"NOTE", b"")] * 1000)),
        Case("foreign bytes behind", "GLB_LENGTH_MISMATCH", lambda: whole + bytes(1024)),
        Case("an unknown chunk", None, lambda: container(text, binary, chunk(b"NOTE", b"abcd"))),
        Case("no binary", "BUFFER_WITHOUT_DATA", lambda: glb(binary=None)),
        Case("gzip", "UNKNOWN_FORMAT", lambda: b"\x1f\x8b" + bytes(100)),
        Case("utf-16", "INVALID_JSON", lambda: container(chunk(b"JSON", "{}".encode("utf-16-le")))),
        Case("not utf-8", "INVALID_JSON", lambda: b'{"asset": "\xff"}'),
        Case("a byte order mark", "INVALID_JSON", lambda: b"\xef\xbb\xbf" + gltf(triangle())),
    ]
