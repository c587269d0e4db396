"""What a scene means as a world: spawn points, links, seats, bodies, sounds, skies, licences, as typed values.

Old forms (MX_*, KHR_audio, OMI_collider, MOZ_hubs_components) are read like the new ones; `form` says which it was.
Rule: reading only; what has no meaning here is listed in `unknown`, never dropped from the scene.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.checks.structure import require_sound, used_extensions
from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject

_READ_ELSEWHERE = frozenset(
    {
        "KHR_mesh_quantization",
        "KHR_xmp_json_ld",
        "VRMC_vrm",
        "VRM",
        "MOZ_hubs_components",
        "OMI_collider",
        "KHR_interactivity",
    }
)
HUBS = "MOZ_hubs_components"
RIGHT_ANGLE = math.pi / 2  # between spine and thighs, where a seat does not say


@dataclass(frozen=True, slots=True)
class SpawnPoint:
    """Where visitors arrive. `node`: its index. MX_spawn_point looks the other way than OMI_spawn_point."""

    node: int
    form: str
    title: str = ""
    team: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A portal or link. `uri`: where it leads, as written; `check` says whether it may."""

    node: int
    form: str
    uri: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """Something to sit on. `back`, `foot`, `knee`: points in the node's space, metres; `angle`: radians."""

    node: int
    back: tuple[float, ...]
    foot: tuple[float, ...]
    knee: tuple[float, ...]
    angle: float


@dataclass(frozen=True, slots=True)
class Body:
    """A physical body. `motion`: static, kinematic, dynamic, or "" for none of its own.

    `shape`: the collider's kind (box, sphere, capsule, cylinder, convex, trimesh), "" for none.
    `is_trigger`: nothing collides with it.
    """

    node: int
    form: str
    motion: str
    shape: str
    is_trigger: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound source. `node`: where it is heard from, None for everywhere. `gain`: linear."""

    node: int | None
    form: str
    audio: int | None
    is_positional: bool
    gain: float
    loops: bool
    starts_itself: bool


@dataclass(frozen=True, slots=True)
class Licence:
    """Who made it, and what others may do with it. `source`: where in the file it says so."""

    source: str
    text: str
    author: str = ""


@dataclass(frozen=True)
class WorldView:
    """All of it, in the order of the file."""

    spawn_points: list[SpawnPoint] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    sounds: list[Sound] = field(default_factory=list)
    skies: list[str] = field(default_factory=list)
    lights: int = 0
    instanced: list[int] = field(default_factory=list)
    lightmaps: list[int] = field(default_factory=list)
    levels: dict[int, list[int]] = field(default_factory=dict)
    licences: list[Licence] = field(default_factory=list)
    vrm: str = ""
    """The version of VRM if it is an avatar, else ""."""
    unknown: list[str] = field(default_factory=list)
    """Extensions that the scene uses and that pass through unread."""

    @property
    def has_colliders(self) -> bool:
        """Whether the creator said what is solid; if not, every mesh is."""
        return any(body.shape and not body.is_trigger for body in self.bodies)


def view(scene: Scene) -> WorldView:
    """Read a scene's meaning. Raises `RejectedScene` if its structure is broken."""
    require_sound(scene)
    result = WorldView(
        skies=[str(sky.get("type", "")) for sky in scene.extension("OMI_environment_sky").get("skies", ())],
        lights=len(scene.extension("KHR_lights_punctual").get("lights", ())),
        licences=list(_licences(scene)),
        vrm=_vrm_version(scene),
        unknown=[name for name in used_extensions(scene) if not _is_read(name)],
    )
    for index, node in enumerate(scene.list_of("nodes")):
        _read_node(scene, index, node.get("extensions", {}), result)
    for form in ("KHR_audio_emitter", "KHR_audio"):
        result.sounds.extend(_sounds(scene, form))
    return result


def _is_read(name: str) -> bool:
    return name.startswith("MX_") or name in _READ_ELSEWHERE or any(name == known for _, known in EXTENSIONS)


def _read_node(scene: Scene, index: int, extensions: JsonObject, result: WorldView) -> None:
    hubs = _object(extensions.get(HUBS))
    if (spawn := extensions.get("OMI_spawn_point")) is not None:
        told = {key: str(spawn.get(key, "")) for key in ("title", "team", "group")}
        result.spawn_points.append(SpawnPoint(index, "OMI_spawn_point", **told))
    elif "MX_spawn_point" in extensions:
        result.spawn_points.append(SpawnPoint(index, "MX_spawn_point"))
    elif "spawn-point" in hubs or _object(hubs.get("waypoint")).get("canBeSpawnPoint") is True:
        result.spawn_points.append(SpawnPoint(index, HUBS))
    for form in ("OMI_link", "MX_portal"):
        if isinstance(uri := _object(extensions.get(form)).get("uri"), str):
            result.links.append(Link(index, form, uri, str(extensions[form].get("title", ""))))
    if isinstance(href := _object(hubs.get("link")).get("href"), str):
        result.links.append(Link(index, HUBS, href))
    if (seat := extensions.get("OMI_seat")) is not None:
        back, foot, knee = (tuple(seat.get(key, (0.0, 0.0, 0.0))) for key in ("back", "foot", "knee"))
        result.seats.append(Seat(index, back, foot, knee, float(seat.get("angle", RIGHT_ANGLE))))
    result.bodies.extend(_bodies(scene, index, extensions))
    if "EXT_mesh_gpu_instancing" in extensions:
        result.instanced.append(index)
    if "MX_lightmap" in extensions:
        result.lightmaps.append(index)
    if "MSFT_lod" in extensions:
        result.levels[index] = list(extensions["MSFT_lod"]["ids"])


def _bodies(scene: Scene, index: int, extensions: JsonObject) -> Iterator[Body]:
    if (body := extensions.get("OMI_physics_body")) is not None:
        shapes = scene.extension("OMI_physics_shape").get("shapes", ())
        motion = str(_object(body.get("motion")).get("type", body.get("type", "")))
        for key in ("collider", "trigger"):
            if (part := body.get(key)) is not None:
                shape = part.get("shape")
                yield Body(
                    index,
                    "OMI_physics_body",
                    motion,
                    shapes[shape]["type"] if shape is not None else "",
                    key == "trigger",
                )
        if not ("collider" in body or "trigger" in body):
            yield Body(index, "OMI_physics_body", motion, "", is_trigger=False)
    if isinstance(collider := extensions.get("OMI_collider"), dict):
        shape = {"mesh": "trimesh", "hull": "convex"}.get(str(collider.get("type", "")), str(collider.get("type", "")))
        yield Body(index, "OMI_collider", "static", shape, collider.get("isTrigger") is True)


def _sounds(scene: Scene, form: str) -> Iterator[Sound]:
    content = scene.extension(form)
    emitters, sources = content.get("emitters", ()), content.get("sources", ())
    holders: list[tuple[int | None, JsonObject]] = [(None, entry) for entry in scene.list_of("scenes")]
    holders += enumerate(scene.list_of("nodes"))
    for node, holder in holders:
        told = _object(holder.get("extensions", {}).get(form))
        for number in [*told.get("emitters", ()), *([told["emitter"]] if "emitter" in told else ())]:
            emitter = emitters[number]
            for source in (sources[source] for source in emitter.get("sources", ())):
                yield Sound(
                    node,
                    form,
                    source.get("audio"),
                    emitter.get("type") == "positional",
                    float(emitter.get("gain", 1.0)) * float(source.get("gain", 1.0)),
                    source.get("loop", False),
                    source.get("autoPlay", source.get("autoplay", False)),
                )


def _licences(scene: Scene) -> Iterator[Licence]:
    """The asset's copyright and extras, XMP packets, and what VRM says."""
    asset = scene.json["asset"]
    extras = _object(asset.get("extras"))
    author = _text(extras.get("author"))
    if licence := _text(extras.get("license") or extras.get("licence")):
        yield Licence("/asset/extras", licence, author)
    if copyright_note := _text(asset.get("copyright")):
        yield Licence("/asset/copyright", copyright_note, author)
    packets = scene.extension("KHR_xmp_json_ld").get("packets", ())
    for number, packet in enumerate(packets if isinstance(packets, list) else ()):
        told = _object(packet)
        text = _text(told.get("dc:rights") or told.get("xmpRights:UsageTerms"))
        if text or told.get("dc:creator"):
            yield Licence(f"/extensions/KHR_xmp_json_ld/packets/{number}", text, _text(told.get("dc:creator")))
    if meta := _object(scene.extension("VRMC_vrm").get("meta")):
        yield Licence("/extensions/VRMC_vrm/meta", _text(meta.get("licenseUrl")), _text(meta.get("authors")))
    if meta := _object(scene.extension("VRM").get("meta")):
        text = _text(meta.get("licenseName") or meta.get("otherLicenseUrl"))
        yield Licence("/extensions/VRM/meta", text, _text(meta.get("author")))


def _vrm_version(scene: Scene) -> str:
    if told := scene.extension("VRMC_vrm"):
        return str(told.get("specVersion", "1.0"))
    return "0.x" if scene.extension("VRM") else ""


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """Plain text of what XMP may write as text, as a list, or as {"@list"|"@set": […]}, {"rdf:Alt": …}."""
    for _ in range(4):
        if isinstance(value, dict):
            value = next(iter(value.values()), "") if "@value" not in value else value["@value"]
        elif isinstance(value, list):
            return ", ".join(part for item in value if (part := _text(item)))
    return value if isinstance(value, str) else ""
