"""The palette: every colour of the sample worlds, and the materials made of them.

Its one rule: at most twelve colours. A material is one palette colour with a finish; what varies over a surface
comes from a texture (grey detail around 1) or from the baked light in COLOR_0, never from another hue.
"""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]

# sRGB, chosen as a pair of families: cold (night, slate, stone, water) against warm (plaster, timber, glow).
COLOURS: dict[str, str] = {
    "slate": "#3d4a6b",
    "cobble": "#86878f",
    "limestone": "#cfc4b2",
    "rose": "#ad6658",
    "ochre": "#cf9c5c",
    "teal": "#527f85",
    "timber": "#5a3d33",
    "leaf": "#4c6b52",
    "blossom": "#e79aa8",
    "glow": "#ffbe6f",
    "water": "#24415f",
    "portal": "#7fe3dc",
}


@dataclass(frozen=True)
class Finish:
    """How a palette colour is worn: its texture, roughness and light."""

    colour: str
    """Key of COLOURS."""
    texture: str | None = None
    """Name of a tiling texture pair (colour detail and normals), or None."""
    metres: float = 1.0
    """Size in metres of one repeat of the texture."""
    roughness: float = 0.9
    metallic: float = 0.0
    emission: float = 0.0
    """Strength of emitted light; above 1 by KHR_materials_emissive_strength."""
    emissive_texture: str | None = None
    """Name of an image that colours the emission instead of the palette colour."""
    base_image: str | None = None
    """Name of an image that is the colour; its texture coordinates are 0..1 and do not tile."""
    alpha: float = 1.0
    shade: float = 1.0
    """Darkens the colour: a shaded tone of the same hue."""
    double_sided: bool = False
    baked: bool = True
    """Whether COLOR_0 carries baked light; emitting surfaces stay white."""


FINISHES: dict[str, Finish] = {
    "cobble": Finish("cobble", "cobble", 2.4, 0.75),
    "paving": Finish("limestone", "blocks", 2.4, 0.8, shade=0.8),
    "stone": Finish("limestone", "blocks", 2.0, 0.85),
    "trim": Finish("limestone", "plaster", 1.6, 0.8),
    "ashlar": Finish("cobble", "blocks", 2.6, 0.85),
    "plaster_rose": Finish("rose", "plaster", 3.0, 0.95),
    "plaster_ochre": Finish("ochre", "plaster", 3.0, 0.95),
    "plaster_teal": Finish("teal", "plaster", 3.0, 0.95),
    "plaster_pale": Finish("limestone", "plaster", 3.0, 0.95),
    "roof": Finish("slate", "tiles", 1.6, 0.7),
    "timber": Finish("timber", "planks", 1.2, 0.8),
    "boards": Finish("ochre", "planks", 1.6, 0.55, shade=0.42),
    "iron": Finish("slate", None, 1.0, 0.45, metallic=0.6, shade=0.35),
    "bark": Finish("timber", "planks", 1.5, 0.95, shade=0.8),
    "leaf": Finish("leaf", None, 1.0, 0.95, double_sided=True),
    "blossom": Finish("blossom", None, 1.0, 0.95, double_sided=True),
    "lamp": Finish("glow", None, 1.0, 0.6, emission=1.9, shade=0.12, baked=False),
    "paper": Finish("glow", None, 1.0, 0.8, emission=1.25, shade=0.15, baked=False),
    "clockface": Finish("glow", None, 1.0, 0.6, emission=1.25, shade=0.3, baked=False),
    "window": Finish("glow", None, 1.0, 0.5, emission=2.3, emissive_texture="windows", shade=0.12, baked=False),
    "gilt": Finish("ochre", None, 1.0, 0.4, metallic=0.35),
    "canvas": Finish("limestone", None, 1.0, 0.9, emission=0.0, base_image="pictures"),
    "water": Finish("water", "ripples", 5.0, 0.08, alpha=0.6),
    "foam": Finish("portal", None, 1.0, 0.2, alpha=0.45, emission=0.12),
    "portal": Finish("portal", None, 1.0, 0.4, emission=2.2, emissive_texture="swirl", shade=0.1, baked=False),
    "far": Finish("slate", None, 1.0, 1.0),
}


def srgb(key: str) -> Rgb:
    """The palette colour `key` in sRGB, each channel 0..1."""
    text = COLOURS[key].lstrip("#")
    return (int(text[0:2], 16) / 255, int(text[2:4], 16) / 255, int(text[4:6], 16) / 255)


def linear(key: str) -> Rgb:
    """The palette colour `key` in linear light, as glTF's factors want it."""

    def one(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = srgb(key)
    return (round(one(red), 4), round(one(green), 4), round(one(blue), 4))
