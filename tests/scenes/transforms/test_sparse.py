"""Sparse accessors: dense for all that is done to them, sparse again where that is shorter, the same numbers always."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.accessors import Array, read
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.package import pack
from roomscale.scenes.transforms.pipeline import optimise
from roomscale.scenes.transforms.sparse import dense, sparse
from tests.scenes.heavy import faces, nothing_but_zeros
from tests.scenes.solids import Builder, globe
from tests.scenes.transforms.meaning import assert_same_meaning, written

Told = list[tuple[int, tuple[float, float, float]]]


def morphed(*targets: Told, rings: int = 40) -> Scene:
    """A globe with dense morph targets, each of which moves few vertices."""
    builder = Builder()
    indices, parts = globe(rings)
    primitive = builder.primitive(indices, **parts)
    primitive["targets"] = []
    for told in targets:
        moved = np.zeros((rings * rings, 3), np.float32)
        for row, value in told:
            moved[row % len(moved)] = value
        primitive["targets"].append({"POSITION": builder.accessor(moved, target=34962)})
    builder.node(mesh=builder.mesh(primitive, name="face"), extras={"kept": True})
    return builder.scene()


def target(scene: Scene, number: int = 0) -> Array:
    return read(scene, scene.json["meshes"][0]["primitives"][0]["targets"][number]["POSITION"])


def is_sparse(scene: Scene, number: int = 0) -> bool:
    return "sparse" in scene.json["accessors"][scene.json["meshes"][0]["primitives"][0]["targets"][number]["POSITION"]]


def corners(scene: Scene, number: int = 0) -> list[list[float]]:
    """Where each corner of each triangle is with a morph target, in an order that none of theirs changes."""
    primitive = scene.json["meshes"][0]["primitives"][0]
    rows = read(scene, primitive["indices"])[:, 0]
    base = read(scene, primitive["attributes"]["POSITION"]).astype(float)
    return sorted(np.round(base[rows] + target(scene, number)[rows], 2).tolist())


few = st.lists(
    st.tuples(st.integers(0, 1599), st.tuples(*[st.sampled_from([0.5, -0.25, 0.0])] * 3)), min_size=0, max_size=12
)


@given(st.lists(few, min_size=1, max_size=3), st.booleans())
@settings(max_examples=15, deadline=None)
def test_sparse_and_dense_again_is_what_was_there(targets: list[Told], compressed: bool) -> None:
    before = morphed(*targets)
    after = written(sparse(before, compressed=compressed))
    again = written(dense(after))
    assert_same_meaning(before, after)
    for number in range(len(targets)):
        assert np.array_equal(target(before, number), target(after, number))
        assert np.array_equal(target(before, number), target(again, number))
    assert to_glb(sparse(after, compressed=compressed)) == to_glb(after)


@given(st.lists(few, min_size=1, max_size=3), st.integers(20, 60))
@settings(max_examples=4, deadline=None)
def test_a_sparse_scene_packed_keeps_its_shapes_and_packed_again_is_the_same(targets: list[Told], rings: int) -> None:
    before = written(sparse(morphed(*targets, rings=rings)))
    data = to_glb(optimise(before)[0])
    after = parse_scene(data)
    assert errors_of(check(after)) == []
    for number in range(len(targets)):
        old, new = (np.array(corners(scene, number)) for scene in (before, after))
        assert old.shape == new.shape
        assert np.abs(old.mean(axis=0) - new.mean(axis=0)).max() < 2e-3
    assert to_glb(optimise(after)[0]) == data


def test_a_target_that_moves_few_of_many_vertices_is_shorter_sparse_and_compressed() -> None:
    before = parse_scene(faces(100, 8, 40))
    after = optimise(before)[0]
    assert is_sparse(after)
    told = after.json["accessors"][after.json["meshes"][0]["primitives"][0]["targets"][0]["POSITION"]]["sparse"]
    for part in ("indices", "values"):
        assert is_compressed(after.json["bufferViews"][told[part]["bufferView"]])
        assert "target" not in after.json["bufferViews"][told[part]["bufferView"]]
    assert len(to_glb(after)) < 0.4 * len(to_glb(before))
    assert to_glb(optimise(parse_scene(to_glb(after)))[0]) == to_glb(after)


def test_a_target_that_moves_most_vertices_becomes_dense_and_its_mesh_is_ordered_as_others_are() -> None:
    before = parse_scene(faces(30, 2, 900))
    after = optimise(before)[0]
    assert not is_sparse(after)
    assert len(to_glb(after)) < 0.4 * len(to_glb(before))


def test_an_entry_holds_sparse_targets_plainly() -> None:
    package, _ = pack(parse_scene(faces(100, 8, 40)))
    entry = parse_scene(package.entry)
    assert is_sparse(entry)
    assert "EXT_meshopt_compression" not in entry.json.get("extensionsUsed", ())
    assert len(package.entry) < 0.9 * len(faces(100, 8, 40))


def test_zeros_are_not_made_where_no_bytes_stand_for_them() -> None:
    before = parse_scene(nothing_but_zeros(4, 500_000))
    after = dense(before)
    assert sum(view["byteLength"] for view in after.json["bufferViews"]) < 17_000_000
    assert written(after).json["nodes"] == before.json["nodes"]


def test_what_is_no_target_becomes_dense_and_stays_so() -> None:
    before = parse_scene(faces(60, 1, 30))
    primitive = before.json["meshes"][0]["primitives"][0]
    primitive["attributes"]["_MOVED"] = primitive.pop("targets")[0]["POSITION"]
    after = optimise(before)[0]
    assert all("sparse" not in accessor for accessor in after.json["accessors"])
    moved = [read(scene, scene.json["meshes"][0]["primitives"][0]["attributes"]["_MOVED"]) for scene in (before, after)]
    assert sorted(moved[0].tolist()) == sorted(moved[1].tolist())
