"""One comparison of a scene with the tables of `schema`: where it is, what it met, what it has to say.

Rule: `sound` stays true only while every value has the type its table says and every reference leads somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

if TYPE_CHECKING:
    from roomscale.scenes.checks.schema import Type


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

    def are_plain_extensions(self, values: Iterable[Any], parent: str) -> bool:
        """Whether `check_extensions` says nothing of these, nor meets one for the first time."""
        contents: dict[str, list[Any]] = {}
        for value in values:
            if type(value) is not dict:
                return False
            for name, content in value.items():
                contents.setdefault(name, []).append(content)
        return self.used.keys() >= contents.keys() and all(
            self._are_plain(name, parent, told) for name, told in contents.items()
        )

    def _are_plain(self, name: str, parent: str, contents: list[Any]) -> bool:
        table = self.extensions.get((parent, name))
        if table is not None:
            return set(map(type, contents)) == {dict} and table.is_plain(contents, self)
        return name not in self._known and set(map(type, contents)) == {dict}

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
