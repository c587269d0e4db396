"""The tables of the extensions that worlds use, and of Khronos's common ones: where each may stand, what it holds.

Read in the extensions' own repositories (KhronosGroup/glTF, omigroup/gltf-extensions, vrm-c/vrm-specification,
matrix-org/thirdroom). Rule: data only. An extension not listed here passes unread, and is kept.
"""

from __future__ import annotations

import re

from roomscale.scenes.checks.gltf import (
    NORMAL_TEXTURE_INFO,
    TEXTURE_INFO,
    UNIT,
    numbers,
)
from roomscale.scenes.checks.schema import (
    Boolean,
    Integer,
    ListOf,
    MapOf,
    Number,
    Object,
    OneOf,
    Ref,
    Text,
    Type,
)

_POSITIVE = Number(0.0)
_GAIN = Number(0.0, 10_000.0)
"""Linear gain. 10,000 is +80 dB: whoever means more means harm."""
_INTENSITY = Number(0.0, 1.0e9)
"""Candela or lux; the sun is 120,000 lux, a lighthouse a million candela."""
_SPEED = Number(-1.0e6, 1.0e6)
_LENGTH = Number(0.0, 1.0e6)


def _object(name: str, fields: dict[str, Type], *required: str, is_open: bool = False) -> Object:
    return Object(name, fields, required, open=is_open)


def _material(name: str, **fields: Type) -> dict[tuple[str, str], Type]:
    return {("material", name): Object(name, fields)}


_LIGHT = _object(
    "light",
    {
        "name": Text(),
        "color": numbers(3, UNIT),
        "intensity": _INTENSITY,
        "type": OneOf(("directional", "point", "spot")),
        "range": Number(above=0.0),
        "spot": _object("spot", {"innerConeAngle": Number(0.0, 1.5708), "outerConeAngle": Number(0.0, 1.5709)}),
    },
    "type",
)
_KHRONOS: dict[tuple[str, str], Type] = {
    ("root", "KHR_lights_punctual"): _object("KHR_lights_punctual", {"lights": ListOf(_LIGHT)}, "lights"),
    ("node", "KHR_lights_punctual"): _object(
        "KHR_lights_punctual.node", {"light": Ref("KHR_lights_punctual/lights")}, "light"
    ),
    ("node", "KHR_node_visibility"): _object("KHR_node_visibility", {"visible": Boolean()}),
    ("node", "EXT_mesh_gpu_instancing"): _object(
        "EXT_mesh_gpu_instancing", {"attributes": MapOf(Ref("accessors"))}, "attributes"
    ),
    ("node", "MSFT_lod"): _object("MSFT_lod", {"ids": ListOf(Ref("nodes"), unique=True)}, "ids"),
    ("material", "MSFT_lod"): _object("MSFT_lod", {"ids": ListOf(Ref("materials"), unique=True)}, "ids"),
    ("texture", "KHR_texture_basisu"): _object("KHR_texture_basisu", {"source": Ref("images")}),
    ("texture", "EXT_texture_webp"): _object("EXT_texture_webp", {"source": Ref("images")}),
    ("texture", "EXT_texture_avif"): _object("EXT_texture_avif", {"source": Ref("images")}),
    ("textureInfo", "KHR_texture_transform"): _object(
        "KHR_texture_transform",
        {"offset": numbers(2), "rotation": Number(), "scale": numbers(2), "texCoord": Integer()},
    ),
    ("animationTarget", "KHR_animation_pointer"): _object(
        "KHR_animation_pointer", {"pointer": Text(re.compile(r"(/([^~/]|~[01])*)*"))}, "pointer"
    ),
    ("root", "KHR_materials_variants"): _object(
        "KHR_materials_variants", {"variants": ListOf(_object("variant", {"name": Text()}, "name"))}, "variants"
    ),
    ("primitive", "KHR_materials_variants"): _object(
        "KHR_materials_variants.primitive",
        {
            "mappings": ListOf(
                _object(
                    "mapping",
                    {
                        "variants": ListOf(Ref("KHR_materials_variants/variants"), unique=True),
                        "material": Ref("materials"),
                        "name": Text(),
                    },
                    "variants",
                    "material",
                )
            )
        },
        "mappings",
    ),
    ("primitive", "KHR_draco_mesh_compression"): _object(
        "KHR_draco_mesh_compression",
        {"bufferView": Ref("bufferViews"), "attributes": MapOf(Integer())},
        "bufferView",
        "attributes",
    ),
}
_MATERIALS: dict[tuple[str, str], Type] = {
    **_material("KHR_materials_unlit"),
    **_material(
        "KHR_materials_anisotropy",
        anisotropyStrength=UNIT,
        anisotropyRotation=Number(),
        anisotropyTexture=TEXTURE_INFO,
    ),
    **_material(
        "KHR_materials_clearcoat",
        clearcoatFactor=UNIT,
        clearcoatTexture=TEXTURE_INFO,
        clearcoatRoughnessFactor=UNIT,
        clearcoatRoughnessTexture=TEXTURE_INFO,
        clearcoatNormalTexture=NORMAL_TEXTURE_INFO,
    ),
    **_material("KHR_materials_dispersion", dispersion=_POSITIVE),
    **_material("KHR_materials_emissive_strength", emissiveStrength=_POSITIVE),
    **_material("KHR_materials_ior", ior=Number(1.0, also=0.0)),
    **_material(
        "KHR_materials_iridescence",
        iridescenceFactor=UNIT,
        iridescenceTexture=TEXTURE_INFO,
        iridescenceIor=Number(1.0),
        iridescenceThicknessMinimum=_POSITIVE,
        iridescenceThicknessMaximum=_POSITIVE,
        iridescenceThicknessTexture=TEXTURE_INFO,
    ),
    **_material(
        "KHR_materials_pbrSpecularGlossiness",
        diffuseFactor=numbers(4, UNIT),
        diffuseTexture=TEXTURE_INFO,
        specularFactor=numbers(3, UNIT),
        glossinessFactor=UNIT,
        specularGlossinessTexture=TEXTURE_INFO,
    ),
    **_material(
        "KHR_materials_sheen",
        sheenColorFactor=numbers(3, UNIT),
        sheenColorTexture=TEXTURE_INFO,
        sheenRoughnessFactor=UNIT,
        sheenRoughnessTexture=TEXTURE_INFO,
    ),
    **_material(
        "KHR_materials_specular",
        specularFactor=UNIT,
        specularTexture=TEXTURE_INFO,
        specularColorFactor=numbers(3, _POSITIVE),
        specularColorTexture=TEXTURE_INFO,
    ),
    **_material(
        "KHR_materials_transmission",
        transmissionFactor=UNIT,
        transmissionTexture=TEXTURE_INFO,
    ),
    **_material(
        "KHR_materials_volume",
        thicknessFactor=_POSITIVE,
        thicknessTexture=TEXTURE_INFO,
        attenuationDistance=Number(above=0.0),
        attenuationColor=numbers(3, UNIT),
    ),
}
# Their one table stands for a place that is checked elsewhere, or only says where they must not stand.
_MARKERS: dict[tuple[str, str], Type] = {("nowhere", "KHR_mesh_quantization"): Object("KHR_mesh_quantization", {})}
_MESHOPT = _object(
    "meshopt",
    {
        "buffer": Ref("buffers"),
        "byteOffset": Integer(),
        "byteLength": Integer(1),
        "byteStride": Integer(1, 256),
        "count": Integer(1),
        "mode": OneOf(("ATTRIBUTES", "TRIANGLES", "INDICES"), strict=True),
        "filter": OneOf(("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR"), strict=True),
    },
    "buffer",
    "byteLength",
    "byteStride",
    "count",
    "mode",
)
_FALLBACK = _object("meshopt.buffer", {"fallback": Boolean()})
_COMPRESSION: dict[tuple[str, str], Type] = {
    (place, name): table
    for name in ("EXT_meshopt_compression", "KHR_meshopt_compression")
    for place, table in (("bufferView", _MESHOPT), ("buffer", _FALLBACK))
}

_SHAPE_SIZES: dict[str, Type] = {
    "box": _object("box", {"size": numbers(3, _LENGTH)}),
    "sphere": _object("sphere", {"radius": _LENGTH}),
    "capsule": _object("capsule", {"height": _LENGTH, "radiusBottom": _LENGTH, "radiusTop": _LENGTH}, is_open=True),
    "cylinder": _object("cylinder", {"height": _LENGTH, "radiusBottom": _LENGTH, "radiusTop": _LENGTH}, is_open=True),
    "convex": _object("convex", {"mesh": Ref("meshes")}, is_open=True),
    "trimesh": _object("trimesh", {"mesh": Ref("meshes")}, is_open=True),
}
_SHAPE = _object("shape", {"type": Text(), "name": Text(), **_SHAPE_SIZES}, "type", is_open=True)
_MOTION = _object(
    "motion",
    {
        "type": OneOf(("static", "kinematic", "dynamic")),
        "mass": Number(0.0, 1.0e12),
        "linearVelocity": numbers(3, _SPEED),
        "angularVelocity": numbers(3, _SPEED),
        "centerOfMass": numbers(3),
        "inertiaDiagonal": numbers(3, _POSITIVE),
        "inertiaOrientation": numbers(4, Number(-1.0, 1.0)),
        "gravityFactor": Number(-1.0e6, 1.0e6),
    },
    is_open=True,
)
_SHAPE_REF = Ref("OMI_physics_shape/shapes")
_BODY = _object(
    "OMI_physics_body",
    {
        "motion": _MOTION,
        "collider": _object("collider", {"shape": _SHAPE_REF}, is_open=True),
        "trigger": _object("trigger", {"shape": _SHAPE_REF, "nodes": ListOf(Ref("nodes"), unique=True)}, is_open=True),
    },
    is_open=True,
)
_SEAT = _object(
    "OMI_seat", {"back": numbers(3), "foot": numbers(3), "knee": numbers(3), "angle": Number()}, is_open=True
)
_SKY = _object("sky", {"type": Text()}, is_open=True)
_OMI: dict[tuple[str, str], Type] = {
    ("root", "OMI_physics_shape"): _object("OMI_physics_shape", {"shapes": ListOf(_SHAPE, least=0)}, "shapes"),
    ("node", "OMI_physics_body"): _BODY,
    ("node", "OMI_physics_gravity"): _object("gravity", {}, is_open=True),
    ("scene", "OMI_physics_gravity"): _object("gravity", {"gravity": _SPEED, "direction": numbers(3)}, is_open=True),
    ("root", "OMI_physics_gravity"): _object("gravity", {"gravity": _SPEED, "direction": numbers(3)}, is_open=True),
    ("node", "OMI_spawn_point"): _object(
        "OMI_spawn_point", {"title": Text(), "team": Text(), "group": Text()}, is_open=True
    ),
    ("node", "OMI_seat"): _SEAT,
    ("node", "OMI_link"): _object("OMI_link", {"uri": Text(), "title": Text()}, "uri", is_open=True),
    ("root", "OMI_environment_sky"): _object("OMI_environment_sky", {"skies": ListOf(_SKY)}, "skies"),
    ("scene", "OMI_environment_sky"): _object(
        "OMI_environment_sky.scene", {"sky": Ref("OMI_environment_sky/skies")}, "sky"
    ),
    ("node", "MX_portal"): _object("MX_portal", {"uri": Text()}, is_open=True),
    ("node", "MX_spawn_point"): _object("MX_spawn_point", {}, is_open=True),
}


def _audio(name: str) -> dict[tuple[str, str], Type]:
    """KHR_audio_emitter, and KHR_audio, its older draft with the same lists."""
    sound = _object("audio", {"uri": Text(), "mimeType": Text(), "bufferView": Ref("bufferViews")}, is_open=True)
    source = _object(
        "audioSource",
        {
            "audio": Ref(f"{name}/audio"),
            "autoPlay": Boolean(),
            "autoplay": Boolean(),
            "gain": _GAIN,
            "loop": Boolean(),
            "playbackRate": Number(0.0, 1_000.0),
        },
        is_open=True,
    )
    positional = _object(
        "positional",
        {
            "coneInnerAngle": Number(),
            "coneOuterAngle": Number(),
            "coneOuterGain": _GAIN,
            "maxDistance": _POSITIVE,
            "refDistance": _POSITIVE,
            "rolloffFactor": _POSITIVE,
        },
        is_open=True,
    )
    emitter = _object(
        "audioEmitter",
        {
            "type": Text(),
            "gain": _GAIN,
            "sources": ListOf(Ref(f"{name}/sources"), least=0),
            "positional": positional,
        },
        is_open=True,
    )
    lists: dict[str, Type] = {
        "audio": ListOf(sound, least=0),
        "sources": ListOf(source, least=0),
        "emitters": ListOf(emitter, least=0),
    }
    here = _object(
        f"{name}.emitters",
        {"emitters": ListOf(Ref(f"{name}/emitters"), least=0), "emitter": Ref(f"{name}/emitters")},
        is_open=True,
    )
    return {("root", name): _object(name, lists, is_open=True), ("node", name): here, ("scene", name): here}


EXTENSIONS: dict[tuple[str, str], Type] = {
    **_KHRONOS,
    **_MATERIALS,
    **_MARKERS,
    **_COMPRESSION,
    **_OMI,
    **_audio("KHR_audio_emitter"),
    **_audio("KHR_audio"),
}
"""(object that holds it, extension) → what it may hold."""
