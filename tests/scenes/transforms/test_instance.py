"""Copies stand where their nodes stood; the nodes are what they were, but for their mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from roomscale.scenes import Scene, parse_scene, to_glb
from roomscale.scenes.accessors import read_floats
from roomscale.scenes.budgets import costs
from roomscale.scenes.drawn import draws_of
from roomscale.scenes.extent import bounds
from roomscale.scenes.instances import EXTENSION, MOST_COPIES, Copies
from roomscale.scenes.placement import world_matrices
from roomscale.scenes.solids import solids
from roomscale.scenes.transforms.instance import LEAST, instance
from roomscale.scenes.transforms.join import join
from roomscale.scenes.transforms.pipeline import optimise
from tests.scenes.crowds import add_box, crowds, row
from tests.scenes.seen import differs
from tests.scenes.solids import turns, world
from tests.scenes.transforms.meaning import written
from tests.scenes.transforms.test_join import TENTH, require_nodes_kept


def copies_of(scene: Scene) -> list[dict[str, Any]]:
    """The nodes that show copies."""
    return [node for node in scene.list_of("nodes") if EXTENSION in node.get("extensions", {})]


@given(crowds())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_copied_is_seen_as_it_was(before: Scene) -> None:
    after = written(instance(before))
    require_nodes_kept(before, after)
    assert differs(before, after, TENTH) == ""
    assert draws_of(after) <= draws_of(before)
    assert instance(after) is after


@given(crowds())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_left_single_is_joined(before: Scene) -> None:
    copied = instance(before)
    after = written(join(copied))
    require_nodes_kept(before, after)
    assert differs(before, after, 2 * TENTH) == ""
    assert [node["name"] for node in copies_of(after)] == [node["name"] for node in copies_of(copied)]
    assert join(instance(after)) is after


def test_many_boxes_are_one_draw_and_the_scene_says_that_it_needs_copies() -> None:
    before = row(40, shared=True).scene()
    after = written(instance(before))
    assert (draws_of(before), draws_of(after)) == (40, 1)
    assert costs(after).triangles == costs(before).triangles
    assert after.json["extensionsRequired"] == [EXTENSION]
    assert [node["name"] for node in copies_of(after)] == ["copies of box_0 (40)"]
    (node,) = copies_of(after)
    assert set(node["extensions"][EXTENSION]["attributes"]) == {"TRANSLATION"}


def test_few_are_no_copies() -> None:
    scene = row(LEAST - 1, shared=True).scene()
    assert instance(scene) is scene


def test_equal_meshes_of_other_names_are_copies() -> None:
    builder = row(6, shared=True)
    for number in range(6):
        mesh = {**builder.json["meshes"][0], "name": f"Cube.{number:03d}"}
        builder.json["nodes"][number]["mesh"] = builder.mesh(*mesh.pop("primitives"), **mesh)
    assert draws_of(instance(builder.scene())) == 1


def test_mirrored_ones_are_copies_of_a_mirrored_node() -> None:
    builder = row(12, shared=True)
    for number in range(6):
        builder.json["nodes"][number]["scale"] = [1, -1.5, 1]
    after = instance(builder.scene())
    assert [node.get("scale") for node in copies_of(after)] == [[-1, 1, 1], None]
    for node in copies_of(after):
        scales = node["extensions"][EXTENSION]["attributes"].get("SCALE")
        assert scales is None or (read_floats(after, scales) > 0).all()


def test_what_no_scale_can_say_stays() -> None:
    builder = row(12, shared=True)
    for number in range(1, 4):  # turned below a stretched one: skewed
        builder.json["nodes"][number]["rotation"] = [0, 0, 0.3826834, 0.9238795]
    builder.json["nodes"][0] |= {"scale": [1, 3, 1], "children": [1, 2, 3]}
    builder.json["scenes"][0]["nodes"] = [0, *range(4, 12)]
    after = instance(builder.scene())
    assert [index for index in (1, 2, 3) if "mesh" in after.list_of("nodes")[index]] == [1, 2, 3]
    assert draws_of(after) == 4


def test_a_wide_world_has_copies_by_place() -> None:
    builder = row(1)
    for number in range(1000):
        builder.node(mesh=0, translation=[2 * number, 0, 0])
    assert 1 < len(copies_of(instance(builder.scene()))) < 60


def test_what_has_copies_already_stays_as_it_is() -> None:
    before = world(unknown=False)
    after = instance(before)
    assert copies_of(before) == copies_of(after)


def test_packed_copies_stand_where_they_stood() -> None:
    builder = row(1, size=200.0)
    for number, turn in enumerate(turns(50)):
        builder.node(mesh=0, translation=[3.0 * number, 0, 0], rotation=turn.tolist(), scale=[0.01] * 3)
    before = builder.scene()
    packed = to_glb(optimise(before, draws=("instance",))[0])
    after = parse_scene(packed)
    assert "EXT_meshopt_compression" in after.json["extensionsRequired"]
    assert differs(before, after, 1e-3, turned=0.03) == ""
    assert to_glb(optimise(parse_scene(packed), draws=("instance",))[0]) == packed


def test_copies_are_solid_and_take_their_room() -> None:
    before = row(40, shared=True).scene()
    after = instance(before)
    assert np.allclose(bounds(before), bounds(after))
    assert sum(solid.count for solid in solids(before)) == sum(solid.count for solid in solids(after))
    assert {tuple(solid.low.round(4)) for solid in solids(before)} == {
        tuple(solid.low.round(4)) for solid in solids(after)
    }


@pytest.mark.parametrize("kind", ["too many", "of the wrong type", "none"])
def test_copies_that_cannot_be_told_are_one(kind: str) -> None:
    builder = row(1)
    count = MOST_COPIES + 1 if kind == "too many" else 3
    places = np.zeros((count, 2 if kind == "of the wrong type" else 3), np.float32)
    attributes = {} if kind == "none" else {"TRANSLATION": builder.accessor(places)}
    builder.json["nodes"][0]["extensions"] = {EXTENSION: {"attributes": attributes}}
    scene = builder.scene()
    matrix = world_matrices(scene)[0]
    assert np.array_equal(Copies(scene).of(scene.list_of("nodes")[0], matrix), matrix[None])


def test_what_rounding_made_equal_is_copied_at_once() -> None:
    builder = row(0)
    for number in range(6):
        add_box(builder, 0, 1.0 + number * 1e-6)
        builder.node(mesh=number, translation=[2 * number, 0, 0])
    before = builder.scene()
    assert instance(before) is before
    packed = to_glb(optimise(before, draws=("instance",))[0])
    assert draws_of(parse_scene(packed)) == 1
    assert to_glb(optimise(parse_scene(packed), draws=("instance",))[0]) == packed
