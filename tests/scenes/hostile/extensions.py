"""Extensions that are not declared, bear too much, or stand for millions."""

from __future__ import annotations

from tests.scenes.crafted import gltf, triangle, with_extension
from tests.scenes.hostile.case import Case


def extension_cases() -> list[Case]:
    lights = {"lights": [{"type": "point"}] * 5000}
    audio = {"audio": [{"uri": "https://evil.example/a.mp3"}], "sources": [{"audio": 0}], "emitters": []}
    levels = triangle()
    levels["nodes"] = [{"mesh": 0, "extensions": {"MSFT_lod": {"ids": [other]}}} for other in (1, 0)]
    levels["extensionsUsed"] = ["MSFT_lod"]
    return [
        Case(
            "required, not used",
            "UNUSED_EXTENSION_REQUIRED",
            lambda: gltf(triangle() | {"extensionsRequired": ["KHR_mesh_quantization"]}),
        ),
        Case(
            "required, unknown",
            "UNSUPPORTED_REQUIRED_EXTENSION",
            lambda: gltf(triangle() | {"extensionsUsed": ["EVIL_x"], "extensionsRequired": ["EVIL_x"]}),
        ),
        Case(
            "not declared",
            "UNDECLARED_EXTENSION",
            lambda: gltf(with_extension("OMI_spawn_point", node={}, declared=False)),
        ),
        Case("a spawn point", None, lambda: gltf(with_extension("OMI_spawn_point", node={"title": "door"}))),
        Case(
            "unknown, optional",
            None,
            lambda: gltf(with_extension("ACME_thing", node={"any": [1, None]}, root={"x": 1})),
        ),
        Case(
            "a light that is not there",
            "UNRESOLVED_REFERENCE",
            lambda: gltf(
                with_extension("KHR_lights_punctual", node={"light": 7}, root={"lights": [{"type": "point"}]})
            ),
        ),
        Case("5,000 lights", "TOO_MANY_LIGHTS", lambda: gltf(with_extension("KHR_lights_punctual", root=lights))),
        Case(
            "a light too bright",
            "VALUE_NOT_IN_RANGE",
            lambda: gltf(
                with_extension("KHR_lights_punctual", root={"lights": [{"type": "point", "intensity": 1e30}]})
            ),
        ),
        Case(
            "a shape that is not there",
            "UNRESOLVED_REFERENCE",
            lambda: gltf(with_extension("OMI_physics_body", node={"collider": {"shape": 3}})),
        ),
        Case(
            "a mass below zero",
            "VALUE_NOT_IN_RANGE",
            lambda: gltf(with_extension("OMI_physics_body", node={"motion": {"type": "dynamic", "mass": -5}})),
        ),
        Case("remote sound", "UNSAFE_URI", lambda: gltf(with_extension("KHR_audio_emitter", root=audio))),
        Case(
            "a gain of 1e9",
            "VALUE_NOT_IN_RANGE",
            lambda: gltf(with_extension("KHR_audio_emitter", root={"sources": [{"gain": 1e9}]})),
        ),
        Case("50 million instances", "INSTANCING_BOMB", _instancing_bomb),
        Case("levels in a circle", "LOD_LOOP", lambda: gltf(levels)),
    ]


def _instancing_bomb() -> bytes:
    tree = with_extension("EXT_mesh_gpu_instancing", node={"attributes": {"TRANSLATION": 2}})
    tree["accessors"].append({"componentType": 5126, "count": 50_000_000, "type": "VEC3"})
    return gltf(tree)
