"""Views compressed by EXT_meshopt_compression, or KHR_meshopt_compression, which is the same with one filter more.

Rule: what a view says it unpacks to is compared with the limits and with the bytes that are there before any memory is
taken; a view that does not hold what it says is `BrokenData`.
"""

from __future__ import annotations

from collections.abc import Mapping

from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject

MESHOPT_EXTENSIONS = ("EXT_meshopt_compression", "KHR_meshopt_compression")
"""The place of each is the version of the vertex format that it knows: 0, and 1 too."""


def is_compressed(view: JsonObject) -> bool:
    """Whether a bufferView holds meshopt-compressed data."""
    extensions = view.get("extensions")
    return isinstance(extensions, dict) and any(name in extensions for name in MESHOPT_EXTENSIONS)


def is_placeholder(buffer: JsonObject) -> bool:
    """Whether a buffer is the empty stand-in for what compressed views decode to (EXT_meshopt_compression)."""
    extensions = buffer.get("extensions", {})
    return any(extensions.get(name, {}).get("fallback") is True for name in MESHOPT_EXTENSIONS)


def decoded_view(scene: Scene, index: int) -> memoryview:
    """What a compressed bufferView unpacks to, decoded once per scene.

    Raises `BrokenData` for malformed ones and when all that were decoded exceed what their bytes may stand for
    (`limits.meshopt_ratio`), and what `Scene.buffer` raises.
    """
    if (known := scene.decoded.get(index)) is not None:
        return known
    extensions = scene.list_of("bufferViews")[index]["extensions"]
    name = next(name for name in MESHOPT_EXTENSIONS if name in extensions)
    where = pointer("bufferViews", index, "extensions", name)
    told = extensions[name]
    if not isinstance(told, dict):
        raise BrokenData("TYPE_MISMATCH", where, "it is no object")
    count, stride = _size(told, "count", where), _size(told, "byteStride", where)
    mode, kind = told.get("mode"), told.get("filter", "NONE")
    if not isinstance(mode, str) or not isinstance(kind, str):
        raise BrokenData("TYPE_MISMATCH", where, "mode or filter is no text")
    if count * stride != scene.list_of("bufferViews")[index].get("byteLength"):
        raise BrokenData("MESHOPT_SIZE_MISMATCH", where, "the view's byteLength is not what it unpacks to")
    data, stored = _source(scene, told, where)
    total, most = sum(map(len, scene.decoded.values())) + count * stride, _allowance(scene, stored)
    if total > most or len(data) < least_bytes(mode, count, stride):
        raise BrokenData("MESHOPT_BOMB", where, f"{len(data):,} bytes unpack to {count * stride:,}, too many")
    scene.decoded[index] = _decode(data, count, stride, mode, kind, where)
    return scene.decoded[index]


def least_bytes(mode: str, count: int, stride: int) -> int:
    """The fewest bytes that can unpack to `count` elements: all more would be conjured from nothing."""
    if mode == "ATTRIBUTES":  # a header byte, and 2 bits for 16 values of each byte
        return 1 + count * stride // 256
    return 1 + (count // 3 if mode == "TRIANGLES" else count)


def _decode(data: memoryview, count: int, stride: int, mode: str, kind: str, where: str) -> memoryview:
    # Starting wasmtime takes 0.1 s, which scenes without compressed views need not wait for.
    from roomscale.scenes.meshopt import MeshoptError, decode  # noqa: PLC0415

    try:
        return decode(data, count, stride, mode, kind).reshape(-1).data.toreadonly()
    except MeshoptError as error:
        raise BrokenData("MESHOPT_MALFORMED", where, str(error)) from error


def _allowance(scene: Scene, stored: int) -> int:
    """Most bytes that all views together may unpack to, when a buffer of `stored` bytes holds them."""
    limits = scene.limits
    return min(limits.decoded_bytes, limits.zero_bytes + limits.meshopt_ratio * stored)


def _source(scene: Scene, told: Mapping[str, object], where: str) -> tuple[memoryview, int]:
    """The compressed bytes, and how long the buffer is that holds them."""
    buffer, start, length = told.get("buffer"), told.get("byteOffset", 0), _size(told, "byteLength", where)
    if not isinstance(buffer, int) or not isinstance(start, int) or start < 0:
        raise BrokenData("TYPE_MISMATCH", where, "buffer or byteOffset is no number")
    data = scene.buffer(buffer)
    if start + length > len(data):
        raise BrokenData("BUFFER_VIEW_TOO_LONG", where, f"its end at {start + length:,} is past {len(data):,} bytes")
    return data[start : start + length], len(data)


def _size(told: Mapping[str, object], key: str, where: str) -> int:
    value = told.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BrokenData("VALUE_NOT_IN_RANGE", where, f"{key} is no positive number")
    return value
