"""The whole view: one walk over the nodes, each subject by its own module.

Rule: reading only; what has no meaning here is listed in `unknown`, never dropped from the scene.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.checks.structure import require_sound, used_extensions
from roomscale.scenes.document import Scene
from roomscale.scenes.view import looks, physics, places, rights, sounds
from roomscale.scenes.view.values import indices, record

_READ_ELSEWHERE = frozenset(
    {
        "KHR_mesh_quantization",
        "KHR_xmp_json_ld",
        "KHR_interactivity",
        "VRMC_vrm",
        "VRM",
        "MOZ_hubs_components",
        "OMI_collider",
    }
)


@dataclass(frozen=True)
class WorldView:
    """All of it, in the order of the file."""

    spawn_points: list[places.SpawnPoint] = field(default_factory=list)
    links: list[places.Link] = field(default_factory=list)
    seats: list[places.Seat] = field(default_factory=list)
    bodies: list[physics.Body] = field(default_factory=list)
    gravities: list[physics.Gravity] = field(default_factory=list)
    sounds: list[sounds.Sound] = field(default_factory=list)
    skies: list[looks.Sky] = field(default_factory=list)
    lights: list[looks.Light] = field(default_factory=list)
    instanced: list[int] = field(default_factory=list)
    """Nodes whose mesh is drawn many times (EXT_mesh_gpu_instancing)."""
    lightmaps: list[looks.Lightmap] = field(default_factory=list)
    levels: dict[int, list[int]] = field(default_factory=dict)
    """Node → the nodes of its coarser levels (MSFT_lod)."""
    hidden: list[int] = field(default_factory=list)
    """Nodes that are not drawn, nor what hangs below them."""
    licences: list[rights.Licence] = field(default_factory=list)
    avatar: rights.Avatar | None = None
    """What a VRM says of itself, None if the file is none."""
    behaviours: int = 0
    """Graphs of KHR_interactivity."""
    unknown: list[str] = field(default_factory=list)
    """Extensions that the scene uses and that pass through unread."""

    @property
    def has_colliders(self) -> bool:
        """Whether the creator said what is solid; if not, every mesh is."""
        return any(body.shape is not None and not body.is_trigger for body in self.bodies)

    @property
    def gravity(self) -> physics.Gravity | None:
        """The world's gravity, None where the file leaves it to the browser."""
        return next((gravity for gravity in self.gravities if gravity.node is None), None)

    @property
    def vrm(self) -> str:
        """The version of VRM if it is an avatar, else ""."""
        return self.avatar.version if self.avatar is not None else ""


def view(scene: Scene) -> WorldView:
    """Read a scene's meaning. Raises `RejectedScene` if its structure is broken."""
    require_sound(scene)
    graphs = scene.extension("KHR_interactivity").get("graphs")
    result = WorldView(
        gravities=list(physics.gravities(scene)),
        sounds=list(sounds.sounds(scene)),
        skies=list(looks.skies(scene)),
        lights=list(looks.lights(scene)),
        licences=list(rights.licences(scene)),
        avatar=rights.avatar(scene),
        behaviours=len(graphs) if isinstance(graphs, list) else 0,
        unknown=[name for name in used_extensions(scene) if not _is_read(name)],
    )
    _read_nodes(scene, result)
    return result


def _is_read(name: str) -> bool:
    return name.startswith("MX_") or name in _READ_ELSEWHERE or any(name == known for _, known in EXTENSIONS)


def _read_nodes(scene: Scene, result: WorldView) -> None:
    shapes = physics.shapes(scene)
    nodes, meshes, textures = scene.list_of("nodes"), len(scene.list_of("meshes")), len(scene.list_of("textures"))
    for index, node in enumerate(nodes):
        if not (extensions := record(node.get("extensions"))):
            continue
        result.spawn_points.extend(places.spawn_points(index, extensions))
        result.links.extend(places.links(index, extensions))
        result.seats.extend(places.seats(index, extensions))
        result.bodies.extend(physics.bodies(index, extensions, shapes, meshes))
        result.lightmaps.extend(looks.lightmaps(index, extensions, textures))
        if "EXT_mesh_gpu_instancing" in extensions:
            result.instanced.append(index)
        if "MSFT_lod" in extensions:
            result.levels[index] = indices(record(extensions["MSFT_lod"]).get("ids"), len(nodes))
        if looks.is_hidden(extensions):
            result.hidden.append(index)
