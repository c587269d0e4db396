"""Joined meshes show what their nodes showed, where they did; the nodes are what they were, but for their mesh."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import Scene, matter, parse_scene, to_glb
from roomscale.scenes.accessors import read, read_floats
from roomscale.scenes.drawn import draws_of
from roomscale.scenes.extent import bounds
from roomscale.scenes.transforms.instance import instance
from roomscale.scenes.transforms.join import MOST_REPEATED, SMALL, join
from roomscale.scenes.transforms.marks import part_size
from roomscale.scenes.transforms.near import CELL, FEW, near
from roomscale.scenes.transforms.pipeline import optimise
from roomscale.scenes.transforms.quantise import quantise
from roomscale.scenes.transforms.simplify import simplify
from tests.scenes.crowds import Json, add_box, box, crowds, row
from tests.scenes.seen import differs
from tests.scenes.solids import Builder, globe, turns
from tests.scenes.transforms.meaning import written

TENTH = 1e-4
"""A tenth of a millimetre."""
NAMES = Path(__file__).parents[3] / "web" / "src" / "scene" / "names.ts"


def meshes_left(scene: Scene) -> list[int]:
    """The nodes of before that still have a mesh; new ones say so in their mesh."""
    meshes = scene.list_of("meshes")
    return [
        index
        for index, node in enumerate(scene.list_of("nodes"))
        if "mesh" in node and "extras" not in meshes[node["mesh"]]
    ]


def require_nodes_kept(before: Scene, after: Scene) -> None:
    """Each node says what it said, but for its mesh; animations, too; new nodes come behind, at the root."""
    old, new = before.list_of("nodes"), after.list_of("nodes")
    assert [_bare(node) for node in old] == [_bare(node) for node in new[: len(old)]]
    roots = before.list_of("scenes")[0]["nodes"]
    assert after.list_of("scenes")[0]["nodes"] == [*roots, *range(len(old), len(new))]
    for animation, other in zip(before.list_of("animations"), after.list_of("animations"), strict=True):
        assert animation["channels"] == other["channels"] and animation["name"] == other["name"]
        for sampler, twin in zip(animation["samplers"], other["samplers"], strict=True):
            assert np.array_equal(read(before, sampler["output"]), read(after, twin["output"]))


def _bare(node: Json) -> Json:
    return {key: value for key, value in node.items() if key != "mesh"}


@given(crowds())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_joined_is_seen_as_it_was(before: Scene) -> None:
    after = written(join(before))
    require_nodes_kept(before, after)
    assert differs(before, after, TENTH) == ""
    assert draws_of(after) <= draws_of(before)
    assert join(after) is after


def test_boxes_of_one_material_are_one_draw() -> None:
    before = row(8).scene()
    after = written(join(before))
    assert (draws_of(before), draws_of(after)) == (8, 1)
    assert [node["name"] for node in after.list_of("nodes")] == [f"box_{at}" for at in range(8)] + ["joined paint (8)"]
    assert len(after.list_of("meshes")) == 1
    assert after.list_of("extensionsUsed") == []


def animated(builder: Builder) -> None:
    times = builder.accessor(np.array([0, 1], np.float32))
    spins = builder.accessor(turns(2))
    builder.json["animations"] = [
        {
            "samplers": [{"input": times, "output": spins}],
            "channels": [{"sampler": 0, "target": {"node": 0, "path": "rotation"}}],
        }
    ]


def pointed(builder: Builder) -> None:
    animated(builder)
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": "/nodes/0/rotation"}}}
    builder.json["animations"][0]["channels"][0]["target"] = target
    builder.json["extensionsUsed"] = ["KHR_animation_pointer"]


def joint(builder: Builder) -> None:
    builder.json["skins"] = [{"joints": [0]}]


def coarser(builder: Builder) -> None:
    builder.json["nodes"][1]["extensions"] = {"MSFT_lod": {"ids": [0]}}
    builder.json["extensionsUsed"] = ["MSFT_lod"]


def solid(builder: Builder) -> None:
    builder.json["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": "trimesh", "trimesh": {"mesh": 0}}]}}
    builder.json["extensionsUsed"] = ["OMI_physics_shape"]


def hidden(builder: Builder) -> None:
    builder.json["nodes"][0]["extensions"] = {"KHR_node_visibility": {"visible": False}}
    builder.json["extensionsUsed"] = ["KHR_node_visibility"]


def told(**content: Any) -> Any:
    return lambda builder: builder.json["nodes"][0].update(content)


@pytest.mark.parametrize(
    "hold",
    [animated, pointed, joint, coarser, solid, hidden, told(name="wall-colonly"), told(extras={"collider": "box"})],
    ids=["animated", "pointed at", "a joint", "a level", "a collider's mesh", "hidden", "named", "said to be solid"],
)
def test_what_something_else_speaks_of_stays_where_it_is(hold: Any) -> None:
    builder = row(5)
    hold(builder)
    assert meshes_left(join(builder.scene())) == ([0, 1] if hold is coarser else [0])


@pytest.mark.parametrize("hold", [animated, joint, hidden], ids=["animated", "a joint", "hidden"])
def test_what_hangs_below_it_stays_too(hold: Any) -> None:
    builder = row(5)
    hold(builder)
    builder.json["nodes"][0]["children"] = [3]
    builder.json["scenes"][0]["nodes"].remove(3)
    assert meshes_left(join(builder.scene())) == [0, 3]


@pytest.mark.parametrize(
    "content",
    [
        {"extensions": {"ACME_game": {"doors": [1]}}, "extensionsUsed": ["ACME_game"]},
        {"extensions": {"KHR_interactivity": {"graphs": []}}, "extensionsUsed": ["KHR_interactivity"]},
    ],
    ids=["unknown", "scripted"],
)
def test_where_any_node_may_be_spoken_of_all_stay(content: Json) -> None:
    builder = row(4)
    builder.json |= content
    scene = builder.scene()
    assert join(scene) is scene


def test_a_scene_that_shows_nothing_has_nothing_to_join() -> None:
    builder = row(4)
    del builder.json["scenes"], builder.json["scene"]
    scene = builder.scene()
    assert join(scene) is instance(scene) is scene


def test_what_blends_or_means_something_stays() -> None:
    builder = row(6)
    builder.json["materials"] += [{"name": "glass", "alphaMode": "BLEND"}, {"extensions": {"KHR_materials_volume": {}}}]
    builder.json["extensionsUsed"] = ["KHR_materials_volume"]
    for mesh, material in ((0, 1), (1, 1), (2, 2), (3, 2)):
        builder.json["meshes"][mesh]["primitives"][0]["material"] = material
    builder.json["meshes"][4]["extras"] = {"id": 4}
    scene = builder.scene()
    assert join(scene) is scene


def test_a_mirrored_tangent_still_says_where_the_texture_goes() -> None:
    builder = Builder()
    indices, parts = globe(6)
    tangents = np.tile(np.array([1, 0, 0, 1], np.float32), (len(parts["POSITION"]), 1))
    builder.mesh(builder.primitive(indices, **parts, TANGENT=tangents))
    builder.mesh(builder.primitive(indices, **parts, TANGENT=tangents))
    builder.node(mesh=0, scale=[-2, 2, 2])
    builder.node(mesh=1, translation=[3, 0, 0])
    after = join(builder.scene())
    made = read_floats(after, after.list_of("meshes")[-1]["primitives"][0]["attributes"]["TANGENT"])
    assert {tuple(row) for row in made.round(6).tolist()} == {(-1, 0, 0, -1), (1, 0, 0, 1)}


def twins(count: int) -> Scene:
    """So many globes of 400 vertices, of the same accessors, by meshes of different names."""
    builder = Builder()
    indices, parts = globe(20)
    ball = builder.primitive(indices, **parts)
    for number in range(count):
        builder.mesh(dict(ball), name=f"twin {number}")
        builder.node(mesh=number, translation=[3 * number, 0, 0])
    return builder.scene()


def test_what_is_repeated_is_bounded() -> None:
    assert len(box()[1]["POSITION"]) <= SMALL < 400 < MOST_REPEATED < 3 * 400
    assert draws_of(join(row(200, shared=True).scene())) == 1
    assert draws_of(join(twins(3))) == 1
    many = twins(4)
    assert join(many) is many


def test_a_wide_world_is_joined_by_place() -> None:
    builder = Builder()
    indices, parts = globe(42)
    for number in range(10):
        builder.mesh(builder.primitive(indices, **parts))
        builder.node(mesh=number, translation=[50 * number, 0, 7000])
    before = builder.scene()
    after = written(join(before))
    assert differs(before, after, TENTH) == ""
    new = after.list_of("nodes")[10:]
    assert 1 < len(new) < 6
    for node in new:
        positions = read_floats(after, after.list_of("meshes")[node["mesh"]]["primitives"][0]["attributes"]["POSITION"])
        assert np.ptp(positions[:, 0]) <= CELL or len(positions) <= FEW


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-500, 500), st.integers(1, 16_000)), min_size=1, max_size=40), st.integers(1, 5))
def test_neighbours_are_all_there_once_and_no_draw_is_too_much(parts: list[tuple[float, int]], least: int) -> None:
    places = np.array([[place, 0, 0] for place, _ in parts])
    vertices = np.array([count for _, count in parts])
    groups = near(np.stack([places, places + 1], axis=1), vertices, least=least, most=7, most_vertices=65_536)
    assert sorted(member for group in groups for member in group) == list(range(len(parts)))
    for group in groups:
        assert len(group) >= min(least, len(parts))
        width, total = np.ptp(places[group, 0]) + 1, vertices[group].sum()
        assert len(group) < 2 * least or (len(group) <= 7 and (width <= CELL or total <= FEW) and total <= 65_536)


def test_packing_keeps_small_things_as_exact_in_a_large_mesh() -> None:
    builder = row(2, size=0.2, apart=40.0)
    indices, parts = globe(12)
    for number in range(4):
        ball = builder.primitive(indices, **parts) | {"material": 0}
        builder.node(mesh=builder.mesh(ball), translation=[10.0 * number, 5.0, 0.123])
    before = builder.scene()
    joined = join(before)
    assert part_size(joined.list_of("meshes")[0]) == 1.0
    assert differs(before, quantise(joined), TENTH) == ""
    low, high = bounds(before)
    coarse = simplify(joined, ratio=0.1, error=0.01)
    assert np.abs(np.array(bounds(coarse)) - (low, high)).max() < 0.02


def test_what_a_stranger_says_of_its_parts_is_believed_where_it_can_be_true() -> None:
    for size in (0, -1, 1e300, "1", None, True, [1]):
        assert part_size({"extras": {"roomscale": {"size": size}}}) in (np.inf, 1.0)
    assert part_size({"extras": "roomscale"}) == part_size({"extras": {"roomscale": 3}}) == np.inf


def test_water_is_not_joined_to_the_shore() -> None:
    builder = row(4)
    for number, name in enumerate(("sea", "wall", "Water.001", "bank")):
        builder.json["nodes"][number]["name"] = name
    names = [node["name"] for node in join(builder.scene()).list_of("nodes")[4:]]
    assert sorted(matter.matter_of([name])[0] for name in names) == ["solid", "water"]


def test_words_of_matter_are_those_of_the_client() -> None:
    table = dict(re.findall(r'^  \["(\w+)", "([a-z ]+)"\],$', NAMES.read_text("utf-8"), re.MULTILINE))
    assert table == dict(matter.WORDS)


def test_packing_again_changes_no_byte() -> None:
    builder = row(3)
    add_box(builder, 0, 1.0 + 1e-7)
    builder.node(mesh=3, translation=[0, 4, 0])
    once = to_glb(optimise(builder.scene(), draws=("instance", "join"))[0])
    assert draws_of(parse_scene(once)) == 1
    assert to_glb(optimise(parse_scene(once), draws=("instance", "join"))[0]) == once
