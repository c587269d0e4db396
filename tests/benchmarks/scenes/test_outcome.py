"""What counts as kept, and what bytes are for."""

from __future__ import annotations

import json
from typing import Any

from roomscale.scenes import Scene, parse_scene, to_glb
from roomscale.scenes.container import build_glb
from roomscale.scenes.draft import Draft
from tests.benchmarks.scenes.outcome import kept_share, like_bytes, weights
from tests.scenes.crafted import BINARY, gltf, triangle


def scene(nodes: list[dict[str, Any]], **more: Any) -> Scene:
    return parse_scene(gltf({**triangle(), "nodes": nodes, **more}))


PADDING = 4
"""Bytes that a scene put together anew may have more or less, for where its buffer ends."""
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


def packed(tree: dict[str, Any]) -> Scene:
    return parse_scene(build_glb(json.dumps(tree, separators=(",", ":")).encode(), [BINARY]))


def size(tree: dict[str, Any]) -> int:
    """Bytes of a scene that was put together anew."""
    return len(to_glb(Draft(packed(tree)).finish()))


def test_what_theirs_dropped_is_not_counted_and_neither_is_what_only_that_leads_to() -> None:
    plain = {**triangle(), "nodes": [{"mesh": 0, "name": "tri"}, {"name": "chair"}, {"name": "chair"}]}
    views = [*plain["bufferViews"], {"buffer": 0, "byteLength": 40}, {"buffer": 0, "byteLength": 44}]
    sky = {"OMI_environment_sky": {"skies": [{"type": "panorama", "panorama": {"equirectangular": 0}}]}}
    sound = {"KHR_audio_emitter": {"audio": [{"bufferView": 3, "mimeType": "audio/mpeg"}]}}
    full = {
        **plain,
        "nodes": [plain["nodes"][0], *({"name": "chair", "extensions": SEAT} for _ in range(2))],
        "bufferViews": views,
        "images": [{"bufferView": 2, "mimeType": "image/png"}],
        "textures": [{"source": 0}],
        "extensions": sky | sound,
    }
    one_seat = {**plain, "nodes": [plain["nodes"][0], {"name": "chair"}, {"name": "chair", "extensions": SEAT}]}
    ours, least = packed(full), size(plain)
    assert like_bytes(ours, ours) == len(ours.raw or b"")
    assert abs(like_bytes(ours, packed(plain)) - least) <= PADDING
    assert abs(like_bytes(ours, packed(one_seat)) - size(one_seat)) <= PADDING
    assert like_bytes(ours, packed({**one_seat, "extensions": sound})) > least + 44


def test_clips_that_move_what_theirs_does_not_know_are_what_theirs_dropped() -> None:
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": "/materials/0/alphaCutoff"}}}
    sampler = {"input": 1, "output": 1}
    both = [{"sampler": 0, "target": {"node": 0, "path": "scale"}}, {"sampler": 1, "target": target}]
    clips = [{"channels": both, "samplers": [sampler, sampler]}, {"channels": both[:0], "samplers": []}]
    moved = [{"channels": both[:1], "samplers": [sampler]}]
    before = packed({**triangle(), "animations": clips})
    after = {**triangle(), "animations": moved}
    assert abs(like_bytes(before, packed(after)) - size(after)) <= PADDING
