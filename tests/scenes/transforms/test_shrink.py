"""JSON in fewer bytes: what is left out is what everybody assumes, what is shortened is the same float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.transforms.shrink import shrink
from tests.scenes.crafted import animated, glb, triangle

Json = dict[str, Any]


def shrunk(tree: Json) -> Json:
    return shrink(parse_scene(glb(tree))).json


def test_defaults_are_left_out() -> None:
    tree = triangle()
    tree["nodes"][0] |= {"translation": [0, 0, 0], "rotation": [0.0, -0.0, 0, 1], "scale": [1, 1, 1.0]}
    tree["materials"] = [
        {
            "alphaMode": "OPAQUE",
            "doubleSided": False,
            "emissiveFactor": [0, 0, 0],
            "pbrMetallicRoughness": {"metallicFactor": 1, "roughnessFactor": 0.5, "baseColorFactor": [1, 1, 1, 1]},
        }
    ]
    tree["meshes"][0]["primitives"][0]["mode"] = 4
    tree["accessors"][0] |= {"byteOffset": 0, "normalized": False}
    json = shrunk(tree)
    assert json["nodes"] == [{"mesh": 0, "name": "tri"}]
    assert json["materials"] == [{"pbrMetallicRoughness": {"roughnessFactor": 0.5}}]
    assert "mode" not in json["meshes"][0]["primitives"][0]
    assert json["accessors"][0].keys() == {"bufferView", "componentType", "count", "type", "min", "max"}


def test_what_is_no_default_stays() -> None:
    tree = triangle()
    tree["nodes"][0] |= {"translation": [0, 0, 1], "extras": {"translation": [0, 0, 0]}}
    tree["materials"] = [{"alphaMode": "MASK", "alphaCutoff": 0.25}]
    json = shrunk(tree)
    assert json["nodes"] == tree["nodes"]
    assert json["materials"] == tree["materials"]


def test_only_positions_and_times_keep_their_bounds() -> None:
    scene = parse_scene(animated([0.0, 1.0], 2))
    tree = scene.json
    tree["accessors"][1] |= {"min": [0], "max": [2]}
    tree["accessors"][3] |= {"min": [0, 0, 0], "max": [0, 0, 0]}
    result = shrink(scene.changed(tree))
    assert ["min" in accessor for accessor in result.json["accessors"]] == [True, False, True, False]
    assert errors_of(check(parse_scene(to_glb(result)))) == []


def test_bounds_stay_where_something_unknown_may_want_them() -> None:
    tree = triangle() | {"extensionsUsed": ["ACME_new"]}
    tree["accessors"][1] |= {"min": [0], "max": [2]}
    tree["nodes"][0]["extensions"] = {"ACME_new": {}}
    assert shrunk(tree)["accessors"] == tree["accessors"]


def test_numbers_lose_the_digits_that_a_float32_has_not() -> None:
    tree = triangle()
    tree["nodes"][0]["translation"] = [float(np.float32(0.1)), 1.0, 123456.7890625]
    tree["nodes"][0]["rotation"] = [0.7071067811865476, 0, 0, 0.7071067811865475]
    json = shrunk(tree)
    assert to_text(json["nodes"][0]["translation"]) == "[0.1, 1, 123456.79]"
    assert to_text(json["nodes"][0]["rotation"]) == "[0.7071068, 0, 0, 0.7071068]"


def test_a_rotation_cut_short_turns_nothing_that_can_be_seen_and_stays_as_it_is() -> None:
    turns = np.random.default_rng(7).normal(size=(50, 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    for turn in turns.tolist():
        tree = triangle()
        tree["nodes"][0]["rotation"] = turn
        once = shrunk(tree)["nodes"][0]["rotation"]
        assert np.abs(np.subtract(once, turn)).max() < 1e-7
        tree["nodes"][0]["rotation"] = once
        assert shrunk(tree)["nodes"][0]["rotation"] == once
        assert max(len(str(abs(part))) for part in once) <= 9


def to_text(value: Any) -> str:
    return str(value)


def test_far_places_keep_their_digits() -> None:
    tree = triangle()
    tree["nodes"][0]["translation"] = [4_000_000.123456, 0, 0]
    assert shrunk(tree)["nodes"][0]["translation"] == [4_000_000.123456, 0, 0]


@given(st.lists(st.floats(-900, 900), min_size=3, max_size=3))
def test_every_number_is_the_same_float32(values: list[float]) -> None:
    tree = triangle()
    tree["nodes"][0]["translation"] = values
    scene: Scene = shrink(parse_scene(glb(tree)))
    kept = scene.json["nodes"][0].get("translation", [0, 0, 0])
    assert np.array_equal(np.array(kept, np.float32), np.array(values, np.float32))
    assert shrink(scene) is scene
