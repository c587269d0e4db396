"""What the sample content promises in detail: sound data, a sane spawn, closed clips, feet that hold the ground."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roomscale.assets import samples
from roomscale.assets.samples import palette
from roomscale.assets.samples.figures import clips, rig
from roomscale.assets.samples.geometry import Array
from roomscale.scenes import open_scene
from roomscale.scenes.document import Scene

FILES = [*(w.path_glb for w in samples.worlds()), *(a.path for a in samples.avatars())]
TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
CLEARANCE = 0.5  # metres around the spawn that must be free


def blob_of(path: Path) -> bytes:
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    return data[28 + length :]


def values(scene: Scene, blob: bytes, index: int) -> Array:
    accessor = scene.list_of("accessors")[index]
    view = scene.list_of("bufferViews")[accessor["bufferView"]]
    kind, width = np.dtype(TYPES[accessor["componentType"]]), WIDTHS[accessor["type"]]
    stride = view.get("byteStride", kind.itemsize * width)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    raw = np.ndarray((accessor["count"], width), kind, blob, start, (stride, kind.itemsize))
    return np.array(raw, dtype=np.float64)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_accessor_is_finite_and_its_bounds_are_true(path: Path) -> None:
    scene, blob = open_scene(path), blob_of(path)
    for index, accessor in enumerate(scene.list_of("accessors")):
        data = values(scene, blob, index)
        assert np.isfinite(data).all()
        if "min" in accessor:
            assert np.array_equal(data.min(axis=0).astype(np.float32), np.float32(accessor["min"]))
            assert np.array_equal(data.max(axis=0).astype(np.float32), np.float32(accessor["max"]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_index_points_at_a_vertex_and_none_is_left_over(path: Path) -> None:
    scene, blob = open_scene(path), blob_of(path)
    for mesh in scene.list_of("meshes"):
        for part in mesh["primitives"]:
            used = values(scene, blob, part["indices"])
            count = scene.list_of("accessors")[part["attributes"]["POSITION"]]["count"]
            assert used.max() == count - 1
            assert len(used) % 3 == 0


def test_the_palette_has_at_most_twelve_colours_and_all_are_worn() -> None:
    assert len(palette.COLOURS) <= 12
    assert {finish.colour for finish in palette.FINISHES.values()} == set(palette.COLOURS)


@pytest.mark.parametrize("world", samples.worlds(), ids=lambda world: world.key)
def test_one_arrives_on_the_ground_with_nothing_near(world: samples.SampleWorld) -> None:
    scene, blob = open_scene(world.path_glb), blob_of(world.path_glb)
    nodes = scene.list_of("nodes")
    spawn = next(node for node in nodes if "OMI_spawn_point" in node.get("extensions", {}))
    at = np.array(spawn.get("translation", [0, 0, 0]))
    shapes = scene.extension("OMI_physics_shape")["shapes"]
    ground = next(shape for shape in shapes if shape["type"] == "trimesh")
    part = scene.list_of("meshes")[ground["trimesh"]["mesh"]]["primitives"][0]
    points = values(scene, blob, part["attributes"]["POSITION"])
    corners = points[values(scene, blob, part["indices"]).astype(int).reshape(-1, 3)]
    assert min(abs(height - at[1]) for height in heights_below(corners, at)) < 0.01
    for node in nodes:
        body = node.get("extensions", {}).get("OMI_physics_body")
        if body and shapes[body["collider"]["shape"]]["type"] == "box":
            size = np.array(shapes[body["collider"]["shape"]]["box"]["size"])
            assert distance_to_box(at + [0, 0.9, 0], node, size) > CLEARANCE, node["name"]


def heights_below(corners: Array, at: Array) -> list[float]:
    """Where a plumb line through `at` meets the triangles."""
    found = []
    for a, b, c in corners:
        base = np.array([b - a, c - a])[:, [0, 2]].T
        if abs(np.linalg.det(base)) < 1e-9:
            continue
        s, t = np.linalg.solve(base, (at - a)[[0, 2]])
        if s >= 0 and t >= 0 and s + t <= 1:
            found.append(float(a[1] + s * (b - a)[1] + t * (c - a)[1]))
    return found


def distance_to_box(point: Array, node: dict[str, Any], size: Array) -> float:
    x, y, z, w = node.get("rotation", [0, 0, 0, 1])
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    local = turn.T @ (point - np.array(node.get("translation", [0, 0, 0])))
    return float(np.linalg.norm(np.maximum(np.abs(local) - size / 2, 0)))


@pytest.mark.parametrize("avatar", samples.avatars(), ids=lambda avatar: avatar.id)
def test_an_avatar_is_small_stands_on_the_ground_and_shares_the_rig(avatar: samples.SampleAvatar) -> None:
    scene = open_scene(avatar.path)
    figure = scene.list_of("meshes")[0]["primitives"]
    box = scene.list_of("accessors")[figure[0]["attributes"]["POSITION"]]
    assert len(figure) == 1
    assert avatar.path.stat().st_size <= 153_600
    assert abs(box["min"][1]) < 0.01
    assert 1.6 < box["max"][1] < 2.0
    assert 3_000 <= scene.list_of("accessors")[figure[0]["indices"]]["count"] / 3 <= 6_000
    nodes = {node["name"]: node for node in scene.list_of("nodes")}
    for name in rig.NAMES:
        assert nodes[name].get("translation", [0, 0, 0]) == pytest.approx(rig.offset(name))
        assert "rotation" not in nodes[name]


@pytest.mark.parametrize("avatar", samples.avatars(), ids=lambda avatar: avatar.id)
def test_every_clip_ends_as_it_begins(avatar: samples.SampleAvatar) -> None:
    scene, blob = open_scene(avatar.path), blob_of(avatar.path)
    for clip in scene.list_of("animations"):
        for channel in clip["channels"]:
            keys = values(scene, blob, clip["samplers"][channel["sampler"]]["output"])
            apart = np.abs(keys[0] - keys[-1]).max()
            if channel["target"]["path"] == "rotation":
                apart = min(apart, np.abs(keys[0] + keys[-1]).max()) / 32767
            assert apart < 1e-3, (clip["name"], channel)


def sole(pose: clips.Pose, side: str) -> tuple[Array, Array]:
    """Heel and ball of a foot in the model's space."""
    turn, at = pose.turns["hips"], pose.hips
    for bone in ("UpperLeg", "LowerLeg", "Foot"):
        at = at + turn @ np.array(rig.offset(f"{side}{bone}"))
        turn = turn @ pose.turns[f"{side}{bone}"]
    heel, ball = np.array([0, -rig.ANKLE, -rig.HEEL]), np.array([0, -rig.ANKLE, rig.BALL])
    return at + turn @ heel, at + turn @ ball


@pytest.mark.parametrize("clip", [clips.CLIPS[1], clips.CLIPS[2]], ids=lambda clip: clip.name)
def test_a_foot_that_touches_the_ground_moves_with_it(clip: clips.Clip) -> None:
    steps = 240
    touching, slid, travelled = 0, 0.0, 0.0
    for k in range(steps):
        here, there = clip.pose(k / steps), clip.pose((k + 1) / steps % 1)
        for side in ("left", "right"):
            for now, then in zip(sole(here, side), sole(there, side), strict=True):
                assert now[1] > -0.02
                if max(now[1], then[1]) < 0.004:
                    ground = clip.speed * clip.seconds / steps
                    touching += 1
                    slid += abs(then[2] - now[2] + ground)
                    travelled += ground
    assert touching > steps / 4
    assert slid / travelled < 0.05


def test_the_clips_name_their_speed() -> None:
    for avatar in samples.avatars():
        speeds = {c["name"]: c["extras"]["speed"] for c in open_scene(avatar.path).list_of("animations")}
        assert speeds == {"idle": 0.0, "walk": 1.4, "run": 4.5, "wave": 0.0}


def test_the_plaza_has_six_cameras_and_a_sky() -> None:
    scene = open_scene(samples.worlds()[0].path_glb)
    assert [camera["name"] for camera in scene.list_of("cameras")] == [f"camera_{k}" for k in range(1, 7)]
    assert scene.extension("OMI_environment_sky")["skies"][0]["type"] == "gradient"
    lights = scene.extension("KHR_lights_punctual")["lights"]
    assert sum(light["type"] == "point" for light in lights) <= 4
