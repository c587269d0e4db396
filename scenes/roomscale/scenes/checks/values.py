"""The numbers inside the buffers: finite, within their bounds, indices in range, vectors of unit length.

Rule: each accessor is decoded once, within the scene's budget; what cannot be decoded here (Draco, missing
files) was reported elsewhere or is another check's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roomscale.scenes.accessors import FLOAT, Array, layout_of, read
from roomscale.scenes.checks.skinning import check_skinning, check_weights
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData, SceneError
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

VEC3_TOLERANCE = 0.00674
VEC4_TOLERANCE = 0.00769
"""How far from 1 the length of a stored unit vector or quaternion may be, as in glTF-Validator."""
_ONLY_WHEN_READ = (
    "ACCESSOR_SPARSE_INDICES_NON_INCREASING",
    "ACCESSOR_SPARSE_INDEX_OOB",
    "MESHOPT_MALFORMED",
    "MESHOPT_BOMB",
)


@dataclass
class Decoded:
    """The accessors of a scene, decoded when they are asked for; those of few bytes in the file not kept, for each may
    be a million zeros."""

    scene: Scene
    findings: Findings
    left: int = 0
    _arrays: dict[int, Array | None] = field(default_factory=dict)
    _counted: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.left = self.scene.limits.decoded_bytes

    def get(self, index: int) -> Array | None:
        """The elements of an accessor, None where they cannot be had."""
        if index in self._arrays:
            return self._arrays[index]
        array = self._decode(index)
        if array is None or "sparse" not in self.scene.list_of("accessors")[index]:
            self._arrays[index] = array
        return array

    def unit_scaled(self, index: int) -> Array | None:
        """As `get`, with normalised integers brought to −1..1, as float64; None for other integers."""
        array, accessor = self.get(index), self.scene.list_of("accessors")[index]
        if array is None:
            return None
        if array.dtype.kind == "f":
            return array.astype(np.float64)
        if not accessor.get("normalized"):
            return None
        scaled: Array = np.maximum(array / float(np.iinfo(array.dtype).max), -1.0)
        return scaled

    def _decode(self, index: int) -> Array | None:
        accessor = self.scene.list_of("accessors")[index]
        if "bufferView" not in accessor and "sparse" not in accessor:
            return None  # zeros by definition, or what Draco or an application fills in
        try:
            if index not in self._counted:
                self._counted.add(index)
                self.left -= layout_of(accessor, "").decoded_bytes
            return read(self.scene, index) if self.left >= 0 else None
        except BrokenData as error:
            if error.code in _ONLY_WHEN_READ:
                self.findings.error(error.code, error.pointer, error.message)
        except SceneError:
            pass  # the resource behind it was reported where it stands
        return None


def check_values(scene: Scene, findings: Findings) -> None:
    """Check the contents of all accessors, then what each use of them asks for."""
    decoded = Decoded(scene, findings)
    for index, accessor in enumerate(scene.list_of("accessors")):
        array = decoded.get(index)
        if array is not None and _all_finite(array, pointer("accessors", index), findings):
            _check_bounds(array, accessor, pointer("accessors", index), findings)
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            where = pointer("meshes", number, "primitives", position)
            _check_indices(decoded, primitive, where)
            _check_vectors(decoded, primitive, where)
            _check_colors(decoded, primitive, where)
            check_weights(decoded, primitive, where)
    check_skinning(decoded)
    for number, animation in enumerate(scene.list_of("animations")):
        _check_times(decoded, animation, number)


def _all_finite(array: Array, where: str, findings: Findings) -> bool:
    if array.dtype.kind != "f":
        return True
    with np.errstate(invalid="ignore", over="ignore"):
        # One sum tells whether any number is not finite; it overflows only for numbers that are harmful anyway.
        if np.isfinite(array.sum(dtype=np.float64)):
            return True
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if not bad.size:
        return True
    findings.error(
        "ACCESSOR_INVALID_FLOAT", where, f"element {bad[0]:,} is no finite number ({bad.size:,} such elements)"
    )
    return False


def _check_bounds(array: Array, accessor: JsonObject, where: str, findings: Findings) -> None:
    for key, actual in (("min", array.min), ("max", array.max)):
        declared = accessor.get(key)
        if declared is None or len(declared) != array.shape[1]:
            continue
        true = actual(axis=0)
        for component, (told, value) in enumerate(zip(declared, true, strict=True)):
            if _rounded(told, accessor) != value:
                findings.error(
                    f"ACCESSOR_{key.upper()}_MISMATCH",
                    f"{where}/{key}/{component}",
                    f"it says {told:.7g}, the data say {value:.7g}",
                    mendable=True,
                )


def _rounded(value: float, accessor: JsonObject) -> float:
    """Bounds are written in decimals, and compared at the precision of the data."""
    with np.errstate(over="ignore"):
        return float(np.float32(value)) if accessor["componentType"] == FLOAT else value


def _check_indices(decoded: Decoded, primitive: JsonObject, where: str) -> None:
    if "indices" not in primitive or "KHR_draco_mesh_compression" in primitive.get("extensions", {}):
        return
    array = decoded.get(primitive["indices"])
    accessors = decoded.scene.list_of("accessors")
    vertices = min((accessors[index]["count"] for index in primitive["attributes"].values()), default=None)
    if array is None or array.dtype.kind != "u" or vertices is None:
        return
    top = int(array.max())
    if top == np.iinfo(array.dtype).max:
        decoded.findings.error(
            "ACCESSOR_INDEX_PRIMITIVE_RESTART",
            f"{where}/indices",
            f"{top:,} stands for a restart, which is not allowed",
        )
    elif top >= vertices:
        decoded.findings.error(
            "ACCESSOR_INDEX_OOB", f"{where}/indices", f"index {top:,} is out of range: there are {vertices:,} vertices"
        )


def non_unit(vectors: Array, tolerance: float) -> Array:
    """The positions of vectors (rows) whose length is not 1 within the tolerance."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.flatnonzero(~(np.abs(lengths - 1.0) <= tolerance))


def _check_vectors(decoded: Decoded, primitive: JsonObject, where: str) -> None:
    accessors = decoded.scene.list_of("accessors")
    for name in ("NORMAL", "TANGENT"):
        index = primitive["attributes"].get(name)
        if index is None or "bufferView" not in accessors[index]:
            continue
        vectors = decoded.unit_scaled(index)
        if vectors is None or vectors.shape[1] < 3:
            continue
        here = f"{where}/attributes/{name}"
        bad = non_unit(vectors[:, :3], VEC3_TOLERANCE)
        if bad.size:
            decoded.findings.error(
                "ACCESSOR_VECTOR3_NON_UNIT",
                here,
                f"vector {bad[0]:,} has not the length 1 ({bad.size:,} such vectors)",
                mendable=True,
            )
        if name == "TANGENT" and vectors.shape[1] == 4:
            signs = np.flatnonzero(np.abs(vectors[:, 3]) != 1.0)
            if signs.size:
                decoded.findings.error(
                    "ACCESSOR_INVALID_SIGN",
                    here,
                    f"w of vector {signs[0]:,} is neither 1 nor −1 ({signs.size:,} such vectors)",
                    mendable=True,
                )


def _check_colors(decoded: Decoded, primitive: JsonObject, where: str) -> None:
    index = primitive["attributes"].get("COLOR_0")
    colors = None if index is None else decoded.get(index)
    if colors is None or colors.dtype.kind != "f":
        return
    bad = np.flatnonzero(((colors < 0.0) | (colors > 1.0)).any(axis=1))
    if bad.size:
        decoded.findings.error(
            "ACCESSOR_NON_CLAMPED",
            f"{where}/attributes/COLOR_0",
            f"color {bad[0]:,} is not within 0 to 1 ({bad.size:,} such colors)",
        )


def _check_times(decoded: Decoded, animation: JsonObject, number: int) -> None:
    rotations = {channel["sampler"] for channel in animation["channels"] if channel["target"].get("path") == "rotation"}
    for position, sampler in enumerate(animation["samplers"]):
        where = pointer("animations", number, "samplers", position)
        times = decoded.get(sampler["input"])
        if times is not None and times.shape[1] == 1 and times.dtype.kind == "f":
            if times[0, 0] < 0.0:
                decoded.findings.error("ACCESSOR_ANIMATION_INPUT_NEGATIVE", f"{where}/input", "it begins before 0")
            backward = np.flatnonzero(np.diff(times[:, 0]) <= 0.0)
            if backward.size:
                decoded.findings.error(
                    "ACCESSOR_ANIMATION_INPUT_NON_INCREASING",
                    f"{where}/input",
                    f"time {backward[0] + 1:,} is not after the one before it",
                )
        if position in rotations:
            is_spline = sampler.get("interpolation") == "CUBICSPLINE"
            _check_quaternions(decoded, sampler["output"], f"{where}/output", is_spline=is_spline)


def _check_quaternions(decoded: Decoded, index: int, where: str, *, is_spline: bool) -> None:
    vectors = decoded.unit_scaled(index)
    if vectors is None or vectors.shape[1] != 4:
        return
    bad = non_unit(vectors[1::3] if is_spline else vectors, VEC4_TOLERANCE)  # of a spline the tangents stand around it
    if bad.size:
        decoded.findings.error(
            "ACCESSOR_ANIMATION_SAMPLER_OUTPUT_ACCESSOR_NON_NORMALIZED_QUATERNION",
            where,
            f"quaternion {bad[0]:,} has not the length 1 ({bad.size:,} such quaternions)",
            mendable=not is_spline,
        )
