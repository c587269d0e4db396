"""What a skin does to vertices: joints that are there, weights that add up, matrices that are affine.

Rule: contents only, as `values` decoded them; formats and counts were looked at in `meshes`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from roomscale.scenes.accessors import Array
from roomscale.scenes.checks.decoded import Decoded
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

WEIGHT_TOLERANCE = 8e-3
_LAST_ROW = (3, 7, 11, 15)
"""Where the last row of a matrix lies in 16 numbers, column by column; it is 0 0 0 1."""


def check_weights(decoded: Decoded, primitive: JsonObject, where: str) -> None:
    """Weights of a vertex add up to 1 over all sets; renderers differ in what they make of others."""
    total: Any = None
    for number in range(len(primitive["attributes"])):
        index = primitive["attributes"].get(f"WEIGHTS_{number}")
        if index is None:
            break
        weights = decoded.unit_scaled(index)
        if weights is None or (total is not None and len(weights) != len(total)):
            return  # of which `meshes` tells
        if np.any(weights < 0.0):
            decoded.findings.warn(
                "ACCESSOR_WEIGHTS_NEGATIVE", f"{where}/attributes/WEIGHTS_{number}", "a weight is negative"
            )
        total = weights.sum(axis=1) if total is None else total + weights.sum(axis=1)
    if total is None:
        return
    bad = np.flatnonzero(~(np.abs(total - 1.0) <= WEIGHT_TOLERANCE))
    if bad.size:
        decoded.findings.warn(
            "ACCESSOR_WEIGHTS_NON_NORMALIZED",
            f"{where}/attributes/WEIGHTS_0",
            f"the weights of vertex {bad[0]:,} add up to {total[bad[0]]:.4g} ({bad.size:,} such vertices)",
        )


def check_skinning(decoded: Decoded) -> None:
    """Check the joints of every mesh against every skin that it wears, and the skins' matrices."""
    scene, seen = decoded.scene, set()
    for node in scene.list_of("nodes"):
        if "skin" not in node or "mesh" not in node or (node["mesh"], node["skin"]) in seen:
            continue
        seen.add((node["mesh"], node["skin"]))
        joints = len(scene.list_of("skins")[node["skin"]]["joints"])
        for position, primitive in enumerate(scene.list_of("meshes")[node["mesh"]]["primitives"]):
            _check_joints(decoded, primitive, joints, pointer("meshes", node["mesh"], "primitives", position))
    for number, skin in enumerate(scene.list_of("skins")):
        if "inverseBindMatrices" in skin:
            where = pointer("skins", number, "inverseBindMatrices")
            _check_matrices(decoded.get(skin["inverseBindMatrices"]), where, decoded.findings)


def influences(decoded: Decoded, primitive: JsonObject) -> list[tuple[Array, Array]] | None:
    """The joints and weights of each set; None where some cannot be had."""
    sets: list[tuple[Array, Array]] = []
    for number in range(len(primitive["attributes"])):
        name = f"JOINTS_{number}"
        if name not in primitive["attributes"]:
            break
        joints = decoded.get(primitive["attributes"][name])
        other = primitive["attributes"].get(f"WEIGHTS_{number}")
        weights = None if other is None else decoded.unit_scaled(other)
        if joints is None or weights is None or joints.shape != weights.shape or joints.shape[1] != 4:
            return None
        if sets and len(sets[0][0]) != len(joints):
            return None
        sets.append((joints, weights))
    return sets


def _check_joints(decoded: Decoded, primitive: JsonObject, joints: int, where: str) -> None:
    """A joint index past the skin's joints reads foreign memory on the GPU, or crashes a viewer."""
    for number in range(len(primitive["attributes"])):
        index = primitive["attributes"].get(f"JOINTS_{number}")
        if index is None:
            break
        array = decoded.get(index)
        if array is not None and int(array.max()) >= joints:
            decoded.findings.error(
                "ACCESSOR_JOINTS_INDEX_OOB",
                f"{where}/attributes/JOINTS_{number}",
                f"joint {int(array.max())} is out of range: the skin has {joints}",
            )
            return
    sets = influences(decoded, primitive)
    if sets and (twice := _named_twice(sets)).size:
        decoded.findings.error(
            "ACCESSOR_JOINTS_INDEX_DUPLICATE",
            f"{where}/attributes/JOINTS_0",
            f"vertex {twice[0]:,} names a joint twice ({twice.size:,} such vertices)",
        )


def _named_twice(sets: list[tuple[Array, Array]]) -> Array:
    """The vertices that follow one joint with two weights."""
    joints = np.concatenate([one for one, _ in sets], axis=1).astype(np.int64)
    weights = np.concatenate([one for _, one in sets], axis=1)
    unused = -1 - np.arange(joints.shape[1])  # each unlike all others
    used = np.sort(np.where(weights == 0.0, unused, joints), axis=1)
    return np.flatnonzero((used[:, 1:] == used[:, :-1]).any(axis=1))


def _check_matrices(matrices: Array | None, where: str, findings: Findings) -> None:
    if matrices is None or matrices.shape[1] != 16:
        return
    bad = np.flatnonzero((matrices[:, _LAST_ROW] != (0.0, 0.0, 0.0, 1.0)).any(axis=1))
    if bad.size:
        findings.error(
            "ACCESSOR_INVALID_IBM", where, f"the last row of matrix {bad[0]:,} is not 0 0 0 1 ({bad.size:,} such ones)"
        )
