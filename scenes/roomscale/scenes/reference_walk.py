"""The walk along the tables that finds every place where a part of a scene names an entry by its number.

The tables are compiled into functions, each of which asks an object for those fields alone that can name something; a
scene has hundreds of thousands of others. Rule: one walk is over one of the root's lists, or over the rest of the root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from roomscale.scenes.checks.gltf import ROOT
from roomscale.scenes.checks.schema import ListOf, MapOf, Object, Ref, Type
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_tables import REFERENCE_TABLES, WITHOUT_INDICES, HubsLinks, Pointer

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


@dataclass(slots=True)
class Seen:
    """What was seen on a walk. `references`: whether what they name is there is not looked at.

    `known`: extensions that a table knows. `odd`: those that stand where none of their tables is for. `owner`: the
    entry where the walk is.
    """

    references: list[Reference] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)
    owner: tuple[str, int] | None = None


def walk_list(kind: str, entries: list[Any]) -> Seen:
    """The walk over one of the root's lists, a key of `LISTS`."""
    seen = Seen()
    walk = _LIST_WALKS[kind]
    if walk is not None:
        for index, entry in enumerate(entries):
            seen.owner = (kind, index)
            walk(entry, "", "", seen)
    return seen


def walk_rest(rest: JsonObject) -> Seen:
    """The walk over all else that is in the root."""
    seen = Seen()
    _ROOT_WALK(rest, "", "", seen)
    return seen


_Walk = Callable[[Any, str, str, Seen], None]
"""Takes a value, the name under which it stands, the extension in whose object, and what is to be filled."""


def _walk_of(table: Type) -> _Walk | None:
    """A table as a function; None if nothing that it is for can name anything."""
    if isinstance(table, Object):
        return _object_walk(table)
    if isinstance(table, MapOf):
        return _map_walk(table)
    if isinstance(table, ListOf):
        return _list_walk(table)
    return _links if isinstance(table, HubsLinks) else None


def _object_walk(table: Object) -> _Walk:
    indices = [(key, known.to) for key, known in table.fields.items() if isinstance(known, Ref)]
    pointers = [key for key, known in table.fields.items() if isinstance(known, Pointer)]
    inner = [(key, go) for key, known in table.fields.items() if (go := _walk_of(known)) is not None]
    has_extensions, place = "extensions" not in table.fields, table.name

    def walk(value: Any, field: str, extension: str, seen: Seen) -> None:
        if type(value) is not dict:
            return
        for key, kind in indices:
            if key in value:
                _note(kind, value, key, field if key == "index" else key, extension, seen)
        for key in pointers:
            if key in value:
                _note_pointer(value, key, field if key == "index" else key, extension, seen)
        for key, go in inner:
            if key in value:
                go(value[key], key, extension, seen)
        if has_extensions and "extensions" in value and type(value["extensions"]) is dict:
            _extensions(place, value["extensions"], seen)

    return walk


def _map_walk(table: MapOf) -> _Walk | None:
    note, walk_item = _note_of(table.item), _walk_of(table.item)
    if note is None and walk_item is None:
        return None

    def walk(value: Any, _field: str, extension: str, seen: Seen) -> None:
        if type(value) is dict:
            for key in value:
                if note is not None:
                    note(value, key, key, extension, seen)
                elif walk_item is not None:
                    walk_item(value[key], key, extension, seen)

    return walk


def _list_walk(table: ListOf) -> _Walk | None:
    note, walk_item = _note_of(table.item), _walk_of(table.item)
    if note is None and walk_item is None:
        return None

    def walk(value: Any, field: str, extension: str, seen: Seen) -> None:
        if type(value) is list:
            for index, item in enumerate(value):
                if note is not None:
                    note(value, index, field, extension, seen)
                elif walk_item is not None:
                    walk_item(item, field, extension, seen)

    return walk


def _note_of(table: Type) -> Callable[[Any, Any, str, str, Seen], None] | None:
    if isinstance(table, Ref):
        kind = table.to
        return lambda holder, key, field, extension, seen: _note(kind, holder, key, field, extension, seen)
    return _note_pointer if isinstance(table, Pointer) else None


def _note(kind: str, holder: Any, key: Any, field: str, extension: str, seen: Seen) -> None:
    value = holder[key]
    if type(value) is int:
        if value >= 0:
            seen.references.append(Reference(kind, value, holder, key, field, extension, False, seen.owner))
    elif type(value) is dict and kind == "textures":
        _TEXTURE_WALK(value, field, extension, seen)


def _note_pointer(holder: Any, key: Any, field: str, extension: str, seen: Seen) -> None:
    value = holder[key]
    if type(value) is str and (target := _target(value)) is not None:
        seen.references.append(Reference(*target, holder, key, field, extension, True, seen.owner))


_extension_walks: dict[tuple[str, str], _Walk | None] = {}
"""Tables of extensions, compiled when they are first met."""


def _extensions(place: str, extensions: JsonObject, seen: Seen) -> None:
    for name, content in extensions.items():
        where = (place, name)
        if where in REFERENCE_TABLES:
            seen.known.add(name)
            if where not in _extension_walks:
                _extension_walks[where] = _walk_of(REFERENCE_TABLES[where])
            if (walk := _extension_walks[where]) is not None:
                walk(content, "", name, seen)
        elif name in WITHOUT_INDICES:
            seen.known.add(name)
        else:
            seen.odd.add(name)


def _links(value: Any, _field: str, extension: str, seen: Seen) -> None:
    todo = [value]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            kind, index = _HUBS_KINDS.get(str(item.get("__mhc_link_type"))), item.get("index")
            if kind is not None and type(index) is int and index >= 0:
                seen.references.append(Reference(kind, index, item, "index", "index", extension, False, seen.owner))
            todo.extend(child for child in item.values() if type(child) in (dict, list))
        elif type(item) is list:
            todo.extend(child for child in item if type(child) in (dict, list))


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


def all_extensions(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every extension at any depth outside `extras`, wherever it stands, and what it holds."""
    todo: list[Any] = [tree]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            if "extensions" in item and type(item["extensions"]) is dict:
                yield from item["extensions"].items()
            todo += [
                child for key, child in item.items() if (type(child) is dict or type(child) is list) and key != "extras"
            ]
        else:
            todo += [child for child in item if type(child) is dict or type(child) is list]


LISTS = tuple(key for key, table in ROOT.fields.items() if isinstance(table, ListOf) and isinstance(table.item, Object))
"""The root's lists of objects."""


def _named_by(table: Type) -> frozenset[str]:
    """The lists that glTF's own fields of a table name."""
    if isinstance(table, Ref):
        return frozenset({table.to})
    if isinstance(table, Object):
        return frozenset[str]().union(*map(_named_by, table.fields.values()))
    return _named_by(table.item) if isinstance(table, (MapOf, ListOf)) else frozenset()


NAMED = {"": _named_by(Object("root", {key: table for key, table in ROOT.fields.items() if key not in LISTS}))} | {
    key: _named_by(ROOT.fields[key]) for key in LISTS
}
"""A list of the root, or "" for the rest → the lists whose entries glTF's own fields in it name."""
_LIST_WALKS = {key: _walk_of(table.item) for key in LISTS if isinstance(table := ROOT.fields[key], ListOf)}
_ROOT_WALK = _object_walk(Object("root", {key: table for key, table in ROOT.fields.items() if key not in LISTS}))
_TEXTURE_WALK = _object_walk(Object("textureInfo", {"index": Ref("textures")}, open=True))
