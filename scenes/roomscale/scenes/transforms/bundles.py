"""Primitives that share vertices, taken together: what is done to vertices is done to all that use them.

Rule: a bundle is whole. Where a primitive has an extension that might speak of its vertices, where an accessor serves
another purpose too, is sparse or compressed already, the bundle is left out, and its primitives stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array, read
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey
from roomscale.scenes.transforms.accessor_roles import (
    TRIANGLE_INDICES,
    TRIANGLES,
    accessor_roles,
    is_vertex_role,
    vertex_accessors,
)

Indices = NDArray[np.uint32]

SILENT_ON_VERTICES = frozenset({"KHR_materials_variants", "MOZ_hubs_components"})
"""Extensions of primitives and meshes that say nothing of single vertices."""
MOST_SHORT = 0xFFFE
"""The largest index in 16 bits; 0xFFFF restarts a primitive (glTF 2.0 §3.7.2.1)."""


@dataclass
class Bundle:
    """Lists of triangles on the same vertices. `primitives`: objects of the draft's JSON, free to be changed."""

    draft: Draft
    primitives: list[JsonObject]
    meshes: set[int]
    accessors: list[int] = field(default_factory=list)
    """All that hold one element for each vertex, in ascending order."""
    vertices: int = 0

    def arrays(self) -> dict[int, Array]:
        """Accessor → its elements, as they were in the draft's scene."""
        return {index: read(self.draft.scene, index) for index in self.accessors}

    def indices(self) -> list[Indices]:
        """The indices of each primitive; 0, 1, 2… for one that has none. Raises `BrokenData` for one past the end."""
        return [
            self._read(primitive["indices"])
            if "indices" in primitive
            else np.arange(self.vertices - self.vertices % 3, dtype=np.uint32)
            for primitive in self.primitives
        ]

    def _read(self, index: int) -> Indices:
        indices = read(self.draft.scene, index)[:, 0].astype(np.uint32)
        if int(indices.max()) >= self.vertices:
            told = f"index {int(indices.max()):,} is out of range: there are {self.vertices:,} vertices"
            raise BrokenData("ACCESSOR_INDEX_OOB", pointer("accessors", index), told)
        return indices

    def has_targets(self) -> bool:
        """Whether one of the primitives has morph targets."""
        return any("targets" in primitive for primitive in self.primitives)

    def semantic(self, name: str) -> int | None:
        """The accessor of an attribute that all primitives have in common, None if they differ in it."""
        found = {primitive["attributes"].get(name) for primitive in self.primitives}
        return found.pop() if len(found) == 1 else None

    def set_vertices(self, arrays: Mapping[int, Array]) -> None:
        """Give the accessors other elements of the same types, in the order of `arrays`' rows."""
        for index, array in arrays.items():
            old = self.draft.json["accessors"][index]
            self.draft.replace_accessor(
                index,
                np.ascontiguousarray(array),
                normalized=bool(old.get("normalized", False)),
                bounds="min" in old,
                target=ARRAY_BUFFER,
            )

    def set_indices(self, lists: Iterable[Indices], used_by: Mapping[int, int]) -> None:
        """Give each primitive other indices. `used_by`: accessor → how many primitives of the scene have it.

        Primitives that shared an accessor still do; one that other bundles use too is left to them.
        """
        made: dict[int, tuple[int, Indices]] = {}
        own = [primitive["indices"] for primitive in self.primitives if "indices" in primitive]
        for primitive, indices in zip(self.primitives, lists, strict=True):
            narrow = indices.astype(np.uint16 if int(indices.max()) <= MOST_SHORT else np.uint32)
            old = primitive.get("indices")
            if old in made and np.array_equal(made[old][1], indices):
                primitive["indices"] = made[old][0]
            elif old is not None and old not in made and used_by.get(old, 0) == own.count(old):
                self.draft.replace_accessor(old, narrow, target=ELEMENT_ARRAY_BUFFER)
                made[old] = (old, indices)
            else:
                primitive["indices"] = self.draft.add_accessor(narrow, target=ELEMENT_ARRAY_BUFFER)
                if old is not None:
                    made[old] = (primitive["indices"], indices)


def bundles(draft: Draft, survey: Survey | None = None) -> list[Bundle]:
    """The bundles of triangles in a scene, in the order of its meshes. `survey`: of the draft's JSON, if known."""
    roles = accessor_roles(draft.json, survey)
    result = []
    for bundle in _joined(draft):
        bundle.accessors.sort()
        if bundle.accessors:
            bundle.vertices = draft.json["accessors"][bundle.accessors[0]]["count"]
            if _is_whole(bundle, roles):
                result.append(bundle)
    return result


def index_users(draft: Draft) -> dict[int, int]:
    """Accessor → how many primitives have it for their indices."""
    result: dict[int, int] = {}
    for mesh in draft.json.get("meshes", ()):
        for primitive in mesh["primitives"]:
            if "indices" in primitive:
                result[primitive["indices"]] = result.get(primitive["indices"], 0) + 1
    return result


def _joined(draft: Draft) -> list[Bundle]:
    """Primitives joined wherever they have an accessor in common, whatever they are."""
    found: list[Bundle] = []
    where: dict[int, Bundle] = {}
    for number, mesh in enumerate(draft.json.get("meshes", ())):
        for primitive in mesh["primitives"]:
            accessors = {index for _, index in vertex_accessors(primitive)}
            sharing = [where[index] for index in sorted(accessors) if index in where]
            bundle = sharing[0] if sharing else Bundle(draft, [], set())
            if not sharing:
                found.append(bundle)
            for other in sharing[1:]:
                if other is not bundle and other.primitives:
                    bundle.primitives += other.primitives
                    bundle.meshes |= other.meshes
                    bundle.accessors += other.accessors
                    where |= dict.fromkeys(other.accessors, bundle)
                    other.primitives, other.accessors = [], []
            bundle.primitives.append(primitive)
            bundle.meshes.add(number)
            fresh = [index for index in sorted(accessors) if where.get(index) is not bundle]
            bundle.accessors += fresh
            where |= dict.fromkeys(fresh, bundle)
    return [bundle for bundle in found if bundle.primitives]


def _is_whole(bundle: Bundle, roles: Mapping[int, str]) -> bool:
    json = bundle.draft.json
    holders = [*bundle.primitives, *(json["meshes"][number] for number in bundle.meshes)]
    if any(set(holder.get("extensions", {})) - SILENT_ON_VERTICES for holder in holders):
        return False
    for primitive in bundle.primitives:
        if primitive.get("mode", TRIANGLES) != TRIANGLES:
            return False
        if "indices" in primitive and not _is_plain(json, primitive["indices"], roles, {TRIANGLE_INDICES}):
            return False
        if "indices" in primitive and json["accessors"][primitive["indices"]]["count"] % 3:
            return False
    return all(
        _is_plain(json, index, roles, None) and json["accessors"][index]["count"] == bundle.vertices
        for index in bundle.accessors
    )


def _is_plain(json: JsonObject, index: int, roles: Mapping[int, str], wanted: set[str] | None) -> bool:
    """Whether an accessor holds its own numbers, for one purpose: one of `wanted`, None for vertices."""
    role = roles.get(index)
    if role is None or (role not in wanted if wanted is not None else not is_vertex_role(role)):
        return False
    accessor = json["accessors"][index]
    if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
        return False
    return not is_compressed(json["bufferViews"][accessor["bufferView"]])
