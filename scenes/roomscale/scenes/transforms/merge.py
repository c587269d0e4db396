"""Few bufferViews for many accessors: all vertex attributes of one stride in one, all indices, all keyframes.

Exporters write a bufferView for each accessor, of which the JSON is often larger than what it holds. Accessors lie one
after another, elements of one accessor together (no interleaving), which compresses best.
Rule: accessors keep their numbers and their elements. What is compressed or sparse, what serves two purposes, and what
something unknown names stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from roomscale.scenes.accessors import Layout, layout_of, read
from roomscale.scenes.binding import ALIGNMENT
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft, packed
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey
from roomscale.scenes.transforms.accessor_roles import (
    INDICES,
    INSTANCE,
    INVERSE_BIND,
    TRIANGLE_INDICES,
    accessor_roles,
    is_vertex_role,
)

_LONGEST_STRIDE = 252
"""Bytes (glTF 2.0 §5.11.4)."""
Group = tuple[str, int]
"""What lies in one view: its purpose, and its stride, 0 for none."""
Place = tuple[int, int, str]
"""Where elements were: the bufferView, the offset, the layout."""


@dataclass
class _View:
    """A bufferView in the making. `places`: where an accessor's elements were → where they are."""

    pieces: list[memoryview] = field(default_factory=list)
    length: int = 0
    places: dict[Place, int] = field(default_factory=dict)

    def add(self, place: Place, data: memoryview) -> None:
        """Put elements at the end."""
        if gap := -self.length % ALIGNMENT:
            self.pieces.append(memoryview(bytes(gap)))
            self.length += gap
        self.places[place] = self.length
        self.pieces.append(data)
        self.length += len(data)


def merge(scene: Scene) -> Scene:
    """The scene with its accessors in as few bufferViews as their purposes allow. Raises `BrokenData`."""
    draft = Draft(scene, touching=())
    views: dict[Group, _View] = {}
    chosen: list[tuple[int, Group, Place]] = []
    for index, group in _movable_accessors(draft.json, draft.survey()):
        accessor = draft.json["accessors"][index]
        place = (accessor["bufferView"], accessor.get("byteOffset", 0), str(_layout(accessor)))
        view = views.setdefault(group, _View())
        if place not in view.places:
            view.add(place, packed(read(scene, index), for_vertices=group[1] > 0)[0])
        chosen.append((index, group, place))
    if _is_merged(draft.json, chosen, views):
        return scene
    numbers = {group: _add(draft, group, view) for group, view in views.items()}
    draft.own(("accessors",))
    for index, group, place in chosen:
        accessor = draft.json["accessors"][index]
        accessor["bufferView"] = numbers[group]
        accessor.pop("byteOffset", None)
        if offset := views[group].places[place]:
            accessor["byteOffset"] = offset
    return draft.finish()


def _movable_accessors(json: JsonObject, survey: Survey) -> list[tuple[int, Group]]:
    """The accessors that may lie elsewhere, but for those whose very bytes serve one that must stay."""
    found = dict(_candidates(json, survey))
    held = {_start(accessor) for index, accessor in enumerate(json.get("accessors", ())) if index not in found}
    return [(index, group) for index, group in found.items() if _start(json["accessors"][index]) not in held]


def _start(accessor: JsonObject) -> tuple[int | None, int]:
    return accessor.get("bufferView"), accessor.get("byteOffset", 0)


def _candidates(json: JsonObject, survey: Survey) -> Iterator[tuple[int, Group]]:
    for index, role in accessor_roles(json, survey).items():
        accessor = json["accessors"][index]
        if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
            continue
        if not is_compressed(json["bufferViews"][accessor["bufferView"]]):
            group = _group_of(role, _layout(accessor))
            if group is not None:
                yield index, group


def _group_of(role: str, layout: Layout) -> Group | None:
    if role in (TRIANGLE_INDICES, INDICES):
        return "indices", 0
    if is_vertex_role(role):
        stride = -(-layout.element_bytes // ALIGNMENT) * ALIGNMENT
        return ("vertices", stride) if stride <= _LONGEST_STRIDE else None
    if role == INVERSE_BIND:
        return role, 0
    if role.startswith(INSTANCE):
        return ("instances", 0) if layout.element_bytes % ALIGNMENT == 0 else None
    return "keyframes", 0


def _layout(accessor: JsonObject) -> Layout:
    return layout_of(accessor, pointer("accessors"))


def _is_merged(json: JsonObject, chosen: list[tuple[int, Group, Place]], views: dict[Group, _View]) -> bool:
    """Whether all is where it would be put, and nothing else is there."""
    used = {
        group: {json["accessors"][index]["bufferView"] for index, own, _ in chosen if own == group} for group in views
    }
    for group, numbers in used.items():
        if len(numbers) > 1 or json["bufferViews"][min(numbers)]["byteLength"] != views[group].length:
            return False
    return len({min(numbers) for numbers in used.values()}) == len(used) and all(
        json["accessors"][index].get("byteOffset", 0) == views[group].places[place] for index, group, place in chosen
    )


def _add(draft: Draft, group: Group, view: _View) -> int:
    target = {"vertices": ARRAY_BUFFER, "indices": ELEMENT_ARRAY_BUFFER}.get(group[0])
    return draft.add_view(b"".join(view.pieces), stride=group[1] or None, target=target)
