"""What an image is for, told by the materials and extensions that wear it: colour, normals, other data; and its alpha.

Rule: whoever is in doubt is handled with more care: what no table knows is data. Images that something else than a
texture names (thumbnails, light probes) have no role here, and nobody may change their format.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from roomscale.scenes.images import EXTENSION_OF
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_walk import Reference
from roomscale.scenes.references import Survey


class Role(enum.Enum):
    """COLOUR: sRGB, as an eye sees it. NORMAL: directions. DATA: numbers, each channel by itself, linear."""

    COLOUR = "colour"
    NORMAL = "normal"
    DATA = "data"


class Alpha(enum.Enum):
    """HIDDEN: nobody looks at it, but the colour beneath shows. SHOWN: coverage. NUMBERS: a channel like the others."""

    HIDDEN = "hidden"
    SHOWN = "shown"
    NUMBERS = "numbers"


class ImageUse(NamedTuple):
    """What an image is for."""

    role: Role = Role.COLOUR
    alpha: Alpha = Alpha.SHOWN

    def joined(self, other: ImageUse) -> ImageUse:
        """What suits both uses of one image."""
        role = self.role if self.role is other.role else Role.DATA
        return ImageUse(role, self.alpha if self.alpha is other.alpha else Alpha.NUMBERS)


_COLOUR, _NORMAL, _DATA = Role.COLOUR, Role.NORMAL, Role.DATA
_ROLES: dict[str, Role] = {
    "baseColorTexture": _COLOUR,
    "emissiveTexture": _COLOUR,
    "diffuseTexture": _COLOUR,
    "specularGlossinessTexture": _COLOUR,
    "specularColorTexture": _COLOUR,
    "sheenColorTexture": _COLOUR,
    "diffuseTransmissionColorTexture": _COLOUR,
    "shadeMultiplyTexture": _COLOUR,
    "matcapTexture": _COLOUR,
    "rimMultiplyTexture": _COLOUR,
    "normalTexture": _NORMAL,
    "clearcoatNormalTexture": _NORMAL,
    "equirectangular": _COLOUR,
    "cubemap": _COLOUR,
    "backgroundTexture": _COLOUR,
    "_MainTex": _COLOUR,  # VRM 0's names are those of Unity's shaders
    "_ShadeTexture": _COLOUR,
    "_EmissionMap": _COLOUR,
    "_SphereAdd": _COLOUR,
    "_RimTexture": _COLOUR,
    "_BumpMap": _NORMAL,
}
"""Key under which a texture is named → its role; all others are data."""
_ALPHA_IS_NUMBERS = frozenset(
    {"specularGlossinessTexture", "sheenRoughnessTexture", "specularTexture", "lightMapTexture"}
)
"""Keys whose textures hold a number in alpha: glossiness, roughness, strength, the exponent of RGBM."""
_ALPHA_SHOWS = frozenset({"baseColorTexture", "diffuseTexture", "_MainTex"})
"""Keys whose textures say by alpha what is seen, where the material's alphaMode says so."""


def image_uses(json: JsonObject, survey: Survey | None = None) -> dict[int, ImageUse]:
    """Image → what it is for, for images that textures name and nothing else does. `survey`: of `json`, if known."""
    survey = survey or Survey(json)
    textures: dict[int, ImageUse] = {}
    sources: list[tuple[int, int]] = []
    elsewhere: set[int] = set()
    for reference in survey.naming(("textures", "images")):
        if reference.kind == "textures":
            textures[reference.index] = _joined(textures.get(reference.index), _use(json, reference))
        elif reference.kind == "images":
            if reference.owner is not None and reference.owner[0] == "textures" and reference.extension in _SOURCES:
                sources.append((reference.owner[1], reference.index))
            else:
                elsewhere.add(reference.index)
    result: dict[int, ImageUse] = {}
    for texture, image in sources:
        if image not in elsewhere:
            result[image] = _joined(result.get(image), textures.get(texture, ImageUse(_DATA, Alpha.NUMBERS)))
    return result


_SOURCES = frozenset({"", *EXTENSION_OF.values()})


def _joined(known: ImageUse | None, use: ImageUse) -> ImageUse:
    return use if known is None else known.joined(use)


def _use(json: JsonObject, reference: Reference) -> ImageUse:
    """The use of a texture by the name under which it is named, and the material that names it."""
    role = _ROLES.get(reference.field, _DATA)
    if reference.field in _ALPHA_IS_NUMBERS or role is _DATA:
        return ImageUse(role, Alpha.NUMBERS)
    owner = reference.owner
    material = json["materials"][owner[1]] if owner is not None and owner[0] == "materials" else {}
    shows = reference.field in _ALPHA_SHOWS and material.get("alphaMode", "OPAQUE") != "OPAQUE"
    return ImageUse(role, Alpha.SHOWN if shows else Alpha.HIDDEN)
