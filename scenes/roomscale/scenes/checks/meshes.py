"""Meshes, morph targets, skins and instancing: which accessors may serve as what (glTF 2.0 §3.7).

Rule: formats and counts only; contents are looked at in `values`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from roomscale.scenes.document import Scene
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

_INDEXED = re.compile(r"(TEXCOORD|COLOR|JOINTS|WEIGHTS)_(0|[1-9][0-9]{0,2})")
_FLOAT, _BYTES, _SHORTS = 5126, (5120, 5121), (5122, 5123)
_SMALL = {*_BYTES, *_SHORTS, _FLOAT}
_FORMATS: dict[str, tuple[set[str], set[int]]] = {
    "POSITION": ({"VEC3"}, {_FLOAT}),
    "NORMAL": ({"VEC3"}, {_FLOAT}),
    "TANGENT": ({"VEC4"}, {_FLOAT}),
    "TEXCOORD": ({"VEC2"}, {_FLOAT, 5121, 5123}),
    "COLOR": ({"VEC3", "VEC4"}, {_FLOAT, 5121, 5123}),
    "JOINTS": ({"VEC4"}, {5121, 5123}),
    "WEIGHTS": ({"VEC4"}, {_FLOAT, 5121, 5123}),
}
"""Attribute → (types, component types)."""
_QUANTISED = {"POSITION", "NORMAL", "TANGENT", "TEXCOORD"}
"""Attributes to which KHR_mesh_quantization allows bytes and shorts."""
_MORPHED = {"POSITION", "NORMAL", "TANGENT", "TEXCOORD", "COLOR"}
_VERTEX_TARGET, _INDEX_TARGET = 34962, 34963


class _Uses:
    """What each bufferView is used for, to find one that is two things at once."""

    def __init__(self, scene: Scene, findings: Findings) -> None:
        self.scene, self.findings = scene, findings
        self.quantised = "KHR_mesh_quantization" in scene.list_of("extensionsUsed")
        self.targets: dict[int, int] = {
            index: view["target"]
            for index, view in enumerate(scene.list_of("bufferViews"))
            if view.get("target") in (_VERTEX_TARGET, _INDEX_TARGET)
        }
        self.vertex_accessors: dict[int, set[int]] = defaultdict(set)

    def note(self, accessor: int, target: int, where: str) -> None:
        """An accessor is used as vertices or as indices."""
        view = self.scene.list_of("accessors")[accessor].get("bufferView")
        if view is None:
            return
        if self.targets.setdefault(view, target) != target:
            self.findings.error(
                "BUFFER_VIEW_TARGET_OVERRIDE", where, "its bufferView is for vertices here, for indices elsewhere"
            )
        if target == _VERTEX_TARGET:
            self.vertex_accessors[view].add(accessor)
        elif "byteStride" in self.scene.list_of("bufferViews")[view]:
            self.findings.error(
                "MESH_PRIMITIVE_INDICES_ACCESSOR_WITH_BYTESTRIDE", where, "indices must not have a byteStride"
            )


def check_meshes(scene: Scene, findings: Findings) -> None:
    """Check every primitive, skin and instancing, and that nodes fit their meshes."""
    uses = _Uses(scene, findings)
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            _check_primitive(uses, primitive, pointer("meshes", number, "primitives", position))
        _check_targets(mesh, number, findings)
    for view, accessors in uses.vertex_accessors.items():
        if len(accessors) > 1 and "byteStride" not in scene.list_of("bufferViews")[view]:
            findings.error(
                "MESH_PRIMITIVE_ACCESSOR_WITHOUT_BYTESTRIDE",
                pointer("bufferViews", view),
                "two accessors share it for vertices, so it needs a byteStride",
            )
    _check_skins(scene, findings)
    for index, node in enumerate(scene.list_of("nodes")):
        _check_node(scene, node, index, findings)


def _check_primitive(uses: _Uses, primitive: JsonObject, where: str) -> None:
    attributes, findings = primitive["attributes"], uses.findings
    counts = set()
    compressed = "KHR_draco_mesh_compression" in primitive.get("extensions", {})
    for name, accessor in attributes.items():
        counts.add(uses.scene.list_of("accessors")[accessor]["count"])
        _check_attribute(uses, name, accessor, f"{where}/attributes{pointer(name)}", is_morph=False)
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
        _check_indices(uses, primitive["indices"], f"{where}/indices", is_compressed=compressed)
    for position, target in enumerate(primitive.get("targets", ())):
        for name, accessor in target.items():
            here = f"{where}/targets/{position}{pointer(name)}"
            if name not in attributes:
                findings.error(
                    "MESH_PRIMITIVE_MORPH_TARGET_NO_BASE_ACCESSOR", here, "the primitive has no such attribute"
                )
            elif counts and uses.scene.list_of("accessors")[accessor]["count"] not in counts:
                findings.error("MESH_PRIMITIVE_MORPH_TARGET_INVALID_COUNT", here, "its count is another one")
            _check_attribute(uses, name, accessor, here, is_morph=True)


def _check_attribute(uses: _Uses, name: str, index: int, where: str, *, is_morph: bool) -> None:
    findings, accessor = uses.findings, uses.scene.list_of("accessors")[index]
    uses.note(index, _VERTEX_TARGET, where)
    if accessor["componentType"] == 5125:
        findings.error("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT", where, "attributes cannot be unsigned ints")
        return
    indexed = _INDEXED.fullmatch(name)
    semantic = indexed[1] if indexed else name
    if name.startswith("_"):
        if accessor["componentType"] not in _SMALL:
            findings.error("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT", where, "its type is unknown")
        return
    if (
        semantic not in _FORMATS
        or (is_morph and semantic not in _MORPHED)
        or (semantic in _INDEXED_NAMES and not indexed)
    ):
        findings.error("MESH_PRIMITIVE_INVALID_ATTRIBUTE", where, f"there is no attribute {printable(name, 40)}")
        return
    types, components = _FORMATS[semantic]
    if semantic == "TANGENT" and is_morph:
        types = {"VEC3"}
    if is_morph or (uses.quantised and semantic in _QUANTISED):
        components = components | _SMALL if uses.quantised or semantic in ("TEXCOORD", "COLOR") else components
    if accessor["type"] not in types or accessor["componentType"] not in components:
        findings.error(
            "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT",
            where,
            f"{semantic} cannot be {accessor['type'][:20]} of component type {accessor['componentType']}",
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


def _check_indices(uses: _Uses, index: int, where: str, *, is_compressed: bool) -> None:
    accessor = uses.scene.list_of("accessors")[index]
    uses.note(index, _INDEX_TARGET, where)
    if accessor["type"] != "SCALAR" or accessor["componentType"] not in (5121, 5123, 5125):
        uses.findings.error("MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT", where, "indices are unsigned scalars")
    if "bufferView" not in accessor and "sparse" not in accessor and not is_compressed:
        uses.findings.warn("MESH_PRIMITIVE_INDICES_ZERO", where, "all indices are 0: nothing is drawn")


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
