"""What is known of one of the root's lists, or of the rest of the root: what it names, and with which extensions.

Rule: a part is told by the very list that it is of. Who changes what is in that list makes a new one.
"""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Mapping
from typing import Any

from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_columns import Column, columns_of
from roomscale.scenes.reference_walk import LISTS, NAMED, Reference, Seen, all_extensions, walk_list, walk_rest

_PLAIN = 2
"""The version of `marshal`'s format that writes a text anew wherever it stands."""


class Part:
    """One of the root's lists (`kind`, a key of `LISTS`), or the rest of the root, an object (""): what it names.

    The walk begins when somebody asks for what only a walk can tell: lists without extensions name what glTF's own
    fields do.
    """

    def __init__(self, kind: str, entries: Any, seen: Seen | None = None) -> None:
        self.kind, self.entries = kind, entries
        self.accessor_uses: list[tuple[int, str]] | None = None
        """Each accessor that the list names, as often as it does, with what for; None as long as nobody asked
        (`transforms.accessor_roles`)."""
        self._columns: list[Column] | None = None
        self._seen = seen
        self._met: tuple[set[str], set[str]] | None = None
        self._extensions: Counter[str] | None = None
        self._counts: dict[str, Counter[int]] | None = None

    @property
    def references(self) -> list[Reference]:
        """All places that name something. Whether it is there is not looked at."""
        return self.seen.references

    @property
    def seen(self) -> Seen:
        """What the walk showed."""
        if self._seen is None:
            self._seen = walk_rest(self.entries) if self.kind == "" else walk_list(self.kind, self.entries)
        return self._seen

    @property
    def columns(self) -> list[Column] | None:
        """The same in columns, which is quicker; None where they do not tell all."""
        if self.kind == "" or self.extensions:
            return None
        if self._columns is None:
            self._columns = columns_of(self.kind, self.entries)
        return self._columns

    @property
    def known(self) -> set[str]:
        """The extensions met that a table knows."""
        return self._extensions_met[0]

    @property
    def odd(self) -> set[str]:
        """Extensions that stand where none of their tables is for."""
        return self._extensions_met[1]

    @property
    def _extensions_met(self) -> tuple[set[str], set[str]]:
        if self._met is None:
            self._met = (self.seen.known, self.seen.odd) if self.extensions else (set(), set())
        return self._met

    @property
    def extensions(self) -> Counter[str]:
        """Every extension at any depth outside `extras`, wherever it stands, and how often. Not to be changed."""
        if self._extensions is None:
            # Most entries have none, which their bytes tell sooner than a walk.
            holders = self.entries if type(self.entries) is list else [self.entries]
            if b"extensions" in marshal.dumps(holders, _PLAIN):
                holders = [each for each in holders if b"extensions" in marshal.dumps(each, _PLAIN)]
                self._extensions = Counter(name for name, _ in all_extensions(holders))
            else:
                self._extensions = Counter()
        return self._extensions

    def may_name(self, kind: str) -> bool:
        """Whether there can be something that names an entry of the list `kind`; told without a walk, if need be."""
        return kind in NAMED[self.kind] or bool(self.extensions)

    def counts(self, kind: str) -> Mapping[int, int]:
        """Entry of the list `kind` → how often it is named. Not to be changed."""
        if not self.may_name(kind):
            return {}
        if self._counts is None:
            indices: dict[str, list[int]] = {}
            if self.columns is None:
                for reference in self.references:
                    indices.setdefault(reference.kind, []).append(reference.index)
            else:
                for column in self.columns:
                    indices.setdefault(column.kind, []).extend(column.indices())
            self._counts = {name: Counter(named) for name, named in indices.items()}
        return self._counts.get(kind, {})

    def of_copy(self, entries: Any) -> Part:
        """The same of a copy of the list: it names what this one does, elsewhere."""
        part = Part(self.kind, entries)
        part.accessor_uses, part._met, part._extensions, part._counts = (
            self.accessor_uses,
            self._met,
            self._extensions,
            self._counts,
        )
        return part

    def of_some(self, entries: Any) -> Part:
        """The same of a list without extensions when some of its entries went."""
        part = Part(self.kind, entries)
        part._extensions = self._extensions
        return part

    def renumber(self, new: Mapping[str, Mapping[int, int]]) -> None:
        """Rewrite all columns. `new`: kind → old number → new one."""
        for column in self.columns or ():
            if column.kind in new:
                column.rewrite(new[column.kind])

    def renumbered(self, new: Mapping[str, Mapping[int, int]]) -> None:
        """References were set: what was worked out is forgotten, or follows."""
        self._counts = None
        if self.columns is not None:
            self._seen = None
        if self.accessor_uses is not None and "accessors" in new:
            accessors = new["accessors"]
            self.accessor_uses = [(accessors.get(index, index), use) for index, use in self.accessor_uses]


def rest_of(json: JsonObject) -> Part:
    """All else that is in the root."""
    return Part("", {key: value for key, value in json.items() if key not in LISTS or type(value) is not list})
