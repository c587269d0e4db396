"""What counts as kept, and what bytes are for."""

from __future__ import annotations

import json
from typing import Any

from roomscale.scenes import Scene, parse_scene
from roomscale.scenes.container import build_glb
from tests.benchmarks.scenes.outcome import kept_share, weights
from tests.scenes.crafted import BINARY, gltf, triangle


def scene(nodes: list[dict[str, Any]], **more: Any) -> Scene:
    return parse_scene(gltf({**triangle(), "nodes": nodes, **more}))


SEAT: dict[str, Any] = {"OMI_seat": {}}


def test_a_seat_counts_only_on_the_node_that_had_it() -> None:
    before = scene([{"name": "chair", "extensions": SEAT}, {"name": "bench", "extensions": SEAT}])
    assert kept_share(before, before) == (2, 2)
    assert kept_share(before, scene([{"name": "bench", "extensions": SEAT}, {"name": "chair"}])) == (1, 2)
    assert kept_share(before, scene([{"name": "hall", "extensions": SEAT}])) == (0, 2)


def test_equal_materials_may_be_joined_and_storage_does_not_count() -> None:
    glass = {"extensions": {"KHR_materials_ior": {"ior": 1.3}}}
    before = scene([], materials=[glass, glass], textures=[{"extensions": {"EXT_texture_webp": {"source": 0}}}])
    assert kept_share(before, scene([], materials=[glass])) == (1, 1)


def test_extensions_of_the_root_count_and_extras_are_not_looked_into() -> None:
    before = scene([{"extras": {"extensions": {"ACME": {}}}}], extensions={"KHR_interactivity": {"graphs": []}})
    assert kept_share(before, scene([])) == (0, 1)


def test_weights_add_up() -> None:
    tree = {**triangle(), "images": [{"bufferView": 0, "mimeType": "image/png"}]}
    text = json.dumps(tree, separators=(",", ":")).encode()
    data = build_glb(text, [BINARY])
    seen = weights(parse_scene(data))
    assert (seen.total, seen.json, seen.images) == (len(data), len(text), 36)
    assert seen.geometry == len(data) - len(text) - 36
