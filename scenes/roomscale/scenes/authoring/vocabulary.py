"""The words of a creator: which properties there are, and what names say. The creator's guide follows it.

A property says what a node is (`seat = true`); the properties beside it say how (`angle = 100`). In Blender they are
written flat (`collider = "sphere"`, `radius = 0.5`); in `world.toml` also as a table
(`collider = { shape = "sphere", radius = 0.5 }`). Names come from Godot (`-col`), Unreal (`UCX_`), Third Room and Hubs.
Rule: tables, and how words are compared with them; nothing here knows a scene.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from roomscale.scenes.errors import printable

Words = Mapping[str, tuple[str, ...]]
"""What something may be → the properties that say how."""

SHAPES = ("box", "sphere", "capsule", "cylinder", "convex", "trimesh")
MOTIONS = ("static", "kinematic", "dynamic")

NODE_WORDS: Words = {
    "spawn": ("title", "team", "group"),
    "seat": ("height", "back", "knee", "foot", "angle"),
    "portal": ("uri", "title"),
    "collider": ("shape", "size", "radius", "height", "only"),
    "trigger": ("shape", "size", "radius", "height"),
    "motion": ("type", "mass"),
    "audio": ("file", "gain", "loop", "autoplay", "radius", "near", "everywhere"),
    "lightmap": ("file", "intensity"),
    "visible": (),
}
"""What a node may be → the properties that say how."""
SCENE_WORDS: Words = {
    "sky": ("color", "top", "horizon", "bottom", "file", "physical", "ambient"),
    "gravity": ("strength", "direction"),
    "audio": ("file", "gain", "loop", "autoplay"),
}
"""The same of the scene as a whole."""
MAIN: dict[str, str] = {
    "spawn": "title",
    "portal": "uri",
    "collider": "shape",
    "trigger": "shape",
    "motion": "type",
    "audio": "file",
    "lightmap": "file",
    "gravity": "strength",
}
"""What a word means by itself: `audio = "water.mp3"` is `audio = { file = "water.mp3" }`."""
OTHER_SPELLINGS: dict[str, str] = {
    "spawn_point": "spawn",
    "link": "portal",
    "url": "uri",
    "href": "uri",
    "volume": "gain",
    "auto_play": "autoplay",
    "colour": "color",
}
NOTHING = ("", "none", "no", "off", "false")
"""Texts that unsay what a name or a file says: `collider = "none"`."""


_LONGEST_WORD = 500
"""Characters of a word that are compared."""


def spelling(key: str) -> str:
    """A property's name as the tables have it: `Auto-Play` is `autoplay`."""
    plain = key.strip().lower().replace("-", "_").replace(" ", "_")
    return OTHER_SPELLINGS.get(plain) or plain


def meant(value: Any, options: Iterable[str]) -> str:
    """`did you mean …?`, or nothing."""
    near = get_close_matches(value[:_LONGEST_WORD].lower(), list(options), 1) if isinstance(value, str) else []
    return f"did you mean {printable(near[0])}?" if near else ""


_BLENDER_NUMBER = re.compile(r"\.\d{3,}$")
_SUFFIX = re.compile(r"-(convcolonly|colonly|convcol|col)$", re.IGNORECASE)
_PREFIX = re.compile(r"^(UBX|USP|UCP|UCX)_")
_UNREAL = {"UBX": "box", "USP": "sphere", "UCP": "capsule", "UCX": "convex"}
_LEVEL = re.compile(r"^(?P<stem>.+?)[-_. ]?LOD(?P<level>\d)$", re.IGNORECASE)
_MAY_SAY = re.compile(r"-(?:conv)?col|U(?:BX|SP|CP|CX)_|spawn|seat|portal|LOD\d", re.IGNORECASE)
_WORDS = re.compile(r"[a-z]+")
_HUMP = re.compile(r"([a-z])([A-Z])")
_LONGEST = 200
"""Characters of a name that are looked at."""


def may_say(names: Iterable[str]) -> bool:
    """Whether any of these names may mean something, all looked at in one go: a yes may be wrong, a no never is."""
    return _MAY_SAY.search("\n".join(names)) is not None


def said_by_name(name: str) -> dict[str, Any]:
    """The properties that a node's name stands for; `.001`, which Blender adds to copies, says nothing."""
    plain = _BLENDER_NUMBER.sub("", name[:_LONGEST])
    said: dict[str, Any] = {}
    if suffix := _SUFFIX.search(plain):
        kind = suffix[1].lower()
        said["collider"] = "convex" if kind.startswith("conv") else "trimesh"
        said["collider_only"] = kind.endswith("only")
    elif prefix := _PREFIX.match(plain):
        said["collider"] = _UNREAL[prefix[1]]
        said["collider_only"] = True
    words = _WORDS.findall(_HUMP.sub(r"\1 \2", plain).lower())
    first = words[0] if words else ""
    if first in ("spawn", "spawnpoint"):
        said["spawn"] = True
    elif first == "seat":
        said["seat"] = True
    elif first == "portal":
        said["portal"] = True
    return said


def level_of_name(name: str) -> tuple[str, int] | None:
    """`Tree_LOD1` → (`Tree`, 1): the name without its level, and the level, 0 the finest."""
    found = _LEVEL.match(_BLENDER_NUMBER.sub("", name[:_LONGEST]))
    return (found["stem"], int(found["level"])) if found else None
