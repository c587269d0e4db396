"""Animations: which samplers, formats and counts go with which target (glTF 2.0 §3.11).

Rule: formats and counts only; times and quaternions are looked at in `values`.
"""

from __future__ import annotations

from typing import Any

from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

_FLOAT = 5126
_OUTPUT_TYPES = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3", "weights": "SCALAR"}
_SMALL = (5120, 5121, 5122, 5123)
"""Bytes and shorts, which stand for fractions if they are normalised."""


def check_animations(scene: Scene, findings: Findings) -> None:
    """Check every animation's channels and samplers."""
    for number, animation in enumerate(scene.list_of("animations")):
        for position, sampler in enumerate(animation["samplers"]):
            _check_input(scene, sampler, f"/animations/{number}/samplers/{position}", findings)
        targets: dict[tuple[Any, ...], int] = {}
        for position, channel in enumerate(animation["channels"]):
            _check_channel(scene, animation, channel, f"/animations/{number}/channels/{position}", findings)
            target = channel["target"]
            key = (target.get("node"), target["path"])
            if "node" not in target:
                continue
            if key in targets:
                findings.error(
                    "ANIMATION_DUPLICATE_TARGETS",
                    pointer("animations", number, "channels", position, "target"),
                    f"channel {targets[key]} already moves this",
                )
            targets.setdefault(key, position)


def _check_input(scene: Scene, sampler: JsonObject, where: str, findings: Findings) -> None:
    accessor = scene.list_of("accessors")[sampler["input"]]
    if accessor["type"] != "SCALAR" or accessor["componentType"] != _FLOAT:
        findings.error(
            "ANIMATION_SAMPLER_INPUT_ACCESSOR_INVALID_FORMAT", f"{where}/input", "times are scalars of floats"
        )
    if not ("min" in accessor and "max" in accessor):
        findings.error(
            "ANIMATION_SAMPLER_INPUT_ACCESSOR_WITHOUT_BOUNDS",
            f"{where}/input",
            "times need min and max, by which viewers know the length",
            mendable=True,
        )
    if sampler.get("interpolation") == "CUBICSPLINE" and accessor["count"] < 2:
        findings.error(
            "ANIMATION_SAMPLER_INPUT_ACCESSOR_TOO_FEW_ELEMENTS", f"{where}/input", "CUBICSPLINE needs two times"
        )


def _check_channel(scene: Scene, animation: JsonObject, channel: JsonObject, where: str, findings: Findings) -> None:
    samplers, target = animation["samplers"], channel["target"]
    if channel["sampler"] >= len(samplers):
        findings.error(
            "UNRESOLVED_REFERENCE",
            f"{where}/sampler",
            f"{channel['sampler']} is no index into the animation's {len(samplers)} samplers",
        )
        return
    path, node = target["path"], target.get("node")
    if "KHR_animation_pointer" in target.get("extensions", {}):
        _check_pointer(target, f"{where}/target/extensions/KHR_animation_pointer", findings)
    if node is not None and path != "weights" and path in _OUTPUT_TYPES and "matrix" in scene.list_of("nodes")[node]:
        findings.error("ANIMATION_CHANNEL_TARGET_NODE_MATRIX", f"{where}/target", "it moves a node that has a matrix")
    weights = 1
    if path == "weights":
        weights = _morph_targets(scene, node)
        if weights == 0:
            findings.error(
                "ANIMATION_CHANNEL_TARGET_NODE_WEIGHTS_NO_MORPHS", f"{where}/target", "it morphs what has no targets"
            )
    if path in _OUTPUT_TYPES:
        _check_output(scene, samplers[channel["sampler"]], path, weights, where, findings)
    elif path == "pointer":
        _check_moments(scene, samplers[channel["sampler"]], where, findings)


def _check_pointer(target: JsonObject, where: str, findings: Findings) -> None:
    if "node" in target:
        findings.error(
            "KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_NODE", where, "what a pointer moves has no node beside it"
        )
    if target["path"] != "pointer":
        findings.error(
            "KHR_ANIMATION_POINTER_ANIMATION_CHANNEL_TARGET_PATH", where, 'the path beside a pointer is "pointer"'
        )


def _morph_targets(scene: Scene, node: int | None) -> int:
    mesh = scene.list_of("nodes")[node].get("mesh") if node is not None else None
    if mesh is None:
        return 0
    primitives = scene.list_of("meshes")[mesh]["primitives"]
    return len(primitives[0].get("targets", ())) if primitives else 0


def _check_output(scene: Scene, sampler: JsonObject, path: str, weights: int, where: str, findings: Findings) -> None:
    accessors = scene.list_of("accessors")
    output = accessors[sampler["output"]]
    if output["type"] != _OUTPUT_TYPES[path]:
        findings.error(
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_FORMAT", f"{where}/sampler", f"{path} is {_OUTPUT_TYPES[path]}"
        )
    elif not _is_fit(path, output):
        findings.error(
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_FORMAT",
            f"{where}/sampler",
            f"{path} is of floats{'' if path in _PLAIN else ', or of normalised bytes or shorts'}",
        )
    each = 3 if sampler.get("interpolation") == "CUBICSPLINE" else 1
    expected = accessors[sampler["input"]]["count"] * each * weights
    if expected and output["count"] != expected:
        findings.error(
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT",
            f"{where}/sampler",
            f"{output['count']:,} values, {expected:,} are expected",
        )


def _check_moments(scene: Scene, sampler: JsonObject, where: str, findings: Findings) -> None:
    """What a pointer leads to says how many values there are at each moment; here, that there are as many at each."""
    accessors = scene.list_of("accessors")
    moments = accessors[sampler["input"]]["count"] * (3 if sampler.get("interpolation") == "CUBICSPLINE" else 1)
    values = accessors[sampler["output"]]["count"]
    if moments and (values == 0 or values % moments):
        findings.error(
            "ANIMATION_SAMPLER_OUTPUT_ACCESSOR_INVALID_COUNT",
            f"{where}/sampler",
            f"{values:,} values, a multiple of {moments:,} is expected",
        )


_PLAIN = ("translation", "scale")


def _is_fit(path: str, output: JsonObject) -> bool:
    """Whether the numbers of an output may stand for `path` (glTF 2.0 §3.11)."""
    if output["componentType"] == _FLOAT:
        return True
    return path not in _PLAIN and output["componentType"] in _SMALL and bool(output.get("normalized"))
