"""A small schema language for glTF's JSON, and the walk that compares a scene with it.

`gltf` and `extensions` hold the tables written in it. Khronos's JSON schemas say the same, but know neither
references nor where an extension may stand, and a general validator takes seconds for 20,000 nodes.
The types are tuples: making a dataclass of each took 8 ms whenever a command started.
Rule: after a walk with `sound` left true, every value has the type its table says, and every reference leads somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject


class Type(Protocol):
    """What a value may be. `check` reports to the walk; the walk knows where the value stands."""

    def check(self, value: Any, walk: Walk) -> None:
        """Report what is wrong with `value`."""


class Anything(NamedTuple):
    """Any JSON at all."""

    def check(self, value: Any, walk: Walk) -> None:
        """Nothing is wrong with it."""


class Boolean(NamedTuple):
    """true or false."""

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types."""
        if type(value) is not bool:
            walk.mismatch(value, "true or false")


class Integer(NamedTuple):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 0x7FFF_FFFF_FFFF

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

    def check(self, value: Any, walk: Walk) -> None:
        """Report other types, wrong lengths, wrong items, repeated ones."""
        if type(value) is not list:
            walk.mismatch(value, "a list")
            return
        if not value and self.least == 1 and self.most is None:
            walk.error("EMPTY_ENTITY", "it is empty; leave it out", mendable=True)
        elif len(value) < self.least or (self.most is not None and len(value) > self.most):
            walk.unsound("ARRAY_LENGTH_NOT_IN_LIST", f"it has {len(value):,} items")
        for index, item in enumerate(value):
            walk.path.append(index)
            self.item.check(item, walk)
            walk.path.pop()
        if self.unique and walk.sound and len(set(value)) != len(value):
            walk.error("ARRAY_NON_UNIQUE", "an item stands in it twice")


class MapOf(NamedTuple):
    """An object with keys of the scene's choosing; `least` of them."""

    item: Type
    least: int = 1

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


@dataclass
class Walk:
    """One comparison of a scene with the tables.

    `extensions`: (object name, extension) → its table. `used`: extensions met, with the pointer of the first.
    """

    root: JsonObject
    extensions: Mapping[tuple[str, str], Type]
    findings: Findings
    path: list[str | int] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    sound: bool = True

    def __post_init__(self) -> None:
        self._known = {name for _, name in self.extensions}
        self._lengths: dict[str, int] = {}

    def length_of(self, target: str) -> int:
        """How many items a list of the scene has, 0 if it is not there."""
        if target not in self._lengths:
            extension, _, key = target.rpartition("/")
            holder: Any = self.root
            if extension:
                extensions = self.root.get("extensions")
                holder = extensions.get(extension) if isinstance(extensions, dict) else None
            value = holder.get(key) if isinstance(holder, dict) else None
            self._lengths[target] = len(value) if isinstance(value, list) else 0
        return self._lengths[target]

    def check_extensions(self, value: Any, parent: str) -> None:
        """Check the `extensions` of an object; unknown ones pass, as long as they are objects."""
        if type(value) is not dict:
            self.mismatch(value, "an object")
            return
        for name, content in value.items():
            with self._at(name):
                self.used.setdefault(name, pointer(*self.path))
                table = self.extensions.get((parent, name))
                if type(content) is not dict:
                    self.mismatch(content, "an object")
                elif table is not None:
                    table.check(content, self)
                elif name in self._known:
                    self.error("UNEXPECTED_EXTENSION_OBJECT", f"{printable(name)} has no meaning at this place")

    @contextmanager
    def _at(self, step: str | int) -> Iterator[None]:
        self.path.append(step)
        yield
        self.path.pop()

    def error(self, code: str, message: str, *, mendable: bool = False) -> None:
        """Report an error that leaves types and references in order."""
        self.findings.error(code, pointer(*self.path), message, mendable=mendable)

    def warn(self, code: str, message: str) -> None:
        """Report a warning."""
        self.findings.warn(code, pointer(*self.path), message)

    def unsound(self, code: str, message: str) -> None:
        """Report an error after which nothing may rely on types and references."""
        self.sound = False
        self.error(code, message)

    def mismatch(self, value: Any, wanted: str) -> None:
        """Report a value of another type."""
        shown = printable(str(value)[:60], 40) if not isinstance(value, (dict, list)) else "this"
        self.unsound("TYPE_MISMATCH", f"{shown} is not {wanted}")

    def out_of_range(self, value: float) -> None:
        """Report a number out of range."""
        shown = f"{value:.6g}" if abs(value) < 1e300 else "a number of hundreds of digits"
        self.unsound("VALUE_NOT_IN_RANGE", f"{shown} is out of range")

    def unresolved(self, value: int, target: str) -> None:
        """Report an index that leads nowhere."""
        shown = value if abs(value) < 1e15 else "a huge number"
        self.unsound(
            "UNRESOLVED_REFERENCE", f"{shown} is no index into {target}, of which there are {self.length_of(target):,}"
        )
