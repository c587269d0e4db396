"""Accessors read as numpy arrays, compared with a slow reader that follows the specification word by word."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import Limits, Scene, SceneError, parse_scene
from roomscale.scenes.accessors import read, read_floats
from tests.scenes.crafted import changed, glb, triangle

FORMATS = {5120: "b", 5121: "B", 5122: "h", 5123: "H", 5125: "I", 5126: "f"}
SHAPES = {
    "SCALAR": (1, 1),
    "VEC2": (1, 2),
    "VEC3": (1, 3),
    "VEC4": (1, 4),
    "MAT2": (2, 2),
    "MAT3": (3, 3),
    "MAT4": (4, 4),
}


def slowly(data: bytes, offset: int, stride: int | None, component: int, kind: str, count: int) -> list[list[float]]:
    """glTF 2.0 §3.6.2.4: elements one by one, each column of a matrix at a multiple of 4 bytes."""
    letter = FORMATS[component]
    size, (columns, rows) = struct.calcsize(letter), SHAPES[kind]
    column = rows * size if columns == 1 else (rows * size + 3) // 4 * 4
    elements = []
    for number in range(count):
        at = offset + number * (stride or column * columns)
        element: list[float] = []
        for c in range(columns):
            element += struct.unpack_from(f"<{rows}{letter}", data, at + c * column)
        elements.append(element)
    return elements


def scene_of(data: bytes, accessor: dict[str, Any], view: dict[str, Any]) -> Scene:
    tree = triangle()
    tree["buffers"][0]["byteLength"] = len(data)
    tree["bufferViews"] = [{"buffer": 0, "byteLength": len(data) - view.get("byteOffset", 0), **view}]
    tree["accessors"] = [{"bufferView": 0, **accessor}]
    return parse_scene(glb(tree, data))


@given(
    st.sampled_from(list(FORMATS)),
    st.sampled_from(list(SHAPES)),
    st.integers(1, 6),
    st.integers(0, 3),
    st.integers(0, 5),
    st.binary(min_size=600, max_size=600),
)
def test_every_layout_is_read_as_the_specification_says(
    component: int, kind: str, count: int, start: int, extra: int, noise: bytes
) -> None:
    letter = FORMATS[component]
    columns, rows = SHAPES[kind]
    column = rows * struct.calcsize(letter)
    element = column if columns == 1 else (column + 3) // 4 * 4 * columns
    stride = (element + extra * 4 + 3) // 4 * 4 if extra else None
    data = np.nan_to_num(np.frombuffer(noise, "<f4")).tobytes() if component == 5126 else noise
    view = {"byteOffset": 4} | ({"byteStride": stride} if stride else {})
    accessor = {"componentType": component, "type": kind, "count": count, "byteOffset": start * 4}
    got = read(scene_of(data, accessor, view), 0)
    assert got.shape == (count, columns * rows)
    assert got.tolist() == slowly(data, 4 + start * 4, stride, component, kind, count)


@given(
    st.dictionaries(
        st.sampled_from(["count", "byteOffset", "componentType", "type", "bufferView", "sparse"]),
        st.integers(-5, 10**12) | st.none() | st.text(max_size=3) | st.floats() | st.booleans() | st.just({}),
    )
)
def test_any_accessor_is_read_or_named(fields: dict[str, Any]) -> None:
    scene = parse_scene(glb())
    tree = triangle()
    tree["accessors"][0].update(fields)
    try:
        array = read(scene.changed(tree), 0)
    except SceneError as error:
        assert str(error)
    else:
        assert array.nbytes <= Limits().zero_bytes


def test_normalised_integers_become_fractions() -> None:
    data = struct.pack("<4b", -128, -127, 0, 127) + bytes(44)
    accessor = {"componentType": 5120, "type": "SCALAR", "count": 4, "normalized": True}
    assert read_floats(scene_of(data, accessor, {}), 0)[:, 0].tolist() == [-1.0, -1.0, 0.0, 1.0]
    plain = {**accessor, "normalized": False}
    assert read_floats(scene_of(data, plain, {}), 0)[:, 0].tolist() == [-128.0, -127.0, 0.0, 127.0]


def test_sparse_values_replace_those_of_the_base() -> None:
    sparse = {
        "count": 2,
        "indices": {"bufferView": 1, "byteOffset": 2, "componentType": 5123},
        "values": {"bufferView": 0, "byteOffset": 12},
    }
    scene = parse_scene(glb(changed("accessors", 0, "sparse", to=sparse)))
    assert read(scene, 0).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    tree = triangle()
    tree["accessors"][0] = {"componentType": 5126, "type": "VEC3", "count": 3, "sparse": sparse}
    assert read(scene.changed(tree), 0).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_nothing_is_copied_and_nothing_can_be_written() -> None:
    array = read(parse_scene(glb()), 0)
    assert array.base is not None
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 5
