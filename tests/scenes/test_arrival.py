"""Spawn points that nobody can stand on are told, those on a floor are not."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from roomscale.scenes import parse_scene
from roomscale.scenes.checks.arrival import check_arrival
from roomscale.scenes.findings import Findings
from tests.scenes.crafted import Json, gltf

Point = tuple[float, float, float]
FLOOR: list[Point] = [(-5, 0, -5), (-5, 0, 5), (5, 0, 5), (5, 0, -5)]
"""Wound so that it faces up."""
QUAD = [0, 1, 2, 0, 2, 3]


def quads(*corners: list[Point]) -> tuple[list[Point], list[int]]:
    points = [point for quad in corners for point in quad]
    return points, [4 * number + corner for number in range(len(corners)) for corner in QUAD]


def box(low: float, high: float) -> tuple[list[Point], list[int]]:
    """A closed box that faces outwards, of all sides between low and high, standing on y = 0."""
    height = high - low
    top = [(low, height, low), (low, height, high), (high, height, high), (high, height, low)]
    bottom = [(low, 0.0, low), (high, 0.0, low), (high, 0.0, high), (low, 0.0, high)]
    return quads(top, bottom)


def world(points: list[Point], indices: list[int], *spawns: Any, **nodes: Any) -> Json:
    """A scene of one mesh and spawn points at these places; `nodes` changes the mesh's node."""
    binary = b"".join(struct.pack("<3f", *point) for point in points) + struct.pack(f"<{len(indices)}H", *indices)
    lows, highs = ([bound(point[axis] for point in points) for axis in range(3)] for bound in (min, max))
    views = [
        {"buffer": 0, "byteLength": 12 * len(points)},
        {"buffer": 0, "byteOffset": 12 * len(points), "byteLength": 2 * len(indices)},
    ]
    position = {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3", "min": lows, "max": highs}
    tree: Json = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["OMI_spawn_point"],
        "scenes": [{"nodes": list(range(1 + len(spawns)))}],
        "nodes": [{"mesh": 0, **nodes}]
        + [{"translation": list(place), "extensions": {"OMI_spawn_point": {}}} for place in spawns],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [position, {"bufferView": 1, "componentType": 5123, "count": len(indices), "type": "SCALAR"}],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    gltf(tree, binary)  # puts the uri in
    return tree


def codes(tree: Json) -> list[tuple[str, str]]:
    findings = Findings()
    check_arrival(parse_scene(gltf(tree, None)), findings)
    return [(finding.code, finding.pointer.split("/")[2] if finding.pointer else "") for finding in findings.listed()]


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ((0, 0, 0), None),
        ((4.9, 0, -4.9), None),
        ((0, 3.9, 0), None),
        ((0, -1.1, 0), None),
        ((0, 4.1, 0), "SPAWN_POINT_IN_THE_AIR"),
        ((0, -3, 0), "SPAWN_POINT_BELOW_GROUND"),
        ((20, 0, 0), "SPAWN_POINT_NO_FLOOR"),
    ],
)
def test_a_spawn_point_needs_a_floor_within_reach(place: tuple[float, ...], code: str | None) -> None:
    assert codes(world(*quads(FLOOR), place)) == ([(code, "1")] if code else [])


def test_each_spawn_point_is_judged_by_itself() -> None:
    told = codes(world(*quads(FLOOR), (0, 0, 0), (0, 50, 0), (1, 0, 1), (99, 0, 0)))
    assert told == [("SPAWN_POINT_IN_THE_AIR", "2"), ("SPAWN_POINT_NO_FLOOR", "4")]


def test_the_inside_of_a_block_is_no_place_but_its_top_is() -> None:
    assert codes(world(*box(-3, 3), (0, 2, 0), (0, 6, 0))) == [("SPAWN_POINT_INSIDE", "1")]


def with_block(tree: Json, shape: Json, place: Point) -> Json:
    """A scene whose mesh collides as it is, and another collider."""
    tree["extensionsUsed"] += ["OMI_physics_body", "OMI_physics_shape"]
    shapes = [{"type": "trimesh", "trimesh": {"mesh": 0}}, shape]
    tree["extensions"] = {"OMI_physics_shape": {"shapes": shapes}}
    tree["nodes"][0]["extensions"] = {"OMI_physics_body": {"collider": {"shape": 0}}}
    tree["nodes"].append({"translation": place, "extensions": {"OMI_physics_body": {"collider": {"shape": 1}}}})
    tree["scenes"][0]["nodes"].append(len(tree["nodes"]) - 1)
    return tree


BLOCK: Json = {"type": "box", "box": {"size": [3, 3, 3]}}


@pytest.mark.parametrize("height", [1.4, 1.5, 1.6])
@pytest.mark.parametrize("spawn", [0.0, 1.0])
def test_the_inside_of_a_block_is_no_place_wherever_the_floor_is(height: float, spawn: float) -> None:
    tree = world(*quads(FLOOR), (2, spawn, 2), (-2, 0, -2), (2, height + 1.5, 2))
    assert codes(with_block(tree, BLOCK, (2, height, 2))) == [("SPAWN_POINT_INSIDE", "1")]


def test_a_round_collider_is_not_taken_for_the_box_around_it() -> None:
    tree = world(*quads(FLOOR), (1.4, 0, 1.4))
    assert codes(with_block(tree, {"type": "sphere", "sphere": {"radius": 1.5}}, (0, 1, 0))) == []


def test_a_shell_with_a_floor_inside_is_a_room() -> None:
    """Blender's cube as walls, its faces turned outwards; the floor is a thing of its own, or of the same mesh."""
    tree = world(*quads(FLOOR), (2, 0.1, 2))
    room: Json = {"type": "box", "box": {"size": [10, 3, 10]}}
    assert codes(with_block(tree, room, (0, 1.4, 0))) == []
    corners, indices = box(-5, 5)
    inside = [(x, 0.2, z) for x, _, z in FLOOR]
    assert codes(world([*corners, *inside], [*indices, *(8 + corner for corner in QUAD)], (2, 0.2, 2))) == []


def test_leaves_that_look_anywhere_enclose_nobody() -> None:
    """As foliage of one mesh does: the nearest above and below show their backs, the others do not."""
    leaves: list[list[Point]] = [[(x, y, z) for x, _, z in FLOOR] for y in (3, 5)]
    leaves += [[(x, y, z) for x, _, z in reversed(FLOOR)] for y in (4, 6, -0.5)]
    tree = world(*quads(*leaves), (0, 0, 0))
    tree["accessors"].append({**tree["accessors"][1], "count": 6})
    tree["meshes"].append({"primitives": [{"attributes": {"POSITION": 0}, "indices": 2}]})
    # The first leaf, laid down and stretched.
    tree["nodes"].append({"name": "ground", "mesh": 1, "translation": [0, -3.1, 0], "scale": [2, 1, 2]})
    tree["scenes"][0]["nodes"].append(2)
    assert codes(tree) == []


def test_a_room_is_a_place_though_a_roof_is_above() -> None:
    ceiling: list[Point] = [(x, 3, z) for x, _, z in reversed(FLOOR)]
    assert codes(world(*quads(FLOOR, ceiling), (0, 0, 0))) == []


def test_a_wall_is_no_floor() -> None:
    wall: list[Point] = [(0, -9, -5), (0.5, 9, -5), (0.5, 9, 5), (0, -9, 5)]
    assert codes(world(*quads(wall), (0.25, 0, 0))) == [("SPAWN_POINT_NO_FLOOR", "1")]


def test_the_floor_may_be_turned_moved_scaled_or_mirrored() -> None:
    turned: dict[str, Any] = {
        "rotation": [0.7071068, 0, 0, 0.7071068],
        "translation": [0, 0, 0.1],
    }  # the floor becomes a wall
    assert [code for code, _ in codes(world(*quads(FLOOR), (0, 0, 0), **turned))] == ["SPAWN_POINT_NO_FLOOR"]
    assert codes(world(*quads(FLOOR), (40, 7, 0), translation=[0, 7, 0], scale=[10, 1, 1])) == []
    assert codes(world(*box(-3, 3), (0, 2, 0), scale=[-1, 1, 1])) == [("SPAWN_POINT_INSIDE", "1")]


def test_what_an_animation_moves_is_no_floor() -> None:
    tree = world(*quads(FLOOR), (0, 0, 0))
    tree["animations"] = [
        {
            "samplers": [{"input": 0, "output": 0}],
            "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}],
        }
    ]
    assert codes(tree) == [("SPAWN_POINT_NO_FLOOR", "1")]


def test_stated_colliders_are_the_floor_and_nothing_else_is() -> None:
    tree = world(*quads(FLOOR), (0, 0, 0), (50, 1, 0))
    tree["extensionsUsed"] += ["OMI_physics_body", "OMI_physics_shape"]
    tree["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": "box", "box": {"size": [4, 2, 4]}}]}}
    tree["nodes"].append({"translation": [50, 0, 0], "extensions": {"OMI_physics_body": {"collider": {"shape": 0}}}})
    tree["scenes"][0]["nodes"].append(3)
    assert codes(tree) == [("SPAWN_POINT_NO_FLOOR", "1")]
    tree["nodes"][3]["extensions"]["OMI_physics_body"] = {"trigger": {"shape": 0}}
    assert codes(tree) == [("SPAWN_POINT_NO_FLOOR", "2")]


def test_a_trimesh_collider_need_not_be_shown() -> None:
    tree = world(*quads(FLOOR), (0, 0, 0))
    del tree["nodes"][0]["mesh"]
    tree["extensionsUsed"] += ["OMI_physics_body", "OMI_physics_shape"]
    tree["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": "trimesh", "trimesh": {"mesh": 0}}]}}
    tree["nodes"][0]["extensions"] = {"OMI_physics_body": {"collider": {"shape": 0}}}
    assert codes(tree) == []


@pytest.mark.parametrize(("mode", "indices"), [(5, [0, 1, 3, 2]), (6, [0, 1, 2, 3])])
def test_strips_and_fans_are_floors_too(mode: int, indices: list[int]) -> None:
    tree = world(FLOOR, indices, (2, 0, 2), (-2, 0, -2))
    tree["meshes"][0]["primitives"][0]["mode"] = mode
    assert codes(tree) == []


def test_a_scene_that_cannot_be_read_is_not_judged() -> None:
    tree = world(*quads(FLOOR), (0, 0, 0))
    tree["bufferViews"][0]["byteOffset"] = 1 << 20
    assert [code for code, _ in codes(tree)] == ["ARRIVAL_NOT_CHECKED"]
