"""Which extensions a visitor's browser knows, and what it makes of them.

Rule: data, kept beside what `web/src` and three.js's GLTFLoader really do; what is in no table is kept, and told so.
"""

from __future__ import annotations

from enum import StrEnum


class Knowledge(StrEnum):
    """What becomes of an extension in a visitor's browser."""

    SHOWN = "shown"
    """three.js draws it."""
    USED = "used"
    """Our client makes something of it: one sits, hears, bumps into it."""
    KEPT = "kept"
    """It is in the file that visitors get, and has no effect there yet."""


SHOWN = frozenset(
    {
        "EXT_mesh_gpu_instancing",
        "EXT_meshopt_compression",
        "EXT_texture_avif",
        "EXT_texture_webp",
        "KHR_draco_mesh_compression",
        "KHR_lights_punctual",
        "KHR_materials_anisotropy",
        "KHR_materials_clearcoat",
        "KHR_materials_dispersion",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_iridescence",
        "KHR_materials_sheen",
        "KHR_materials_specular",
        "KHR_materials_transmission",
        "KHR_materials_unlit",
        "KHR_materials_volume",
        "KHR_mesh_quantization",
        "KHR_meshopt_compression",
        "KHR_texture_basisu",
        "KHR_texture_transform",
    }
)
USED = frozenset(
    {
        "KHR_audio",
        "KHR_audio_emitter",
        "KHR_node_visibility",
        "MX_background",
        "MX_portal",
        "MX_spawn_point",
        "OMI_collider",
        "OMI_environment_sky",
        "OMI_link",
        "OMI_physics_body",
        "OMI_physics_shape",
        "OMI_seat",
        "OMI_spawn_point",
    }
)


def knowledge_of(name: str) -> Knowledge:
    """What a visitor's browser makes of an extension."""
    if name in SHOWN:
        return Knowledge.SHOWN
    return Knowledge.USED if name in USED else Knowledge.KEPT
