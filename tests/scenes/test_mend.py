"""What needs no choice is mended, with a note for each; what does is left alone."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from roomscale.scenes import Scene, SceneError, Severity, check, errors_of, mend, parse_scene, to_glb
from roomscale.scenes.accessors import read
from tests.scenes.crafted import BINARY, changed, glb, gltf, png, triangle, with_extension, with_image
from tests.scenes.hostile import CASES

MENDED = {
    "no bounds": "MENDED_BOUNDS",
    "wrong bounds": "MENDED_BOUNDS",
    "a quaternion of length 2": "MENDED_ROTATION",
    "not declared": "MENDED_DECLARATION",
    "required, not used": "MENDED_DECLARATION",
    "another type than it says": None,  # told by the data: URI, which embedding leaves behind
}


def worn(name: str, values: np.ndarray[Any, Any], points: tuple[float, ...] = ()) -> Scene:
    """The triangle with one more attribute, and other positions if given."""
    tree = triangle()
    positions = struct.pack("<9f", *points) if points else BINARY[:36]
    data = positions + BINARY[36:] + values.astype("<f4").tobytes()
    tree["buffers"][0]["byteLength"] = len(data)
    tree["bufferViews"].append({"buffer": 0, "byteOffset": 48, "byteLength": values.size * 4})
    tree["accessors"].append({"bufferView": 2, "componentType": 5126, "count": 3, "type": f"VEC{values.shape[1]}"})
    tree["meshes"][0]["primitives"][0]["attributes"][name] = 2
    if points:
        array = np.array(points, "<f4").reshape(3, 3)
        tree["accessors"][0] |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
    return parse_scene(glb(tree, data))


@pytest.mark.parametrize(("name", "code"), MENDED.items())
def test_what_needs_no_choice_is_mended_and_told(name: str, code: str | None) -> None:
    scene = parse_scene(next(case.make() for case in CASES if case.name == name))
    assert errors_of(check(scene))
    mended, notes = mend(scene)
    if code is not None:
        assert code in [note.code for note in notes]
        assert all(note.severity is Severity.INFO for note in notes)
        assert errors_of(check(mended)) == []
    assert errors_of(check(parse_scene(to_glb(mended)))) == []


def test_a_scene_in_order_is_returned_as_it_is() -> None:
    scene = parse_scene(glb())
    assert mend(scene) == (scene, [])


def test_mending_again_changes_nothing() -> None:
    for case in CASES:
        try:
            mended, _ = mend(parse_scene(case.make()))
        except SceneError:  # unreadable ones are other tests'
            continue
        assert mend(mended) == (mended, []), case.name


def test_a_choice_is_left_to_the_creator() -> None:
    for tree in (changed("nodes", 0, "rotation", to=[0, 0, 0, 0]), changed("nodes", 0, "mesh", to=7)):
        scene = parse_scene(gltf(tree))
        assert mend(scene) == (scene, [])


def test_the_original_is_not_touched() -> None:
    scene = parse_scene(gltf(with_extension("OMI_spawn_point", node={}, declared=False)))
    mended, _ = mend(scene)
    assert "extensionsUsed" not in scene.json
    assert mended.json["extensionsUsed"] == ["OMI_spawn_point"]


def test_long_normals_keep_their_direction() -> None:
    scene = worn("NORMAL", np.array([[0, 0, 2], [0, 3, 0], [0, 0, 1]]))
    mended, notes = mend(scene)
    assert read(mended, 2).tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert "2 vector(s)" in notes[0].message
    assert errors_of(check(mended)) == []


def test_normals_of_zeros_stand_off_their_faces() -> None:
    mended, _ = mend(worn("NORMAL", np.zeros((3, 3)), points=(0, 0, 0, 0, 0, 1, 1, 0, 0)))
    assert read(mended, 2).tolist() == [[0, 1, 0]] * 3
    flat, _ = mend(worn("NORMAL", np.zeros((3, 3)), points=(0,) * 9))
    assert read(flat, 2).tolist() == [[0, 1, 0]] * 3


def test_tangents_of_zeros_lie_in_the_surface() -> None:
    mended, _ = mend(worn("TANGENT", np.array([[0, 0, 0, 0], [2, 0, 0, -3], [1, 0, 0, 1]])))
    values = read(mended, 2)
    assert np.linalg.norm(values[:, :3], axis=1).tolist() == [1, 1, 1]
    assert values[0, 1] == 0.0, "without normals the surface faces up"
    assert values[1].tolist() == [1, 0, 0, -1]
    assert errors_of(check(mended)) == []


def test_images_are_called_what_they_are() -> None:
    scene = parse_scene(with_image(png(), "image/png"))
    tree = {**scene.json, "images": [{**scene.json["images"][0], "mimeType": "image/jpeg"}]}
    mended, notes = mend(scene.changed(tree))
    assert mended.json["images"][0]["mimeType"] == "image/png"
    assert [note.code for note in notes] == ["MENDED_MIME_TYPE"]
