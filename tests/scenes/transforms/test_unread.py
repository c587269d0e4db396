"""What nothing reads of a mesh goes; what any material, extension or person may read stays."""

from __future__ import annotations

from typing import Any

import pytest

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.transforms.prune import prune
from roomscale.scenes.transforms.unread import without_unread
from tests.scenes.crafted import BINARY, data_uri, glb, png, triangle

Json = dict[str, Any]
ALL = {"POSITION", "NORMAL", "TANGENT", "TEXCOORD_0", "TEXCOORD_1", "_WIND"}
PLAIN = {"POSITION", "NORMAL", "_WIND"}


def dressed(material: Json | None = None, *, mesh: Json | None = None, **more: Any) -> Json:
    """A triangle with every attribute, of a material that may name texture 0. `mesh`: what the mesh says besides."""
    tree = triangle()
    tree["accessors"] += [
        {"bufferView": view, "componentType": 5126, "count": 3, "type": kind}
        for view, kind in ((0, "VEC3"), (2, "VEC4"), (0, "VEC2"), (0, "VEC2"), (0, "VEC2"))
    ]
    tree["bufferViews"][0]["byteStride"] = 12
    tree["bufferViews"].append({"buffer": 0, "byteLength": 48})
    names = ("NORMAL", "TANGENT", "TEXCOORD_0", "TEXCOORD_1", "_WIND")
    primitive = tree["meshes"][0]["primitives"][0]
    primitive["attributes"] |= {name: 2 + number for number, name in enumerate(names)}
    tree["meshes"][0] |= mesh or {}
    tree["images"] = [{"uri": data_uri(png(), "image/png")}]
    tree["textures"] = [{"source": 0}]
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "texCoord": 1}}}]
    if material is not None:
        tree["materials"].append(material)
        primitive["material"] = 1
    return tree | more


def scene(tree: Json) -> Scene:
    return parse_scene(glb(tree, BINARY))


def left(tree: Json) -> set[str]:
    """The attributes that are left."""
    return set(without_unread(scene(tree)).json["meshes"][0]["primitives"][0]["attributes"])


@pytest.mark.parametrize(
    ("material", "kept"),
    [
        (None, set()),
        ({}, set()),
        ({"extensions": {"KHR_materials_sheen": {}}, "extras": {"normalTexture": {"index": 0}}}, set()),
        ({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}, {"TEXCOORD_0"}),
        ({"occlusionTexture": {"index": 0, "texCoord": 1}}, {"TEXCOORD_0", "TEXCOORD_1"}),
        ({"normalTexture": {"index": 0}}, {"TEXCOORD_0", "TANGENT"}),
        (
            {"extensions": {"KHR_materials_clearcoat": {"clearcoatNormalTexture": {"index": 0}}}},
            {"TEXCOORD_0", "TANGENT"},
        ),
        (
            {"emissiveTexture": {"index": 0, "extensions": {"KHR_texture_transform": {"texCoord": 1}}}},
            {"TEXCOORD_0", "TEXCOORD_1"},
        ),
    ],
)
def test_a_material_keeps_what_its_textures_are_laid_on_by(material: Json | None, kept: set[str]) -> None:
    assert left(dressed(material)) == PLAIN | kept


@pytest.mark.parametrize(
    "tree",
    [
        dressed({"extensions": {"KHR_materials_anisotropy": {"anisotropyStrength": 1}}}),
        dressed({"extensions": {"MOZ_lightmap": {"index": 0, "texCoord": 1}}}),
        dressed({"extensions": {"MOZ_hubs_components": {"video-texture-target": {}}}}),
        dressed({}, mesh={"extensions": {"MOZ_hubs_components": {}}}),
        dressed({}, nodes=[{"mesh": 0, "extensions": {"MX_lightmap": {"lightMapTexture": {"index": 0}}}}]),
        dressed({}, extensions={"VRM": {"materialProperties": [{"textureProperties": {"_MainTex": 0}}]}}),
        dressed({}, nodes=[{"mesh": 0}, {"extensions": {"ACME_paints_everything": {}}}], scenes=[{"nodes": [0, 1]}]),
    ],
)
def test_whatever_may_look_at_them_keeps_them_all(tree: Json) -> None:
    before = scene(tree)
    assert without_unread(before) is before
    assert left(tree) == ALL


def test_every_variant_of_a_material_counts() -> None:
    tree = dressed({}, extensions={"KHR_materials_variants": {"variants": [{"name": "painted"}]}})
    mappings = [{"variants": [0], "material": 0}]
    tree["meshes"][0]["primitives"][0]["extensions"] = {"KHR_materials_variants": {"mappings": mappings}}
    assert left(tree) == PLAIN | {"TEXCOORD_0", "TEXCOORD_1"}


def test_what_somebody_wrote_extras_into_stays() -> None:
    tree = dressed({})
    tree["accessors"][3]["extras"] = {"made": "by hand"}
    assert left(tree) == ALL


def test_morph_targets_lose_what_their_mesh_lost() -> None:
    tree = dressed({})
    tree["meshes"][0]["primitives"][0]["targets"] = [{"POSITION": 2, "TANGENT": 2, "TEXCOORD_1": 4}]
    after = without_unread(scene(tree))
    assert after.json["meshes"][0]["primitives"][0]["targets"] == [{"POSITION": 2}]


def test_a_seat_may_stand_on_a_node_whose_mesh_is_unpainted_and_what_is_left_is_sound() -> None:
    tree = dressed({}, nodes=[{"mesh": 0, "extensions": {"OMI_seat": {}}}], extensionsUsed=["OMI_seat"])
    del tree["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]
    before = scene(tree)
    after = without_unread(before)
    assert set(after.json["meshes"][0]["primitives"][0]["attributes"]) == PLAIN - {"NORMAL"}
    assert errors_of(check(parse_scene(to_glb(prune(after))))) == []
    assert without_unread(after) is after
    assert before.json["meshes"][0]["primitives"][0]["attributes"].keys() >= {"TANGENT"}
