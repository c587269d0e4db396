"""Draco's geometry made plain: what was encoded comes back, and no bytes take us with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import DracoPy
import numpy as np
import pytest

from roomscale.scenes import Limits, Scene, check, errors_of, open_scene, parse_scene, to_glb
from roomscale.scenes.accessors import read
from roomscale.scenes.draco import runner, without_draco
from roomscale.scenes.errors import BrokenData, UnpackableScene
from roomscale.scenes.package import apply, pack
from tests.scenes.crafted import Json, gltf

SHARED = Path(__file__).parents[3] / "shared" / "gltf" / "BoxMeshopt_Draco"
SIDE = 20
JOINTS, POSITION, COLOUR = 0, 1, 2  # unique ids: the encoder gives positions the one after those that it is told


def grid() -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a ground of hills."""
    x, z = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    points = np.stack([x, np.sin(x / 3) * np.cos(z / 4), z], axis=-1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).reshape(-1)
    faces = (corner[:, None] + np.array([0, 1, SIDE, 1, SIDE + 1, SIDE])).reshape(-1, 3).astype(np.uint32)
    return points, faces


def compressed() -> bytes:
    """The ground, with a number of each vertex to tell it by, as glTF has joints."""
    points, faces = grid()
    numbers = np.stack([np.arange(len(points))] * 4, axis=1).astype(np.uint16)
    data: bytes = DracoPy.encode(points, faces, quantization_bits=16, generic_attributes={JOINTS: numbers})
    return data


def scene_of(data: bytes, **accessor: Any) -> Json:
    """The ground as Blender writes it: accessors without bytes, and Draco's data."""
    points, faces = grid()
    low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "ground"}],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "_NUMBER": 1},
                        "indices": 2,
                        "extensions": {
                            "KHR_draco_mesh_compression": {
                                "bufferView": 0,
                                "attributes": {"POSITION": POSITION, "_NUMBER": JOINTS},
                            }
                        },
                    }
                ]
            }
        ],
        "accessors": [
            {"componentType": 5126, "count": len(points), "type": "VEC3", "min": low, "max": high, **accessor},
            {"componentType": 5123, "count": len(points), "type": "VEC4", "name": "numbers"},
            {"componentType": 5123, "count": faces.size, "type": "SCALAR"},
        ],
        "bufferViews": [{"buffer": 0, "byteLength": len(data)}],
        "buffers": [{"byteLength": len(data)}],
        "extensionsUsed": ["KHR_draco_mesh_compression"],
        "extensionsRequired": ["KHR_draco_mesh_compression"],
    }


def opened(tree: Json | None = None, data: bytes | None = None) -> Scene:
    data = compressed() if data is None else data
    return parse_scene(gltf(scene_of(data) if tree is None else tree, data))


def test_what_was_encoded_comes_back_vertex_by_vertex() -> None:
    plain = without_draco(opened())
    points, faces = grid()
    numbers = read(plain, 1)[:, 0]
    assert sorted(numbers.tolist()) == list(range(len(points)))
    assert np.abs(read(plain, 0) - points[numbers]).max() < 1e-3
    corners = numbers[read(plain, 2).reshape(-1, 3)]
    expected = {tuple(sorted(face)) for face in faces.tolist()}
    assert {tuple(sorted(face)) for face in corners.tolist()} == expected


def test_the_scene_is_valid_plain_and_says_so() -> None:
    plain = without_draco(opened())
    assert "extensionsUsed" not in plain.json
    assert "extensionsRequired" not in plain.json
    assert "extensions" not in plain.json["meshes"][0]["primitives"][0]
    assert plain.json["accessors"][1]["name"] == "numbers"
    assert errors_of(check(parse_scene(to_glb(plain)))) == []
    assert without_draco(plain) is plain


def test_it_is_packed_and_each_level_has_its_geometry() -> None:
    package, _ = pack(opened())
    whole = apply(parse_scene(package.entry), package.manifest, package.parts, 1)
    assert errors_of(check(whole)) == []
    assert whole.json["accessors"][whole.json["meshes"][0]["primitives"][0]["indices"]]["count"] == grid()[1].size
    assert pack(opened())[0] == package


def test_a_copy_beside_plain_geometry_is_left_out_and_not_decoded() -> None:
    plain = without_draco(opened())
    tree = dict(plain.json)
    tree["meshes"][0]["primitives"][0]["extensions"] = scene_of(b"")["meshes"][0]["primitives"][0]["extensions"]
    tree["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    again = without_draco(plain.changed(tree))  # its view 0 is no Draco at all
    assert np.array_equal(read(again, 0), read(plain, 0))
    assert "extensionsUsed" not in again.json


def test_meshes_that_share_an_accessor_but_not_their_data_are_parted() -> None:
    data = compressed()
    tree = scene_of(data)
    other = DracoPy.encode(grid()[0] * 2, grid()[1], generic_attributes={JOINTS: np.zeros((SIDE**2, 4), np.uint16)})
    tree["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": len(other)})
    tree["buffers"][0]["byteLength"] += len(other)
    second = scene_of(data)["meshes"][0]
    second["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]["bufferView"] = 1
    tree["meshes"].append(second)
    plain = without_draco(opened(tree, data + other))
    one, two = (mesh["primitives"][0]["attributes"]["POSITION"] for mesh in plain.json["meshes"])
    assert one != two
    assert read(plain, two).max() > 1.9 * read(plain, one).max()


def broken(name: str) -> Scene:
    data = compressed()
    tree = scene_of(data)
    draco = tree["meshes"][0]["primitives"][0]["extensions"]["KHR_draco_mesh_compression"]
    if name == "fewer vertices than told":
        tree["accessors"][0]["count"] = tree["accessors"][1]["count"] = SIDE**2 + 1
    elif name == "no such attribute":
        draco["attributes"]["POSITION"] = 77
    elif name == "floats told as integers":
        tree["accessors"][0]["componentType"] = 5123
    elif name == "too large for its type":
        tree["accessors"][1]["componentType"] = 5121
    elif name == "fewer corners than told":
        tree["accessors"][2]["count"] = 3
    elif name == "an attribute that the primitive has not":
        draco["attributes"]["COLOR_0"] = COLOUR
    elif name == "no Draco at all":
        data = bytes(len(data))
    elif name == "cut off":
        data = data[:100] + bytes(len(data) - 100)
    elif name == "not a number":
        points = grid()[0].copy()
        points[5, 1] = np.nan
        data = DracoPy.encode(points, grid()[1], quantization_bits=0)
        tree = scene_of(data)
        primitive = tree["meshes"][0]["primitives"][0]
        del primitive["attributes"]["_NUMBER"]
        del primitive["extensions"]["KHR_draco_mesh_compression"]["attributes"]["_NUMBER"]
    return opened(tree, data)


@pytest.mark.parametrize(
    "name",
    [
        "fewer vertices than told",
        "no such attribute",
        "floats told as integers",
        "too large for its type",
        "fewer corners than told",
        "an attribute that the primitive has not",
        "no Draco at all",
        "cut off",
        "not a number",
    ],
)
def test_what_does_not_hold_what_is_told_is_broken_and_says_where(name: str) -> None:
    with pytest.raises(BrokenData, match="/meshes/0/primitives/0"):
        without_draco(broken(name))


def test_strips_are_refused_with_what_to_do() -> None:
    tree = scene_of(compressed())
    tree["meshes"][0]["primitives"][0]["mode"] = 5
    with pytest.raises(UnpackableScene, match="without compression"):
        without_draco(opened(tree))


def test_what_unpacks_to_too_much_is_refused_before_it_is_decoded() -> None:
    data = compressed()
    scene = parse_scene(gltf(scene_of(data), data), limits=Limits(decoded_bytes=1_000))
    with pytest.raises(BrokenData, match="too many"):
        without_draco(scene)


def test_damaged_data_never_do_more_than_break() -> None:
    """Every 37th byte turned over: decoded to something, or one error; in one process each, so few of them."""
    data = compressed()
    for place in range(12, len(data), max(len(data) // 12, 1)):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        try:
            without_draco(opened(scene_of(data), bytes(damaged)))
        except BrokenData as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("body", ["while True: pass", "import os; os.abort()", "x = bytearray(1 << 40)", "print(1)"])
def test_a_decoder_that_hangs_crashes_or_takes_all_memory_is_ended(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "worker.py").write_text(f"import sys\nsys.stdin.buffer.read()\n{body}\n")
    monkeypatch.setattr(runner, "WORKER", tmp_path / "worker.py")
    monkeypatch.setattr(runner, "SECONDS", 0.2)
    with pytest.raises(BrokenData, match="crashed, or needed too much"):
        without_draco(opened())


def test_the_worker_ends_itself_when_it_is_asked_for_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "DATA_BYTES", 8 << 20)
    with pytest.raises(BrokenData, match="Draco"):
        without_draco(opened())


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")
@pytest.mark.parametrize("name", ["BoxDraco.gltf", "DracoSparseMesh.gltf"])
def test_real_files_are_decoded_and_packed(name: str) -> None:
    scene = open_scene(SHARED / name)
    plain = without_draco(scene)
    assert [a["count"] for a in plain.json["accessors"]] == [a["count"] for a in scene.json["accessors"]]
    assert errors_of(check(parse_scene(to_glb(plain)))) == []
    for index, accessor in enumerate(scene.json["accessors"]):
        if accessor["type"] == "VEC3" and "max" in accessor:
            assert np.abs(read(plain, index).max(axis=0) - accessor["max"]).max() < 2e-3
    package, _ = pack(scene)
    assert parse_scene(package.entry).list_of("extensionsRequired") in ([], ["KHR_mesh_quantization"])
