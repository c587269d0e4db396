"""A small schema language for glTF's JSON, and the walk that compares a scene with it.

`gltf` and `extensions` hold the tables written in it. Khronos's JSON schemas say the same, but know neither
references nor where an extension may stand, and a general validator takes seconds for 20,000 nodes.
The types are tuples: making a dataclass of each took 8 ms whenever a command started.
Of many values at once a type only tells whether all are plain (`is_plain`): a scene has hundreds of thousands, and
nearly always there is nothing to be said of them. Only where there is does the walk go from one to the next.
Rule: after a walk with `sound` left true, every value has the type its table says, and every reference leads somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any, NamedTuple, Protocol

from roomscale.scenes.checks.walk import Walk
from roomscale.scenes.errors import printable
from roomscale.scenes.jsonio import JsonObject

_PIECE = 256
"""Items of a list that are looked at together: one that is not plain makes the walk go through all of them."""


class Type(Protocol):
    """What a value may be. `check` reports to the walk; the walk knows where the value stands."""

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether `check` says nothing of any of these, nor meets an extension for the first time; in doubt, no."""

    def check(self, value: Any, walk: Walk) -> None:
        """Report what is wrong with `value`."""


class Anything(NamedTuple):
    """Any JSON at all."""

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are JSON."""
        return True

    def check(self, value: Any, walk: Walk) -> None:
        """Nothing is wrong with it."""


class Boolean(NamedTuple):
    """true or false."""

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are true or false."""
        return _types(values) <= {bool}

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types."""
        if type(value) is not bool:
            walk.mismatch(value, "true or false")


class Integer(NamedTuple):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 0x7FFF_FFFF_FFFF

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are whole numbers in range."""
        return _types(values) <= {int} and _are_within(values, self.low, self.high)

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types and values out of range."""
        if type(value) is not int:
            walk.mismatch(value, "a whole number")
        elif not self.low <= value <= self.high:
            walk.out_of_range(value)


class Number(NamedTuple):
    """A number from `low` to `high`; `above`: and greater than this. `also`: a value beside the range."""

    low: float = -3.5e38
    high: float = 3.5e38
    above: float | None = None
    also: float | None = None

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are numbers in range."""
        if not (_types(values) <= {int, float} and _are_within(values, self.low, self.high)):
            return False
        return self.above is None or all(map(float(self.above).__lt__, values))

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types and values out of range; the default range is a float32's."""
        kind = type(value)
        if kind is not float and kind is not int:
            walk.mismatch(value, "a number")
        elif (not self.low <= value <= self.high or (self.above is not None and value <= self.above)) and (
            value != self.also
        ):
            walk.out_of_range(value)


class Text(NamedTuple):
    """A string; `pattern`: that it must match in full."""

    pattern: re.Pattern[str] | None = None

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are strings of this form."""
        return _types(values) <= {str} and (self.pattern is None or all(map(self.pattern.fullmatch, values)))

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types and what does not match."""
        if type(value) is not str:
            walk.mismatch(value, "a text")
        elif self.pattern is not None and not self.pattern.fullmatch(value):
            walk.error("PATTERN_MISMATCH", f"{printable(value, 40)} has not the form that is asked for here")


class OneOf(NamedTuple):
    """One of a few values. Unknown ones are an error only where `strict`: extensions may add values."""

    values: tuple[Any, ...]
    strict: bool = False

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are among the values."""
        return _types(values) <= {type(self.values[0])} and set(values) <= set(self.values)

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types (of which the first value is an example) and other values."""
        if type(value) is not type(self.values[0]):
            walk.mismatch(value, f"one of {', '.join(map(str, self.values))}")
        elif value not in self.values:
            report = walk.error if self.strict else walk.warn
            report("VALUE_NOT_IN_LIST", f"{printable(str(value), 40)} is none of {', '.join(map(str, self.values))}")


class Ref(NamedTuple):
    """An index into a list of the scene: `nodes`, or an extension's, `KHR_lights_punctual/lights`."""

    to: str

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are indices that lead somewhere."""
        return _types(values) <= {int} and _are_within(values, 0, walk.length_of(self.to) - 1)

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types and indices that lead nowhere."""
        if type(value) is not int:
            walk.mismatch(value, f"an index into {self.to}")
        elif not 0 <= value < walk.length_of(self.to):
            walk.unresolved(value, self.to)


class ListOf(NamedTuple):
    """A list of one type, of `least` to `most` items; `unique`: none twice."""

    item: Type
    least: int = 1
    most: int | None = None
    unique: bool = False

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are lists of a right length, with plain items."""
        if not (_types(values) <= {list} and _are_within([*map(len, values)], self.least, self.most)):
            return False
        if not self.item.is_plain([*chain.from_iterable(values)], walk):
            return False
        return not self.unique or all(len(set(value)) == len(value) for value in values)

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types, wrong lengths, wrong items, repeated ones."""
        if type(value) is not list:
            walk.mismatch(value, "a list")
            return
        if not value and self.least == 1 and self.most is None:
            walk.error("EMPTY_ENTITY", "it is empty; leave it out", mendable=True)
        elif len(value) < self.least or (self.most is not None and len(value) > self.most):
            walk.unsound("ARRAY_LENGTH_NOT_IN_LIST", f"it has {len(value):,} items")
        for start in range(0, len(value), _PIECE):
            piece = value[start : start + _PIECE]
            if not self.item.is_plain(piece, walk):
                for index, item in enumerate(piece, start):
                    walk.path.append(index)
                    self.item.check(item, walk)
                    walk.path.pop()
        if self.unique and walk.sound and len(set(value)) != len(value):
            walk.error("ARRAY_NON_UNIQUE", "an item stands in it twice")


class MapOf(NamedTuple):
    """An object with keys of the scene's choosing; `least` of them."""

    item: Type
    least: int = 1

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are objects with enough entries, all of them plain."""
        if not (_types(values) <= {dict} and _are_within([*map(len, values)], self.least)):
            return False
        return self.item.is_plain([*chain.from_iterable(value.values() for value in values)], walk)

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types, too few entries, wrong values."""
        if type(value) is not dict:
            walk.mismatch(value, "an object")
            return
        if len(value) < self.least:
            walk.error("EMPTY_ENTITY", "it is empty")
        for key, item in value.items():
            walk.path.append(key)
            self.item.check(item, walk)
            walk.path.pop()


class Object(NamedTuple):
    """An object of named fields. `name`: under which extensions know it. `required`: fields that must be there.

    `exactly_one`: groups of fields of which one must be there. `needs`: fields that need another one beside them.
    `open`: fields not listed are fine (extensions that change faster than we do).
    """

    name: str
    fields: Mapping[str, Type]
    required: tuple[str, ...] = ()
    exactly_one: tuple[tuple[str, ...], ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    open: bool = False

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whether all are objects with the fields they need, all of them plain: field by field, of all those that
        have the same ones."""
        if not _types(values) <= {dict}:
            return False
        alike: dict[tuple[str, ...], list[JsonObject]] = {}
        for value in values:
            alike.setdefault(tuple(value), []).append(value)
        return all(self._are_plain(keys, members, walk) for keys, members in alike.items())

    def _are_plain(self, keys: tuple[str, ...], members: list[JsonObject], walk: Walk) -> bool:
        known = [self.fields.get(key) for key in keys]
        others = {key for key, table in zip(keys, known, strict=True) if table is None} - {"extras", "extensions"}
        if self._lacks(keys) or (others and not self.open):
            return False
        columns = zip(*(member.values() for member in members), strict=True)
        for key, table, column in zip(keys, known, columns, strict=True):
            if table is not None:
                is_plain = table.is_plain(column, walk)
            else:
                is_plain = key != "extensions" or walk.are_plain_extensions(column, self.name)
            if not is_plain:
                return False
        return True

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types, missing, unknown and wrong fields, and go into its extensions."""
        if type(value) is not dict:
            walk.mismatch(value, "an object")
            return
        for key, item in value.items():
            walk.path.append(key)
            known = self.fields.get(key)
            if known is not None:
                known.check(item, walk)
            elif key == "extensions":
                walk.check_extensions(item, self.name)
            elif key != "extras" and not self.open:
                walk.warn("UNEXPECTED_PROPERTY", "this property is not part of glTF; viewers do not see it")
            walk.path.pop()
        self._check_presence(value, walk)

    def _lacks(self, keys: Collection[str]) -> bool:
        """Whether `_check_presence` has something to say of an object with these keys."""
        return (
            any(key not in keys for key in self.required)
            or any(sum(key in keys for key in group) != 1 for group in self.exactly_one)
            or any(key in keys and other not in keys for key, other in self.needs)
        )

    def _check_presence(self, value: JsonObject, walk: Walk) -> None:
        for key in self.required:
            if key not in value:
                walk.unsound("UNDEFINED_PROPERTY", f"{key} is missing")
        for group in self.exactly_one:
            if sum(key in value for key in group) != 1:
                walk.error("ONE_OF_MISMATCH", f"exactly one of {', '.join(group)} must be there")
        for key, other in self.needs:
            if key in value and other not in value:
                walk.error("UNSATISFIED_DEPENDENCY", f"{key} needs {other} beside it")


def _types(values: Collection[Any]) -> set[type]:
    return set(map(type, values))


def _are_within(numbers: Collection[Any], low: float, high: float | None = None) -> bool:
    """Whether all are from `low` to `high`; what is no number at all (NaN) is not."""
    return all(map(float(low).__le__, numbers)) and (high is None or all(map(float(high).__ge__, numbers)))
