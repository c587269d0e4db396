"""Room content ↔ values: any JSON is read; fields are refused one by one; foreign keys survive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roomscale.worlds.errors import WorldRefused
from roomscale.worlds.ids import MxcUri, UserId
from roomscale.worlds.model import (
    MAX_CONTENT,
    MAX_NAME,
    Media,
    ServerRef,
    World,
    fitting,
    is_plain,
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(["mxc://localhost/abc", "javascript:x", "mxc://../x", "a" * 64, "image/png", ""]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "scene_name",
        "scene_description",
        "scene_url",
        "thumbnail_url",
        "thumbnail_info",
        "scene_preview_url",
        "org.roomscale.scene",
        "org.roomscale.package",
        "org.roomscale.thumbnail",
        "script_url",
        "user_id",
        "device_id",
    ]
)
DETAILS = st.dictionaries(st.sampled_from(["url", "sha256", "size", "mimetype", "w", "h", "more"]), JSON, max_size=5)
CONTENTS = st.dictionaries(FIELDS, JSON | DETAILS, max_size=8)


@example({"two\nlines, and \x1b[31mred": 1 << 53})
@given(CONTENTS | JSON)
def test_any_content_is_read_and_what_comes_of_it_may_be_written(content: object) -> None:
    world, problems = World.read(content)
    written = world.content()
    assert is_plain(written)
    again, left = World.read(written)
    assert left == []
    assert again == world
    assert all(str(problem).isprintable() for problem in problems)


@given(CONTENTS | JSON)
def test_any_content_names_a_server_or_says_why_not(content: object) -> None:
    server, problems = ServerRef.read(content)
    if server is None:
        assert problems
    else:
        assert ServerRef.read(server.content()) == (server, [])


FULL = World(
    name="Plaza",
    description="A square at dusk.",
    scene=Media(MxcUri("mxc://localhost/scene"), "a" * 64, 12, "model/gltf-binary"),
    package=Media(MxcUri("mxc://localhost/manifest"), "c" * 64, 400, "application/json"),
    thumbnail=Media(MxcUri("mxc://localhost/picture"), "b" * 64, 3, "image/png", 640, 360),
)


def test_a_world_writes_both_spellings_and_reads_either() -> None:
    content = FULL.content()
    assert content == {
        "scene_name": "Plaza",
        "scene_description": "A square at dusk.",
        "scene_url": "mxc://localhost/scene",
        "org.roomscale.scene": {"sha256": "a" * 64, "size": 12, "mimetype": "model/gltf-binary"},
        "org.roomscale.package": {
            "url": "mxc://localhost/manifest",
            "sha256": "c" * 64,
            "size": 400,
            "mimetype": "application/json",
        },
        "thumbnail_url": "mxc://localhost/picture",
        "scene_preview_url": "mxc://localhost/picture",
        "thumbnail_info": {"size": 3, "mimetype": "image/png", "w": 640, "h": 360},
        "org.roomscale.thumbnail": {"sha256": "b" * 64},
    }
    assert World.read(content) == (FULL, [])
    third_room, problems = World.read(
        {"scene_url": "mxc://localhost/scene", "scene_preview_url": "mxc://localhost/p", "script_url": ""}
    )
    assert problems == []
    assert third_room.thumbnail == Media(MxcUri("mxc://localhost/p"))
    assert third_room.unknown == {"script_url": ""}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"scene_name": 7}, "scene_name"),
        ({"scene_name": "x" * (MAX_NAME + 1)}, "scene_name"),
        ({"scene_url": "https://example.org/x.glb"}, "scene_url"),
        ({"scene_url": "mxc://localhost/../x"}, "scene_url"),
        ({"scene_url": {"mxc": 1}}, "scene_url"),
        ({"org.roomscale.scene": {"sha256": "A" * 64}}, "org.roomscale.scene.sha256"),
        ({"org.roomscale.scene": {"size": "12"}}, "org.roomscale.scene.size"),
        ({"org.roomscale.scene": {"size": -1}}, "org.roomscale.scene.size"),
        ({"org.roomscale.scene": {"size": True}}, "org.roomscale.scene.size"),
        ({"org.roomscale.scene": []}, "org.roomscale.scene"),
        ({"org.roomscale.package": "mxc://localhost/manifest"}, "org.roomscale.package"),
        ({"org.roomscale.package": {"url": "https://example.org/m.json"}}, "org.roomscale.package.url"),
        ({"thumbnail_info": {"w": 1.5}}, "thumbnail_info.w"),
        ({"tool": {"angle": 0.5}}, "tool"),
    ],
)
def test_a_bad_field_is_named_and_the_rest_stays_good(change: dict[str, Any], refused: str) -> None:
    world, problems = World.read({**FULL.content(), **change})
    assert [problem.field for problem in problems] == [refused]
    assert world.description == FULL.description
    assert (world.scene is None) == (refused == "scene_url")


def test_keys_of_others_survive_a_round_trip_in_their_places() -> None:
    others = {"script_url": "mxc://x/y", "attribution": [{"author": "A", "n": None}], "tool": {}, "cap": 5}
    info = {**FULL.content()["thumbnail_info"], "xyz.amorgan.blurhash": "LEHV6nWB2yk8"}
    others["thumbnail_info"] = info
    world, problems = World.read({**FULL.content(), **others})
    assert problems == []
    written = world.content()
    assert {key: written[key] for key in others} == others


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_matrix_cannot_hold_is_never_written() -> None:
    for value in (0.5, 1 << 53, "\ud800", deep(100), {"a": {"b": float("nan")}}):
        assert not is_plain(value)
        with pytest.raises(WorldRefused):
            fitting({"key": value})
    with pytest.raises(WorldRefused, match="fit into an event"):
        fitting({"key": "x" * MAX_CONTENT})
    almost = {"key": "x" * (MAX_CONTENT - 10)}
    assert len(json.dumps(almost, separators=(",", ":"))) <= MAX_CONTENT
    assert fitting(almost) == almost


def test_a_server_needs_a_user_and_a_device() -> None:
    good = {"user_id": "@roomscale:localhost", "device_id": "ROOMSCALE"}
    assert ServerRef.read(good) == (ServerRef(UserId("@roomscale:localhost")), [])
    for bad in ({}, {**good, "user_id": "x"}, {**good, "device_id": ""}, {**good, "device_id": "a\nb"}, [good]):
        server, problems = ServerRef.read(bad)
        assert server is None
        assert problems
