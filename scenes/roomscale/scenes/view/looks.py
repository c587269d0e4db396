"""What is seen beside meshes and materials: skies, lights, lightmaps, levels of detail, copies, what is hidden.

Rule: indices are those of the file; nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.view.values import Vector, index, indices, items, number, record, records, vector

_WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Sky:
    """A sky (OMI_environment_sky, or MX_background, which is a panorama).

    `type`: gradient, panorama, physical, plain. `colours`: the linear colours that it names, by their names in the
    file. `textures`: indices; one equirectangular picture or six faces. `is_shown`: whether a scene names it.
    """

    type: str
    form: str = "OMI_environment_sky"
    colours: dict[str, Vector] = field(default_factory=dict)
    textures: tuple[int, ...] = ()
    is_shown: bool = False


@dataclass(frozen=True, slots=True)
class Light:
    """A light that shines on a node (KHR_lights_punctual). `intensity`: candela, or lux where directional.

    `range`: metres, 0 for without end.
    """

    node: int
    type: str
    colour: Vector
    intensity: float
    range: float = 0.0


@dataclass(frozen=True, slots=True)
class Lightmap:
    """Baked light over a node's second texture coordinates (MX_lightmap). `texture`: index, None if it leads
    nowhere."""

    node: int
    texture: int | None
    scale: Vector
    offset: Vector
    intensity: float


def skies(scene: Scene) -> Iterator[Sky]:
    """All skies of the file, and Third Room's backgrounds."""
    textures = len(scene.list_of("textures"))
    carried = [record(entry.get("extensions")) for entry in scene.list_of("scenes")]
    shown = [record(extensions.get("OMI_environment_sky")).get("sky") for extensions in carried]
    for number_, told in enumerate(records(scene.extension("OMI_environment_sky").get("skies"))):
        kind = str(told.get("type", ""))
        values = record(told.get(kind))
        colours = {
            key: vector(value, (0.0, 0.0, 0.0)) for key, value in values.items() if key.lower().endswith("color")
        }
        named = [values.get("equirectangular"), *items(values.get("cubemap"))] if kind == "panorama" else []
        yield Sky(kind, "OMI_environment_sky", colours, tuple(indices(named, textures)), number_ in shown)
    for extensions in carried:
        if told := record(extensions.get("MX_background")):
            at = index(record(told.get("backgroundTexture")).get("index"), textures)
            yield Sky("panorama", "MX_background", {}, () if at is None else (at,), is_shown=True)


def lights(scene: Scene) -> Iterator[Light]:
    """The lights that nodes carry."""
    known = records(scene.extension("KHR_lights_punctual").get("lights"))
    for node, entry in enumerate(scene.list_of("nodes")):
        told = record(record(entry.get("extensions")).get("KHR_lights_punctual"))
        if (at := index(told.get("light"), len(known))) is not None:
            light = known[at]
            colour, intensity = vector(light.get("color"), _WHITE), number(light.get("intensity"), 1.0)
            yield Light(node, str(light.get("type", "")), colour, intensity, number(light.get("range"), 0.0))


def lightmaps(node: int, extensions: JsonObject, textures: int) -> Iterator[Lightmap]:
    """MX_lightmap."""
    if (told := extensions.get("MX_lightmap")) is not None:
        values = record(told)
        at = index(record(values.get("lightMapTexture")).get("index"), textures)
        scale, offset = vector(values.get("scale"), (1.0, 1.0)), vector(values.get("offset"), (0.0, 0.0))
        yield Lightmap(node, at, scale, offset, number(values.get("intensity"), 1.0))


def is_hidden(extensions: JsonObject) -> bool:
    """Whether KHR_node_visibility, or Hubs' visible, hides a node."""
    hubs = record(record(extensions.get("MOZ_hubs_components")).get("visible"))
    return record(extensions.get("KHR_node_visibility")).get("visible") is False or hubs.get("visible") is False
