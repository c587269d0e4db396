"""JSON as glTF needs it read: strict, bounded, in order, and nothing lost.

Python's own `json` keeps the order and tells 1 from 1.0; a hook sees duplicate keys, which other parsers resolve in
silence and not all alike. Rule: whatever text comes in, the result is a plain object tree or `UnreadableScene`.
"""

from __future__ import annotations

import gc
import json
import marshal
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, compress
from typing import Any, NoReturn

from roomscale.scenes.errors import UnreadableScene, printable
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits

JsonObject = dict[str, Any]
"""A JSON object of a scene. `Any`, because a check says what it is; nothing relies on it before."""

_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
"""To make one takes longer than to write most entries of a scene."""
_PLAIN = 2
"""The version of `marshal`'s format that writes an object anew wherever it stands."""
_INFINITE = float("inf")
_CONTAINERS = frozenset({dict, list})
_SURROGATE = re.compile(rb"\\[uU][dD][89a-fA-F]")


def parse(data: bytes | memoryview, *, limits: Limits = DEFAULT_LIMITS, name: str = "the scene") -> JsonObject:
    """Parse the JSON of a glTF.

    Raises `UnreadableScene` for: more than `limits.json_bytes` or `limits.json_values`; text that is not UTF-8 or
    begins with a byte order mark; syntax errors; duplicate keys; NaN and infinities, also by overflow (1e999);
    integers of thousands of digits; lone surrogates; the key `__proto__`; nesting deeper than `limits.json_depth`;
    a root that is no object.
    """
    raw = bytes(data)
    if len(raw) > limits.json_bytes:
        raise UnreadableScene(
            "JSON_TOO_LARGE", f"the JSON of {name} has {len(raw):,} bytes, more than {limits.json_bytes:,}"
        )
    # An upper bound that costs milliseconds; base64, of which large ones are made, has none of these characters.
    if sum(raw.count(character) for character in (b",", b"[", b"{")) > limits.json_values:
        raise UnreadableScene("JSON_TOO_LARGE", f"the JSON of {name} has more than {limits.json_values:,} values")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableScene("INVALID_JSON", f"the JSON of {name} is not UTF-8 (at byte {error.start})") from error
    if text.startswith("\ufeff"):
        raise UnreadableScene("INVALID_JSON", f"the JSON of {name} begins with a byte order mark; save it without")
    with _uncollected():
        tree = _load(text, name)
        if not isinstance(tree, dict):
            raise UnreadableScene("TYPE_MISMATCH", f"{name} is no glTF: its JSON is no object")
        _check_all(tree, limits.json_depth, name)
    if _SURROGATE.search(raw):
        try:
            dump(tree)
        except UnicodeEncodeError as error:
            raise UnreadableScene(
                "INVALID_JSON", f"the JSON of {name} holds half of a surrogate pair, which is no character"
            ) from error
    return tree


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: a tree of JSON has no cycles, and to look for some as it grows takes a sixth."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _load(text: str, name: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise UnreadableScene(
            "INVALID_JSON",
            f"{name} is no valid JSON: {error.msg} (line {error.lineno}, column {error.colno})",
        ) from error
    except RecursionError as error:
        raise UnreadableScene("JSON_TOO_DEEP", f"the JSON of {name} is nested too deeply") from error
    except ValueError as error:  # CPython reads no integer of more than 4,300 digits
        raise UnreadableScene("INVALID_JSON", f"the JSON of {name} holds an integer of thousands of digits") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise UnreadableScene(
                    "DUPLICATE_KEY", f'the key "{printable(key)}" stands twice in one object; readers disagree'
                )
            seen.add(key)
    if "__proto__" in result:
        raise UnreadableScene("FORBIDDEN_KEY", 'the key "__proto__" is refused: it changes objects in browsers')
    return result


def _no_constant(text: str) -> NoReturn:
    raise UnreadableScene("INVALID_JSON", f"the JSON holds {text}, which is no JSON number")


def _check_all(tree: JsonObject, deepest: int, name: str) -> None:
    """Go through all objects and lists, level by level: not too deep, and no number that became infinite (1e999)."""
    level: list[Any] = [tree]
    for _ in range(deepest):
        items = [*chain.from_iterable(each.values() if type(each) is dict else each for each in level)]
        if _INFINITE in items or -_INFINITE in items:
            raise UnreadableScene("VALUE_NOT_IN_RANGE", f"the JSON of {name} holds a number beyond what can be held")
        level = [*compress(items, map(_CONTAINERS.__contains__, map(type, items)))]
        if not level:
            return
    raise UnreadableScene("JSON_TOO_DEEP", f"the JSON of {name} is nested deeper than {deepest}")


def dump(tree: Any) -> bytes:
    """Compact JSON in UTF-8, keys in their order, numbers as Python reads them back."""
    return _COMPACT.encode(tree).encode("utf-8")


class Written:
    """What was written of the values in roots, by their keys, each once for as long as it is the very same object.

    The scenes that transforms give share most of their lists, and each is weighed.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, int, bytes | None]] = {}

    def dump(self, root: JsonObject) -> bytes:
        """As `dump`."""
        parts = (dump(key) + b":" + self._value(key, value) for key, value in root.items())
        return b"{" + b",".join(parts) + b"}"

    def size(self, root: JsonObject) -> int:
        """How many bytes `dump` writes: two braces, and for each key itself, a colon, the value, a comma if need be."""
        total = 1 + max(1, len(root))
        for key, value in root.items():
            if key not in self._known or self._known[key][0] is not value:
                self._value(key, value)
            total += len(dump(key)) + 1 + self._known[key][1]
        return total

    def _value(self, key: str, value: Any) -> bytes:
        known = self._known.get(key)
        if known is not None and known[0] is value and known[2] is not None:
            return known[2]
        text = dump(value)
        self._known[key] = (value, len(text), text if len(text) <= _MOST_KEPT else None)
        return text


_MOST_KEPT = 8 << 20
"""Bytes of text that are kept of one value, to be written again: more than most lists have without data: URIs."""


def copy(value: Any) -> Any:
    """A copy of a JSON tree that shares no object or list with it; ten times as fast as `copy.deepcopy`."""
    if type(value) is dict:
        return {key: copy(item) if type(item) in (dict, list) else item for key, item in value.items()}
    if type(value) is list:
        return [copy(item) if type(item) in (dict, list) else item for item in value]
    return value


def may_hold(tree: Any, text: str) -> bool:
    """Whether this text may stand anywhere in a tree, as a key, as a value or in one; told sooner than by a walk."""
    try:
        return text.encode() in marshal.dumps(tree, _PLAIN)
    except ValueError:  # what is no JSON, or nested deeper than `marshal` goes
        return True


def is_same(one: Any, other: Any) -> bool:
    """Whether two trees are the same text: in Python 1 == 1.0 == True, and dicts of another order are equal.

    What both share is not looked at, at the top level; `marshal` tells the rest apart as JSON does, at a tenth of the
    time.
    """
    if one is other:
        return True
    if one != other:
        return False
    if type(one) is dict:
        return list(one) == list(other) and all(_is_same_value(value, other[key]) for key, value in one.items())
    return _is_same_value(one, other)


def _is_same_value(one: Any, other: Any) -> bool:
    return one is other or marshal.dumps(one, _PLAIN) == marshal.dumps(other, _PLAIN) or dump(one) == dump(other)
