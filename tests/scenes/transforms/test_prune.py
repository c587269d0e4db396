"""What nothing shows goes; what anything names, and every node, stays."""

from __future__ import annotations

from typing import Any

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.transforms.prune import prune
from tests.scenes.crafted import data_uri, glb, png, triangle

Json = dict[str, Any]


def littered() -> Json:
    """The triangle, and beside it a mesh, material, texture, sampler, image and accessor that nothing shows."""
    tree = triangle()
    tree["images"] = [{"uri": data_uri(png(), "image/png"), "name": "unseen"}]
    tree["samplers"] = [{}]
    tree["textures"] = [{"source": 0, "sampler": 0}]
    tree["materials"] = [{"normalTexture": {"index": 0}}]
    tree["bufferViews"].insert(0, {"buffer": 0, "byteLength": 12})
    for accessor in tree["accessors"]:
        accessor["bufferView"] += 1
    tree["accessors"].insert(
        0, {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 1, "min": [0, 0, 0], "max": [0, 0, 0]}
    )
    tree["meshes"] = [
        {"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]},
        {"primitives": [{"attributes": {"POSITION": 1}, "indices": 2}]},
    ]
    tree["nodes"] = [{"mesh": 1, "name": "tri"}, {"name": "nobody's child"}]
    return tree


def counts(scene: Scene) -> dict[str, int]:
    kinds = ("accessors", "bufferViews", "images", "textures", "samplers", "materials", "meshes", "nodes")
    return {kind: len(scene.list_of(kind)) for kind in kinds if scene.list_of(kind)}


def test_what_nothing_shows_goes_and_the_rest_is_named_by_its_new_number() -> None:
    scene = prune(parse_scene(glb(littered())))
    assert counts(scene) == {"accessors": 2, "bufferViews": 2, "meshes": 1, "nodes": 2}
    assert scene.json["nodes"][0] == {"mesh": 0, "name": "tri"}
    assert scene.json["meshes"][0]["primitives"][0] == {"attributes": {"POSITION": 0}, "indices": 1}
    assert errors_of(check(parse_scene(to_glb(scene)))) == []


def test_a_scene_without_litter_is_itself() -> None:
    scene = parse_scene(glb())
    assert prune(scene) is scene


def test_what_an_extension_of_the_root_names_stays() -> None:
    tree = littered() | {"extensionsUsed": ["OMI_physics_shape"]}
    tree["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": "trimesh", "trimesh": {"mesh": 0}}]}}
    scene = parse_scene(glb(tree))
    assert prune(scene) is scene


def test_what_somebody_wrote_extras_into_stays_with_all_that_it_names() -> None:
    tree = littered()
    tree["textures"][0]["extras"] = {"mine": True}
    assert counts(prune(parse_scene(glb(tree)))) | {"materials": 0} == {
        "accessors": 2,
        "bufferViews": 2,
        "images": 1,
        "textures": 1,
        "samplers": 1,
        "materials": 0,
        "meshes": 1,
        "nodes": 2,
    }


def test_under_an_unknown_extension_nothing_goes() -> None:
    tree = littered() | {"extensionsUsed": ["ACME_new"]}
    tree["nodes"][1]["extensions"] = {"ACME_new": {"uses": 0}}
    scene = parse_scene(glb(tree))
    assert prune(scene) is scene
