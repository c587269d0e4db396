"""Accessors (glTF 2.0 §3.6, "Binary Data Storage") as numpy arrays: strides, matrices, sparse, normalised.

Rule: no byte is read before its bounds are known to fit, and no array is made larger than the scene's limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.compressed import decoded_view, is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject

Array = NDArray[Any]

COMPONENT_TYPES: dict[int, np.dtype[Any]] = {
    5120: np.dtype("<i1"),
    5121: np.dtype("<u1"),
    5122: np.dtype("<i2"),
    5123: np.dtype("<u2"),
    5125: np.dtype("<u4"),
    5126: np.dtype("<f4"),
}
FLOAT = 5126
UNSIGNED_INT = 5125
SHAPES: dict[str, tuple[int, int]] = {  # (columns, rows)
    "SCALAR": (1, 1),
    "VEC2": (1, 2),
    "VEC3": (1, 3),
    "VEC4": (1, 4),
    "MAT2": (2, 2),
    "MAT3": (3, 3),
    "MAT4": (4, 4),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How the elements of an accessor lie in memory. All in bytes, save `columns`, `rows` and `count`.

    `column_stride`: columns of matrices begin at multiples of 4, so MAT2 and MAT3 of small types have gaps.
    """

    dtype: np.dtype[Any]
    columns: int
    rows: int
    column_stride: int
    count: int

    @property
    def components(self) -> int:
        """Numbers in one element."""
        return self.columns * self.rows

    @property
    def element_bytes(self) -> int:
        """Size of one element, gaps included."""
        return self.column_stride * self.columns

    def end(self, offset: int, stride: int) -> int:
        """Where the last element ends, from the start of the view; the gap after its last column may be missing."""
        last_column = self.column_stride * (self.columns - 1) + self.rows * self.dtype.itemsize
        return offset + stride * (self.count - 1) + last_column

    @property
    def decoded_bytes(self) -> int:
        """Size of the array that `read` gives."""
        return self.count * self.components * self.dtype.itemsize


def layout_of(accessor: JsonObject, where: str) -> Layout:
    """The layout of an accessor's elements. Raises `BrokenData` for types that glTF does not know."""
    component, kind, count = accessor.get("componentType"), accessor.get("type"), accessor.get("count")
    if not isinstance(component, int) or component not in COMPONENT_TYPES:
        raise BrokenData("ACCESSOR_UNKNOWN_TYPE", where, f"componentType {str(component)[:20]} is unknown")
    if not isinstance(kind, str) or kind not in SHAPES:
        raise BrokenData("ACCESSOR_UNKNOWN_TYPE", where, "type is unknown")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BrokenData("VALUE_NOT_IN_RANGE", where, "count is no positive number")
    return _layout(component, kind, count)


@lru_cache(maxsize=1024)
def _layout(component: int, kind: str, count: int) -> Layout:
    """Accessors of a scene have few layouts, and each is asked for with every transform."""
    dtype, (columns, rows) = COMPONENT_TYPES[component], SHAPES[kind]
    size = rows * dtype.itemsize
    return Layout(dtype, columns, rows, size if columns == 1 else -(-size // 4) * 4, count)


def read(scene: Scene, index: int) -> Array:
    """The elements of an accessor: shape (count, components), stored type; matrices column by column.

    A view on the file where it can be, so read-only. Raises `BrokenData` where data and JSON disagree, and
    `SceneError`s for buffers that cannot be read. Meshopt-compressed views are decoded, once per scene.
    """
    if (known := scene.arrays.get(index)) is not None:
        return cast(Array, known)
    where = f"/accessors/{index}"
    accessors = scene.list_of("accessors")
    if not 0 <= index < len(accessors) or not isinstance(accessors[index], dict):
        raise BrokenData("UNRESOLVED_REFERENCE", where, "there is no such accessor")
    accessor: JsonObject = accessors[index]
    layout = layout_of(accessor, where)
    if layout.count > scene.limits.vertices:
        raise BrokenData("ACCESSOR_TOO_LARGE", where, f"{layout.count:,} elements are more than a scene may have")
    sparse = accessor.get("sparse")
    if "bufferView" in accessor:
        array = _strided(scene, accessor["bufferView"], accessor.get("byteOffset", 0), layout, where)
    else:
        array = _zeros(scene, layout, where)
    if isinstance(sparse, dict):
        return _with_sparse(scene, array if array.base is None else array.copy(), sparse, layout, where)
    if "bufferView" in accessor and layout.columns == 1:  # else numpy may have copied it
        scene.arrays[index] = array
    return array


def read_floats(scene: Scene, index: int) -> NDArray[np.float32]:
    """As `read`, as float32; normalised integers become 0..1 or −1..1 (glTF 2.0 §3.11)."""
    array = read(scene, index)
    if array.dtype.kind == "f":
        return np.asarray(array, dtype=np.float32)
    if not scene.list_of("accessors")[index].get("normalized", False):
        return array.astype(np.float32)
    top = float(np.iinfo(array.dtype).max)
    scaled: NDArray[np.float32] = np.maximum(array.astype(np.float32) / np.float32(top), np.float32(-1.0))
    return scaled


def span_of(scene: Scene, index: int) -> tuple[int, int, int]:
    """Where an accessor's elements lie: (buffer, offset in it, bytes from one to the next)."""
    accessor = scene.list_of("accessors")[index]
    view = scene.list_of("bufferViews")[accessor["bufferView"]]
    layout = layout_of(accessor, pointer("accessors", index))
    offset = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    return view["buffer"], offset, view.get("byteStride", layout.element_bytes)


def _zeros(scene: Scene, layout: Layout, where: str) -> Array:
    if layout.decoded_bytes > scene.limits.zero_bytes:
        raise BrokenData(
            "ACCESSOR_ZERO_BOMB", where, f"{layout.count:,} elements of zeros, which no byte of the file stands for"
        )
    return np.zeros((layout.count, layout.components), layout.dtype)


def _strided(scene: Scene, view: object, offset: object, layout: Layout, where: str) -> Array:
    views = scene.list_of("bufferViews")
    if not isinstance(view, int) or not 0 <= view < len(views) or not isinstance(views[view], dict):
        raise BrokenData("UNRESOLVED_REFERENCE", where, "bufferView leads nowhere")
    if not isinstance(offset, int) or offset < 0:
        raise BrokenData("TYPE_MISMATCH", where, "byteOffset is no size")
    stride = views[view].get("byteStride", layout.element_bytes)
    if not isinstance(stride, int) or stride < layout.element_bytes:
        raise BrokenData(
            "ACCESSOR_SMALL_BYTESTRIDE", where, f"byteStride is less than an element's {layout.element_bytes} bytes"
        )
    data = decoded_view(scene, view) if is_compressed(views[view]) else scene.view(view)
    end = layout.end(offset, stride)
    if end > len(data):
        raise BrokenData("ACCESSOR_TOO_LONG", where, f"it needs {end:,} bytes, its bufferView has {len(data):,}")
    return _elements(data, offset, stride, layout)


def _elements(data: memoryview, offset: int, stride: int, layout: Layout) -> Array:
    if layout.columns == 1:
        return np.ndarray((layout.count, layout.rows), layout.dtype, data, offset, (stride, layout.dtype.itemsize))
    array: Array = np.ndarray(
        (layout.count, layout.columns, layout.rows),
        layout.dtype,
        data,
        offset,
        (stride, layout.column_stride, layout.dtype.itemsize),
    )
    return array.reshape(layout.count, layout.components)


def _with_sparse(scene: Scene, result: Array, sparse: JsonObject, layout: Layout, where: str) -> Array:
    """`result`: the elements without those that `sparse` replaces, which are put there."""
    count, indices, values = sparse.get("count"), sparse.get("indices"), sparse.get("values")
    if not isinstance(count, int) or not isinstance(indices, dict) or not isinstance(values, dict):
        raise BrokenData("TYPE_MISMATCH", f"{where}/sparse", "count, indices or values is missing")
    if not 1 <= count <= layout.count:
        raise BrokenData(
            "ACCESSOR_SPARSE_COUNT_OUT_OF_RANGE", f"{where}/sparse", "it replaces more elements than there are"
        )
    index_layout = layout_of(
        {"componentType": indices.get("componentType"), "type": "SCALAR", "count": count}, f"{where}/sparse/indices"
    )
    if index_layout.dtype.kind != "u":
        raise BrokenData("ACCESSOR_UNKNOWN_TYPE", f"{where}/sparse/indices", "componentType is not unsigned")
    value_layout = Layout(layout.dtype, layout.columns, layout.rows, layout.column_stride, count)
    at = _strided(
        scene, indices.get("bufferView"), indices.get("byteOffset", 0), index_layout, f"{where}/sparse/indices"
    )[:, 0].astype(np.int64)
    new = _strided(scene, values.get("bufferView"), values.get("byteOffset", 0), value_layout, f"{where}/sparse/values")
    if np.any(np.diff(at) <= 0):
        raise BrokenData(
            "ACCESSOR_SPARSE_INDICES_NON_INCREASING", f"{where}/sparse/indices", "the indices do not increase"
        )
    if at[-1] >= layout.count:
        raise BrokenData("ACCESSOR_SPARSE_INDEX_OOB", f"{where}/sparse/indices", f"index {at[-1]:,} is out of range")
    result[at] = new
    return result
