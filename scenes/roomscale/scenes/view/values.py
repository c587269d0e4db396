"""Reading foreign values: what has the wrong type counts as not there.

Rule: nothing here raises; the tables of `checks` have seen core glTF and the extensions they know, the rest may be
anything.
"""

from __future__ import annotations

import math
from typing import Any

from roomscale.scenes.jsonio import JsonObject

Vector = tuple[float, ...]


def record(value: Any) -> JsonObject:
    """A JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def records(value: Any) -> list[JsonObject]:
    """A list of JSON objects, or an empty one; members of another type are empty objects, so that indices hold."""
    return [record(item) for item in items(value)]


def items(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """Plain text of what XMP may write as text, as a list, or as {"@list"|"@set": […]}, {"rdf:Alt": …}."""
    for _ in range(4):
        if isinstance(value, dict):
            value = next(iter(value.values()), "") if "@value" not in value else value["@value"]
        elif isinstance(value, list):
            return ", ".join(part for item in value if (part := text(item)))
    return value if isinstance(value, str) else ""


def number(value: Any, usual: float) -> float:
    """A finite number, or the usual one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return usual
    return float(value)


def vector(value: Any, usual: Vector) -> Vector:
    """As many finite numbers as `usual` has, or that."""
    if not isinstance(value, list) or len(value) != len(usual):
        return usual
    parts = tuple(number(part, math.nan) for part in value)
    return usual if any(math.isnan(part) for part in parts) else parts


def index(value: Any, count: int) -> int | None:
    """An index into a list of `count` entries, or None."""
    return value if type(value) is int and 0 <= value < count else None


def indices(value: Any, count: int) -> list[int]:
    """The indices of a list that lead somewhere."""
    return [item for item in items(value) if index(item, count) is not None]
