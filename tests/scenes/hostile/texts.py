"""JSON that parsers read in different ways, and objects that are no glTF."""

from __future__ import annotations

from tests.scenes.crafted import changed, gltf, triangle
from tests.scenes.hostile.case import Case


def _text(fragment: str, replacement: str) -> bytes:
    text = gltf(triangle()).decode()
    assert fragment in text
    return text.replace(fragment, replacement, 1).encode()


def json_cases() -> list[Case]:
    return [
        Case("json cut off in a gltf", "INVALID_JSON", lambda: gltf(triangle())[:300]),
        Case("a key twice", "DUPLICATE_KEY", lambda: _text('"scene": 0', '"scene": 0, "scene": 99')),
        Case("uri twice", "DUPLICATE_KEY", lambda: _text('"uri"', '"uri": "../../etc/passwd", "uri"')),
        Case("NaN", "INVALID_JSON", lambda: _text('"mesh": 0', '"mesh": 0, "translation": [NaN, 0, 0]')),
        Case("Infinity", "INVALID_JSON", lambda: _text('"mesh": 0', '"mesh": 0, "scale": [-Infinity, 0, 0]')),
        Case("1e999", "VALUE_NOT_IN_RANGE", lambda: _text('"mesh": 0', '"mesh": 0, "scale": [1e999, 0, 0]')),
        Case("a huge index", "UNRESOLVED_REFERENCE", lambda: _text('"mesh": 0', f'"mesh": 1{"0" * 400}')),
        Case(
            "a huge number",
            "VALUE_NOT_IN_RANGE",
            lambda: _text('"mesh": 0', f'"mesh": 0, "scale": [1{"0" * 400}, 1, 1]'),
        ),
        Case("5,000 digits", "INVALID_JSON", lambda: b'{"asset":{"version":"2.0"},"extras":' + b"9" * 5000 + b"}"),
        Case("an index below zero", "UNRESOLVED_REFERENCE", lambda: gltf(changed("nodes", 0, "mesh", to=-1))),
        Case("a text for an index", "TYPE_MISMATCH", lambda: gltf(changed("nodes", 0, "mesh", to="0"))),
        Case("true for an index", "TYPE_MISMATCH", lambda: gltf(changed("nodes", 0, "mesh", to=True))),
        Case(
            "null for lists",
            "TYPE_MISMATCH",
            lambda: gltf({"asset": {"version": "2.0"}, "nodes": None, "scenes": [None]}),
        ),
        Case("no asset", "UNDEFINED_PROPERTY", lambda: b'{"scenes":[{}]}'),
        Case("a list for a root", "TYPE_MISMATCH", lambda: b"[1]"),
        Case("glTF 1", "UNKNOWN_ASSET_MAJOR_VERSION", lambda: gltf(changed("asset", "version", to="1.0"))),
        Case(
            "a newer glTF",
            "UNKNOWN_ASSET_MIN_VERSION",
            lambda: gltf(changed("asset", to={"version": "2.1", "minVersion": "2.1"})),
        ),
        Case(
            "names to fool a terminal",
            None,
            lambda: gltf(changed("nodes", 0, "name", to="\x1b[31mpwned\x07 \u202egnp.exe \0")),
        ),
        Case("__proto__", "FORBIDDEN_KEY", lambda: gltf(changed("extras", to={"__proto__": {"x": 1}}))),
        Case(
            "constructor.prototype",
            "FORBIDDEN_KEY",
            lambda: gltf(changed("extras", to=[1, {"constructor": {"prototype": {}}}])),
        ),
        Case("half a surrogate pair", "INVALID_JSON", lambda: _text('"name": "tri"', '"name": "\\ud800"')),
        Case("ten million empty lists", "JSON_TOO_LARGE", lambda: b'{"extras":[' + b"[]," * 10_000_000 + b"[]]}"),
        Case("a deep abyss", "JSON_TOO_DEEP", lambda: b'{"extras":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        Case("too deep for viewers", "JSON_TOO_DEEP", lambda: b'{"extras":' + b"[" * 200 + b"]" * 200 + b"}"),
    ]
