"""Scripts with pygltflib change what they mean to change, and nothing else."""

from __future__ import annotations

import json

import pygltflib
import pytest

from roomscale.scenes import RejectedScene, check, errors_of, parse_scene
from roomscale.scenes.accessors import read
from roomscale.scenes.bridge import from_pygltflib, to_pygltflib
from tests.scenes.crafted import BINARY, glb, gltf, png, triangle, with_image
from tests.scenes.test_document import peculiar


@pytest.mark.parametrize("data", [glb(peculiar()), gltf(peculiar()), with_image(png(), "image/png")])
def test_a_script_that_changes_nothing_changes_nothing(data: bytes) -> None:
    scene = parse_scene(data)
    document = to_pygltflib(scene)
    again = from_pygltflib(document, scene)
    expected = from_pygltflib(to_pygltflib(scene), scene)
    assert json.dumps(again.json) == json.dumps(expected.json)
    for key in ("asset", "nodes", "meshes", "accessors", "scenes", "scene"):
        assert json.dumps(again.json[key]) == json.dumps(scene.json[key])
    assert again.json.get("zebra") == scene.json.get("zebra")


def test_a_change_arrives_and_what_pygltflib_does_not_know_stays() -> None:
    scene = parse_scene(glb(peculiar()))
    document = to_pygltflib(scene)
    document.nodes[0].name = "renamed"
    document.nodes[0].translation = [1.0, 2.0, 3.0]
    document.nodes.append(pygltflib.Node(name="more", extensions={"ACME_x": {"n": 1}}))
    document.scenes[0].nodes.append(1)
    again = from_pygltflib(document, scene)
    node = again.json["nodes"][0]
    assert (node["name"], node["translation"]) == ("renamed", [1.0, 2.0, 3.0])
    assert node["unknown"] == 0.1 and node["extras"] == [1, {"x": 1e-7}]
    assert again.json["nodes"][1] == {"name": "more", "extensions": {"ACME_x": {"n": 1}}}
    assert again.json["asset"]["copyright"] == "somebody"
    assert errors_of(check(again)) == []


def test_binary_data_may_be_changed() -> None:
    scene = parse_scene(glb())
    document = to_pygltflib(scene)
    document.set_binary_blob(bytes(12) + BINARY[12:])
    assert read(from_pygltflib(document, scene), 0)[0].tolist() == [0, 0, 0]
    assert read(from_pygltflib(document, scene), 0)[1].tolist() == [1, 0, 0]


def test_a_document_made_from_nothing_becomes_a_scene() -> None:
    document = pygltflib.GLTF2(scene=0, scenes=[pygltflib.Scene(nodes=[0])], nodes=[pygltflib.Node(name="empty")])
    scene = from_pygltflib(document)
    assert scene.json["nodes"] == [{"name": "empty"}]
    assert errors_of(check(scene)) == []


def test_a_script_that_breaks_the_scene_is_told() -> None:
    scene = parse_scene(glb(triangle()))
    document = to_pygltflib(scene)
    document.nodes[0].mesh = 9
    with pytest.raises(RejectedScene, match="9 is no index into meshes"):
        from_pygltflib(document, scene)
