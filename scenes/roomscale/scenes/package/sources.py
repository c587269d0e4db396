"""Which image a texture shows, when it names several encodings of one picture.

Rule: one stays, named by `source` whatever its type: that is the form that levels are made from, and in which an
entry says it.
"""

from __future__ import annotations

from roomscale.scenes import jsonio
from roomscale.scenes.document import Scene
from roomscale.scenes.images import AVIF, EXTENSION_OF, KTX2, WEBP
from roomscale.scenes.transforms.declare import undeclare

PREFERRED = (WEBP, AVIF)
"""The first of these is kept, else what `source` names, else KTX2."""


def with_one_source(scene: Scene) -> Scene:
    """The scene with each texture naming one image, by `source`."""
    if not any(name in scene.list_of("extensionsUsed") for name in EXTENSION_OF.values()):
        return scene
    json = jsonio.copy(scene.json)
    for texture in json.get("textures", []):
        extensions = texture.get("extensions", {})
        named = {
            kind: extensions[name]["source"]
            for kind, name in EXTENSION_OF.items()
            if "source" in extensions.get(name, {})
        }
        best = next((named[kind] for kind in PREFERRED if kind in named), texture.get("source", named.get(KTX2)))
        if best is None:
            continue
        texture["source"] = best
        for name in EXTENSION_OF.values():
            extensions.pop(name, None)
        if "extensions" in texture and not extensions:
            del texture["extensions"]
    undeclare(json, tuple(EXTENSION_OF.values()))
    return scene.changed(json)
