"""Puts right the numbers inside buffers: vectors of unit length, and the bounds that accessors declare.

Rule: only plain float data are rewritten, in copies of their buffers; what is compressed, sparse or quantised stays.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roomscale.scenes import jsonio
from roomscale.scenes.accessors import FLOAT, Array, is_compressed, span_of
from roomscale.scenes.checks.values import VEC3_TOLERANCE, VEC4_TOLERANCE, Decoded, non_unit
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

SHORTEST = 1e-6  # a vector shorter than this has no direction to keep
UP = (0.0, 1.0, 0.0)
IDENTITY = (0.0, 0.0, 0.0, 1.0)


def mend_vectors(scene: Scene, notes: Findings) -> Scene:
    """Bring normals, tangents and animated quaternions to length 1, where they are plain floats."""
    decoded, writer, done = Decoded(scene, Findings()), _Writer(scene), set[int]()
    for kind, index, where in _uses(scene):
        if index in done or not _is_plain(scene, index):
            continue
        done.add(index)
        array = decoded.get(index)
        if array is None or not np.isfinite(array).all():
            continue
        positions, repaired = _repaired(kind, array.astype(np.float64))
        if positions.size:
            writer.write(index, positions, repaired.astype("<f4"))
            notes.info(
                "MENDED_VECTOR",
                where,
                f"{positions.size:,} vector(s) were brought to length 1, the first at {positions[0]:,}",
            )
    return writer.result()


def mend_bounds(scene: Scene, notes: Findings) -> Scene:
    """Write the true min and max where an accessor declares others."""
    decoded = Decoded(scene, Findings())
    changes: dict[int, dict[str, list[float]]] = {}
    for index, accessor in enumerate(scene.list_of("accessors")):
        if "min" not in accessor and "max" not in accessor:
            continue
        array = decoded.get(index)
        if array is None or not np.isfinite(array).all():
            continue
        true = {"min": array.min(axis=0), "max": array.max(axis=0)}
        for key, values in true.items():
            told = accessor.get(key)
            if told is not None and not _same(told, values, array):
                changes.setdefault(index, {})[key] = [value.item() for value in values]
    if not changes:
        return scene
    json = jsonio.copy(scene.json)
    for index, bounds in changes.items():
        json["accessors"][index].update(bounds)
        notes.info("MENDED_BOUNDS", pointer("accessors", index), f"{' and '.join(bounds)} are those of the data now")
    return scene.changed(json)


def _same(told: list[float], true: Array, array: Array) -> bool:
    if len(told) != len(true):
        return False
    with np.errstate(over="ignore"):
        return bool(np.array_equal(np.asarray(told).astype(array.dtype), true))


def _uses(scene: Scene) -> Iterator[tuple[str, int, str]]:
    """Each accessor that holds unit vectors: its kind, its index, where it is used."""
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            for name in ("NORMAL", "TANGENT"):
                if name in primitive["attributes"]:
                    where = pointer("meshes", number, "primitives", position, "attributes", name)
                    yield name, primitive["attributes"][name], where
    for number, animation in enumerate(scene.list_of("animations")):
        for position in {c["sampler"] for c in animation["channels"] if c["target"].get("path") == "rotation"}:
            sampler = animation["samplers"][position]
            if sampler.get("interpolation") != "CUBICSPLINE":
                yield "rotation", sampler["output"], pointer("animations", number, "samplers", position, "output")


def _is_plain(scene: Scene, index: int) -> bool:
    accessor: JsonObject = scene.list_of("accessors")[index]
    if accessor["componentType"] != FLOAT or "sparse" in accessor or "bufferView" not in accessor:
        return False
    return not is_compressed(scene.list_of("bufferViews")[accessor["bufferView"]])


def _repaired(kind: str, vectors: Array) -> tuple[Array, Array]:
    """The positions of vectors that are not of length 1, and what stands there instead."""
    width = 4 if kind == "rotation" else 3
    tolerance = VEC4_TOLERANCE if kind == "rotation" else VEC3_TOLERANCE
    bad = non_unit(vectors[:, :width], tolerance)
    if kind == "TANGENT" and vectors.shape[1] == 4:
        bad = np.union1d(bad, np.flatnonzero(np.abs(vectors[:, 3]) != 1.0))
    fresh = vectors[bad].copy()
    lengths = np.linalg.norm(fresh[:, :width], axis=1)
    short = lengths < SHORTEST
    fresh[~short, :width] /= lengths[~short, None]
    fresh[short, :width] = IDENTITY if kind == "rotation" else UP
    if kind == "TANGENT" and fresh.shape[1] == 4:
        fresh[:, 3] = np.where(fresh[:, 3] < 0.0, -1.0, 1.0)
    return bad, fresh


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
