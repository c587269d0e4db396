"""Where indices stand in extensions that `checks.extensions` does not judge, and which extensions hold none.

Written in the language of `checks.schema`, read by `references`. From the extensions' own specifications
(KhronosGroup/glTF, vrm-c/vrm-specification, omigroup/gltf-extensions, matrix-org/thirdroom, mozilla/hubs).
Rule: data only. An extension belongs here only when all that it can name is known: what is left out stops renumbering.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.checks.gltf import TEXTURE_INFO
from roomscale.scenes.checks.schema import ListOf, MapOf, Object, Ref, Type
from roomscale.scenes.checks.walk import Walk


@dataclass(frozen=True, slots=True)
class Pointer:
    """A JSON pointer (RFC 6901) into the scene, such as `/nodes/3/translation`."""

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whatever they are."""
        return True

    def check(self, value: Any, walk: Walk) -> None:
        """Nothing; the checks have a table of their own."""


@dataclass(frozen=True, slots=True)
class HubsLinks:
    """Anything, in which `{"__mhc_link_type": "node", "index": 3}` may stand at any depth (Hubs' Blender add-on)."""

    def is_plain(self, values: Collection[Any], walk: Walk) -> bool:
        """Whatever they are."""
        return True

    def check(self, value: Any, walk: Walk) -> None:
        """Nothing."""


def _open(**fields: Type) -> Object:
    return Object("", fields, open=True)


_NODE, _TEXTURE = Ref("nodes"), Ref("textures")
_NODES, _TEXTURES = ListOf(_NODE), ListOf(_TEXTURE)
_HELD_BY_NODE = MapOf(_open(node=_NODE))
_EXPRESSION = _open(
    morphTargetBinds=ListOf(_open(node=_NODE)),
    materialColorBinds=ListOf(_open(material=Ref("materials"))),
    textureTransformBinds=ListOf(_open(material=Ref("materials"))),
)
_EXPRESSIONS = _open(preset=MapOf(_EXPRESSION), custom=MapOf(_EXPRESSION))
_CONSTRAINT = _open(source=_NODE)
_VRM_1: dict[tuple[str, str], Type] = {
    ("root", "VRMC_vrm"): _open(
        meta=_open(thumbnailImage=Ref("images")),
        humanoid=_open(humanBones=_HELD_BY_NODE),
        firstPerson=_open(meshAnnotations=ListOf(_open(node=_NODE))),
        expressions=_EXPRESSIONS,
    ),
    ("root", "VRMC_vrm_animation"): _open(
        humanoid=_open(humanBones=_HELD_BY_NODE),
        expressions=_open(preset=_HELD_BY_NODE, custom=_HELD_BY_NODE),
        lookAt=_open(node=_NODE),
    ),
    ("root", "VRMC_springBone"): _open(
        colliders=ListOf(_open(node=_NODE)),
        springs=ListOf(_open(joints=ListOf(_open(node=_NODE)), center=_NODE)),
    ),
    ("node", "VRMC_node_constraint"): _open(
        constraint=_open(roll=_CONSTRAINT, aim=_CONSTRAINT, rotation=_CONSTRAINT),
    ),
    ("material", "VRMC_materials_mtoon"): _open(
        shadeMultiplyTexture=TEXTURE_INFO,
        shadingShiftTexture=TEXTURE_INFO,
        matcapTexture=TEXTURE_INFO,
        rimMultiplyTexture=TEXTURE_INFO,
        outlineWidthMultiplyTexture=TEXTURE_INFO,
        uvAnimationMaskTexture=TEXTURE_INFO,
    ),
    ("material", "VRMC_materials_hdr_emissiveMultiplier"): _open(),
}
_SPRINGS = _open(center=_NODE, bones=_NODES)
_VRM_0: dict[tuple[str, str], Type] = {
    ("root", "VRM"): _open(
        meta=_open(texture=_TEXTURE),
        humanoid=_open(humanBones=ListOf(_open(node=_NODE))),
        firstPerson=_open(firstPersonBone=_NODE, meshAnnotations=ListOf(_open(mesh=Ref("meshes")))),
        blendShapeMaster=_open(blendShapeGroups=ListOf(_open(binds=ListOf(_open(mesh=Ref("meshes")))))),
        secondaryAnimation=_open(
            boneGroups=ListOf(_SPRINGS),
            colliderGroups=ListOf(_open(node=_NODE)),
        ),
        materialProperties=ListOf(_open(textureProperties=MapOf(_TEXTURE))),
    ),
}
_GEOMETRY = _open(shape=Ref("KHR_implicit_shapes/shapes"), mesh=Ref("meshes"), node=_NODE)
_OTHERS: dict[tuple[str, str], Type] = {
    ("animationTarget", "KHR_animation_pointer"): _open(pointer=Pointer()),
    ("root", "EXT_lights_image_based"): _open(lights=ListOf(_open(specularImages=ListOf(ListOf(Ref("images")))))),
    ("scene", "EXT_lights_image_based"): _open(light=Ref("EXT_lights_image_based/lights")),
    ("root", "EXT_lights_ies"): _open(lights=ListOf(_open(bufferView=Ref("bufferViews")))),
    ("node", "EXT_lights_ies"): _open(light=Ref("EXT_lights_ies/lights")),
    ("primitive", "EXT_mesh_features"): _open(featureIds=ListOf(_open(texture=TEXTURE_INFO))),
    ("node", "KHR_physics_rigid_bodies"): _open(
        collider=_open(geometry=_GEOMETRY),
        trigger=_open(geometry=_GEOMETRY, nodes=_NODES),
        joint=_open(connectedNode=_NODE),
    ),
    ("root", "KHR_physics_rigid_bodies"): _open(),
    ("root", "KHR_implicit_shapes"): _open(),
    ("root", "OMI_environment_sky"): _open(
        skies=ListOf(_open(panorama=_open(cubemap=_TEXTURES, equirectangular=_TEXTURE)))
    ),
    ("node", "OMI_collider"): _open(mesh=Ref("meshes"), collider=Ref("OMI_collider/colliders")),
    ("root", "OMI_collider"): _open(colliders=ListOf(_open(mesh=Ref("meshes")))),
    ("node", "OMI_vehicle_body"): _open(pilotSeat=_NODE),
    ("root", "OMI_vehicle_wheel"): _open(),
    ("node", "OMI_vehicle_wheel"): _open(wheel=Ref("OMI_vehicle_wheel/wheels")),
    ("node", "MX_lightmap"): _open(lightMapTexture=TEXTURE_INFO),
    ("material", "MOZ_lightmap"): TEXTURE_INFO,
    ("texture", "MOZ_texture_rgbe"): _open(source=Ref("images")),
    ("texture", "MSFT_texture_dds"): _open(source=Ref("images")),
    ("material", "MSFT_packing_normalRoughnessMetallic"): _open(normalRoughnessMetallicTexture=TEXTURE_INFO),
    ("material", "MSFT_packing_occlusionRoughnessMetallic"): _open(
        occlusionRoughnessMetallicTexture=TEXTURE_INFO,
        roughnessMetallicOcclusionTexture=TEXTURE_INFO,
        normalTexture=TEXTURE_INFO,
    ),
    **{(place, "MX_background"): _open(backgroundTexture=_TEXTURE) for place in ("root", "scene")},
    ("root", "MX_reflection_probes"): _open(
        reflectionProbes=ListOf(_open(reflectionProbeTexture=_TEXTURE)),
    ),
    **{
        (place, "MX_reflection_probes"): _open(reflectionProbe=Ref("MX_reflection_probes/reflectionProbes"))
        for place in ("node", "scene")
    },
    **{
        (place, "MOZ_hubs_components"): HubsLinks()
        for place in ("root", "scene", "node", "material", "mesh", "camera", "image", "texture")
    },
}

REFERENCE_TABLES: dict[tuple[str, str], Type] = {**EXTENSIONS, **_VRM_1, **_VRM_0, **_OTHERS}
"""(object that holds it, extension) → where its indices are. A `Ref` to textures also takes a textureInfo's place."""

WITHOUT_INDICES = frozenset(
    {
        "KHR_interactivity",  # numbers its graph can compute with; see `PINNED`
        "KHR_mesh_quantization",
        "KHR_node_hoverability",
        "KHR_node_selectability",
        "KHR_xmp_json_ld",  # numbers of its own packets
        "MX_character_controller",
        "MX_lights_shadows",
        "MX_postprocessing",
        "MX_static",
        "MX_tiles_renderer",
        "OMI_vehicle_hover_thruster",
        "OMI_vehicle_thruster",
        "GODOT_single_root",
    }
)
"""Extensions that name nothing whose number may change."""

PINNED: dict[str, frozenset[str]] = {
    # Graphs compute with indices and fill them into pointers, as far as the object model (KHR_animation_pointer) goes.
    "KHR_interactivity": frozenset({"materials", "meshes", "skins"}),
    # `materialProperties` is a list beside `materials`, one entry for each.
    "VRM": frozenset({"materials"}),
}
"""Extension → the lists whose entries keep their numbers while a scene has it."""
