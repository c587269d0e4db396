"""Reordering: the same triangles, in an order that encodes shortly, and the same order when asked again."""

from __future__ import annotations

import numpy as np

from roomscale.scenes import Scene, to_glb
from roomscale.scenes.accessors import read
from roomscale.scenes.meshopt import encode_triangles
from roomscale.scenes.transforms.reorder import reorder
from tests.scenes.solids import Builder, globe, world
from tests.scenes.transforms.meaning import assert_same_meaning, triangles, written

NAMES = ("POSITION", "NORMAL", "TEXCOORD_0")


def shuffled() -> Builder:
    indices, parts = globe()
    order = np.random.default_rng(4).permutation(len(parts["POSITION"]) + 40)
    place = np.argsort(order).astype(np.uint16)
    mixed = np.random.default_rng(5).permutation(indices.reshape(-1, 3)).reshape(-1)
    padded = {name: np.pad(array, ((0, 40), (0, 0)))[order] for name, array in parts.items()}
    builder = Builder()
    builder.node(mesh=builder.mesh(builder.primitive(place[mixed], **padded)))
    return builder


def encoded(scene: Scene) -> int:
    index = scene.json["meshes"][0]["primitives"][0]["indices"]
    return len(encode_triangles(read(scene, index)[:, 0]))


def test_the_same_triangles_encode_shorter() -> None:
    before = shuffled().scene()
    after = reorder(before)
    assert np.array_equal(triangles(before, 0, 0, *NAMES), triangles(after, 0, 0, *NAMES))
    assert encoded(after) < 0.5 * encoded(before)
    assert after.json["accessors"][0]["count"] == before.json["accessors"][0]["count"] - 40
    assert_same_meaning(before, written(after))


def test_ordered_twice_is_ordered_once() -> None:
    for scene in (shuffled().scene(), world()):
        once = reorder(scene)
        assert to_glb(reorder(once)) == to_glb(once)


def test_a_collider_keeps_its_unused_vertices() -> None:
    builder = shuffled()
    builder.json["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": "convex", "convex": {"mesh": 0}}]}}
    before = builder.scene()
    after = reorder(before)
    rows = [sorted(read(scene, 0).tolist()) for scene in (before, after)]
    assert rows[0] == rows[1]


def test_a_whole_world_keeps_its_meaning() -> None:
    before = world()
    after = reorder(before)
    assert_same_meaning(before, written(after))
    for mesh in range(4):
        assert np.array_equal(triangles(before, mesh, 0, "POSITION"), triangles(after, mesh, 0, "POSITION"))
