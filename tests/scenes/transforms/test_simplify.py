"""Simplifying: fewer triangles for what stands still, none less for what moves or is collided with."""

from __future__ import annotations

import numpy as np
import pytest

from roomscale.scenes import Scene
from roomscale.scenes.accessors import read, read_floats
from roomscale.scenes.transforms.simplify import simplify
from tests.scenes.solids import Builder, globe, world
from tests.scenes.transforms.meaning import assert_same_meaning, corners, written


def counts(scene: Scene) -> list[int]:
    return [len(corners(scene, mesh, 0, "POSITION")) // 3 for mesh in range(len(scene.list_of("meshes")))]


def smooth() -> Builder:
    indices, parts = globe(64)
    builder = Builder()
    builder.node(mesh=builder.mesh(builder.primitive(indices, **parts)))
    return builder


def test_a_smooth_mesh_loses_most_triangles_and_keeps_its_bounds() -> None:
    before = smooth().scene()
    after = simplify(before, ratio=0.2, error=0.01)
    assert counts(after)[0] < 0.3 * counts(before)[0]
    for axis in range(3):
        old, new = (read_floats(scene, 0)[:, axis] for scene in (before, after))
        assert abs(float(old.max() - new.max())) < 0.03 and abs(float(old.min() - new.min())) < 0.03
    assert_same_meaning(before, written(after))


def test_many_triangles_are_simplified_in_pieces_that_still_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    before = smooth().scene()
    monkeypatch.setattr("roomscale.scenes.transforms.simplify.PIECE", 1_000)
    after = simplify(before, ratio=0.2, error=0.01)
    assert counts(after)[0] < 0.4 * counts(before)[0]
    assert_same_meaning(before, written(after))
    assert open_edges(before) == open_edges(after) == 0


def open_edges(scene: Scene) -> int:
    """Edges with one triangle alone, wherever vertices of one place count as one."""
    primitive = scene.json["meshes"][0]["primitives"][0]
    places = np.round(read_floats(scene, primitive["attributes"]["POSITION"]), 6)
    _, same = np.unique(places, axis=0, return_inverse=True)
    a, b, c = same.reshape(-1)[read(scene, primitive["indices"])[:, 0]].reshape(-1, 3).T
    whole = (a != b) & (b != c) & (c != a)
    edges = np.sort(np.concatenate([np.stack(pair, 1)[whole] for pair in ((a, b), (b, c), (c, a))]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] == 1).sum())


def test_the_error_goes_before_the_ratio() -> None:
    before = smooth().scene()
    few, many = simplify(before, ratio=0.02, error=0.02), simplify(before, ratio=0.02, error=0.0005)
    assert counts(few)[0] < 0.5 * counts(many)[0]


def test_open_edges_stay_so_that_pieces_still_meet() -> None:
    side = 40
    x, z = (axis.reshape(-1) for axis in np.meshgrid(np.arange(side), np.arange(side)))
    at = np.arange(side * side).reshape(side, side)
    parts = [at[:-1, :-1], at[1:, :-1], at[:-1, 1:], at[:-1, 1:], at[1:, :-1], at[1:, 1:]]
    floor = np.stack([x, 0 * x, z], axis=1).astype(np.float32)
    builder = Builder()
    indices = np.stack(parts, axis=-1).reshape(-1).astype(np.uint16)
    builder.node(mesh=builder.mesh(builder.primitive(indices, POSITION=floor)))
    kept = read_floats(simplify(builder.scene(), ratio=0.01, error=0.01), 0)
    edge = {(a, b) for a, _, b in floor.tolist() if {a, b} & {0.0, side - 1.0}}
    assert edge <= {(a, b) for a, _, b in kept.tolist()}


def test_what_moves_or_is_collided_with_keeps_every_triangle() -> None:
    before = world(unknown=False)
    before.json["nodes"][1].pop("extensions")  # else the rock, which the floor shows, might be a collider itself
    after = simplify(before, ratio=0.1, error=0.05)
    old, new = counts(before), counts(after)
    assert new[0] < 0.5 * old[0]
    assert new[1:] == old[1:]
    assert_same_meaning(before, written(after))


def test_a_mesh_on_a_node_with_an_unknown_extension_may_be_a_collider() -> None:
    before = world()
    assert counts(simplify(before, ratio=0.1, error=0.05)) == counts(before)
