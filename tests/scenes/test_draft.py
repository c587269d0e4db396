"""A scene rebuilt: other data, the same meaning; and what nobody replaced as it was."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import Scene, check, errors_of, jsonio, parse_scene, to_glb
from roomscale.scenes.accessors import Array, read
from roomscale.scenes.draft import ARRAY_BUFFER, Draft, survey_of
from roomscale.scenes.references import Survey
from tests.scenes.crafted import BINARY, data_uri, glb, gltf, png, triangle


def opened(tree: dict[str, Any] | None = None, binary: bytes = BINARY) -> Scene:
    return parse_scene(glb(tree, binary))


def assert_clean(scene: Scene) -> None:
    assert errors_of(check(parse_scene(to_glb(scene)))) == []


def test_a_draft_that_changes_nothing_is_the_scene_itself() -> None:
    scene = opened()
    assert Draft(scene).finish() is scene


def test_a_number_that_only_looks_the_same_is_a_change() -> None:
    tree = triangle()
    tree["nodes"][0]["translation"] = [1.0, 0, 0]
    draft = Draft(opened(tree))
    draft.json["nodes"][0]["translation"] = [1, 0, 0]
    assert b'"translation":[1,0,0]' in to_glb(draft.finish())


def test_an_accessor_gets_other_elements_and_keeps_what_else_it_says() -> None:
    tree = triangle()
    tree["accessors"][0] |= {"name": "corners", "extras": {"from": "Blender"}}
    draft = Draft(opened(tree))
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 0.3, 0], [1, 1, 1]], np.float32)
    draft.replace_accessor(0, points, bounds=True, target=ARRAY_BUFFER)
    scene = draft.finish()
    assert read(scene, 0).tolist() == points.tolist()
    assert scene.json["accessors"][0] == {
        "bufferView": 1,
        "componentType": 5126,
        "count": 4,
        "type": "VEC3",
        "min": [0, 0, 0],
        "max": [2, 1, 1],
        "name": "corners",
        "extras": {"from": "Blender"},
    }
    assert len(scene.json["bufferViews"]) == 2
    assert_clean(scene)


def test_bounds_are_short_and_still_those_of_the_data() -> None:
    draft = Draft(opened())
    draft.replace_accessor(0, np.array([[0.1, 0, 0], [0.7, 0, 0], [0, 0.3, 0]], np.float32), bounds=True)
    scene = draft.finish()
    assert scene.json["accessors"][0]["max"] == [0.7, 0.3, 0]
    assert_clean(scene)


@given(
    st.sampled_from(["i1", "u1", "<i2", "<u2", "<u4", "<f4"]),
    st.sampled_from([1, 2, 3, 4, 9, 16]),
    st.integers(1, 5),
    st.booleans(),
)
def test_what_is_added_is_read_back(dtype: str, width: int, count: int, for_vertices: bool) -> None:
    array: Array = np.arange(count * width).reshape(count, width).astype(dtype)
    draft = Draft(opened())
    index = draft.add_accessor(array, target=ARRAY_BUFFER if for_vertices and width < 5 else None)
    draft.json["meshes"][0]["primitives"][0]["attributes"]["_X"] = index
    scene = draft.finish()
    again = read(parse_scene(to_glb(scene)), index)
    assert again.dtype == array.dtype
    assert again.tolist() == array.tolist()


@pytest.mark.parametrize("array", [np.zeros((2, 3), np.float64), np.zeros((2, 5), np.float32)])
def test_types_that_gltf_has_not_are_refused(array: Array) -> None:
    with pytest.raises(ValueError, match="glTF has no accessors"):
        Draft(opened()).add_accessor(array)


def test_an_image_moves_inside() -> None:
    tree = triangle()
    tree["images"] = [{"uri": data_uri(png(), "image/png"), "name": "paint"}]
    draft = Draft(opened(tree))
    draft.replace_image(0, png(2, 2), "image/png")
    draft.json["textures"] = [{"source": 0}]
    scene = draft.finish()
    assert scene.json["images"][0] == {"name": "paint", "bufferView": 2, "mimeType": "image/png"}
    assert bytes(scene.view(2)) == png(2, 2)


def test_several_buffers_become_one() -> None:
    tree = triangle()
    tree["buffers"] = [
        {"uri": data_uri(BINARY[:36]), "byteLength": 36, "name": "points"},
        {"uri": data_uri(BINARY[36:]), "byteLength": 12},
    ]
    tree["bufferViews"][1] |= {"buffer": 1, "byteOffset": 0}
    scene = parse_scene(gltf(tree, None))
    draft = Draft(scene)
    draft.json["nodes"][0]["extras"] = 1
    result = draft.finish()
    assert result.json["buffers"] == [{"byteLength": 42, "name": "points"}]
    assert [read(result, index).tolist() for index in (0, 1)] == [read(scene, index).tolist() for index in (0, 1)]


def unknown(**content: Any) -> dict[str, Any]:
    tree = triangle()
    tree["extensionsUsed"] = ["ACME_new"]
    tree["nodes"][0]["extensions"] = {"ACME_new": content}
    tree["bufferViews"].append({"buffer": 0, "byteOffset": 44, "byteLength": 4})
    return tree


def test_under_an_unknown_extension_views_keep_their_numbers_and_unnamed_ones_their_bytes() -> None:
    binary = BINARY[:44] + b"mine"
    draft = Draft(opened(unknown(bufferView=2), binary))
    draft.replace_accessor(0, np.zeros((3, 3), np.float32), bounds=True)
    scene = draft.finish()
    assert len(scene.json["bufferViews"]) == 4
    assert bytes(scene.view(2)) == b"mine"
    assert scene.json["bufferViews"][0]["byteLength"] == 4
    assert read(scene, 1)[:, 0].tolist() == [0, 1, 2]
    assert_clean(scene)


def test_an_unknown_extension_that_counts_bytes_finds_them_where_they_were() -> None:
    binary = BINARY[:44] + b"mine"
    draft = Draft(opened(unknown(buffer=0, byteOffset=44), binary))
    draft.replace_accessor(0, np.ones((3, 3), np.float32), bounds=True)
    scene = draft.finish()
    assert bytes(scene.buffer(0)) == binary
    assert read(scene, 0).tolist() == [[1, 1, 1]] * 3
    again = parse_scene(to_glb(scene))
    assert again.glb is not None
    assert again.glb.binary is not None
    assert bytes(again.glb.binary[:48]) == binary
    assert read(again, 0).tolist() == [[1, 1, 1]] * 3


def test_views_that_overlap_do_not_multiply() -> None:
    """A thousand views of the same megabyte, each a byte further, must not become a gigabyte."""
    tree = triangle()
    binary = BINARY + bytes(1 << 20)
    tree["buffers"][0]["byteLength"] = len(binary)
    for offset in range(1000):
        tree["bufferViews"].append({"buffer": 0, "byteOffset": offset, "byteLength": 1 << 20})
        tree["accessors"].append({"bufferView": offset + 2, "componentType": 5121, "type": "SCALAR", "count": 1 << 20})
    tree["meshes"][0]["primitives"][0]["attributes"] |= {f"_{index}": index for index in range(2, 1002)}
    draft = Draft(opened(tree, binary))
    draft.replace_accessor(1, np.array([2, 1, 0], np.uint16))
    scene = draft.finish()
    assert sum(buffer["byteLength"] for buffer in scene.json["buffers"]) < len(binary) + 100
    assert bytes(scene.view(0)) == BINARY[:36]
    assert read(scene, 1)[:, 0].tolist() == [2, 1, 0]


def compressed() -> Scene:
    tree = triangle()
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    draft = Draft(opened(tree))
    view = draft.add_compressed_view(b"packed", count=3, stride=12, mode="ATTRIBUTES", target=ARRAY_BUFFER)
    draft.json["accessors"][0]["bufferView"] = view
    return draft.finish()


def test_compressed_views_have_their_decoded_form_in_a_buffer_without_contents() -> None:
    scene = compressed()
    view = scene.json["bufferViews"][1]
    assert view["buffer"] == 1
    assert scene.json["buffers"][1] == {
        "byteLength": 36,
        "extensions": {"EXT_meshopt_compression": {"fallback": True}},
    }
    inner = view["extensions"]["EXT_meshopt_compression"]
    start = inner["byteOffset"]
    assert bytes(scene.buffer(inner["buffer"])[start : start + 6]) == b"packed"


def test_a_draft_of_a_compressed_scene_moves_what_is_compressed_too() -> None:
    first = parse_scene(to_glb(compressed()))
    draft = Draft(first)
    draft.json["nodes"][0]["extras"] = 1
    again = draft.finish()
    inner = again.json["bufferViews"][1]["extensions"]["EXT_meshopt_compression"]
    start = inner.get("byteOffset", 0)
    assert bytes(again.buffer(inner["buffer"])[start : start + 6]) == b"packed"
    assert again.json["buffers"] == first.json["buffers"]
    assert struct.pack("<3H", 0, 1, 2) in bytes(again.buffer(0))


def test_a_list_that_comes_out_as_it_was_stays_the_scenes_own() -> None:
    scene = opened()
    draft = Draft(scene)
    draft.json["nodes"][0]["name"] = "another"
    changed = draft.finish()
    assert changed.json["meshes"] is scene.json["meshes"]
    assert changed.json["nodes"] is not scene.json["nodes"]
    assert scene.json["nodes"][0]["name"] == "tri"


def test_lists_that_nobody_was_going_to_touch_become_the_drafts_own_when_they_must() -> None:
    tree = triangle()
    tree["nodes"] = [{"mesh": 0}]
    tree["materials"] = [{}, {"name": "worn"}]
    tree["meshes"][0]["primitives"][0]["material"] = 1
    scene = opened(tree)
    before = jsonio.dump(scene.json)
    draft = Draft(scene, touching=())
    survey = draft.survey()
    draft.renumber(survey, {"materials": [1]})
    result = draft.finish(survey)
    assert result.json["meshes"][0]["primitives"][0]["material"] == 0
    assert result.json["materials"] == [{"name": "worn"}]
    assert result.json["nodes"] is scene.json["nodes"]
    assert jsonio.dump(scene.json) == before
    assert named(survey_of(result)) == named(Survey(result.json))
    assert named(survey_of(scene)) == named(Survey(scene.json))


def named(survey: Survey) -> list[tuple[Any, ...]]:
    return sorted((each.kind, each.index, each.field, each.owner or ()) for each in survey.references)


def test_equal_keyframes_share_a_view_and_vertices_do_not() -> None:
    draft = Draft(opened())
    same = np.array([[1, 2, 3]], np.float32)
    first, second, vertices = (draft.add_accessor(same, target=target) for target in (None, None, ARRAY_BUFFER))
    accessors = draft.json["accessors"]
    assert accessors[first]["bufferView"] == accessors[second]["bufferView"] != accessors[vertices]["bufferView"]
