"""What accessors and bufferViews are used for: one thing each, laid out as that use asks (glTF 2.0 §3.6.2, §3.11).

Rule: arithmetic on the JSON; what an accessor must hold for its use is judged by `meshes`, `animations` and `skinning`.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum

from roomscale.scenes.accessors import layout_of
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

_ALIGNMENT = 4
"""Bytes: where the attributes of a vertex begin (glTF 2.0 §3.6.2.4)."""


class _View(Enum):
    """What a bufferView is for."""

    VERTICES = "vertices"
    INDICES = "indices"
    MATRICES = "inverse bind matrices"
    IMAGE = "an image"
    OTHER = "animations or sparse accessors"


class _Accessor(Enum):
    """What an accessor is for."""

    ATTRIBUTE = "a vertex attribute"
    INDICES = "indices"
    MATRICES = "inverse bind matrices"
    TIMES = "times of an animation"
    VALUES = "values of an animation"


_TARGETS = {34962: _View.VERTICES, 34963: _View.INDICES}


def check_usage(scene: Scene, findings: Findings) -> None:
    """Check every use of an accessor or a bufferView against all others."""
    uses = _Uses(scene, findings)
    for number, mesh in enumerate(scene.list_of("meshes")):
        for position, primitive in enumerate(mesh["primitives"]):
            uses.of_primitive(primitive, f"/meshes/{number}/primitives/{position}")
    for number, animation in enumerate(scene.list_of("animations")):
        for position, sampler in enumerate(animation["samplers"]):
            uses.of_sampler(sampler, f"/animations/{number}/samplers/{position}")
    for number, skin in enumerate(scene.list_of("skins")):
        if "inverseBindMatrices" in skin:
            uses.of_matrices(skin["inverseBindMatrices"], pointer("skins", number, "inverseBindMatrices"))
    for number, image in enumerate(scene.list_of("images")):
        if "bufferView" in image:
            uses.view(image["bufferView"], _View.IMAGE, pointer("images", number, "bufferView"))
    for number, accessor in enumerate(scene.list_of("accessors")):
        for key in ("indices", "values") if "sparse" in accessor else ():
            where = f"/accessors/{number}/sparse/{key}/bufferView"
            uses.view(accessor["sparse"][key]["bufferView"], _View.OTHER, where)
    uses.check_shared()


class _Uses:
    """What each accessor and bufferView was found to be used for."""

    def __init__(self, scene: Scene, findings: Findings) -> None:
        self._views, self._accessors = scene.list_of("bufferViews"), scene.list_of("accessors")
        self._findings = findings
        self._use_of_view = {
            index: _TARGETS[view["target"]] for index, view in enumerate(self._views) if view.get("target") in _TARGETS
        }
        self._use_of_accessor: dict[int, _Accessor] = {}
        self._vertices_in: dict[int, set[int]] = defaultdict(set)

    def of_primitive(self, primitive: JsonObject, where: str) -> None:
        """Attributes, morph targets and indices."""
        for name, accessor in primitive["attributes"].items():
            self._of_attribute(accessor, f"{where}/attributes{pointer(name)}")
        for position, target in enumerate(primitive.get("targets", ())):
            for name, accessor in target.items():
                self._of_attribute(accessor, f"{where}/targets/{position}{pointer(name)}")
        if "indices" in primitive:
            here = f"{where}/indices"
            view = self._note(primitive["indices"], _Accessor.INDICES, _View.INDICES, here)
            self._refuse_stride(view, "MESH_PRIMITIVE_INDICES_ACCESSOR_WITH_BYTESTRIDE", here)

    def _of_attribute(self, index: int, where: str) -> None:
        view = self._note(index, _Accessor.ATTRIBUTE, _View.VERTICES, where)
        accessor = self._accessors[index]
        if view is not None:
            self._vertices_in[view].add(index)
        try:
            packed = layout_of(accessor, where).end(0, 0)  # bytes of one element
        except BrokenData:
            return  # of a type from the future
        is_tight = view is not None and "byteStride" not in self._views[view]
        if accessor.get("byteOffset", 0) % _ALIGNMENT or (is_tight and packed % _ALIGNMENT):
            self._findings.error(
                "MESH_PRIMITIVE_ACCESSOR_UNALIGNED", where, "each of its elements must begin at a multiple of 4 bytes"
            )

    def of_sampler(self, sampler: JsonObject, where: str) -> None:
        """Times and values."""
        for key, use in (("input", _Accessor.TIMES), ("output", _Accessor.VALUES)):
            here = f"{where}/{key}"
            view = self._note(sampler[key], use, _View.OTHER, here)
            self._refuse_stride(view, "ANIMATION_SAMPLER_ACCESSOR_WITH_BYTESTRIDE", here)

    def of_matrices(self, index: int, where: str) -> None:
        """Inverse bind matrices."""
        view = self._note(index, _Accessor.MATRICES, _View.MATRICES, where)
        self._refuse_stride(view, "SKIN_IBM_ACCESSOR_WITH_BYTESTRIDE", where)

    def view(self, index: int, use: _View, where: str) -> None:
        """A bufferView is used."""
        other = self._use_of_view.setdefault(index, use)
        if other is not use:
            self._findings.error(
                "BUFFER_VIEW_TARGET_OVERRIDE",
                where,
                f"its bufferView is for {use.value} here, for {other.value} elsewhere",
            )

    def _note(self, index: int, use: _Accessor, view_use: _View, where: str) -> int | None:
        """An accessor is used; returns its bufferView."""
        other = self._use_of_accessor.setdefault(index, use)
        if other is not use:
            self._findings.error(
                "ACCESSOR_USAGE_OVERRIDE", where, f"the accessor is {use.value} here, {other.value} elsewhere"
            )
        view: int | None = self._accessors[index].get("bufferView")
        if view is not None:
            self.view(view, view_use, where)
        return view

    def _refuse_stride(self, view: int | None, code: str, where: str) -> None:
        if view is not None and "byteStride" in self._views[view]:
            self._findings.error(code, where, "only vertex data may have a byteStride")

    def check_shared(self) -> None:
        """Two accessors in one bufferView: without a stride nobody knows where the second one's vertices are."""
        for view, accessors in self._vertices_in.items():
            if len(accessors) > 1 and "byteStride" not in self._views[view]:
                self._findings.error(
                    "MESH_PRIMITIVE_ACCESSOR_WITHOUT_BYTESTRIDE",
                    pointer("bufferViews", view),
                    "two accessors share it for vertices, so it needs a byteStride",
                )
