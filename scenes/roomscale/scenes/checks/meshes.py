"""Meshes, morph targets, skins and instancing: which formats and counts go with what (glTF 2.0 §3.7).

Rule: formats and counts only; contents are looked at in `values`.
"""

from __future__ import annotations

import re
from collections import Counter

from roomscale.scenes.document import Scene
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

_INDEXED = re.compile(r"(TEXCOORD|COLOR|JOINTS|WEIGHTS)_(0|[1-9][0-9]{0,2})")
_FLOAT, _BYTE, _UBYTE, _SHORT, _USHORT, _UINT = 5126, 5120, 5121, 5122, 5123, 5125
_Format = tuple[str, int, bool]
"""(type, component type, normalised)."""


def _formats(kind: str, *components: int, normalised: tuple[bool, ...] = (True,)) -> frozenset[_Format]:
    """Formats of a type: floats are never normalised, integers as `normalised` says."""
    return frozenset(
        (kind, component, is_normalised)
        for component in components
        for is_normalised in ((False,) if component == _FLOAT else normalised)
    )


_EITHER = (True, False)
_COLORS = _formats("VEC3", _FLOAT, _UBYTE, _USHORT) | _formats("VEC4", _FLOAT, _UBYTE, _USHORT)
_FORMATS: dict[str, frozenset[_Format]] = {
    "POSITION": _formats("VEC3", _FLOAT),
    "NORMAL": _formats("VEC3", _FLOAT),
    "TANGENT": _formats("VEC4", _FLOAT),
    "TEXCOORD": _formats("VEC2", _FLOAT, _UBYTE, _USHORT),
    "COLOR": _COLORS,
    "JOINTS": _formats("VEC4", _UBYTE, _USHORT, normalised=(False,)),
    "WEIGHTS": _formats("VEC4", _FLOAT, _UBYTE, _USHORT),
}
"""Attribute → what it may be (glTF 2.0 §3.7.2.1)."""
_MORPH_FORMATS: dict[str, frozenset[_Format]] = {
    "POSITION": _FORMATS["POSITION"],
    "NORMAL": _FORMATS["NORMAL"],
    "TANGENT": _formats("VEC3", _FLOAT),
    "TEXCOORD": _formats("VEC2", _FLOAT, _BYTE, _UBYTE, _SHORT, _USHORT),
    "COLOR": _COLORS | _formats("VEC3", _BYTE, _SHORT) | _formats("VEC4", _BYTE, _SHORT),
}
"""The same of a morph target (§3.7.2.2)."""
_QUANTISED: dict[str, frozenset[_Format]] = {
    "POSITION": _formats("VEC3", _BYTE, _UBYTE, _SHORT, _USHORT, normalised=_EITHER),
    "NORMAL": _formats("VEC3", _BYTE, _SHORT),
    "TANGENT": _formats("VEC4", _BYTE, _SHORT),
    "TEXCOORD": _formats("VEC2", _BYTE, _UBYTE, _SHORT, _USHORT, normalised=_EITHER),
}
"""What KHR_mesh_quantization adds."""
_MORPH_QUANTISED: dict[str, frozenset[_Format]] = {
    "POSITION": _formats("VEC3", _BYTE, _SHORT, normalised=_EITHER),
    "NORMAL": _formats("VEC3", _BYTE, _SHORT),
    "TANGENT": _formats("VEC3", _BYTE, _SHORT),
    "TEXCOORD": _formats("VEC2", _BYTE, _SHORT, normalised=_EITHER),
}


def check_meshes(scene: Scene, findings: Findings) -> None:
    """Check every primitive, skin and instancing, and that nodes fit their meshes."""
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            _check_primitive(scene, primitive, f"/meshes/{number}/primitives/{position}", findings)
        _check_targets(mesh, number, findings)
    _check_skins(scene, findings)
    for index, node in enumerate(scene.list_of("nodes")):
        _check_node(scene, node, index, findings)


def _check_primitive(scene: Scene, primitive: JsonObject, where: str, findings: Findings) -> None:
    attributes = primitive["attributes"]
    counts = set()
    compressed = "KHR_draco_mesh_compression" in primitive.get("extensions", {})
    for name, accessor in attributes.items():
        counts.add(scene.list_of("accessors")[accessor]["count"])
        _check_attribute(scene, name, accessor, f"{where}/attributes{pointer(name)}", findings, is_morph=False)
    if len(counts) > 1:
        findings.error(
            "MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT",
            f"{where}/attributes",
            f"its attributes have different counts: {', '.join(f'{count:,}' for count in sorted(counts)[:4])}",
        )
    _check_numbering(attributes, f"{where}/attributes", findings)
    if "POSITION" not in attributes:
        findings.warn("MESH_PRIMITIVE_NO_POSITION", f"{where}/attributes", "without POSITION nothing is drawn")
    if "TANGENT" in attributes and "NORMAL" not in attributes:
        findings.warn("MESH_PRIMITIVE_TANGENT_WITHOUT_NORMAL", f"{where}/attributes", "TANGENT without NORMAL")
    if "indices" in primitive:
        _check_indices(scene, primitive["indices"], f"{where}/indices", findings, is_compressed=compressed)
    for position, target in enumerate(primitive.get("targets", ())):
        for name, accessor in target.items():
            here = f"{where}/targets/{position}{pointer(name)}"
            if name not in attributes:
                findings.error(
                    "MESH_PRIMITIVE_MORPH_TARGET_NO_BASE_ACCESSOR", here, "the primitive has no such attribute"
                )
            elif counts and scene.list_of("accessors")[accessor]["count"] not in counts:
                findings.error("MESH_PRIMITIVE_MORPH_TARGET_INVALID_COUNT", here, "its count is another one")
            _check_attribute(scene, name, accessor, here, findings, is_morph=True)


def _check_attribute(scene: Scene, name: str, index: int, where: str, findings: Findings, *, is_morph: bool) -> None:
    accessor = scene.list_of("accessors")[index]
    if accessor["componentType"] == _UINT:
        findings.error("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT", where, "attributes cannot be unsigned ints")
        return
    if name.startswith("_"):
        if accessor["componentType"] not in (_FLOAT, _BYTE, _UBYTE, _SHORT, _USHORT):
            findings.error("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT", where, "its type is unknown")
        return
    indexed = _INDEXED.fullmatch(name)
    semantic = indexed[1] if indexed else name
    formats = _MORPH_FORMATS if is_morph else _FORMATS
    if semantic not in formats or (semantic in _INDEXED_NAMES and not indexed):
        findings.error("MESH_PRIMITIVE_INVALID_ATTRIBUTE", where, f"there is no attribute {printable(name, 40)}")
        return
    allowed = formats[semantic]
    if "KHR_mesh_quantization" in scene.list_of("extensionsUsed"):
        allowed |= (_MORPH_QUANTISED if is_morph else _QUANTISED).get(semantic, frozenset())
    is_normalised = bool(accessor.get("normalized"))
    if (accessor["type"], accessor["componentType"], is_normalised) not in allowed:
        findings.error(
            "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT",
            where,
            f"{semantic} cannot be {'normalised ' if is_normalised else ''}{accessor['type'][:20]} of component type "
            f"{accessor['componentType']}",
        )
    if semantic == "POSITION" and not ("min" in accessor and "max" in accessor):
        findings.error(
            "MESH_PRIMITIVE_POSITION_ACCESSOR_WITHOUT_BOUNDS",
            where,
            "positions need min and max, by which viewers know what is in sight",
            mendable=True,
        )


_INDEXED_NAMES = {"TEXCOORD", "COLOR", "JOINTS", "WEIGHTS"}


def _check_numbering(attributes: JsonObject, where: str, findings: Findings) -> None:
    matches = [match for name in attributes if (match := _INDEXED.fullmatch(name))]
    highest = Counter[str]()
    for match in matches:
        highest[match[1]] = max(highest[match[1]], int(match[2]))
    have = Counter(match[1] for match in matches)
    for semantic, count in have.items():
        if highest[semantic] != count - 1:
            findings.error(
                "MESH_PRIMITIVE_INDEXED_SEMANTIC_CONTINUITY",
                where,
                f"{semantic}_0, {semantic}_1 … must be numbered without gaps",
            )
    if have["JOINTS"] != have["WEIGHTS"]:
        findings.error("MESH_PRIMITIVE_JOINTS_WEIGHTS_MISMATCH", where, "JOINTS and WEIGHTS do not go in pairs")


def _check_indices(scene: Scene, index: int, where: str, findings: Findings, *, is_compressed: bool) -> None:
    accessor = scene.list_of("accessors")[index]
    if (
        accessor["type"] != "SCALAR"
        or accessor["componentType"] not in (_UBYTE, _USHORT, _UINT)
        or accessor.get("normalized")
    ):
        findings.error("MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT", where, "indices are unsigned scalars")
    if "bufferView" not in accessor and "sparse" not in accessor and not is_compressed:
        findings.warn("MESH_PRIMITIVE_INDICES_ZERO", where, "all indices are 0: nothing is drawn")


def _check_targets(mesh: JsonObject, number: int, findings: Findings) -> None:
    counts = [len(primitive.get("targets", ())) for primitive in mesh["primitives"]]
    if len(set(counts)) > 1:
        findings.error(
            "MESH_PRIMITIVES_UNEQUAL_TARGETS_COUNT",
            pointer("meshes", number, "primitives"),
            "its primitives have different numbers of morph targets",
        )
    if "weights" in mesh and counts and len(mesh["weights"]) != counts[0]:
        findings.error(
            "MESH_INVALID_WEIGHTS_COUNT",
            pointer("meshes", number, "weights"),
            f"{len(mesh['weights'])} weights for {counts[0]} morph targets",
        )


def _check_skins(scene: Scene, findings: Findings) -> None:
    for number, skin in enumerate(scene.list_of("skins")):
        if "inverseBindMatrices" not in skin:
            continue
        accessor = scene.list_of("accessors")[skin["inverseBindMatrices"]]
        where = pointer("skins", number, "inverseBindMatrices")
        if accessor["type"] != "MAT4" or accessor["componentType"] != _FLOAT:
            findings.error("SKIN_IBM_INVALID_FORMAT", where, "inverse bind matrices are MAT4 of floats")
        if accessor["count"] < len(skin["joints"]):
            findings.error(
                "INVALID_IBM_ACCESSOR_COUNT",
                where,
                f"{accessor['count']:,} matrices for {len(skin['joints']):,} joints",
            )


def _check_node(scene: Scene, node: JsonObject, index: int, findings: Findings) -> None:
    extensions = node.get("extensions", {})
    if "EXT_mesh_gpu_instancing" in extensions:
        _check_instancing(scene, extensions["EXT_mesh_gpu_instancing"]["attributes"], index, findings)
    if "mesh" not in node:
        return
    primitives = scene.list_of("meshes")[node["mesh"]]["primitives"]
    if "skin" in node and not all("JOINTS_0" in primitive["attributes"] for primitive in primitives):
        findings.error(
            "NODE_SKIN_WITH_NON_SKINNED_MESH", pointer("nodes", index), "it has a skin, its mesh has no joints"
        )
    targets = len(primitives[0].get("targets", ())) if primitives else 0
    if "weights" in node and len(node["weights"]) != targets:
        findings.error(
            "NODE_WEIGHTS_INVALID",
            pointer("nodes", index, "weights"),
            f"{len(node['weights'])} weights for {targets} morph targets",
        )


def _check_instancing(scene: Scene, attributes: JsonObject, index: int, findings: Findings) -> None:
    where = pointer("nodes", index, "extensions", "EXT_mesh_gpu_instancing")
    counts = {scene.list_of("accessors")[accessor]["count"] for accessor in attributes.values()}
    if len(counts) > 1:
        findings.error("INSTANCING_UNEQUAL_COUNT", where, "its attributes have different counts")
    if max(counts, default=0) > scene.limits.instances:
        findings.error("INSTANCING_BOMB", where, f"{max(counts):,} instances are too many")
