"""How an accessor's elements are laid out for meshopt: which filter, and what they decode to.

Normals, tangents and rotations are turned into fewer bits; everything else comes back as it was, to the bit. Floats on
a grid of powers of two are whole numbers of steps: the exponential filter (EXT_meshopt_compression, "Filter 3") holds
24 bits of them beside 8 for the step, and the encoder squeezes the bytes that hardly change.
Rule: what does not fit a filter goes without.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import meshopt
from roomscale.scenes.accessors import Array
from roomscale.scenes.draft import packed
from roomscale.scenes.meshopt import MOST_STRIDE
from roomscale.scenes.transforms import accessor_roles as roles

NORMAL_BITS = 8
"""Of each of the two octahedral coordinates: a normal turns by 1° at most, as in gltfpack and glTF-Transform."""
ROTATION_BITS = 13
"""Of each of the three components stored: a joint turns by 0.03° at most."""
INSTANCE_BITS = 16
"""The same of instances, which may be houses: 0.004°, by which a corner 20 m away moves 1 mm."""
NONE, OCTAHEDRAL, QUATERNION, EXPONENTIAL = "NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL"
_MANTISSA = 1 << 23
_EXPONENTS = range(-100, 101)


class Encoded(NamedTuple):
    """Elements on their way to the encoder. `rows`: one for each; for the lossy filters still floats, four in a row.

    `mode`, `filter`, `stride` (bytes, when decoded): as the extension names them. `array`: what they decode to.
    `normalized`: whether they say so, None for as before.
    """

    rows: Array
    mode: str
    filter: str
    stride: int
    array: Array
    normalized: bool | None = None


def filtered(rows: Array, name: str, role: str) -> Array:
    """What the encoder takes of `Encoded.rows`, many accessors' together: `rows` itself but for the lossy filters.

    `role`: of the accessors.
    """
    if name == OCTAHEDRAL:
        return meshopt.encode_filter_oct(rows, bits=NORMAL_BITS)
    if name == QUATERNION:
        bits = INSTANCE_BITS if role.startswith(roles.INSTANCE) else ROTATION_BITS
        return meshopt.encode_filter_quat(rows, bits=bits)
    return rows


def encode(array: Array, role: str) -> Encoded | None:
    """The best layout for an accessor's elements; None if meshopt does not take their shape."""
    if role in (roles.TRIANGLE_INDICES, roles.INDICES):
        return _indices(array, role)
    if array.dtype == np.float32:
        special = None
        if role in (roles.NORMAL, roles.TANGENT):
            special = _directions(array)
        elif role in (roles.ROTATIONS, roles.INSTANCE + "ROTATION"):
            special = _rotations(array)
        return special or _on_grid(array) or _plain(array)
    return _plain(array)


def _indices(array: Array, role: str) -> Encoded:
    narrow = array.astype(np.uint16) if array.dtype.itemsize == 1 else np.ascontiguousarray(array)
    is_list = role == roles.TRIANGLE_INDICES and len(array) % 3 == 0
    return Encoded(narrow, "TRIANGLES" if is_list else "INDICES", NONE, narrow.dtype.itemsize, narrow)


def _plain(array: Array) -> Encoded | None:
    data, stride = packed(array, for_vertices=True)
    width = stride or len(data) // len(array)
    if width > MOST_STRIDE or width % 4:
        return None
    return Encoded(np.frombuffer(data, np.uint8).reshape(len(array), width), "ATTRIBUTES", NONE, width, array)


def _directions(array: Array) -> Encoded | None:
    """Unit vectors as int8; what has no direction has no place there."""
    if not np.isfinite(array).all() or np.linalg.norm(array[:, :3], axis=1).min() < 0.5:
        return None
    width = array.shape[1]
    decoded = np.zeros((len(array), width), np.int8)  # of which nothing but the type is asked
    return Encoded(np.pad(array, ((0, 0), (0, 4 - width))), "ATTRIBUTES", OCTAHEDRAL, 4, decoded, normalized=True)


def _rotations(array: Array) -> Encoded | None:
    """Unit quaternions as int16."""
    if not np.isfinite(array).all() or np.abs(np.linalg.norm(array, axis=1) - 1).max() > 0.01:
        return None
    decoded = np.zeros(array.shape, np.int16)
    return Encoded(np.ascontiguousarray(array), "ATTRIBUTES", QUATERNION, 8, decoded, normalized=True)


def _on_grid(array: Array) -> Encoded | None:
    """Floats that are whole numbers of one power of two."""
    exponent = grid_exponent(array)
    if exponent is None or array.shape[1] * 4 > MOST_STRIDE:
        return None
    units = np.rint(np.ldexp(array.astype(np.float64), -exponent)).astype(np.int64)
    spare = _spare_bits(units, exponent)
    words = ((units << spare) & 0xFF_FFFF) | (((exponent - spare) & 0xFF) << 24)
    return Encoded(words.astype("<u4"), "ATTRIBUTES", EXPONENTIAL, array.shape[1] * 4, array)


def _spare_bits(units: NDArray[np.int64], exponent: int) -> int:
    """How far whole numbers can be moved up, by bytes: 0, 8 or 16 bits.

    The encoder looks at each byte alone. A byte that holds nothing but signs changes with each of them; moved up, the
    sign is a bit of the highest byte in use, and what is empty below is all zeros and weighs nothing.
    """
    most = int(np.abs(units).max())
    return next(bits for bits in (16, 8, 0) if most << bits < _MANTISSA and (exponent - bits in _EXPONENTS or not bits))


def grid_exponent(array: Array) -> int | None:
    """The largest e such that all numbers are multiples of 2^e below 2^23 of them; None if there is none.

    −0 counts as none: it would come back as 0.
    """
    if not np.isfinite(array).all() or np.any(np.signbit(array) & (array == 0)):
        return None
    values = array[array != 0].astype(np.float64)
    if not len(values):
        return 0
    fraction, exponent = np.frexp(np.abs(values))
    whole = (fraction * (1 << 24)).astype(np.int64)
    lowest = int((exponent - 24 + np.log2(whole & -whole).astype(np.int64)).min())
    if lowest not in _EXPONENTS or np.abs(values).max() >= np.ldexp(float(_MANTISSA), lowest):
        return None
    return lowest
