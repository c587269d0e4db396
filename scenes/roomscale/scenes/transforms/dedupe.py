"""One entry for what stands in the scene several times: images, samplers, textures, materials, accessors, meshes.

Rule: two names are two things. Entries of different names, extras or extensions stay two, and share their bytes; where
one has no name, the other's serves both. Materials and meshes that an extension or a pointer names are not joined
with others: they may be changed while the world runs, the others not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable

from roomscale.scenes import jsonio
from roomscale.scenes.accessors import layout_of, read
from roomscale.scenes.binding import ALIGNMENT
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.errors import SceneError
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.kept import Store
from roomscale.scenes.references import Survey
from roomscale.scenes.roles import image_uses
from roomscale.scenes.transforms.accessor_roles import accessor_uses, is_vertex_role
from roomscale.scenes.transforms.same_pixels import joined_by_pixels

_PLACEMENT = ("bufferView", "byteOffset", "min", "max")
"""What an accessor says of where its data are, and what follows from them."""
_OF_EQUAL = frozenset({*_PLACEMENT, "componentType", "count", "normalized", "type", "name"})
"""What most accessors say: but for their names, nothing else stands in the way of one for equal elements."""

_SHORT = 64
"""Bytes of contents that are compared as they are; of more, their hash."""


def dedupe(scene: Scene, *, accessors: bool = True, store: Store | None = None) -> Scene:
    """The scene with one entry each for equal images, samplers, textures, materials, accessors and meshes.

    Accessors are compared by their bytes, images by their bytes and then by their pixels, of which the smallest file
    stays. `accessors`: without them it is quick, where only images changed. `store`: where it may stand what they show.
    Raises `BrokenData` for accessors whose data are not there.
    """
    draft = Draft(scene, touching=())
    survey = draft.survey()
    joiner = _Joiner(draft, survey)
    joiner.join("images", _equal_images(scene, survey, store), ("uri", "bufferView", "mimeType"))
    for kind in ("samplers", "textures", "materials"):
        joiner.join_equal(kind)
    if accessors:
        joiner.join("accessors", _equal_accessors(scene, survey), _PLACEMENT)
        _give_strides(draft, survey)
    joiner.join_equal("meshes")
    if not survey.unknown and any(_same_samplers(animation) for animation in draft.json.get("animations", ())):
        draft.own(("animations",))
        join_samplers(draft.json)
        survey.look_again("animations")
    return draft.finish(survey)


def _give_strides(draft: Draft, survey: Survey) -> None:
    """A bufferView of vertices that several accessors share must say its stride (glTF 2.0 §3.6.2.4)."""
    sharers: dict[int, list[int]] = {}
    accessors, views = draft.json.get("accessors", ()), draft.json.get("bufferViews", ())
    for index, uses in accessor_uses(survey).items():
        if "bufferView" in accessors[index] and any(is_vertex_role(use) for use in uses):
            sharers.setdefault(accessors[index]["bufferView"], []).append(index)
    for number, own in sharers.items():
        size = layout_of(accessors[own[0]], "").element_bytes
        if len(own) > 1 and "byteStride" not in views[number] and size % ALIGNMENT == 0:
            draft.own(("bufferViews",), survey)
            views = draft.json["bufferViews"]
            views[number]["byteStride"] = size


def join_samplers(json: JsonObject) -> None:
    """One sampler for channels of a clip that move alike, such as all bones that keep their size; changes `json`."""
    for animation in json.get("animations", ()):
        if places := _same_samplers(animation):
            first: dict[int, JsonObject] = {}
            for place, sampler in zip(places, animation["samplers"], strict=True):
                first.setdefault(place, sampler)
            animation["samplers"] = [first[place] for place in range(len(first))]
            for channel in animation["channels"]:
                channel["sampler"] = places[channel["sampler"]]


def _same_samplers(animation: JsonObject) -> list[int]:
    """For each sampler of a clip the place that it shall have, where some can be joined; empty where none can."""
    new: dict[Hashable, int] = {}
    places = [new.setdefault(_text(sampler), len(new)) for sampler in animation["samplers"]]
    can_be = len(new) < len(places) and all(channel["sampler"] < len(places) for channel in animation["channels"])
    return places if can_be else []


def _text(entry: JsonObject) -> Hashable:
    """What is equal for entries whose JSON is equal text. Most hold whole numbers and names, which are that quickly."""
    if _SIMPLE.issuperset(map(type, entry.values())):
        return tuple((key, type(value), value) for key, value in entry.items())
    return jsonio.dump(entry)


_SIMPLE = frozenset({int, str, bool})


def _equal_images(scene: Scene, survey: Survey, store: Store | None) -> list[list[int]]:
    """Images of equal bytes or pixels; those that cannot be had are left alone (`check` tells of them)."""
    groups: dict[Hashable, list[int]] = {}
    files: dict[int, memoryview] = {}
    for index, image in enumerate(scene.list_of("images")):
        data = _bytes_of(scene, image)
        if data is not None:
            files[index] = data
            groups.setdefault(hashlib.sha256(data).digest(), []).append(index)
    if len(groups) < 2:
        return list(groups.values())
    return joined_by_pixels(groups.values(), files, image_uses(scene.json, survey), scene.limits, store)


def _bytes_of(scene: Scene, image: JsonObject) -> memoryview | None:
    try:
        return scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], "")
    except SceneError:
        return None


def _equal_accessors(scene: Scene, survey: Survey) -> list[list[int]]:
    """Accessors of equal elements, types and uses. Compressed and sparse ones: those at the same place."""
    groups: dict[Hashable, list[int]] = {}
    uses, views = accessor_uses(survey), scene.list_of("bufferViews")
    for index, accessor in enumerate(scene.list_of("accessors")):
        get = accessor.get
        told = get("componentType"), get("type"), get("count"), get("normalized")
        if "sparse" in accessor or "bufferView" not in accessor or is_compressed(views[accessor["bufferView"]]):
            sparse = jsonio.dump(accessor["sparse"]) if "sparse" in accessor else b""
            contents: Hashable = (accessor.get("bufferView"), accessor.get("byteOffset", 0), sparse)
        else:
            data = read(scene, index).tobytes()
            contents = data if len(data) <= _SHORT else hashlib.sha256(data).digest()
        groups.setdefault((told, uses.get(index), contents), []).append(index)
    return list(groups.values())


class _Joiner:
    """Joins entries of a scene's lists, one list after another. `survey`: of the draft; it is kept right."""

    def __init__(self, draft: Draft, survey: Survey) -> None:
        self._draft, self._json, self._survey = draft, draft.json, survey
        self._movable = survey.movable
        self._alone = survey.named(by_extensions=True)

    def join_equal(self, kind: str) -> None:
        """Join entries of a list that are equal text, save those that something may change at run time."""
        if kind not in self._movable:
            return
        is_changeable = kind in ("materials", "meshes")
        alone = self._alone.get(kind, set()) if is_changeable else set()
        groups: dict[Hashable, list[int]] = {}
        for index, entry in enumerate(self._json.get(kind, ())):
            if index not in alone:
                content = entry if is_changeable else {key: value for key, value in entry.items() if key != "name"}
                groups.setdefault(_text(content), []).append(index)
        self.join(kind, groups.values(), ())

    def join(self, kind: str, groups: Collection[list[int]], places: tuple[str, ...]) -> None:
        """Join the entries of each group, whose contents are equal, where their names and the rest allow it.

        `places`: keys that say where the contents are; those of a group's first entry serve all of it.
        """
        if all(len(group) < 2 for group in groups):
            return
        self._draft.own((kind,), self._survey)
        entries: list[JsonObject] = self._json.get(kind, [])
        instead: dict[int, int] = {}
        shared = False
        for group in groups:
            twins = _Twins(entries, places)
            for index in group if len(group) > 1 else ():
                twin = twins.of(index) if kind in self._movable else None
                if twin is None:
                    twins.add(index)
                    _share(entries[group[0]], entries[index], places)
                    shared = shared or bool(places)
                else:
                    instead[index] = twin
                    _add_to(entries[twin], entries[index], places)
        if shared:
            self._survey.look_again(kind)
        if instead:
            kept = [index for index in range(len(entries)) if index not in instead]
            self._draft.renumber(self._survey, {kind: kept}, {kind: instead})
        self._survey.look_again(kind)  # entries took what others say, and where their contents are


def _add_to(twin: JsonObject, entry: JsonObject, places: tuple[str, ...]) -> None:
    """What an entry says beside what its twin says: bounds, a name."""
    where = set(places) - {"min", "max"}
    twin |= {key: value for key, value in entry.items() if key not in where and key not in twin}


class _Twins:
    """Finds, among entries of equal contents, one that another may be joined with."""

    def __init__(self, entries: list[JsonObject], places: tuple[str, ...]) -> None:
        self._entries, self._places = entries, places
        self._found: dict[tuple[Hashable, str | None], int] = {}
        self._any: dict[Hashable, int] = {}

    def of(self, index: int) -> int | None:
        """One with the same name, extras and so on; the first will do for an entry without a name."""
        rest, name = self._rest(index)
        if name is None:
            return self._any.get(rest)
        if (nameless := self._found.pop((rest, None), None)) is not None:
            self._found[rest, name] = nameless  # it takes the name
            return nameless
        return self._found.get((rest, name))

    def add(self, index: int) -> None:
        """An entry that stays."""
        rest, name = self._rest(index)
        self._found[rest, name] = index
        self._any.setdefault(rest, index)

    def _rest(self, index: int) -> tuple[Hashable, str | None]:
        entry = self._entries[index]
        if self._places is _PLACEMENT and _OF_EQUAL.issuperset(entry):
            return (), entry.get("name")
        rest = {key: value for key, value in sorted(entry.items()) if key not in (*self._places, "name")}
        return _text(rest), entry.get("name")


def _share(first: JsonObject, entry: JsonObject, places: tuple[str, ...]) -> None:
    """Let an entry look at the bytes of the first one, which are the same."""
    if entry is not first:
        for key in set(places) - {"min", "max"}:
            entry.pop(key, None)
            if key in first:
                entry[key] = first[key]
