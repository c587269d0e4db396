"""Encoding and decoding as EXT_meshopt_compression and KHR_meshopt_compression define it, with all their filters.

Rule: arrays in, arrays out; what a mode or filter does not take raises `ValueError` when we ask for it and
`MeshoptError` when a file does.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.meshopt.errors import MeshoptError
from roomscale.scenes.meshopt.runtime import instance

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.uint32]

LEVEL = 2
"""How hard the encoder of vertices tries, 0 to 3; above 2 only version 1 gains, and little."""
MOST_STRIDE = 256
MOST_INDEX = (1 << 28) - 1
"""The encoder of index sequences loses the bits above."""
_DECODERS = {
    "ATTRIBUTES": "meshopt_decodeVertexBuffer",
    "TRIANGLES": "meshopt_decodeIndexBuffer",
    "INDICES": "meshopt_decodeIndexSequence",
}
_FILTERS = {
    "NONE": None,
    "OCTAHEDRAL": "meshopt_decodeFilterOct",
    "QUATERNION": "meshopt_decodeFilterQuat",
    "EXPONENTIAL": "meshopt_decodeFilterExp",
    "COLOR": "meshopt_decodeFilterColor",
}
_STRIDES = {"OCTAHEDRAL": (4, 8), "QUATERNION": (8,), "COLOR": (4, 8)}


class ExpMode(IntEnum):
    """What shares an exponent in the exponential filter (meshopt_EncodeExpMode of meshoptimizer.h)."""

    SEPARATE = 0
    """Nothing: every number has its own; the most exact, the largest."""
    SHARED_VECTOR = 1
    """The components of one element."""
    SHARED_COMPONENT = 2
    """One component of all elements: the error is the same everywhere, as with integers."""
    CLAMPED = 3
    """Nothing, but exponents below 0 become 0: for numbers whose small values do not matter."""


def encode_vertices(array: NDArray[Any], *, version: int = 0) -> bytes:
    """Encode the rows of a two-dimensional array, ATTRIBUTES mode.

    Rows of 4 to 256 bytes, a multiple of 4. `version`: 0 is what EXT_meshopt_compression knows, 1 needs the KHR one.
    """
    rows = np.ascontiguousarray(array)
    count, stride = len(rows), rows.nbytes // max(len(rows), 1)
    if rows.ndim != 2 or count == 0 or stride % 4 or not 4 <= stride <= MOST_STRIDE or version not in (0, 1):
        raise ValueError(f"{count} rows of {stride} bytes cannot be encoded as version {version}")
    with instance("encoder") as encoder:
        bound = _int(encoder.call("meshopt_encodeVertexBufferBound", count, stride))
        target, source = encoder.reserve(bound), encoder.put(rows)
        size = encoder.call("meshopt_encodeVertexBufferLevel", target, bound, source, count, stride, LEVEL, version)
        return encoder.take(target, _filled(size), np.uint8).tobytes()


def encode_triangles(indices: NDArray[Any]) -> bytes:
    """Encode a list of triangles, TRIANGLES mode. The first vertex of a triangle may come back as its second."""
    if len(indices) % 3:
        raise ValueError("triangles have three indices each")
    return _encode_indices(indices, "meshopt_encodeIndexBuffer")


def encode_indices(indices: NDArray[Any]) -> bytes:
    """Encode indices of any primitive, INDICES mode; they come back as they are."""
    return _encode_indices(indices, "meshopt_encodeIndexSequence")


def _encode_indices(indices: NDArray[Any], function: str) -> bytes:
    if indices.ndim != 1 or len(indices) == 0 or indices.dtype.kind != "u" or int(indices.max()) > MOST_INDEX:
        raise ValueError("indices are one row of unsigned integers below 2**28")
    with instance("encoder") as encoder:
        encoder.set("meshopt_encodeIndexVersion", 1)
        bound = _int(encoder.call(f"{function}Bound", len(indices), int(indices.max()) + 1))
        target, source = encoder.reserve(bound), encoder.put(indices.astype(np.uint32))
        size = encoder.call(function, target, bound, source, len(indices))
        return encoder.take(target, _filled(size), np.uint8).tobytes()


def decode(data: bytes | memoryview, count: int, stride: int, mode: str, kind: str = "NONE") -> Bytes:
    """What compressed data unpack to: shape (count, stride). `kind`: the filter.

    Raises `MeshoptError` where the data are not what mode, filter, count and stride say.
    """
    if mode == "ATTRIBUTES":
        fits = stride % 4 == 0 and 4 <= stride <= MOST_STRIDE
    else:
        fits = mode in _DECODERS and stride in (2, 4) and kind == "NONE" and (mode == "INDICES" or count % 3 == 0)
    if not fits or count < 1 or kind not in _FILTERS or stride not in _STRIDES.get(kind, (stride,)):
        raise MeshoptError(f"{count:,} × {stride} bytes cannot be {mode} with the filter {kind}")
    with instance("decoder") as decoder:
        room = -(-count // 4) * 4  # filters work on four elements at once
        target, source = decoder.reserve(room * stride), decoder.put(np.frombuffer(data, np.uint8))
        if decoder.call(_DECODERS[mode], target, count, stride, source, len(data)) != 0:
            raise MeshoptError("its compressed data are malformed")
        if (function := _FILTERS[kind]) is not None:
            decoder.call(function, target, room, stride)
        return decoder.take(target, count * stride, np.uint8).reshape(count, stride)


def encode_filter_oct(vectors: Floats, *, bits: int = 8, stride: int = 4) -> Bytes:
    """Unit vectors, shape (count, 4), for the OCTAHEDRAL filter; the fourth component is kept as it is, −1 to 1.

    `stride` 4 gives int8, 8 gives int16 when decoded, normalised.
    """
    return _filtered("meshopt_encodeFilterOct", vectors, 4, stride, bits)


def encode_filter_quat(rotations: Floats, *, bits: int = 12) -> Bytes:
    """Unit quaternions, shape (count, 4), for the QUATERNION filter; int16 when decoded, normalised."""
    return _filtered("meshopt_encodeFilterQuat", rotations, 4, 8, bits)


def encode_filter_color(colours: Floats, *, bits: int = 8, stride: int = 4) -> Bytes:
    """RGBA, shape (count, 4), 0 to 1, for the COLOR filter of KHR_meshopt_compression."""
    return _filtered("meshopt_encodeFilterColor", colours, 4, stride, bits)


def encode_filter_exp(values: Floats, *, bits: int, mode: ExpMode) -> Bytes:
    """Floats, shape (count, components), for the EXPONENTIAL filter. `bits`: of the mantissa, 1 to 24 with its sign."""
    return _filtered("meshopt_encodeFilterExp", values, values.shape[1], values.shape[1] * 4, bits, int(mode))


def _filtered(function: str, values: Floats, width: int, stride: int, bits: int, *mode: int) -> Bytes:
    least, most = (1, 24) if mode else (2, stride * 2)
    if values.ndim != 2 or values.shape[1] != width or not len(values) or stride % 4 or not least <= bits <= most:
        raise ValueError(f"{function} does not take {values.shape} with {bits} bits")
    if not np.isfinite(values).all():
        raise ValueError(f"{function} takes finite numbers only")
    with instance("encoder") as encoder:
        target = encoder.reserve(len(values) * stride)
        source = encoder.put(values.astype(np.float32, copy=False))
        encoder.call(function, target, len(values), stride, bits, source, *mode)
        return encoder.take(target, len(values) * stride, np.uint8).reshape(len(values), stride)


def _int(result: object) -> int:
    if not isinstance(result, int) or result < 0:
        raise MeshoptError("a mesh is too large for meshoptimizer")
    return result


def _filled(size: object) -> int:
    """The length of an encoder's answer; 0 is its way to say no."""
    if (length := _int(size)) == 0:
        raise MeshoptError("meshoptimizer could not encode a mesh")
    return length
