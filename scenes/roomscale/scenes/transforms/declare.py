"""Declaring an extension, in `extensionsUsed` and `extensionsRequired` (glTF 2.0 §3.12).

Rule: what else was declared stays, in its order.
"""

from __future__ import annotations

from roomscale.scenes.jsonio import JsonObject


def require_extension(json: JsonObject, name: str) -> None:
    """Say that a scene cannot be shown without an extension; changes `json`."""
    for key in ("extensionsUsed", "extensionsRequired"):
        if name not in json.get(key, ()):
            json[key] = [*json.get(key, ()), name]


def undeclare(json: JsonObject, names: tuple[str, ...]) -> None:
    """Take extensions out of the lists of those that are used; changes `json`."""
    for key in ("extensionsUsed", "extensionsRequired"):
        if key in json:
            json[key] = [name for name in json[key] if name not in names]
            if not json[key]:
                del json[key]
