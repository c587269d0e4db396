"""Every place in a scene's JSON that names another entry by its number: found by kind, and rewritten.

A kind is the list that an index counts in: `accessors`, `nodes`, or an extension's, `KHR_lights_punctual/lights`.
The places are those of the tables of `checks` and of `reference_tables`, found by `reference_walk`; JSON pointers
count too. `extras` belong to whoever wrote them and are not looked into.
Rule: what an extension means that is in no table may name anything. So a scene that has one is never renumbered
(`movable`); its entries may be replaced where they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_parts import Part, rest_of
from roomscale.scenes.reference_tables import PINNED, WITHOUT_INDICES
from roomscale.scenes.reference_walk import LISTS, Reference, Seen, all_extensions

_BYTES = re.compile(r"(?i)buffer(?!view)|byteoffset")
MOVABLE = frozenset(
    {"accessors", "bufferViews", "images", "textures", "samplers", "materials", "meshes", "skins"},
)
"""Kinds whose entries may get other numbers, or go. On all others, nodes before all, a world's meaning hangs."""


def references(json: JsonObject) -> list[Reference]:
    """All places of `json` that name something that is there, in no order; what leads nowhere is passed over."""
    return Survey(json).references


def movable(json: JsonObject) -> frozenset[str]:
    """The kinds whose entries may get other numbers; none, if the scene has an extension that no table knows."""
    return Survey(json).movable


def named_by_extensions(json: JsonObject) -> dict[str, set[int]]:
    """Kind → the entries that an extension's object names, pointers included."""
    return Survey(json).named(by_extensions=True)


def renumber(
    json: JsonObject,
    kept: Mapping[str, Sequence[int]],
    instead: Mapping[str, Mapping[int, int]] | None = None,
    survey: Survey | None = None,
) -> None:
    """Leave only some entries of lists, in the order given, and rewrite all that names them; changes `json`.

    `kept`: kind → the old numbers of the entries that stay. `instead`: kind → an entry that goes → the kept one (old
    numbers) that stands for it. What stays may name only what stays or has one that stands for it.
    `survey`: of `json` as it is, if the caller has one; it is right afterwards too. The caller has asked what is
    movable, and shares none of the lists that change with another scene.
    """
    survey = survey or Survey(json)
    new = {kind: {old: position for position, old in enumerate(numbers)} for kind, numbers in kept.items()}
    places = {kind: dict(positions) for kind, positions in new.items()}
    for kind, pairs in (instead or {}).items():
        new[kind].update({gone: new[kind][stands] for gone, stands in pairs.items()})
    for part in survey.parts.values():
        if not any(part.counts(kind) for kind in new):
            continue
        part.renumber(new)
        for reference in part.references if part.columns is None else ():
            if reference.kind in new and survey.is_there(reference):
                owner = reference.owner
                if owner is None or owner[0] not in places or owner[1] in places[owner[0]]:
                    number = new[reference.kind][reference.index]
                    if number != reference.index:
                        reference.set(number)
        part.renumbered(new)
    for kind, numbers in kept.items():
        json[kind] = [json[kind][old] for old in numbers]
        if not numbers:
            del json[kind]
    survey.follow(places)


class Survey:
    """A walk over a scene's JSON along the tables.

    `known`: parts of earlier surveys; of what is still the same list, the walk is not repeated.
    `parts`: root's list → what was seen there; "" for the rest of the root.
    """

    def __init__(self, json: JsonObject, known: Mapping[str, Part] | None = None) -> None:
        self._json = json
        self._lengths: dict[str, int] = {}
        self.parts: dict[str, Part] = {"": rest_of(json)}
        for kind in LISTS:
            if type(entries := json.get(kind)) is list:
                part = None if known is None else known.get(kind)
                self.parts[kind] = part if part and part.entries is entries else Part(kind, entries)

    @property
    def references(self) -> list[Reference]:
        """All places that name something that is there, in no order."""
        return [reference for part in self.parts.values() for reference in part.references if self.is_there(reference)]

    def naming(self, kinds: Collection[str]) -> Iterator[Reference]:
        """The places that name something that is there in one of these lists."""
        lengths = {kind: self._length(kind) for kind in kinds}
        for part in self.parts.values():
            if any(part.may_name(kind) for kind in kinds):
                for reference in part.references:
                    if reference.kind in lengths and reference.index < lengths[reference.kind]:
                        yield reference

    def by_extensions(self) -> Iterator[Reference]:
        """The places in objects of extensions that name something that is there."""
        for part in self.parts.values():
            if part.extensions:
                for reference in part.references:
                    if reference.extension and self.is_there(reference):
                        yield reference

    @property
    def known(self) -> set[str]:
        """The extensions met that a table knows."""
        return set[str]().union(*(part.known for part in self.parts.values()))

    def named(self, *, by_extensions: bool = False) -> dict[str, set[int]]:
        """Kind → the entries that something names, or that an extension's object names, pointers included."""
        result: dict[str, set[int]] = {}
        for reference in self.by_extensions() if by_extensions else self.references:
            result.setdefault(reference.kind, set()).add(reference.index)
        return result

    def counts(self, kind: str) -> dict[int, int]:
        """Entry of a list → how often it is named, for those that are."""
        result: dict[int, int] = {}
        for part in self.parts.values():
            for index, count in part.counts(kind).items():
                if index < self._length(kind):
                    result[index] = result.get(index, 0) + count
        return result

    @cached_property
    def unknown(self) -> set[str]:
        """Extensions that no table knows, or that stand where none of their tables is for."""
        parts = self.parts.values()
        names = set[str]().union(*(part.extensions for part in parts))
        return set[str]().union(*(part.odd for part in parts), names - self.known - WITHOUT_INDICES)

    @cached_property
    def movable(self) -> frozenset[str]:
        """The kinds whose entries may get other numbers; none, if there is an unknown extension."""
        if self.unknown:
            return frozenset()
        known = self.known
        return MOVABLE.difference(*(kinds for name, kinds in PINNED.items() if name in known))

    @property
    def names_bytes(self) -> bool:
        """Whether an unknown extension speaks of buffers, or of offsets in them: then no byte may move."""
        return bool(self.unknown) and any(_BYTES.search(key) for key in _keys_of(self._json, self.unknown))

    def is_there(self, reference: Reference) -> bool:
        """Whether there is what a reference names."""
        return reference.index < self._length(reference.kind)

    def follow(self, places: Mapping[str, Mapping[int, int]]) -> None:
        """Lists were renumbered: what stood in an entry that went is forgotten. `places`: kind → old → new number."""
        self._lengths.clear()
        for kind, numbers in places.items():
            old = self.parts.pop(kind, None)
            if old is None or type(entries := self._json.get(kind)) is not list:
                continue
            if old.columns is not None:
                self.parts[kind] = old.of_some(entries)
            else:
                left = Seen(known=old.known, odd=old.odd)
                for reference in old.references:
                    if reference.owner is not None and reference.owner[1] in numbers:
                        reference.owner = (kind, numbers[reference.owner[1]])
                        left.references.append(reference)
                self.parts[kind] = Part(kind, entries, left)

    def look_again(self, kind: str) -> None:
        """A list was changed in another way: walk over it again."""
        if kind in self._json:
            self.parts[kind] = Part(kind, self._json[kind])

    def _length(self, kind: str) -> int:
        if kind not in self._lengths:
            entries = _list_at(self._json, kind)
            self._lengths[kind] = len(entries) if type(entries) is list else 0
        return self._lengths[kind]


def _list_at(json: JsonObject, kind: str) -> Any:
    extension, _, key = kind.rpartition("/")
    if not extension:
        return json.get(key)
    extensions = json.get("extensions")
    holder = extensions.get(extension) if isinstance(extensions, dict) else None
    return holder.get(key) if isinstance(holder, dict) else None


def _keys_of(json: JsonObject, names: set[str]) -> Iterator[str]:
    """The keys at any depth of these extensions' objects."""
    todo = [content for name, content in all_extensions(json) if name in names]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            yield from item
            todo.extend(item.values())
        elif type(item) is list:
            todo.extend(item)
