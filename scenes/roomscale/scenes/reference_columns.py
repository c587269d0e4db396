"""Where the entries of a list without extensions name others, field by field: most of a scene's references, at once.

What `reference_walk` finds one by one, with all that is to be known of each, stands here in columns: all objects that
have a number under one key. Rule: glTF's own tables only, so not for lists in which any extension stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from roomscale.scenes.checks.gltf import ROOT
from roomscale.scenes.checks.schema import ListOf, MapOf, Object, Ref, Type


@dataclass(slots=True)
class Column:
    """What names entries of the list `kind`: `holder[key]` of each holder; all items of holders that are lists, where
    `key` is None."""

    kind: str
    key: str | None
    holders: list[Any]

    def indices(self) -> list[int]:
        """What they name. Whether it is there is not looked at."""
        return [value for value in self._values() if type(value) is int and value >= 0]

    def rewrite(self, new: Mapping[int, int]) -> None:
        """Name other entries: old number → new one, for those that change; changes the JSON."""
        numbers = [new.get(value, value) if type(value) is int else value for value in self._values()]
        if self.key is not None:
            for holder, number in zip(self.holders, numbers, strict=True):
                holder[self.key] = number
            return
        end = 0
        for holder in self.holders:
            start, end = end, end + len(holder)
            holder[:] = numbers[start:end]

    def _values(self) -> list[Any]:
        if self.key is None:
            return [*chain.from_iterable(self.holders)]
        key = self.key
        return [holder[key] for holder in self.holders]


def columns_of(kind: str, entries: list[Any]) -> list[Column]:
    """All places in one of the root's lists that name something."""
    found: list[Column] = []
    if (gather := _gatherers[kind]) is not None:
        gather(entries, found)
    return found


_Gather = Callable[[list[Any], list[Column]], None]
"""Takes values that one table is for, and the columns found so far."""


def _gatherer(table: Type) -> _Gather | None:
    """A table as a function; None if nothing that it is for can name anything."""
    if isinstance(table, Object):
        return _of_objects(table)
    if isinstance(table, MapOf):
        return _of_maps(table)
    return _of_lists(table) if isinstance(table, ListOf) else None


def _of_objects(table: Object) -> _Gather:
    indices = [(key, known.to) for key, known in table.fields.items() if isinstance(known, Ref)]
    inner = [(key, go) for key, known in table.fields.items() if (go := _gatherer(known)) is not None]

    def gather(values: list[Any], found: list[Column]) -> None:
        objects = [value for value in values if type(value) is dict]
        for key, kind in indices:
            if holders := [each for each in objects if key in each]:
                found.append(Column(kind, key, holders))
        for key, go in inner:
            if held := [each[key] for each in objects if key in each]:
                go(held, found)

    return gather


def _of_maps(table: MapOf) -> _Gather | None:
    item, go = table.item, _gatherer(table.item)

    def gather(values: list[Any], found: list[Column]) -> None:
        objects = [value for value in values if type(value) is dict]
        if go is not None:
            go([*chain.from_iterable(each.values() for each in objects)], found)
        elif isinstance(item, Ref):
            holders: dict[str, list[Any]] = {}
            for each in objects:
                for key in each:
                    holders.setdefault(key, []).append(each)
            found += [Column(item.to, key, named) for key, named in holders.items()]

    return gather if go is not None or isinstance(item, Ref) else None


def _of_lists(table: ListOf) -> _Gather | None:
    item, go = table.item, _gatherer(table.item)

    def gather(values: list[Any], found: list[Column]) -> None:
        lists = [value for value in values if type(value) is list]
        if go is not None:
            go([*chain.from_iterable(lists)], found)
        elif isinstance(item, Ref):
            found.append(Column(item.to, None, lists))

    return gather if go is not None or isinstance(item, Ref) else None


_gatherers = {
    key: _gatherer(table.item)
    for key, table in ROOT.fields.items()
    if isinstance(table, ListOf) and isinstance(table.item, Object)
}
