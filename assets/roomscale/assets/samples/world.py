"""World: from scenery to a .glb: merge, bake, write.

Its one rule: a node of the file is a thing that a person would name (a row of houses, the bridge, the water), with one
primitive for each finish it wears.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pygltflib as g

from roomscale.assets.samples import audio, bake, palette, textures, tidy
from roomscale.assets.samples.geometry import Array, Mesh, join
from roomscale.assets.samples.gltf import VERTEX, Writer, byte_normals, pose, quaternion
from roomscale.assets.samples.scenery import Point, Scenery

TEXEL = 256  # integer texture coordinates per repeat: 16 bits then hold 128 repeats either way
TILING = {"KHR_texture_transform": {"scale": [1 / TEXEL, 1 / TEXEL]}}


@dataclass(frozen=True)
class Camera:
    """A fixed view: where from, what at, and its vertical field of view in degrees."""

    name: str
    eye: Point
    target: Point
    fov: float


@dataclass(frozen=True)
class PointLight:
    """A real light: candela and reach in metres."""

    name: str
    position: Point
    candela: float
    reach: float
    colour: Point = (1.0, 0.68, 0.36)


@dataclass(frozen=True)
class Sound:
    """A looping sound: everywhere, or from a point with the distance (metres) at which it is at full gain."""

    name: str
    clip: str
    position: Point | None
    gain: float
    near: float = 1.0


@dataclass(frozen=True)
class Sky:
    """OMI_environment_sky's gradient and our fog; linear colours."""

    top: Point = (0.006, 0.022, 0.105)
    horizon: Point = (0.20, 0.30, 0.47)
    bottom: Point = (0.028, 0.04, 0.085)
    top_curve: float = 0.5
    ambient: Point = (2.05, 1.95, 1.9)
    ambient_sky: float = 0.25
    fog: Point = (0.10, 0.145, 0.25)
    fog_near: float = 26.0
    fog_far: float = 230.0


@dataclass(frozen=True)
class World:
    """Everything about one world but its bytes."""

    title: str
    description: str
    scenery: Scenery
    cameras: list[Camera]
    lights: list[PointLight]
    sounds: list[Sound]
    sky: Sky = field(default_factory=Sky)
    light: bake.Light = field(default_factory=bake.Light)
    far_nodes: tuple[str, ...] = ()
    """Nodes that are too far away to bake."""
    eyes: tidy.Bounds = ((-21.0, 0.2, -27.0), (21.0, 6.0, 27.0))
    """The box in which visitors' eyes can be."""
    images: dict[str, bytes] = field(default_factory=dict)
    """More images that finishes may name, such as the Gallery's pictures."""
    sun: tuple[Point, float, Point] | None = ((0.5, -0.55, -0.65), 0.5, (0.62, 0.74, 1.0))
    """Direction, lux, colour of the last of the daylight."""


def to_glb(world: World) -> bytes:
    """The world's bytes."""
    writer = Writer(world.title, world.description)
    writer.uses("KHR_mesh_quantization", required=True)
    writer.uses("KHR_texture_transform")
    merged = visible(world)
    colours = _bake(world, merged)
    materials: dict[str, int] = {}
    images = {"windows": textures.windows(), "swirl": textures.swirl(), **world.images}
    surfaces = textures.surfaces()
    root = writer.node(g.Node(name=world.title.lower()))
    by_node: dict[str, list[g.Primitive]] = {}
    for (node, finish, mesh), colour in zip(merged, colours, strict=True):
        if finish not in materials:
            materials[finish] = writer.material(_material(writer, finish, surfaces, images))
        by_node.setdefault(node, []).append(_primitive(writer, mesh, colour, finish, materials[finish]))
    for name, primitives in by_node.items():
        writer.node(g.Node(name=name, mesh=writer.mesh(name, primitives)), root)
    _markers(writer, world, root)
    _colliders(writer, world, root)
    _cameras(writer, world, root)
    _lights(writer, world, root)
    _sky(writer, world)
    _sounds(writer, world, root)
    return writer.to_bytes()


def visible(world: World) -> list[tuple[str, str, Mesh]]:
    """Node, finish and mesh of everything that can be seen from where visitors may be."""
    found = []
    for node, finish, mesh in world.scenery.merged():
        both = palette.FINISHES[finish].double_sided
        found.append((node, finish, tidy.welded(mesh) if both else tidy.culled(mesh, world.eyes)))
    return found


def _bake(world: World, merged: list[tuple[str, str, Mesh]]) -> list[Any]:
    """COLOR_0 for each merged mesh, or None where light does not matter."""
    clear = ("water", "foam", "lamp", "paper", "window", "portal")
    solid = [m for node, finish, m in merged if finish not in clear and node not in world.far_nodes]
    voxels = bake.Voxels(solid)
    result: list[Any] = []
    for node, finish, mesh in merged:
        if not palette.FINISHES[finish].baked:
            result.append(None)
        elif node in world.far_nodes:
            result.append(np.tile(np.array([120, 128, 150], dtype=np.uint8), (len(mesh.positions), 1)))
        else:
            result.append(bake.exposed(bake.bake(mesh, voxels, world.scenery.lamps, world.light)))
    return result


def _primitive(writer: Writer, mesh: Mesh, colour: Any, finish: str, material: int) -> g.Primitive:
    attributes = g.Attributes(
        POSITION=writer.accessor(mesh.positions.astype(np.float32), VERTEX, bounds=True),
        NORMAL=writer.accessor(byte_normals(mesh.normals), VERTEX, normalized=True),
    )
    look = palette.FINISHES[finish]
    picture = look.emissive_texture or look.base_image
    if look.texture or picture:
        if picture:
            uvs = np.round(np.clip(mesh.uvs, 0, 1) * 65535).astype(np.uint16)
            attributes.TEXCOORD_0 = writer.accessor(uvs, VERTEX, normalized=True)
        else:
            uvs = np.round(_near_zero(mesh.uvs / look.metres) * TEXEL)
            attributes.TEXCOORD_0 = writer.accessor(uvs.astype(np.int16), VERTEX)
    if colour is not None:
        opaque = np.concatenate([colour, np.full((len(colour), 1), 255, dtype=np.uint8)], axis=1)
        attributes.COLOR_0 = writer.accessor(opaque, VERTEX, normalized=True)
    return g.Primitive(attributes=attributes, indices=writer.indices(mesh.triangles), material=material)


def _near_zero(uvs: Array) -> Array:
    """Texture coordinates within what 16 bits hold; the textures repeat, so whole repeats may go."""
    return np.asarray(uvs - np.round(uvs.mean(axis=0)))


def _material(
    writer: Writer, finish: str, surfaces: dict[str, tuple[bytes, bytes]], images: dict[str, bytes]
) -> g.Material:
    look = palette.FINISHES[finish]
    colour = [round(c * look.shade, 5) for c in palette.linear(look.colour)]
    pbr = g.PbrMetallicRoughness(
        baseColorFactor=[*colour, look.alpha], metallicFactor=look.metallic, roughnessFactor=look.roughness
    )
    made = g.Material(name=finish, pbrMetallicRoughness=pbr, doubleSided=look.double_sided or None, alphaMode=None)
    if look.alpha < 1:
        made.alphaMode = "BLEND"
    if look.texture:
        tone, normals = surfaces[look.texture]
        if look.texture != "ripples":
            pbr.baseColorTexture = g.TextureInfo(index=writer.texture(look.texture, tone), extensions=TILING)
        made.normalTexture = g.NormalMaterialTexture(
            index=writer.texture(f"{look.texture}_normal", normals), extensions=TILING
        )
    if look.base_image:
        pbr.baseColorFactor = [1.0, 1.0, 1.0, 1.0]
        pbr.baseColorTexture = g.TextureInfo(
            index=writer.texture(look.base_image, images[look.base_image], repeat=False)
        )
    if look.emission:
        strength = max(1.0, look.emission)
        factor = [1.0, 1.0, 1.0] if look.emissive_texture else list(palette.linear(look.colour))
        made.emissiveFactor = [round(c * min(1.0, look.emission), 5) for c in factor]
        if strength > 1:
            made.extensions = {"KHR_materials_emissive_strength": {"emissiveStrength": strength}}
    else:
        made.emissiveFactor = None
    if look.emissive_texture:
        index = writer.texture(look.emissive_texture, images[look.emissive_texture], repeat=False)
        made.emissiveTexture = g.TextureInfo(index=index)
    return made


def _markers(writer: Writer, world: World, root: int) -> None:
    for marker in world.scenery.markers:
        extensions = dict(marker.extensions)
        writer.node(
            g.Node(name=marker.name, **pose(marker.matrix), extensions=extensions, extras=dict(marker.extras)), root
        )


def _colliders(writer: Writer, world: World, root: int) -> None:
    """Boxes as shapes by size, and one trimesh of all walkable ground; the mesh hangs on no drawn node."""
    parent = writer.node(g.Node(name="colliders"), root)
    shapes: list[dict[str, Any]] = []
    index: dict[Point, int] = {}
    counts: dict[str, int] = {}
    for solid in world.scenery.solids:
        size = tuple(round(float(x), 3) for x in solid.size)
        if size not in index:
            index[size] = len(shapes)  # type: ignore[index]
            shapes.append({"type": "box", "box": {"size": list(size)}})
        counts[solid.name] = counts.get(solid.name, 0) + 1
        name = f"collider_{solid.name}_{counts[solid.name]}"
        body = _static(index[size])  # type: ignore[index]
        writer.node(g.Node(name=name, **pose(solid.matrix), extensions={"OMI_physics_body": body}), parent)
    ground = join(world.scenery.ground)
    primitive = g.Primitive(
        attributes=g.Attributes(POSITION=writer.accessor(ground.positions.astype(np.float32), VERTEX, bounds=True)),
        indices=writer.indices(ground.triangles),
    )
    shapes.append({"type": "trimesh", "trimesh": {"mesh": writer.mesh("walkable", [primitive])}})
    body = _static(len(shapes) - 1)
    writer.node(g.Node(name="collider_ground", extensions={"OMI_physics_body": body}), parent)
    writer.extend("OMI_physics_shape", {"shapes": shapes})


def _static(shape: int) -> dict[str, Any]:
    """A static body; the bare `type` is the older form, which Third Room's loader reads."""
    return {"type": "static", "motion": {"type": "static"}, "collider": {"shape": shape}}


def _cameras(writer: Writer, world: World, root: int) -> None:
    for camera in world.cameras:
        eye, target = np.array(camera.eye), np.array(camera.target)
        back = (eye - target) / np.linalg.norm(eye - target)
        right = np.cross([0.0, 1.0, 0.0], back)
        right /= np.linalg.norm(right)
        turn = quaternion(np.stack([right, np.cross(back, right), back], axis=1))
        lens = g.Perspective(yfov=round(float(np.deg2rad(camera.fov)), 5), znear=0.1, zfar=400.0, aspectRatio=1.7778)
        writer.gltf.cameras.append(g.Camera(name=camera.name, type="perspective", perspective=lens))
        place = [float(x) for x in camera.eye]
        node = g.Node(name=camera.name, camera=len(writer.gltf.cameras) - 1, translation=place, rotation=turn)
        writer.node(node, root)


def _lights(writer: Writer, world: World, root: int) -> None:
    lights: list[dict[str, Any]] = []
    for light in world.lights:
        entry = {"name": light.name, "type": "point", "color": list(light.colour), "intensity": light.candela}
        lights.append({**entry, "range": light.reach})
        body = {"KHR_lights_punctual": {"light": len(lights) - 1}}
        writer.node(g.Node(name=light.name, translation=list(light.position), extensions=body), root)
    if world.sun:
        direction, lux, colour = world.sun
        lights.append({"name": "afterglow", "type": "directional", "color": list(colour), "intensity": lux})
        body = {"KHR_lights_punctual": {"light": len(lights) - 1}}
        writer.node(g.Node(name="afterglow", rotation=_looking(direction), extensions=body), root)
    if lights:
        writer.extend("KHR_lights_punctual", {"lights": lights})


def _looking(direction: Point) -> list[float]:
    """The rotation that turns -Z (where glTF's lights shine) into a direction."""
    back = -np.array(direction) / np.linalg.norm(direction)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    return quaternion(np.stack([right, np.cross(back, right), back], axis=1))


def _sky(writer: Writer, world: World) -> None:
    sky = world.sky
    gradient = {
        "topColor": list(sky.top),
        "topCurve": sky.top_curve,
        "horizonColor": list(sky.horizon),
        "bottomColor": list(sky.bottom),
        "bottomCurve": 0.1,
    }
    entry = {
        "type": "gradient",
        "gradient": gradient,
        "ambientLightColor": list(sky.ambient),
        "ambientSkyContribution": sky.ambient_sky,
    }
    writer.extend("OMI_environment_sky", {"skies": [entry]})
    writer.extend_scene("OMI_environment_sky", {"sky": 0})
    fog = {"color": list(sky.fog), "near": sky.fog_near, "far": sky.fog_far}
    writer.gltf.scenes[0].extras = {"roomscale": {"fog": fog}}


def _sounds(writer: Writer, world: World, root: int) -> None:
    makers = {"wind": audio.wind, "water": audio.water, "portal": audio.portal}
    clips: list[dict[str, Any]] = []
    sources: list[dict[str, Any]] = []
    emitters: list[dict[str, Any]] = []
    everywhere: list[int] = []
    for sound in world.sounds:
        clips.append({"name": sound.clip, "mimeType": "audio/mpeg", "bufferView": writer.view(makers[sound.clip]())})
        source = {"name": sound.name, "audio": len(clips) - 1, "autoplay": True, "loop": True, "gain": 1.0}
        sources.append(source)
        emitter: dict[str, Any] = {"name": sound.name, "gain": sound.gain, "sources": [len(sources) - 1]}
        if sound.position is None:
            everywhere.append(len(emitters))
            emitters.append({**emitter, "type": "global"})
            continue
        shape = {"shapeType": "omnidirectional", "distanceModel": "inverse", "refDistance": sound.near}
        emitters.append({**emitter, "type": "positional", "positional": {**shape, "rolloffFactor": 1.4}})
        place = {"KHR_audio_emitter": {"emitters": [len(emitters) - 1]}}
        writer.node(g.Node(name=sound.name, translation=list(sound.position), extensions=place), root)
    if emitters:
        writer.extend("KHR_audio_emitter", {"audio": clips, "sources": sources, "emitters": emitters})
        if everywhere:
            writer.extend_scene("KHR_audio_emitter", {"emitters": everywhere})
