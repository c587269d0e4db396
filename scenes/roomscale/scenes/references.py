"""Every place in a scene's JSON that names another entry by its number: found by kind, and rewritten.

A kind is the list that an index counts in: `accessors`, `nodes`, or an extension's, `KHR_lights_punctual/lights`.
The places are those of the tables of `checks` and of `reference_tables`; JSON pointers count too. `extras` belong to
whoever wrote them and are not looked into.
Rule: what an extension means that is in no table may name anything. So a scene that has one is never renumbered
(`movable`); its entries may be replaced where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from roomscale.scenes.checks.gltf import ROOT
from roomscale.scenes.checks.schema import ListOf, MapOf, Object, Ref, Type
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_tables import (
    PINNED,
    REFERENCE_TABLES,
    WITHOUT_INDICES,
    HubsLinks,
    Pointer,
)

_BYTES = re.compile(r"(?i)buffer(?!view)|byteoffset")
MOVABLE = frozenset(
    {"accessors", "bufferViews", "images", "textures", "samplers", "materials", "meshes", "skins"},
)
"""Kinds whose entries may get other numbers, or go. On all others, nodes before all, a world's meaning hangs."""
_HUBS_KINDS = {"node": "nodes", "material": "materials", "texture": "textures", "mesh": "meshes", "image": "images"}


@dataclass(slots=True)
class Reference:
    """One place that names entry `index` of the list `kind`: `holder[key]`.

    `field`: the name under which it stands: a key, or that of the list or textureInfo that holds it.
    `extension`: the extension in whose object it stands, "" for glTF's own. `is_pointer`: it is a JSON pointer, of
    which the number is a part. `owner`: the entry of a top-level list in which it stands (kind, index), None for the
    rest of the root.
    """

    kind: str
    index: int
    holder: Any
    key: Any
    field: str
    extension: str = ""
    is_pointer: bool = False
    owner: tuple[str, int] | None = None

    def set(self, index: int) -> None:
        """Name another entry; changes the JSON."""
        if self.is_pointer:
            head, tail = _split(self.holder[self.key])
            self.holder[self.key] = "/".join([*head, str(index), *tail])
        else:
            self.holder[self.key] = index
        self.index = index


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
    `survey`: of `json` as it is, if the caller has one. The caller has asked what is movable.
    """
    new = {kind: {old: position for position, old in enumerate(numbers)} for kind, numbers in kept.items()}
    staying = {(kind, old) for kind, numbers in kept.items() for old in numbers}
    for kind, pairs in (instead or {}).items():
        new[kind].update({gone: new[kind][stands] for gone, stands in pairs.items()})
    for reference in (survey or Survey(json)).references:
        owner = reference.owner
        if reference.kind in new and (owner is None or owner[0] not in new or owner in staying):
            number = new[reference.kind][reference.index]
            if number != reference.index:
                reference.set(number)
    for kind, numbers in kept.items():
        json[kind] = [json[kind][old] for old in numbers]
        if not numbers:
            del json[kind]


class Survey:
    """One walk over a scene's JSON along the tables.

    `references`: all places that name something, in no order. `known`: the extensions met that a table knows.
    """

    def __init__(self, json: JsonObject) -> None:
        self._json = json
        self._lengths: dict[str, int] = {}
        self._odd: set[str] = set()
        self._owner: tuple[str, int] | None = None
        self._todo: list[tuple[Type, Any, str, str]] = []
        self.references: list[Reference] = []
        self.known: set[str] = set()
        self._object(ROOT, {key: value for key, value in json.items() if not _is_list(key)}, "", "")
        self._walk()
        for kind, table in ROOT.fields.items():
            if _is_list(kind) and type(entries := json.get(kind)) is list and isinstance(table, ListOf):
                for index, entry in enumerate(entries):
                    self._owner = (kind, index)
                    self._todo.append((table.item, entry, "", ""))
                    self._walk()

    def named(self, *, by_extensions: bool = False) -> dict[str, set[int]]:
        """Kind → the entries that something names, or that an extension's object names, pointers included."""
        result: dict[str, set[int]] = {}
        for reference in self.references:
            if reference.extension or not by_extensions:
                result.setdefault(reference.kind, set()).add(reference.index)
        return result

    @cached_property
    def unknown(self) -> set[str]:
        """Extensions that no table knows, or that stand where none of their tables is for."""
        return self._odd | ({name for name, _ in _all_extensions(self._json)} - self.known - WITHOUT_INDICES)

    @cached_property
    def movable(self) -> frozenset[str]:
        """The kinds whose entries may get other numbers; none, if there is an unknown extension."""
        if self.unknown:
            return frozenset()
        return MOVABLE.difference(*(kinds for name, kinds in PINNED.items() if name in self.known))

    @property
    def names_bytes(self) -> bool:
        """Whether an unknown extension speaks of buffers, or of offsets in them: then no byte may move."""
        return bool(self.unknown) and any(_BYTES.search(key) for key in _keys_of(self._json, self.unknown))

    def _walk(self) -> None:
        todo = self._todo
        while todo:
            table, value, field, extension = todo.pop()
            kind = type(value)
            if kind is dict:
                if isinstance(table, Object):
                    self._object(table, value, field, extension)
                elif isinstance(table, MapOf):
                    for key in list(value):
                        self._item(table.item, value, key, key, extension)
            elif kind is list and isinstance(table, ListOf) and _leads_on(table):
                for index in range(len(value)):
                    self._item(table.item, value, index, field, extension)
            if isinstance(table, HubsLinks):
                self._links(value, extension)

    def _object(self, table: Object, value: JsonObject, field: str, extension: str) -> None:
        fields = table.fields
        for key, item in value.items():
            known = fields.get(key)
            if known is not None:
                kind = type(known)
                if kind is Ref or kind is Pointer:
                    self._reference(known, value, key, field if key == "index" else key, extension)
                elif kind is Object or kind is MapOf or kind is ListOf:
                    self._todo.append((known, item, key, extension))
            elif key == "extensions" and type(item) is dict:
                self._extensions(table.name, item)

    def _extensions(self, place: str, extensions: JsonObject) -> None:
        for name, content in extensions.items():
            table = REFERENCE_TABLES.get((place, name))
            if table is not None:
                self.known.add(name)
                self._todo.append((table, content, "", name))
            elif name in WITHOUT_INDICES:
                self.known.add(name)
            else:
                self._odd.add(name)

    def _item(self, table: Type, holder: Any, key: Any, field: str, extension: str) -> None:
        if type(table) is Ref:
            self._reference(table, holder, key, field, extension)
        else:
            self._todo.append((table, holder[key], field, extension))

    def _reference(self, table: Type, holder: Any, key: Any, field: str, extension: str) -> None:
        value = holder[key]
        if isinstance(table, Ref):
            if type(value) is int and self._is_there(table.to, value):
                self.references.append(Reference(table.to, value, holder, key, field, extension, False, self._owner))
            elif type(value) is dict and table.to == "textures":
                self._todo.append((_TEXTURE_HOLDER, value, field, extension))
        elif type(value) is str and (target := _target(value)) is not None and self._is_there(*target):
            self.references.append(Reference(*target, holder, key, field, extension, True, self._owner))

    def _links(self, value: Any, extension: str) -> None:
        todo = [value]
        while todo:
            item = todo.pop()
            if type(item) is dict:
                kind, index = _HUBS_KINDS.get(str(item.get("__mhc_link_type"))), item.get("index")
                if kind is not None and type(index) is int and self._is_there(kind, index):
                    self.references.append(
                        Reference(kind, index, item, "index", "index", extension, False, self._owner)
                    )
                todo.extend(child for child in item.values() if type(child) in (dict, list))
            elif type(item) is list:
                todo.extend(child for child in item if type(child) in (dict, list))

    def _is_there(self, kind: str, index: int) -> bool:
        if kind not in self._lengths:
            entries = _list_at(self._json, kind)
            self._lengths[kind] = len(entries) if type(entries) is list else 0
        return 0 <= index < self._lengths[kind]


def _is_list(key: str) -> bool:
    table = ROOT.fields.get(key)
    return isinstance(table, ListOf) and isinstance(table.item, Object)


_TEXTURE_HOLDER = Object("textureInfo", {"index": Ref("textures")}, open=True)


def _leads_on(table: ListOf) -> bool:
    """Whether something may be named inside; lists of plain numbers are not gone through."""
    return isinstance(table.item, (Ref, Pointer, Object, MapOf, HubsLinks, ListOf))


def _list_at(json: JsonObject, kind: str) -> Any:
    extension, _, key = kind.rpartition("/")
    if not extension:
        return json.get(key)
    extensions = json.get("extensions")
    holder = extensions.get(extension) if isinstance(extensions, dict) else None
    return holder.get(key) if isinstance(holder, dict) else None


def _split(pointer: str) -> tuple[list[str], list[str]]:
    """The steps of a JSON pointer before its first number, and those after it."""
    steps = pointer.split("/")
    at = 4 if steps[1:2] == ["extensions"] else 2
    return steps[:at], steps[at + 1 :]


def _target(pointer: str) -> tuple[str, int] | None:
    steps = pointer.split("/")
    if steps[1:2] == ["extensions"] and len(steps) > 4:
        kind, number = f"{steps[2]}/{steps[3]}", steps[4]
    elif len(steps) > 2:
        kind, number = steps[1], steps[2]
    else:
        return None
    return (kind, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None


def _all_extensions(json: JsonObject) -> Iterator[tuple[str, Any]]:
    """Every extension at any depth outside `extras`, wherever it stands, and what it holds."""
    todo: list[Any] = [json]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            if type(extensions := item.get("extensions")) is dict:
                yield from extensions.items()
            todo.extend(child for key, child in item.items() if key != "extras" and type(child) in (dict, list))
        else:
            todo.extend(child for child in item if type(child) in (dict, list))


def _keys_of(json: JsonObject, names: set[str]) -> Iterator[str]:
    """The keys at any depth of these extensions' objects."""
    todo = [content for name, content in _all_extensions(json) if name in names]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            yield from item
            todo.extend(item.values())
        elif type(item) is list:
            todo.extend(item)
