"""Puts right the numbers inside buffers: vectors of unit length, and the bounds that accessors declare.

Rule: only plain float data are rewritten, in copies of their buffers; what is compressed, sparse or quantised stays.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roomscale.scenes import jsonio
from roomscale.scenes.accessors import FLOAT, Array, span_of
from roomscale.scenes.checks.decoded import Decoded
from roomscale.scenes.checks.values import VEC3_TOLERANCE, VEC4_TOLERANCE, non_unit
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

SHORTEST = 1e-6  # a vector shorter than this has no direction to keep
UP = (0.0, 1.0, 0.0)
WIDTHS = {"NORMAL": 3, "TANGENT": 4, "rotation": 4}  # numbers in one element
TRIANGLES = 4  # `mode` of a primitive


def mend_vectors(scene: Scene, notes: Findings) -> Scene:
    """Bring normals, tangents and animated quaternions to length 1, where they are plain floats."""
    decoded, writer, done = Decoded(scene, Findings()), _Writer(scene), set[int]()
    for kind, index, where, primitive in _uses(scene):
        if index in done or not _is_plain(scene, index):
            continue
        done.add(index)
        array = decoded.get(index)
        if array is None or array.shape[1] != WIDTHS[kind] or not np.isfinite(array).all():
            continue
        positions = _bad(kind, array.astype(np.float64))
        repaired = _repaired(
            kind, array[positions].astype(np.float64), _directions(kind, positions, primitive, decoded)
        )
        if positions.size and not np.array_equal(repaired.astype("<f4"), array[positions]):
            writer.write(index, positions, repaired.astype("<f4"))
            notes.info(
                "MENDED_VECTOR",
                where,
                f"{positions.size:,} vector(s) were brought to length 1, the first at {positions[0]:,}",
            )
    return writer.result()


def mend_bounds(scene: Scene, notes: Findings) -> Scene:
    """Write the true min and max where an accessor declares others, or none though they are asked for."""
    decoded, asked = Decoded(scene, Findings()), _bounds_asked_for(scene)
    changes: dict[int, dict[str, list[float]]] = {}
    for index, accessor in enumerate(scene.list_of("accessors")):
        if "min" not in accessor and "max" not in accessor and index not in asked:
            continue
        array = decoded.get(index)
        if array is None or not np.isfinite(array).all():
            continue
        true = {"min": array.min(axis=0), "max": array.max(axis=0)}
        for key, values in true.items():
            told = accessor.get(key)
            if (told is None and index in asked) or (told is not None and not _same(told, values, array)):
                changes.setdefault(index, {})[key] = [value.item() for value in values]
    if not changes:
        return scene
    json = jsonio.copy(scene.json)
    for index, bounds in changes.items():
        json["accessors"][index].update(bounds)
        notes.info("MENDED_BOUNDS", pointer("accessors", index), f"{' and '.join(bounds)} are those of the data now")
    return scene.changed(json)


def _bounds_asked_for(scene: Scene) -> set[int]:
    """Accessors of positions and of animation times (glTF 2.0 §3.6.2.5)."""
    asked = {
        index
        for mesh in scene.list_of("meshes")
        for primitive in mesh["primitives"]
        for attributes in (primitive["attributes"], *primitive.get("targets", ()))
        if (index := attributes.get("POSITION")) is not None
    }
    return asked | {sampler["input"] for animation in scene.list_of("animations") for sampler in animation["samplers"]}


def _same(told: list[float], true: Array, array: Array) -> bool:
    if len(told) != len(true):
        return False
    with np.errstate(over="ignore"):
        return bool(np.array_equal(np.asarray(told).astype(array.dtype), true))


def _uses(scene: Scene) -> Iterator[tuple[str, int, str, JsonObject]]:
    """Each accessor that holds unit vectors: its kind, its index, where it is used, the primitive ({} for none)."""
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            for name in ("NORMAL", "TANGENT"):
                if name in primitive["attributes"]:
                    where = pointer("meshes", number, "primitives", position, "attributes", name)
                    yield name, primitive["attributes"][name], where, primitive
    for number, animation in enumerate(scene.list_of("animations")):
        turning = {c["sampler"] for c in animation["channels"] if c["target"].get("path") == "rotation"}
        for position, sampler in enumerate(animation["samplers"]):
            if position in turning and sampler.get("interpolation") != "CUBICSPLINE":
                yield "rotation", sampler["output"], pointer("animations", number, "samplers", position, "output"), {}


def _is_plain(scene: Scene, index: int) -> bool:
    accessor: JsonObject = scene.list_of("accessors")[index]
    if accessor["componentType"] != FLOAT or "sparse" in accessor or "bufferView" not in accessor:
        return False
    return not is_compressed(scene.list_of("bufferViews")[accessor["bufferView"]])


def _bad(kind: str, vectors: Array) -> Array:
    """The positions of vectors that are not of length 1, or whose sign is none."""
    if kind == "rotation":
        return non_unit(vectors, VEC4_TOLERANCE)
    bad = non_unit(vectors[:, :3], VEC3_TOLERANCE)
    if kind == "TANGENT":
        return np.union1d(bad, np.flatnonzero(np.abs(vectors[:, 3]) != 1.0))
    return bad


def _repaired(kind: str, vectors: Array, directions: Array | None) -> Array:
    """`vectors` at length 1; those without a direction take theirs from `directions`, or stay if there is none."""
    width = 4 if kind == "rotation" else 3
    fresh = vectors.copy()
    lengths = np.linalg.norm(fresh[:, :width], axis=1)
    short = lengths < SHORTEST
    fresh[~short, :width] /= lengths[~short, None]
    if directions is not None:
        fresh[short, :width] = directions[short]
    if kind == "TANGENT":
        fresh[:, 3] = np.where(fresh[:, 3] < 0.0, -1.0, 1.0)
    return fresh


def _directions(kind: str, positions: Array, primitive: JsonObject, decoded: Decoded) -> Array | None:
    """Where the vectors at `positions` must point, from the geometry: normals off their faces, tangents along them.

    A quaternion of zeros could stand for any turn, so there is none for those.
    """
    if kind == "rotation":
        return None
    if kind == "NORMAL":
        return _face_normals(primitive, decoded, positions)
    normals = _triples(primitive, decoded, "NORMAL")
    if normals is None or (positions.size and positions.max() >= len(normals)):
        normals = np.tile(UP, (int(positions.max(initial=0)) + 1, 1))
    chosen = normals[positions].astype(np.float64)
    # Any direction in the surface serves; the axis least along the normal gives one that is never zero.
    axes = np.eye(3)[np.argmin(np.abs(chosen), axis=1)]
    return _unit(np.cross(chosen, axes))


def _face_normals(primitive: JsonObject, decoded: Decoded, positions: Array) -> Array:
    """For each vertex in `positions` the normal of its faces, weighted by area; up where it has none."""
    points = _triples(primitive, decoded, "POSITION")
    sums = np.zeros((int(positions.max(initial=0)) + 1 if points is None else len(points), 3))
    corners = _corners(primitive, decoded, len(sums))
    if points is not None and corners.size and positions.max(initial=0) < len(points):
        touched = corners[np.isin(corners, positions).any(axis=1)]
        a, b, c = (points[touched[:, corner]].astype(np.float64) for corner in range(3))
        for corner in range(3):
            np.add.at(sums, touched[:, corner], np.cross(b - a, c - a))
    else:
        sums = np.zeros((int(positions.max(initial=0)) + 1, 3))
    return _unit(sums[positions])


def _triples(primitive: JsonObject, decoded: Decoded, name: str) -> Array | None:
    """An attribute of three finite numbers, None where it is something else."""
    index = primitive["attributes"].get(name)
    array = decoded.get(index) if index is not None else None
    return array if array is not None and array.shape[1] == 3 and np.isfinite(array).all() else None


def _corners(primitive: JsonObject, decoded: Decoded, vertices: int) -> Array:
    """The triangles of a primitive as vertex indices, shape (n, 3); none where they cannot be told."""
    none = np.empty((0, 3), np.int64)
    if primitive.get("mode", TRIANGLES) != TRIANGLES:
        return none
    if "indices" in primitive:
        indices = decoded.get(primitive["indices"])
        if indices is None or indices.dtype.kind != "u" or indices.max() >= vertices:
            return none
        flat = indices[:, 0].astype(np.int64)
    else:
        flat = np.arange(vertices)
    return flat[: len(flat) // 3 * 3].reshape(-1, 3)


def _unit(vectors: Array) -> Array:
    """Vectors at length 1; those of zeros point up."""
    lengths = np.linalg.norm(vectors, axis=1)
    result = np.tile(UP, (len(vectors), 1))
    result[lengths > 0.0] = vectors[lengths > 0.0] / lengths[lengths > 0.0, None]
    return result


class _Writer:
    """Writes elements of accessors into copies of the buffers they lie in."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._buffers: dict[int, bytearray] = {}

    def write(self, index: int, positions: Array, values: Array) -> None:
        """Replace the elements at `positions` of accessor `index`."""
        number, offset, stride = span_of(self._scene, index)
        if number not in self._buffers:
            self._buffers[number] = bytearray(self._scene.buffer(number))
        target = self._buffers[number]
        packed = np.ascontiguousarray(values)
        for position, value in zip(positions.tolist(), packed, strict=True):
            start = offset + stride * position
            target[start : start + value.nbytes] = value.tobytes()

    def result(self) -> Scene:
        """The scene with what was written."""
        if not self._buffers:
            return self._scene
        return self._scene.changed(buffers={number: bytes(data) for number, data in self._buffers.items()})
