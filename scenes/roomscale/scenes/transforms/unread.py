"""Leaves out vertex attributes that nothing reads: texture coordinates without a texture, tangents without normals'.

    scene = without_unread(scene)

Exporters write them for every mesh; they are up to a third of a file. The accessors go when the scene is pruned.
Rule: whoever might read them keeps them: a mesh or primitive with an extension, a material with one that is not listed
here, a node whose extension may dress the mesh in something else, and all meshes where an unknown extension is about.
Positions, normals, colours, joints, weights and an application's own attributes always stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft, survey_of
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.reference_walk import all_extensions
from roomscale.scenes.transforms.accessor_roles import TANGENT, TEXCOORD

_VARIANTS = "KHR_materials_variants"
_MATERIALS = frozenset(
    {
        "KHR_materials_clearcoat",
        "KHR_materials_diffuse_transmission",
        "KHR_materials_dispersion",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_iridescence",
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_materials_sheen",
        "KHR_materials_specular",
        "KHR_materials_transmission",
        "KHR_materials_unlit",
        "KHR_materials_volume",
        "KHR_texture_transform",
        "VRMC_materials_hdr_emissiveMultiplier",
        "VRMC_materials_mtoon",
    }
)
"""Extensions of materials, and of their textures, that read only what textureInfos in them say. Not among them:
KHR_materials_anisotropy, which has a direction along tangents, with or without a texture."""
_NODES = frozenset(
    {
        "EXT_mesh_gpu_instancing",
        "KHR_audio",
        "KHR_audio_emitter",
        "KHR_lights_punctual",
        "KHR_node_hoverability",
        "KHR_node_selectability",
        "KHR_node_visibility",
        "KHR_physics_rigid_bodies",
        "MSFT_lod",
        "MX_spawn_point",
        "MX_static",
        "OMI_collider",
        "OMI_link",
        "OMI_physics_body",
        "OMI_physics_gravity",
        "OMI_physics_joint",
        "OMI_seat",
        "OMI_spawn_point",
        "VRMC_node_constraint",
    }
)
"""Extensions of nodes that do not look at how a mesh is painted."""
_MAY_PAINT = frozenset({"VRM", "MOZ_hubs_components"})
"""Extensions of the root that may give meshes other textures than their materials say."""


class _Reads(NamedTuple):
    """What materials read. `sets`: of texture coordinates, counted from the first: one may not be missing before
    another (glTF 2.0 §3.7.2.1). `tangents`: whether there are normals to be turned by them."""

    sets: int = 0
    tangents: bool = False

    def needs(self, semantic: str) -> bool:
        """Whether an attribute of this name is read, or must stay for another reason."""
        if semantic == TANGENT:
            return self.tangents
        name, _, number = semantic.partition("_")
        return name != TEXCOORD or not number.isdecimal() or int(number) < self.sets


def without_unread(scene: Scene) -> Scene:
    """The scene without texture coordinates and tangents that nothing can read."""
    if survey_of(scene).unknown or not _MAY_PAINT.isdisjoint(scene.json.get("extensions", {})):
        return scene
    materials = [_reads(material) for material in scene.list_of("materials")]
    dressed = set(_dressed_meshes(scene))
    draft = Draft(scene, touching=("meshes",))
    changed = False
    for number, mesh in enumerate(draft.json.get("meshes", ())):
        if number not in dressed and "extensions" not in mesh:
            for primitive in mesh["primitives"]:
                changed = _leave_out(scene, primitive, materials) or changed
    return draft.finish() if changed else scene


def _dressed_meshes(scene: Scene) -> Iterator[int]:
    """Meshes of nodes whose extensions may read how they are painted."""
    for node in scene.list_of("nodes"):
        if "mesh" in node and not _NODES.issuperset(node.get("extensions", {})):
            yield node["mesh"]


def _leave_out(scene: Scene, primitive: JsonObject, materials: list[_Reads | None]) -> bool:
    """Drop from a primitive and its morph targets what is not read; whether there was something."""
    extensions = primitive.get("extensions", {})
    mappings = extensions.get(_VARIANTS, {}).get("mappings", ())
    worn = [mapping["material"] for mapping in mappings]
    worn += [primitive["material"]] if "material" in primitive else []
    found = [materials[index] for index in worn]
    known = [reads for reads in found if reads is not None]
    if extensions.keys() - {_VARIANTS} or len(known) < len(found):
        return False
    reads = _Reads(max((each.sets for each in known), default=0), any(each.tangents for each in known))
    groups = [primitive["attributes"], *primitive.get("targets", ())]
    unread = {name for group in groups for name in group if not reads.needs(name)}
    if not unread or any("extras" in scene.list_of("accessors")[index] for index in _named(groups, unread)):
        return False
    for group in groups:
        for name in unread & group.keys():
            del group[name]
    return True


def _named(groups: list[JsonObject], names: set[str]) -> Iterator[int]:
    for group in groups:
        yield from (group[name] for name in names & group.keys())


def _reads(material: JsonObject) -> _Reads | None:
    """What a material reads; None where one of its extensions may read anything."""
    if any(name not in _MATERIALS for name, _ in all_extensions(material)):
        return None
    sets, tangents = 0, False
    for field, info in _texture_infos(material):
        transform = info.get("extensions", {}).get("KHR_texture_transform", {})
        sets = max(sets, 1 + info.get("texCoord", 0), 1 + transform.get("texCoord", 0))
        tangents = tangents or field.lower().endswith("normaltexture")
    return _Reads(sets, tangents)


def _texture_infos(material: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Every textureInfo of a material, with the name under which it stands."""
    todo: list[Any] = [material]
    while todo:
        for key, value in todo.pop().items():
            if isinstance(value, dict) and key != "extras":
                todo.append(value)
                if "index" in value:
                    yield key, value
