"""The scene with everything, made wrong: one field, one number or one byte of a picture at a time.

Rule: a scene is made when it is asked for; there are tens of thousands.
"""

from __future__ import annotations

import copy
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.scenes.crafted import Json, data_uri, jpeg, png
from tests.scenes.khronos.everything import everything, packed
from tests.scenes.test_fuzz import places

Made = Path | bytes | Callable[[], bytes]
"""A scene's file, its bytes, or what makes them."""

GONE = object()
ADDED: list[tuple[str, Any]] = [
    ("byteOffset", 2),
    ("byteOffset", 4),
    ("byteStride", 4),
    ("byteStride", 8),
    ("byteStride", 16),
    ("target", 34962),
    ("target", 34963),
    ("normalized", True),
    ("min", [0]),
    ("max", [1.5, 0, 0]),
    ("matrix", [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1]),
    ("matrix", [1, 0.2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
    ("rotation", [0, 0, 0, 1.0003]),
    ("skin", 0),
    ("mesh", 0),
    ("camera", 1),
    ("weights", [0.5]),
    ("uri", "a.png"),
    ("bufferView", 0),
    ("mimeType", "image/png"),
    ("texCoord", 1),
    ("texCoord", 2),
    ("source", 1),
    ("spot", {}),
    ("spot", {"innerConeAngle": 0.8}),
    ("interpolation", "CUBICSPLINE"),
    ("node", 4),
    ("children", [7]),
    ("TEXCOORD_2", 3),
    ("COLOR_1", 3),
    ("COLOR_0", 0),
    ("JOINTS_2", 7),
    ("_MORE", 11),
    ("extensions", {"KHR_materials_unlit": {}}),
    ("extensions", {"KHR_mesh_quantization": {}}),
    ("extensions", {"KHR_texture_transform": {"texCoord": 1}}),
    ("extras", 1),
    ("name", "x"),
    ("sparse", {"count": 1, "indices": {"bufferView": 11, "componentType": 5123}, "values": {"bufferView": 0}}),
]
"""What is put into every object in turn."""
WRONG: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    3,
    5,
    -1,
    0.5,
    1.0003,
    1e-9,
    99,
    1e39,
    "",
    "x",
    [],
    {},
    [0],
    [1, 0, 0],
    {"a": 1},
]
WORDS = ["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4", "LINEAR", "STEP", "CUBICSPLINE", "translation"]
WORDS += ["rotation", "scale", "weights", "pointer", "spot", "point", "directional", "perspective", "orthographic"]
WORDS += [
    "image/png",
    "image/jpeg",
    "image/webp",
    "OPAQUE",
    "BLEND",
    data_uri(png()),
    data_uri(jpeg(1, 1), "image/jpeg"),
]
NUMBERS = [5120, 5121, 5122, 5123, 5125, 5126, 34962, 34963]


def instead_of(old: Any) -> Iterator[Any]:
    """Values of every type, and such as might be right elsewhere."""
    yield from WRONG
    if isinstance(old, bool):
        yield not old
    elif isinstance(old, (int, float)):
        yield from (old + 1, old - 1, old * 2, old + 2, old + 4, float(old), *NUMBERS, *range(6, 24))
    elif isinstance(old, str):
        yield from WORDS
    elif isinstance(old, list):
        yield from (old[:-1], old + old, [*old, 0], old[::-1])


def with_fields_wrong(tree: Json, binary: bytes) -> Iterator[tuple[object, Made]]:
    """One field wrong, missing or too many, all of them in turn."""

    def broken(path: tuple[Any, ...], key: Any, value: Any) -> tuple[object, Made]:
        def make() -> bytes:
            other = copy.deepcopy(tree)
            holder: Any = other
            for step in path:
                holder = holder[step]
            if value is GONE:
                del holder[key]
            else:
                holder[key] = value
            return packed(other, binary)

        return (*path, key, value), make

    for path in [(), *places(tree)]:
        old: Any = tree
        for step in path:
            old = old[step]
        if path:
            yield broken(path[:-1], path[-1], GONE)
            for value in instead_of(old):
                yield broken(path[:-1], path[-1], value)
        for key, value in ADDED if isinstance(old, dict) else ():
            yield broken(path, key, value)


FLOATS = [float("nan"), float("inf"), -1.0, 0.0, 0.1, 0.5, 1.0, 1.001, 1.0000002, 2.0, -0.0, 1e-30, 1e30]
CODES = {5120: "b", 5121: "B", 5122: "h", 5123: "H", 5125: "I", 5126: "f"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def with_numbers_wrong(tree: Json, binary: bytes) -> Iterator[tuple[object, Made]]:
    """One number of a buffer wrong, all of them in turn; the bounds are left out where there need be none."""
    for index, accessor in enumerate(tree["accessors"]):
        view, code = tree["bufferViews"][accessor["bufferView"]], CODES[accessor["componentType"]]
        size = struct.calcsize(code)
        stride = view.get("byteStride", size * WIDTHS[accessor["type"]])
        values = FLOATS if code == "f" else [0, 1, 2, 3, 127, *([] if code == "b" else [255])]
        for element in range(accessor["count"]):
            for component in range(WIDTHS[accessor["type"]]):
                at = view["byteOffset"] + element * stride + component * size
                for value in values:
                    place = (index, element, component, value)
                    yield place, partial(_with_number, tree, binary, code, at, value)


def _with_number(tree: Json, binary: bytes, code: str, at: int, value: float) -> bytes:
    data = bytearray(binary)
    struct.pack_into(f"<{code}", data, at, value)
    return packed(copy.deepcopy(tree), bytes(data))


def with_images_wrong(tree: Json, binary: bytes) -> Iterator[tuple[object, Made]]:
    """One byte of a picture's header wrong, or the picture cut off."""
    pictures = [(0, png(4, 4), "image/png"), (1, jpeg(4, 4), "image/jpeg")]
    pictures += [
        (0, png(4, 4, extra), "image/png") for extra in (_chunk(b"gAMA", 5), _chunk(b"pHYs", 9), _chunk(b"x", 0))
    ]
    for index, data, kind in pictures:
        for at in range(min(len(data), 64)):
            variants = [data[:at]] + [data[:at] + bytes([value]) + data[at + 1 :] for value in (0, 1, 4, 0xC4, 0xFF)]
            for number, picture in enumerate(variants):
                image = {"uri": data_uri(picture, kind)}
                yield (index, at, number), partial(_with_image, tree, binary, index, image)


def _with_image(tree: Json, binary: bytes, index: int, image: Json) -> bytes:
    other = copy.deepcopy(tree)
    other["images"][index] = image
    return packed(other, binary)


def _chunk(kind: bytes, length: int) -> bytes:
    return struct.pack(">I", length) + kind.ljust(4, b"x") + bytes(length) + bytes(4)


def every_one() -> Iterator[tuple[object, Made]]:
    tree, binary = everything()
    yield from with_fields_wrong(tree, binary)
    yield from with_numbers_wrong(tree, binary)
    yield from with_images_wrong(tree, binary)
