"""Sparse accessors (glTF 2.0 §3.6.2.3): made dense, so that other transforms see numbers; made sparse where shorter.

    scene = dense(scene)
    scene = sparse(scene)                    # plain, for an entry
    scene = sparse(scene, compressed=True)   # by EXT_meshopt_compression, for all else

Rule: no number changes. Only morph targets become sparse, most of which leave most vertices alone; all else compresses
well as it is. What is sparse in compressed form stays as it is, so that what was packed passes through.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array, layout_of, read
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft, component_type
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.meshopt import encode_indices, encode_vertices
from roomscale.scenes.transforms import accessor_roles as roles
from roomscale.scenes.transforms.declare import require_extension
from roomscale.scenes.transforms.filters import encode

DENSE_BYTES = 16 << 20
"""All that is made dense takes no more than the scene's own bytes, and so many more: few bytes can say that there are a
million zeros."""
_JSON_BYTES = 250
"""Of `sparse` in an accessor, its parts among it."""
_ZEROS_TAKE = 1 / 64
"""Of their bytes: what meshopt leaves of zeros (2 bits for 16 of them)."""
_INDEX_TAKES = 1.5
"""Bytes that meshopt leaves of an index."""
_LEAST_VIEW = 300
"""Bytes of JSON that the two views of compressed indices and values take."""

Rows = NDArray[np.intp]


def dense(scene: Scene) -> Scene:
    """The scene with plain accessors instead of sparse ones, where they have one purpose. Raises `BrokenData`."""
    if not any("sparse" in accessor for accessor in scene.list_of("accessors")):
        return scene
    draft = Draft(scene, touching=())
    left = DENSE_BYTES + sum(buffer["byteLength"] for buffer in scene.list_of("buffers"))
    for index, role in roles.accessor_roles(draft.json, draft.survey()).items():
        accessor = draft.json["accessors"][index]
        if "sparse" not in accessor or "extensions" in accessor or _is_compressed(draft.json, accessor):
            continue
        left -= layout_of(accessor, pointer("accessors", index)).decoded_bytes
        if left < 0:
            break
        draft.replace_accessor(
            index,
            read(scene, index),
            normalized=bool(accessor.get("normalized", False)),
            bounds="min" in accessor,
            target=_target(role),
        )
    return draft.finish()


def _target(role: str) -> int | None:
    if role in (roles.TRIANGLE_INDICES, roles.INDICES):
        return ELEMENT_ARRAY_BUFFER
    return ARRAY_BUFFER if roles.is_vertex_role(role) else None


def _is_compressed(json: JsonObject, accessor: JsonObject) -> bool:
    """Whether meshopt compressed what an accessor, sparse or not, is made of."""
    parts = [accessor, *(accessor.get("sparse", {}).get(key, {}) for key in ("indices", "values"))]
    return any("bufferView" in part and is_compressed(json["bufferViews"][part["bufferView"]]) for part in parts)


@dataclass
class _Few:
    """The few elements that accessors of one role hold. `places`: accessor → where its own begin in all of them."""

    indices: list[Rows] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)

    def add(self, index: int, rows: Rows, values: Array) -> None:
        """Put an accessor's elements at the end."""
        self.places[index] = sum(map(len, self.indices))
        self.indices.append(rows)
        self.values.append(values)


def sparse(scene: Scene, *, compressed: bool = False) -> Scene:
    """The scene with those morph targets sparse that are shorter so.

    `compressed`: compared with what meshopt makes of them, and compressed by it. Raises `BrokenData`.
    """
    if not any("targets" in primitive for mesh in scene.list_of("meshes") for primitive in mesh["primitives"]):
        return scene
    draft = Draft(scene, touching=())
    found: dict[str, _Few] = {}
    for index, role in roles.accessor_roles(draft.json, draft.survey()).items():
        accessor = draft.json["accessors"][index]
        if not role.startswith(roles.TARGET) or "sparse" in accessor or "extensions" in accessor:
            continue
        if "bufferView" not in accessor or _is_compressed(draft.json, accessor):
            continue
        array = read(scene, index)
        rows = _told(array)
        if array.dtype == np.float32 and len(rows) and _is_shorter(array, len(rows), compressed=compressed):
            found.setdefault(role, _Few()).add(index, rows, array[rows])
    written = [_write(draft, few, role, compressed=compressed) for role, few in found.items()]
    return draft.finish() if any(written) else scene


def _told(array: Array) -> Rows:
    """The elements that are not all zeros; −0 is none."""
    return np.flatnonzero(np.any(array.view(np.uint32) != 0, axis=1))


def _is_shorter(array: Array, rows: int, *, compressed: bool) -> bool:
    element: int = array.shape[1] * array.itemsize
    if compressed:
        return rows * _INDEX_TAKES + _JSON_BYTES < (len(array) - rows) * element * _ZEROS_TAKE
    return rows * (_index_type(len(array)).itemsize + element) + _JSON_BYTES < len(array) * element


def _index_type(count: int) -> np.dtype[np.unsignedinteger]:
    return np.dtype(np.uint16 if count <= 1 << 16 else np.uint32)


def _write(draft: Draft, few: _Few, role: str, *, compressed: bool) -> bool:
    """Make the views of indices and values, and point the accessors at them; whether they are worth it."""
    draft.own(("accessors",))
    accessors = draft.json["accessors"]
    kind = _index_type(max(accessors[index]["count"] for index in few.places))
    indices = np.concatenate(few.indices).astype(kind)
    values = np.ascontiguousarray(np.concatenate(few.values))
    if compressed:
        encoded = encode(values, role)
        if encoded is None:
            return False
        data = encode_indices(indices), encode_vertices(encoded.rows)
        if sum(map(len, data)) + _LEAST_VIEW >= indices.nbytes + values.nbytes:
            return False
        where = [
            draft.add_compressed_view(data[0], count=len(indices), stride=kind.itemsize, mode="INDICES"),
            draft.add_compressed_view(
                data[1], count=len(values), stride=encoded.stride, mode=encoded.mode, filter_name=encoded.filter
            ),
        ]
        require_extension(draft.json, MESHOPT_EXTENSIONS[0])
    else:
        where = [draft.add_view(indices.tobytes()), draft.add_view(values.tobytes())]
    for (index, start), rows in zip(few.places.items(), few.indices, strict=True):
        sizes = kind.itemsize, values[0].nbytes
        parts = [
            {"bufferView": view} | ({"byteOffset": start * size} if start else {})
            for view, size in zip(where, sizes, strict=True)
        ]
        told = {"count": len(rows), "indices": parts[0] | {"componentType": component_type(indices)}}
        told["values"] = parts[1]
        old = accessors[index]
        accessors[index] = {key: value for key, value in old.items() if key not in ("bufferView", "byteOffset")}
        accessors[index]["sparse"] = told
    return True
