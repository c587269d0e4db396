"""What a mesh is made of, by its names, as the browser client takes it: foliage, water, sky, air, a lawn, or solid.

The client bumps into what is solid, wades through water, walks through leaves; a transform that gives meshes other
names asks here, so that what becomes of them means the same.
Rule: the table is that of `web/src/scene/names.ts`, word for word; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

WORDS: tuple[tuple[str, str], ...] = (
    ("sky", "sky skybox skydome skysphere skies cloud clouds stars starfield horizon firmament"),
    ("water", "water sea ocean river lake pond waterfall stream lagoon waterplane"),
    (
        "air",
        "smoke fog mist steam fire flame flames spark sparks particle particles glow halo flare lightshaft shaft "
        "godray godrays ray rays decal decals shadow shadows",
    ),
    (
        "foliage",
        "leaf leaves foliage bush bushes shrub shrubs fern ferns ivy vine vines flower flowers reed reeds weed weeds "
        "canopy palm fronds frond branch branches blades petals bamboo",
    ),
    ("lawn", "grass plant plants moss meadow clover turf"),
)
"""Matter → the words of names that say so."""
SOLID, LAWN = "solid", "lawn"
"""What nothing is said of; and what may be ground or blades standing on it: the client looks at its shape."""
_MATTER = {word: matter for matter, words in WORDS for word in words.split()}
_HUMP = re.compile(r"([a-z])([A-Z])")
_NO_LETTERS = re.compile(r"[^a-z]+")
_SPACE, _DROPPED = re.compile(r"\s"), re.compile(r"[\[\].:/]")
_LONGEST = 200
"""Characters of a name that are looked at."""


def matter_of(names: Iterable[str]) -> tuple[str, str]:
    """What the first of these names that says anything says, and the word by which it does; `SOLID` and "" if none."""
    for name in names:
        for word in _NO_LETTERS.split(_HUMP.sub(r"\1 \2", name[:_LONGEST]).lower()):
            if word in _MATTER:
                return _MATTER[word], word
    return SOLID, ""


def object_name(name: str) -> str:
    """A name of a node or a mesh as three.js has it: without the characters that its animation paths are made of."""
    return _DROPPED.sub("", _SPACE.sub("_", name))
