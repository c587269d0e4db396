"""What a creator said of one node, or of the scene: values from names, from custom properties and from `world.toml`.

Rule: a value that makes no sense is a finding at the place where it was written, and counts as not said. A foreign
file's extras may hold anything, so there it is a warning; `world.toml` is ours alone, so there it is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roomscale.scenes.authoring.vocabulary import MAIN, NOTHING, Words, meant, spelling
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Findings, Severity, pointer

_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_LONGEST_TEXT = 500
"""Characters of a title or the like; URIs are bounded by `uris`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was said. `pointer`: into the glTF; `label`: before the message, "" for the glTF itself.

    `rank`: of the source; a later one has a greater rank.
    """

    pointer: str
    label: str = ""
    rank: int = 0

    @property
    def severity(self) -> Severity:
        """How bad nonsense is here."""
        return Severity.ERROR if self.label else Severity.WARNING


class Said:
    """The properties of one object, later sources over earlier ones; each read checks the type.

    `kind`, `index`: "nodes" or "scenes", and which one. `words`: the table of the vocabulary for that kind.
    """

    def __init__(self, kind: str, index: int, words: Words, findings: Findings) -> None:
        self.kind, self.index = kind, index
        self._words = words
        self._findings = findings
        self._values: dict[str, tuple[Any, Origin]] = {}
        self._sources = 0

    @property
    def path(self) -> tuple[str, int]:
        """Where the object stands in the glTF."""
        return self.kind, self.index

    def add(self, values: Mapping[str, Any], *, label: str = "", at: str = "extras") -> None:
        """Take in one source. `label`: for `world.toml`, its place there; `at`: for the glTF, the property it is in."""
        self._sources += 1
        for key, value in values.items():
            name = spelling(key)
            where = pointer(*self.path) if label else pointer(*self.path, at, key)
            origin = Origin(where, f"{label}.{key}" if label else "", self._sources)
            if isinstance(value, dict) and name in self._words:
                if name not in self or name not in MAIN:  # else the table may leave the main value to an earlier source
                    self._values[name] = (True, origin)
                for inner, part in value.items():
                    self._values[f"{name}_{spelling(inner)}"] = (part, origin)
            else:
                self._values[name] = (value, origin)

    def __contains__(self, word: str) -> bool:
        """Whether `word` is said at all, and not unsaid (`seat = false`)."""
        value = self._values.get(word, (None, None))[0]
        return value not in (None, False) and not (isinstance(value, str) and value.strip().lower() in NOTHING)

    def _find(self, word: str, key: str) -> tuple[Any, Origin] | None:
        """The value of a property of `word`, of the latest source that has it.

        Of one source, `audio_gain` goes before `gain`, and that before the word's own value where it is that property.
        """
        found = [self._values[name] for name in (f"{word}_{key}", key) if name in self._values]
        own = self._values.get(word)
        if own is not None and MAIN.get(word, word) == key and not isinstance(own[0], bool):
            found.append(own)
        return max(found, key=lambda value: value[1].rank, default=None)

    def raw(self, word: str) -> Any:
        """A word's own value as it was written."""
        return self._values.get(word, (None, None))[0]

    def text(self, word: str, key: str) -> str | None:
        """A text of at most 500 characters."""
        found = self._find(word, key)
        if found is None:
            return None
        value, origin = found
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
            self._refuse(origin, f"{key} must be a text of at most {_LONGEST_TEXT} characters")
            return None
        return value.strip()

    def number(self, word: str, key: str, low: float = 0.0, high: float = 1e6) -> float | None:
        """A number from `low` to `high`."""
        found = self._find(word, key)
        if found is None:
            return None
        value, origin = found
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self._refuse(origin, f"{key} must be a number from {low:g} to {high:g}")
            return None
        return value

    def flag(self, word: str, key: str, default: bool) -> bool:
        """true or false; 1 and 0 as well, which older Blenders write."""
        found = self._find(word, key)
        if found is None:
            return default
        value, origin = found
        if value in (0, 1):
            return bool(value)
        self._refuse(origin, f"{key} must be true or false")
        return default

    def vector(self, word: str, key: str, low: float = -1e6, high: float = 1e6) -> list[float] | None:
        """Three numbers."""
        found = self._find(word, key)
        if found is None:
            return None
        value, origin = found
        if isinstance(value, list) and len(value) == 3 and all(_is_number(part, low, high) for part in value):
            return list(value)
        self._refuse(origin, f"{key} must be three numbers from {low:g} to {high:g}")
        return None

    def colour(self, word: str, key: str) -> list[float] | None:
        """A colour: `#rrggbb` as painted (sRGB), or three linear numbers as glTF has them; returned linear."""
        found = self._find(word, key)
        if found is None:
            return None
        value, origin = found
        if isinstance(value, str) and (parts := _HEX.fullmatch(value.strip())):
            return [_linear(int(part, 16) / 255) for part in parts.groups()]
        if isinstance(value, list) and len(value) == 3 and all(_is_number(part, 0.0, 1e4) for part in value):
            return list(value)
        self._refuse(origin, f'{key} must be a colour, "#rrggbb" or three numbers from 0')
        return None

    def choice(self, word: str, key: str, options: Sequence[str]) -> str | None:
        """One of a few words; a near miss is met with a suggestion."""
        found = self._find(word, key)
        if found is None:
            return None
        value, origin = found
        if isinstance(value, str) and value.strip().lower() in options:
            return value.strip().lower()
        self._refuse(origin, f"{key} is {shown(value)}, which is none of {', '.join(options)}", meant(value, options))
        return None

    def refuse(self, word: str, key: str, message: str, hint: str = "") -> None:
        """Report a value whose type is right but which cannot be used."""
        found = self._find(word, key) or self._values.get(word)
        self._refuse(found[1] if found else Origin(pointer(*self.path)), message, hint)

    def _refuse(self, origin: Origin, message: str, hint: str = "") -> None:
        told = f"{origin.label}: {message}" if origin.label else message
        self._findings.add("AUTHORED_VALUE", origin.severity, origin.pointer, told, hint=hint)


def shown(value: Any) -> str:
    """A foreign value in a message."""
    return f'"{printable(value)}"' if isinstance(value, str) else printable(str(value)[:100])


def _is_number(value: Any, low: float, high: float) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and low <= value <= high


def _linear(value: float) -> float:
    """sRGB to linear (IEC 61966-2-1), to five digits, which is finer than the eye."""
    return round(value / 12.92 if value <= 0.04045 else math.pow((value + 0.055) / 1.055, 2.4), 5)
