"""Welding: equal vertices become one, and what is drawn stays the same to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from roomscale.scenes.transforms import weld as module
from roomscale.scenes.transforms.weld import weld
from tests.scenes.solids import Builder, globe, world
from tests.scenes.transforms.meaning import assert_same_meaning, triangles, written

NAMES = ("POSITION", "NORMAL", "TEXCOORD_0")


def loose() -> Builder:
    """A globe whose triangles share nothing."""
    indices, parts = globe()
    builder = Builder()
    primitive = builder.primitive(None, **{name: array[indices] for name, array in parts.items()})
    builder.node(mesh=builder.mesh(primitive))
    return builder


def test_triangles_without_indices_get_some_and_stay_where_they_are() -> None:
    before = loose().scene()
    after = weld(before)
    assert np.array_equal(triangles(before, 0, 0, *NAMES), triangles(after, 0, 0, *NAMES))
    assert after.json["accessors"][0]["count"] == len(globe()[1]["POSITION"])
    assert after.json["accessors"][0]["min"] == before.json["accessors"][0]["min"]
    assert_same_meaning(before, written(after))


def test_a_hash_that_is_no_help_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = weld(loose().scene())
    monkeypatch.setattr(module, "_MIX", np.uint64(0))
    slowly = weld(loose().scene())
    assert np.array_equal(triangles(expected, 0, 0, *NAMES), triangles(slowly, 0, 0, *NAMES))
    assert slowly.json["accessors"][0]["count"] == expected.json["accessors"][0]["count"]


def test_vertices_that_differ_only_in_a_morph_target_stay_apart() -> None:
    builder = loose()
    random = np.random.default_rng(1).random((builder.json["accessors"][0]["count"], 3)).astype(np.float32)
    builder.json["meshes"][0]["primitives"][0]["targets"] = [{"POSITION": builder.accessor(random, target=34962)}]
    scene = builder.scene()
    assert weld(scene) is scene


def test_primitives_that_share_vertices_still_do() -> None:
    indices, parts = globe()
    builder = Builder()
    first = builder.primitive(indices[:600], **{name: np.repeat(array, 2, axis=0) for name, array in parts.items()})
    second = {**first, "indices": builder.accessor(indices[600:], target=34963)}
    builder.node(mesh=builder.mesh(first, second))
    before = builder.scene()
    after = weld(before)
    told = after.json["meshes"][0]["primitives"]
    assert told[0]["attributes"] == told[1]["attributes"]
    assert after.json["accessors"][0]["count"] < before.json["accessors"][0]["count"]
    for number in (0, 1):
        assert np.array_equal(triangles(before, 0, number, *NAMES), triangles(after, 0, number, *NAMES))


def test_indices_that_others_use_too_are_left_to_them() -> None:
    indices, parts = globe()
    builder = Builder()
    doubled = {name: np.repeat(array, 2, axis=0) for name, array in parts.items()}
    first = builder.primitive(indices, **doubled)
    points = {"attributes": {"POSITION": builder.accessor(doubled["POSITION"], target=34962)}, "mode": 0}
    builder.node(mesh=builder.mesh(first, points | {"indices": first["indices"]}))
    before = builder.scene()
    assert weld(before) is before  # for what shares its indices with points is no plain list of triangles
    del builder.json["meshes"][0]["primitives"][1]
    other = builder.primitive(None, **{name: array[::-1] for name, array in doubled.items()})
    builder.node(mesh=builder.mesh(other | {"indices": first["indices"]}))
    before = builder.scene()
    after = weld(before)
    for mesh in (0, 1):
        assert np.array_equal(triangles(before, mesh, 0, *NAMES), triangles(after, mesh, 0, *NAMES))


def test_what_an_unknown_extension_may_count_is_left_alone() -> None:
    builder = loose()
    builder.json["meshes"][0]["primitives"][0]["extensions"] = {"ACME_outline": {"edges": [1, 2]}}
    scene = builder.scene()
    assert weld(scene) is scene


def test_a_whole_world_keeps_its_meaning() -> None:
    before = world()
    assert_same_meaning(before, weld(before))
