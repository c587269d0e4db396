"""What an animation's channel moves, whether it says so by `path` or by a pointer (KHR_animation_pointer).

Rule: what a pointer leads to and nobody here knows is moved exactly as it was: `UNKNOWN` has no tolerance.
"""

from __future__ import annotations

import re

from roomscale.scenes.jsonio import JsonObject

EXTENSION = "KHR_animation_pointer"
POINTER = "pointer"
"""The `path` of a channel that points."""
FACTOR, UNKNOWN = "factor", "unknown"
"""A number that is about 1 (a colour, a factor, a place in a texture), and anything else."""
_OF_NODE = re.compile(r"/nodes/(\d{1,9})/(translation|rotation|scale|weights)(?:/\d{1,9})?")
_FACTORS = re.compile(
    r"/materials/\d+/(?:"
    r"pbrMetallicRoughness/(?:baseColorFactor|metallicFactor|roughnessFactor)"
    r"|emissiveFactor|alphaCutoff|normalTexture/scale|occlusionTexture/strength"
    r"|(?:\w+/){1,2}extensions/KHR_texture_transform/(?:offset|scale|rotation)"
    r")"
)
"""Pointers of the Object Model (glTF 2.0 Asset Object Model, "Core Pointers") whose values are shown in 8 bits."""


def moved(target: JsonObject) -> tuple[str, int]:
    """What a channel's `target` moves, and the node whose that is, −1 for none.

    `translation`, `rotation`, `scale`, `weights`, `FACTOR`, `UNKNOWN`, or a `path` that glTF does not know.
    """
    if target["path"] != POINTER:
        return str(target["path"]), int(target.get("node", -1))
    told = target.get("extensions", {}).get(EXTENSION, {}).get("pointer")
    if not isinstance(told, str):
        return UNKNOWN, -1
    if match := _OF_NODE.fullmatch(told):
        return match[2], int(match[1])
    return (FACTOR if _FACTORS.fullmatch(told) else UNKNOWN), -1
