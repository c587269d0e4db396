"""Every place that names an entry is found and rewritten; what nobody knows stops all renumbering."""

from __future__ import annotations

from typing import Any

import pytest

from roomscale.scenes import jsonio
from roomscale.scenes.references import (
    MOVABLE,
    Survey,
    movable,
    named_by_extensions,
    references,
    renumber,
)

Json = dict[str, Any]


def lists(count: int = 10) -> Json:
    """A scene with `count` empty entries in every list, so that any index below leads somewhere."""
    kinds = "accessors bufferViews buffers images textures samplers materials meshes skins nodes cameras animations"
    return {"asset": {"version": "2.0"}} | {kind: [{} for _ in range(count)] for kind in kinds.split()}


def found(json: Json) -> set[tuple[str, int]]:
    return {(reference.kind, reference.index) for reference in references(json)}


CORE: list[tuple[Json, set[tuple[str, int]]]] = [
    (
        {"accessors": [{"bufferView": 1, "sparse": {"indices": {"bufferView": 2}, "values": {"bufferView": 3}}}]},
        {("bufferViews", 1), ("bufferViews", 2), ("bufferViews", 3)},
    ),
    ({"bufferViews": [{"buffer": 4}]}, {("buffers", 4)}),
    ({"images": [{"bufferView": 4}]}, {("bufferViews", 4)}),
    ({"textures": [{"sampler": 1, "source": 2}]}, {("samplers", 1), ("images", 2)}),
    (
        {
            "materials": [
                {
                    "pbrMetallicRoughness": {
                        "baseColorTexture": {"index": 1},
                        "metallicRoughnessTexture": {"index": 2},
                    },
                    "normalTexture": {"index": 3},
                    "occlusionTexture": {"index": 4},
                    "emissiveTexture": {"index": 5},
                }
            ]
        },
        {("textures", index) for index in range(1, 6)},
    ),
    (
        {
            "meshes": [
                {
                    "primitives": [
                        {
                            "attributes": {"POSITION": 1, "_MINE": 2},
                            "indices": 3,
                            "material": 4,
                            "targets": [{"POSITION": 5}],
                        }
                    ]
                }
            ]
        },
        {("accessors", 1), ("accessors", 2), ("accessors", 3), ("materials", 4), ("accessors", 5)},
    ),
    (
        {"nodes": [{"mesh": 1, "skin": 2, "camera": 3, "children": [1, 2]}, {}, {}]},
        {("meshes", 1), ("skins", 2), ("cameras", 3), ("nodes", 1), ("nodes", 2)},
    ),
    (
        {"skins": [{"inverseBindMatrices": 1, "skeleton": 2, "joints": [3]}]},
        {("accessors", 1), ("nodes", 2), ("nodes", 3)},
    ),
    (
        {
            "animations": [
                {"channels": [{"sampler": 0, "target": {"node": 1}}], "samplers": [{"input": 2, "output": 3}]}
            ]
        },
        {("nodes", 1), ("accessors", 2), ("accessors", 3)},
    ),
]


@pytest.mark.parametrize(("part", "expected"), CORE, ids=lambda value: next(iter(value)) if type(value) is dict else "")
def test_what_gltf_itself_names(part: Json, expected: set[tuple[str, int]]) -> None:
    assert found(lists() | part) == expected


def at(place: str, name: str, content: Json) -> Json:
    """A scene with an extension in its root, or in the first entry of a list."""
    json = lists()
    if place == "primitives":
        json["meshes"][0] = {"primitives": [{"extensions": {name: content}}]}
    elif place == "target":
        json["animations"][0] = {"channels": [{"target": {"extensions": {name: content}}}]}
    else:
        holder = json if place == "root" else json[place][0]
        holder["extensions"] = {name: content}
    return json


EXTENSIONS: list[tuple[str, str, Json, set[tuple[str, int]]]] = [
    ("textures", "KHR_texture_basisu", {"source": 1}, {("images", 1)}),
    ("textures", "EXT_texture_webp", {"source": 1}, {("images", 1)}),
    ("textures", "EXT_texture_avif", {"source": 1}, {("images", 1)}),
    ("materials", "KHR_materials_clearcoat", {"clearcoatNormalTexture": {"index": 3}}, {("textures", 3)}),
    ("materials", "VRMC_materials_mtoon", {"matcapTexture": {"index": 3}}, {("textures", 3)}),
    ("materials", "MOZ_lightmap", {"index": 3, "intensity": 1}, {("textures", 3)}),
    ("bufferViews", "EXT_meshopt_compression", {"buffer": 1}, {("buffers", 1)}),
    ("bufferViews", "KHR_meshopt_compression", {"buffer": 1}, {("buffers", 1)}),
    (
        "nodes",
        "EXT_mesh_gpu_instancing",
        {"attributes": {"TRANSLATION": 1, "_ID": 2}},
        {("accessors", 1), ("accessors", 2)},
    ),
    ("nodes", "MSFT_lod", {"ids": [1, 2]}, {("nodes", 1), ("nodes", 2)}),
    ("materials", "MSFT_lod", {"ids": [1]}, {("materials", 1)}),
    ("nodes", "MX_lightmap", {"lightMapTexture": {"index": 1}}, {("textures", 1)}),
    ("nodes", "OMI_collider", {"type": "mesh", "mesh": 2}, {("meshes", 2)}),
    ("nodes", "VRMC_node_constraint", {"constraint": {"aim": {"source": 3}}}, {("nodes", 3)}),
    ("nodes", "OMI_vehicle_body", {"pilotSeat": 6}, {("nodes", 6)}),
    (
        "primitives",
        "KHR_draco_mesh_compression",
        {"bufferView": 1, "attributes": {"POSITION": 7}},
        {("bufferViews", 1)},
    ),
    (
        "primitives",
        "KHR_materials_variants",
        {"mappings": [{"material": 3, "variants": [9]}]},
        {("materials", 3)},
    ),
    ("root", "OMI_physics_shape", {"shapes": [{"type": "trimesh", "trimesh": {"mesh": 5}}]}, {("meshes", 5)}),
    (
        "root",
        "OMI_environment_sky",
        {"skies": [{"panorama": {"cubemap": [1, 2], "equirectangular": 3}}]},
        {("textures", 1), ("textures", 2), ("textures", 3)},
    ),
    (
        "root",
        "KHR_audio_emitter",
        {"audio": [{"bufferView": 4}], "sources": [{"audio": 0}], "emitters": [{"sources": [0]}]},
        {("bufferViews", 4), ("KHR_audio_emitter/audio", 0), ("KHR_audio_emitter/sources", 0)},
    ),
    (
        "root",
        "EXT_lights_image_based",
        {"lights": [{"specularImages": [[1, 2], [3]]}]},
        {("images", i) for i in (1, 2, 3)},
    ),
    ("root", "MX_background", {"backgroundTexture": 1}, {("textures", 1)}),
    ("root", "MX_background", {"backgroundTexture": {"index": 1}}, {("textures", 1)}),
    (
        "root",
        "VRMC_vrm",
        {
            "meta": {"thumbnailImage": 1},
            "humanoid": {"humanBones": {"head": {"node": 2}}},
            "firstPerson": {"meshAnnotations": [{"node": 3}]},
            "expressions": {
                "preset": {"happy": {"morphTargetBinds": [{"node": 4, "index": 9}]}},
                "custom": {"mine": {"materialColorBinds": [{"material": 5}]}},
            },
        },
        {("images", 1), ("nodes", 2), ("nodes", 3), ("nodes", 4), ("materials", 5)},
    ),
    (
        "root",
        "VRM",
        {
            "meta": {"texture": 1},
            "humanoid": {"humanBones": [{"bone": "head", "node": 2}]},
            "firstPerson": {"firstPersonBone": -1, "meshAnnotations": [{"mesh": 3}]},
            "blendShapeMaster": {"blendShapeGroups": [{"binds": [{"mesh": 4, "index": 9}]}]},
            "secondaryAnimation": {"boneGroups": [{"center": -1, "bones": [5]}], "colliderGroups": [{"node": 6}]},
            "materialProperties": [{"textureProperties": {"_MainTex": 7}}],
        },
        {("textures", 1), ("nodes", 2), ("meshes", 3), ("meshes", 4), ("nodes", 5), ("nodes", 6), ("textures", 7)},
    ),
    (
        "nodes",
        "MOZ_hubs_components",
        {"target": {"__mhc_link_type": "node", "index": 4}, "deep": [{"__mhc_link_type": "texture", "index": 5}]},
        {("nodes", 4), ("textures", 5)},
    ),
    (
        "target",
        "KHR_animation_pointer",
        {"pointer": "/materials/3/pbrMetallicRoughness/baseColorFactor"},
        {("materials", 3)},
    ),
    ("target", "KHR_animation_pointer", {"pointer": "/nodes/12/translation"}, set()),
]


@pytest.mark.parametrize(("place", "name", "content", "expected"), EXTENSIONS)
def test_what_extensions_name(place: str, name: str, content: Json, expected: set[tuple[str, int]]) -> None:
    json = at(place, name, content)
    assert found(json) == expected
    assert Survey(json).unknown == set()
    assert {(kind, index) for kind, indices in named_by_extensions(json).items() for index in indices} == expected


@pytest.mark.parametrize(("place", "name", "content", "expected"), EXTENSIONS)
def test_what_they_name_is_rewritten(place: str, name: str, content: Json, expected: set[tuple[str, int]]) -> None:
    json = jsonio.copy(at(place, name, content))
    backwards = list(range(9, -1, -1))
    renumber(json, dict.fromkeys(MOVABLE, backwards))
    assert found(json) == {(kind, 9 - index if kind in MOVABLE else index) for kind, index in expected}


def test_a_pointer_to_a_light_names_the_light() -> None:
    json = at("target", "KHR_animation_pointer", {"pointer": "/extensions/KHR_lights_punctual/lights/1/color"})
    json["extensions"] = {"KHR_lights_punctual": {"lights": [{"type": "point"}, {"type": "point"}]}}
    assert found(json) == {("KHR_lights_punctual/lights", 1)}


def test_what_goes_is_named_no_more() -> None:
    json = lists(3)
    json["materials"] = [{"name": "a"}, {"name": "b", "normalTexture": {"index": 1}}, {"name": "a"}]
    json["meshes"] = [{"primitives": [{"material": index}]} for index in (0, 2)]
    renumber(json, {"materials": [0], "textures": []}, {"materials": {2: 0}})
    assert json["materials"] == [{"name": "a"}]
    assert [mesh["primitives"][0]["material"] for mesh in json["meshes"]] == [0, 0]
    assert "textures" not in json


@pytest.mark.parametrize("place", ["root", "nodes", "materials", "bufferViews", "accessors", "primitives"])
def test_an_unknown_extension_stops_all_renumbering(place: str) -> None:
    json = at(place, "ACME_new", {"thing": 3})
    assert Survey(json).unknown == {"ACME_new"}
    assert movable(json) == frozenset()


def test_a_known_extension_where_it_does_not_belong_counts_as_unknown() -> None:
    assert Survey(at("cameras", "EXT_texture_webp", {"source": 1})).unknown == {"EXT_texture_webp"}


def test_an_unknown_extension_inside_a_known_one_is_seen() -> None:
    json = at("root", "KHR_lights_punctual", {"lights": [{"type": "point", "extensions": {"ACME_glow": {"mesh": 1}}}]})
    assert Survey(json).unknown == {"ACME_glow"}


def test_extras_are_nobody_elses_business() -> None:
    json = lists() | {"extras": {"extensions": {"ACME_new": {"mesh": 1}}, "mesh": 3}}
    assert movable(json) == MOVABLE
    assert found(json) == set()


def test_graphs_and_lists_beside_others_pin_what_they_count() -> None:
    assert movable(at("root", "KHR_interactivity", {})) == MOVABLE - {"materials", "meshes", "skins"}
    assert movable(at("root", "VRM", {})) == MOVABLE - {"materials"}


@pytest.mark.parametrize(
    ("content", "speaks"),
    [({"buffer": 0}, True), ({"a": [{"byteOffset": 4}]}, True), ({"bufferView": 3}, False), ({"mesh": 1}, False)],
)
def test_whoever_speaks_of_bytes_is_heard(content: Json, speaks: bool) -> None:
    assert Survey(at("nodes", "ACME_new", content)).names_bytes is speaks
