"""Many bufferViews become few, and every accessor reads as before."""

from __future__ import annotations

from typing import Any

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.accessors import read
from roomscale.scenes.transforms.merge import merge
from tests.scenes.crafted import BINARY, animated, glb, gltf, triangle

Json = dict[str, Any]


def scattered(count: int = 5) -> Scene:
    """As many triangles, each with bufferViews of its own; the positions of all but the first lie interleaved."""
    tree = triangle()
    tree["buffers"][0]["byteLength"] = 48 * count
    tree["bufferViews"], tree["accessors"], tree["meshes"] = [], [], []
    for number in range(count):
        start = 48 * number
        tree["bufferViews"] += [
            {"buffer": 0, "byteOffset": start, "byteLength": 36, "byteStride": 12 if number else 16, "target": 34962},
            {"buffer": 0, "byteOffset": start + 36, "byteLength": 6, "target": 34963},
        ]
        vertices = 3 if number else 2
        tree["accessors"] += [
            {"bufferView": 2 * number, "componentType": 5126, "count": vertices, "type": "VEC3"},
            {"bufferView": 2 * number + 1, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ]
        attributes = {"POSITION": 2 * number}
        tree["meshes"].append({"primitives": [{"attributes": attributes, "indices": 2 * number + 1}]})
    return parse_scene(gltf(tree, BINARY * count))


def elements(scene: Scene) -> list[Any]:
    return [read(scene, index).tolist() for index in range(len(scene.list_of("accessors")))]


def test_all_positions_lie_in_one_view_and_all_indices_in_another() -> None:
    scene = scattered()
    result = merge(scene)
    assert len(scene.json["bufferViews"]) == 10
    assert [(view.get("byteStride"), view["target"]) for view in result.json["bufferViews"]] == [
        (12, 34962),
        (None, 34963),
    ]
    assert elements(result) == elements(scene)
    assert merge(result) is result


def test_keyframes_lie_together_without_a_stride() -> None:
    scene = parse_scene(animated([0.0, 0.5, 1.0], 3))
    result = merge(scene)
    assert len(result.json["bufferViews"]) == 3
    assert elements(result) == elements(scene)
    assert errors_of(check(parse_scene(to_glb(result)))) == []


def test_an_accessor_that_serves_two_purposes_stays_where_it_is() -> None:
    tree = triangle()
    tree["meshes"][0]["primitives"][0]["attributes"]["_ID"] = 1
    scene = parse_scene(glb(tree))
    assert merge(scene).json["accessors"][1] == tree["accessors"][1]


def test_an_accessor_with_an_extension_stays_where_it_is() -> None:
    tree = triangle() | {"extensionsUsed": ["ACME_new"]}
    tree["accessors"][0]["extensions"] = {"ACME_new": {}}
    result = merge(parse_scene(glb(tree)))
    assert result.json["accessors"][0] == tree["accessors"][0]
    assert elements(result) == elements(parse_scene(glb(tree)))
