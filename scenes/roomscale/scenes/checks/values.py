"""The numbers inside the buffers: finite, within their bounds, indices in range, vectors of unit length.

Rule: what cannot be decoded here (Draco, missing files) was reported elsewhere or is another check's. Small accessors
are looked at together, and one by one only where something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from roomscale.scenes.accessors import FLOAT, Array
from roomscale.scenes.batches import MOST_BYTES, Starts, all_well, are_bounds, are_finite, are_increasing
from roomscale.scenes.checks.decoded import Decoded
from roomscale.scenes.checks.skinning import check_skinning, check_weights
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings
from roomscale.scenes.jsonio import JsonObject

VEC3_TOLERANCE = 0.00674
VEC4_TOLERANCE = 0.00769
"""How far from 1 the length of a stored unit vector or quaternion may be, as in glTF-Validator."""
_SMALL = 16_384
"""Elements of accessors that are looked at together: an array of more is work enough by itself."""


def check_values(scene: Scene, findings: Findings) -> None:
    """Check the contents of all accessors, then what each use of them asks for."""
    decoded = Decoded(scene, findings)
    for run in _runs(decoded):
        for index, array in run if len(run) == 1 else _doubtful(run, scene):
            if _all_finite(array, f"/accessors/{index}", findings):
                _check_bounds(array, scene.list_of("accessors")[index], f"/accessors/{index}", findings)
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            where = f"/meshes/{number}/primitives/{position}"
            _check_indices(decoded, primitive, where)
            _check_vectors(decoded, primitive, where)
            _check_colors(decoded, primitive, where)
            check_weights(decoded, primitive, where)
    check_skinning(decoded)
    for number, animation in enumerate(scene.list_of("animations")):
        _check_animation(decoded, animation, number)


def _runs(decoded: Decoded) -> Iterator[list[tuple[int, Array]]]:
    """All accessors that can be had, small ones that follow one another together."""
    run: list[tuple[int, Array]] = []
    left = MOST_BYTES
    for index, accessor in enumerate(decoded.scene.list_of("accessors")):
        is_small = _is_small(decoded.scene, accessor)
        if run and not (is_small and left > 0):
            yield run
            run, left = [], MOST_BYTES
        if (array := decoded.get(index)) is not None:
            run.append((index, array))
            left -= array.nbytes if is_small else MOST_BYTES
    if run:
        yield run


def _is_small(scene: Scene, accessor: JsonObject) -> bool:
    """Whether an accessor has few elements, and nothing can be found wrong with it as it is decoded."""
    if accessor["count"] > _SMALL or "sparse" in accessor or "bufferView" not in accessor:
        return False
    return not is_compressed(scene.list_of("bufferViews")[accessor["bufferView"]])


def _doubtful(run: list[tuple[int, Array]], scene: Scene) -> list[tuple[int, Array]]:
    """Of accessors those that must be looked at one by one: none of floats, where all is well with them."""
    floats: dict[int, list[tuple[int, Array]]] = {}
    for index, array in run:
        if array.dtype.kind == "f":
            floats.setdefault(array.shape[1], []).append((index, array))
    if all(_are_well(pairs, scene.list_of("accessors")) for pairs in floats.values()):
        return [(index, array) for index, array in run if array.dtype.kind != "f"]
    return run


def _are_well(pairs: list[tuple[int, Array]], accessors: list[Any]) -> bool:
    """Whether accessors of floats, as wide as one another, are finite and within their bounds."""
    if not all_well((array for _, array in pairs), are_finite):
        return False
    for key, reduce in (("min", np.minimum), ("max", np.maximum)):
        bounded = [pair for pair in pairs if len(accessors[pair[0]].get(key, ())) == pair[1].shape[1]]
        told = [accessors[index][key] for index, _ in bounded]
        if bounded and not are_bounds(told, [array for _, array in bounded], reduce):
            return False
    return True


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


def _check_animation(decoded: Decoded, animation: JsonObject, number: int) -> None:
    samplers = animation["samplers"]
    rotations = {channel["sampler"] for channel in animation["channels"] if channel["target"].get("path") == "rotation"}
    turning = [sampler for position, sampler in enumerate(samplers) if position in rotations]
    times = _times_of(decoded, {sampler["input"] for sampler in samplers})
    if all_well(times, _are_well_timed) and all_well(_quaternions_of(decoded, turning), _are_unit):
        return
    for position, sampler in enumerate(samplers):
        where = f"/animations/{number}/samplers/{position}"
        for array in _times_of(decoded, [sampler["input"]]):
            _check_times(array, f"{where}/input", decoded.findings)
        if position in rotations:
            for vectors in _quaternions_of(decoded, [sampler]):
                is_spline = sampler.get("interpolation") == "CUBICSPLINE"
                _check_quaternions(vectors, f"{where}/output", decoded.findings, is_spline=is_spline)


def _times_of(decoded: Decoded, accessors: Iterable[int]) -> Iterator[Array]:
    """The times that are scalars of floats, as they must be."""
    for index in accessors:
        times = decoded.get(index)
        if times is not None and times.shape[1] == 1 and times.dtype.kind == "f":
            yield times


def _are_well_timed(times: Array, starts: Starts) -> bool:
    return bool((times[starts, 0] >= 0.0).all()) and are_increasing(times, starts)


def _check_times(times: Array, where: str, findings: Findings) -> None:
    if times[0, 0] < 0.0:
        findings.error("ACCESSOR_ANIMATION_INPUT_NEGATIVE", where, "it begins before 0")
    backward = np.flatnonzero(np.diff(times[:, 0]) <= 0.0)
    if backward.size:
        findings.error(
            "ACCESSOR_ANIMATION_INPUT_NON_INCREASING", where, f"time {backward[0] + 1:,} is not after the one before it"
        )


def _quaternions_of(decoded: Decoded, samplers: Iterable[JsonObject]) -> Iterator[Array]:
    """The rotations that samplers lead to; of a spline the tangents stand around each."""
    for sampler in samplers:
        vectors = decoded.get(sampler["output"])
        if vectors is not None and vectors.dtype.kind != "f":
            vectors = decoded.unit_scaled(sampler["output"])
        if vectors is not None and vectors.shape[1] == 4:
            yield vectors[1::3] if sampler.get("interpolation") == "CUBICSPLINE" else vectors


def _are_unit(vectors: Array, _starts: Starts) -> bool:
    return not non_unit(vectors.astype(np.float64), VEC4_TOLERANCE).size


def _check_quaternions(vectors: Array, where: str, findings: Findings, *, is_spline: bool) -> None:
    bad = non_unit(vectors.astype(np.float64), VEC4_TOLERANCE)
    if bad.size:
        findings.error(
            "ACCESSOR_ANIMATION_SAMPLER_OUTPUT_ACCESSOR_NON_NORMALIZED_QUATERNION",
            where,
            f"quaternion {bad[0]:,} has not the length 1 ({bad.size:,} such quaternions)",
            mendable=not is_spline,
        )
