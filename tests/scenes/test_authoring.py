"""What a creator writes in Blender or in world.toml becomes what visitors meet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import Scene, Severity, check, errors_of, open_scene, parse_scene, to_glb
from roomscale.scenes.authoring import author, parse_world_file
from roomscale.scenes.view import view
from tests.scenes.crafted import BINARY, gltf, png, triangle

BLENDER = Path(__file__).parent / "blender" / "room.glb"
Json = dict[str, Any]


def scene_of(*nodes: Json, extras: Json | None = None, folder: Path | None = None, **root: Any) -> Scene:
    """A scene of nodes side by side; `mesh: 0` is a triangle from (0, 0, 0) to (1, 1, 0)."""
    tree = triangle() | {"nodes": list(nodes), "scenes": [{"nodes": list(range(len(nodes)))}]} | root
    if extras is not None:
        tree["scenes"][0]["extras"] = extras
    if folder is None:
        return parse_scene(gltf(tree))
    (folder / "scene.gltf").write_bytes(gltf(tree))
    return open_scene(folder / "scene.gltf")


def authored(*nodes: Json, toml: str = "", **more: Any) -> Json:
    """The JSON after authoring, of which nothing is complained."""
    scene, notes = author(scene_of(*nodes, **more), parse_world_file(toml.encode()))
    assert [note for note in notes if note.severity < Severity.INFO] == []
    assert errors_of(check(scene)) == []
    return scene.json


def complaint(*nodes: Json, toml: str = "", **more: Any) -> Any:
    """The one thing that is wrong."""
    _, notes = author(scene_of(*nodes, **more), parse_world_file(toml.encode()))
    [only] = [note for note in notes if note.severity < Severity.INFO]
    return only


def extension(json: Json, node: int, name: str) -> Any:
    return json["nodes"][node].get("extensions", {}).get(name)


@pytest.mark.parametrize("name", ["spawn", "Spawn.001", "spawn-point", "SpawnPoint", "spawn_point_3", "spawn balcony"])
def test_a_name_makes_a_spawn_point(name: str) -> None:
    assert extension(authored({"name": name}), 0, "OMI_spawn_point") == {}


@pytest.mark.parametrize("name", ["Spawner", "respawn", "Seating", "portals of Rome", "marble_col", "Protocol", "col"])
def test_names_that_only_look_alike_say_nothing(name: str) -> None:
    scene = scene_of({"name": name, "mesh": 0})
    assert author(scene)[0] is scene


@pytest.mark.parametrize(
    "name", ["Spawn.001", "A-colonly", "UCX_a", "Seat 3", "the portal", "Portal", "Tree_LOD1", "A", ""]
)
def test_scenes_without_a_world_file_say_the_same_as_with_an_empty_one(name: str) -> None:
    scene = scene_of({"name": name, "mesh": 0}, {"name": "Tree_LOD0", "mesh": 0})
    assert author(scene)[0].json == author(scene, parse_world_file(b""))[0].json
    scene = scene_of({"name": name, "mesh": 0}, extras={"gravity": 1.6})
    assert author(scene)[0].json == author(scene, parse_world_file(b""))[0].json != scene.json


@pytest.mark.parametrize(
    ("name", "shape", "is_drawn"),
    [
        ("Wall-col", "trimesh", True),
        ("Wall-colonly", "trimesh", False),
        ("Rock-convcol.002", "convex", True),
        ("Rock-CONVCOLONLY", "convex", False),
        ("UCX_Rock_01", "convex", False),
    ],
)
def test_a_suffix_makes_a_collider(name: str, shape: str, is_drawn: bool) -> None:
    json = authored({"name": name, "mesh": 0})
    assert json["extensions"]["OMI_physics_shape"]["shapes"] == [{"type": shape, shape: {"mesh": 0}}]
    assert extension(json, 0, "OMI_physics_body") == {"motion": {"type": "static"}, "collider": {"shape": 0}}
    assert ("mesh" in json["nodes"][0]) == is_drawn
    assert len(json["meshes"]) == 1


def test_a_mesh_that_bends_stays_drawn() -> None:
    tree = triangle()["meshes"][0]
    tree["primitives"][0]["targets"] = [{"POSITION": 0}]
    told = complaint({"name": "Jelly-colonly", "mesh": 0}, meshes=[tree])
    assert "bends" in told.message


def test_copies_share_one_shape() -> None:
    json = authored({"name": "A-col", "mesh": 0}, {"name": "A-col.001", "mesh": 0})
    assert len(json["extensions"]["OMI_physics_shape"]["shapes"]) == 1


def test_plain_shapes_take_their_size_from_the_mesh_and_its_middle() -> None:
    json = authored({"name": "Crate", "mesh": 0, "extras": {"collider": "box"}})
    [child] = json["nodes"][0]["children"]
    assert json["nodes"][child]["translation"] == [0.5, 0.5, 0.0]
    assert extension(json, child, "OMI_physics_body") == {"collider": {"shape": 0}}
    assert json["extensions"]["OMI_physics_shape"]["shapes"] == [{"type": "box", "box": {"size": [1.0, 1.0, 0.0]}}]


@pytest.mark.parametrize(
    ("extras", "shape"),
    [
        ({"collider": "sphere"}, {"type": "sphere", "sphere": {"radius": 1.0}}),
        ({"collider": "Sphere", "radius": 3}, {"type": "sphere", "sphere": {"radius": 3}}),
        ({"collider": "box", "size": [1, 2, 3]}, {"type": "box", "box": {"size": [1, 2, 3]}}),
        (
            {"collider": "capsule", "height": 2, "radius": 0.5},  # its whole height; the file has that between its caps
            {"type": "capsule", "capsule": {"height": 1.0, "radiusBottom": 0.5, "radiusTop": 0.5}},
        ),
        ({"trigger": True}, {"type": "box", "box": {"size": [2.0, 2.0, 2.0]}}),
    ],
)
def test_empties_are_shapes_too(extras: Json, shape: Json) -> None:
    json = authored({"name": "Empty", "extras": extras})
    assert json["extensions"]["OMI_physics_shape"]["shapes"] == [shape]
    assert set(extension(json, 0, "OMI_physics_body")) & {"trigger", "collider"} == set(extras) & {
        "trigger",
        "collider",
    }


def test_what_moves_has_a_mass() -> None:
    json = authored({"name": "Ball", "mesh": 0, "extras": {"collider": "convex", "motion": "dynamic", "mass": 2.5}})
    body = extension(json, 0, "OMI_physics_body")
    assert body == {"motion": {"type": "dynamic", "mass": 2.5}, "collider": {"shape": 0}}


def test_a_seat_is_in_metres_whatever_its_scale() -> None:
    json = authored({"name": "seat", "scale": [2, 2, 2], "extras": {"angle": 100}})
    seat = extension(json, 0, "OMI_seat")
    assert 2 * (seat["back"][2] - seat["knee"][2]) == pytest.approx(0.45)
    assert 2 * (seat["knee"][1] - seat["foot"][1]) == pytest.approx(0.45)
    assert seat["angle"] == pytest.approx(math.radians(100))


@pytest.mark.parametrize(
    ("extras", "uri"),
    [
        ({"uri": "#plaza:example.org"}, "matrix:r/plaza:example.org"),
        ({"url": "!abc:example.org"}, "matrix:roomid/abc:example.org"),
        ({"href": "https://example.org/"}, "https://example.org/"),
        ({"uri": "#balcony"}, "#balcony"),
        ({"portal": "https://example.org/"}, "https://example.org/"),
    ],
)
def test_a_portal_leads_where_its_property_says(extras: Json, uri: str) -> None:
    json = authored({"name": "portal", "extras": extras | {"title": "Out"}})
    assert extension(json, 0, "OMI_link") == {"uri": uri, "title": "Out"}


def test_a_portal_to_nowhere_is_told_with_a_hint() -> None:
    told = complaint({"name": "portal"})
    assert (told.severity, told.pointer) == (Severity.WARNING, "/nodes/0/name/portal")
    assert "uri" in told.hint


def test_a_portal_may_not_run_scripts() -> None:
    told = complaint({"name": "Door", "extras": {"portal": "javascript:alert(1)"}})
    assert told.pointer == "/nodes/0/extras/portal"
    assert "javascript" in told.message


def test_a_sound_on_a_node_fades_to_silence_at_its_radius(tmp_path: Path) -> None:
    (tmp_path / "water.mp3").write_bytes(b"ID3\x03" + bytes(60))
    node = {"name": "Fountain", "extras": {"audio": "water.mp3", "volume": 0.5, "radius": 12}}
    json = authored(node, folder=tmp_path)
    root = json["extensions"]["KHR_audio_emitter"]
    assert root["audio"] == [{"uri": "water.mp3"}]
    assert root["sources"] == [{"audio": 0, "gain": 0.5, "loop": True, "autoplay": True}]
    [emitter] = root["emitters"]
    assert emitter["positional"] == {"distanceModel": "linear", "maxDistance": 12, "refDistance": 1.0}
    assert extension(json, 0, "KHR_audio_emitter") == {"emitter": 0}
    assert b"ID3" in to_glb(open_scene(tmp_path / "scene.gltf").changed(json))


def test_a_sound_of_the_scene_is_heard_everywhere(tmp_path: Path) -> None:
    (tmp_path / "birds.mp3").write_bytes(b"ID3\x03" + bytes(60))
    json = authored({"name": "Floor"}, toml='[scene.audio]\nfile = "birds.mp3"\ngain = 0.2', folder=tmp_path)
    assert json["scenes"][0]["extensions"]["KHR_audio_emitter"] == {"emitters": [0]}
    assert json["extensions"]["KHR_audio_emitter"]["emitters"] == [{"type": "global", "sources": [0]}]


@pytest.mark.parametrize("file", ["none.mp3", "../secret.mp3", "https://example.org/a.mp3", "/etc/passwd"])
def test_a_sound_that_is_not_beside_the_scene_makes_no_emitter(tmp_path: Path, file: str) -> None:
    told = complaint({"name": "A", "extras": {"audio": file}}, folder=tmp_path)
    assert told.pointer == "/nodes/0/extras/audio"
    assert "folder" in told.hint


@pytest.mark.parametrize(
    ("toml", "sky"),
    [
        ('sky = "#ffffff"', {"type": "plain", "plain": {"color": [1.0, 1.0, 1.0]}}),
        ('sky = "physical"', {"type": "physical"}),
        (
            'sky = { top = "#000000", horizon = [0.5, 0.5, 1] }',
            {
                "type": "gradient",
                "gradient": {
                    "topColor": [0.0, 0.0, 0.0],
                    "horizonColor": [0.5, 0.5, 1],
                    "bottomColor": [0.5, 0.5, 1],
                },
            },
        ),
        ('sky = "sky.png"', {"type": "panorama", "panorama": {"equirectangular": 0}}),
        ('sky = { file = "sky.png" }', {"type": "panorama", "panorama": {"equirectangular": 0}}),
    ],
)
def test_skies(tmp_path: Path, toml: str, sky: Json) -> None:
    (tmp_path / "sky.png").write_bytes(png(2, 1))
    json = authored({"name": "Floor"}, toml=f"[scene]\n{toml}", folder=tmp_path)
    assert json["extensions"]["OMI_environment_sky"]["skies"] == [sky]
    assert json["scenes"][0]["extensions"]["OMI_environment_sky"] == {"sky": 0}


def test_gravity_lightmaps_and_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "light.png").write_bytes(png())
    nodes = {"name": "A", "mesh": 0, "extras": {"lightmap": "light.png"}}, {"name": "B", "extras": {"visible": False}}
    json = authored(*nodes, extras={"gravity": 1.62}, folder=tmp_path)
    assert json["extensions"]["OMI_physics_gravity"] == {"gravity": 1.62}
    assert extension(json, 0, "MX_lightmap")["lightMapTexture"] == {"index": 0, "texCoord": 1}
    assert extension(json, 1, "KHR_node_visibility") == {"visible": False}


def test_levels_of_detail_are_one_thing_and_stay_in_the_file() -> None:
    names = ["Tree_LOD1", "Tree_LOD0", "Rock", "Tree_LOD2", "Bush_LOD1"]
    json = authored(*({"name": name, "mesh": 0} for name in names))
    assert extension(json, 1, "MSFT_lod") == {"ids": [0, 3]}
    assert json["scenes"][0]["nodes"] == [1, 2, 4]
    assert [node["name"] for node in json["nodes"]] == names


def test_what_the_file_says_as_an_extension_wins() -> None:
    node = {"name": "spawn", "extras": {"collider": "box"}}
    node["extensions"] = {"OMI_spawn_point": {"title": "Its own"}, "OMI_physics_body": {"motion": {"type": "static"}}}
    scene = scene_of(node, extensionsUsed=["OMI_spawn_point", "OMI_physics_body"])
    assert author(scene)[0] is scene


def test_world_toml_goes_before_properties_and_those_before_names() -> None:
    toml = '[node."seat"]\nseat = false\n[node."Ball"]\ncollider = { shape = "sphere", radius = 2 }'
    nodes = (
        {"name": "seat"},
        {"name": "Ball", "extras": {"collider": "box"}},
        {"name": "W-col", "extras": {"collider": ""}},
    )
    json = authored(*nodes, toml=toml)
    assert extension(json, 0, "OMI_seat") is None
    assert json["extensions"]["OMI_physics_shape"]["shapes"] == [{"type": "sphere", "sphere": {"radius": 2}}]
    assert extension(json, 2, "OMI_physics_body") is None


@pytest.mark.parametrize(
    ("toml", "shape", "is_drawn"),
    [
        ("only = false", "trimesh", True),
        ('collider = "convex"', "convex", False),
        ("collider = { only = false }", "trimesh", True),
        ('collider = { shape = "convex" }', "convex", False),
        ('shape = "convex"', "convex", False),
    ],
)
def test_world_toml_changes_part_of_what_a_name_says(toml: str, shape: str, is_drawn: bool) -> None:
    json = authored({"name": "W-colonly", "mesh": 0}, toml=f'[node."W-colonly"]\n{toml}')
    assert json["extensions"]["OMI_physics_shape"]["shapes"] == [{"type": shape, shape: {"mesh": 0}}]
    assert ("mesh" in json["nodes"][0]) == is_drawn


def test_a_sky_of_world_toml_stands_in_for_blenders() -> None:
    json = authored({"name": "A"}, extras={"sky": "#000000"}, toml='[scene]\nsky = { color = "#ffffff" }')
    assert json["extensions"]["OMI_environment_sky"]["skies"] == [
        {"type": "plain", "plain": {"color": [1.0, 1.0, 1.0]}}
    ]


def test_names_can_be_silenced() -> None:
    scene = scene_of({"name": "spawn"}, {"name": "A_LOD0"}, {"name": "A_LOD1"})
    assert author(scene, parse_world_file(b"[author]\nnames = false"))[0] is scene


@pytest.mark.parametrize(
    ("extras", "pointer"),
    [
        ({"collider": "spere"}, "/nodes/0/extras/collider"),
        ({"collider": "box", "size": [1, 2]}, "/nodes/0/extras/size"),
        ({"collider": "sphere", "radius": -1}, "/nodes/0/extras/radius"),
        ({"collider": "sphere", "radius": "big"}, "/nodes/0/extras/radius"),
        ({"collider": "trimesh"}, "/nodes/0/extras/collider"),
        ({"spawn": True, "title": ["a"]}, "/nodes/0/extras/title"),
        ({"seat": True, "angle": 400}, "/nodes/0/extras/angle"),
        ({"visible": "maybe"}, "/nodes/0/extras/visible"),
        ({"lightmap": "a.exr"}, "/nodes/0/extras/lightmap"),
    ],
)
def test_a_bad_value_is_a_warning_at_its_place(extras: Json, pointer: str) -> None:
    told = complaint({"name": "A", "extras": extras})
    assert (told.severity, told.pointer) == (Severity.WARNING, pointer)


def test_a_near_miss_is_met_with_a_suggestion() -> None:
    assert complaint({"name": "A", "extras": {"collider": "spere"}}).hint == "did you mean sphere?"
    told = complaint({"name": "Crate"}, toml='[node."Crat"]\ncollider = "box"')
    assert (told.code, told.severity, told.hint) == ("WORLD_FILE_NODE", Severity.ERROR, "did you mean Crate?")


def test_doing_it_twice_is_doing_it_once() -> None:
    nodes = {"name": "Crate", "mesh": 0, "extras": {"collider": "box"}}, {"name": "A_LOD0"}, {"name": "A_LOD1"}
    once, _ = author(scene_of(*nodes, {"name": "spawn"}, {"name": "W-colonly", "mesh": 0}, extras={"sky": "#88aaff"}))
    twice, notes = author(once)
    assert twice is once
    assert notes == []


def test_nothing_of_the_scene_is_lost_and_the_original_is_untouched() -> None:
    node = {"name": "spawn", "extras": {"mine": [1, {"a": None}]}, "extensions": {"ACME_x": {"y": 1.0}}}
    scene = scene_of(node, extensionsUsed=["ACME_x"], extras={"also": "mine"})
    before = repr(scene.json)
    after, _ = author(scene)
    assert repr(scene.json) == before
    assert after.json["nodes"][0]["extras"] == node["extras"]
    assert after.json["nodes"][0]["extensions"]["ACME_x"] == {"y": 1.0}
    assert after.json["extensionsUsed"] == ["ACME_x", "OMI_spawn_point"]
    assert after.buffer(0) == BINARY


def test_what_was_made_is_told_by_kind() -> None:
    _, notes = author(scene_of(*({"name": f"spawn {letter}"} for letter in "abcde")))
    [told] = notes
    assert str(told) == 'info AUTHORED at /nodes/0: spawn points: "spawn a", "spawn b", "spawn c" and 2 more'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(
    [
        "spawn",
        "seat",
        "portal",
        "link",
        "uri",
        "collider",
        "trigger",
        "motion",
        "mass",
        "audio",
        "file",
        "gain",
        "radius",
        "near",
        "size",
        "height",
        "sky",
        "gravity",
        "lightmap",
        "visible",
        "angle",
        "back",
        "title",
        "collider_only",
        "audio_loop",
    ]
)
sensible = st.sampled_from(
    ["box", "sphere", "capsule", "trimesh", "dynamic", "a.png", "#plaza:a", "#ffffff", "none", True]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(words, sensible | json_values, max_size=6), st.sampled_from(["A", "x-col", "y-colonly", "seat"]))
def test_whatever_the_properties_are_the_scene_stays_sound(extras: Json, name: str) -> None:
    """Foreign extras: findings, never an exception, and nothing that `check` refuses."""
    node = {"name": name, "mesh": 0, "extras": extras}
    scene, notes = author(scene_of(node, extras=extras))
    assert all(note.severity is not Severity.ERROR for note in notes)
    assert errors_of(check(scene)) == []


def test_a_real_export_of_blender_becomes_the_world_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "room.glb").write_bytes(BLENDER.read_bytes())
    (tmp_path / "water.mp3").write_bytes(b"ID3\x03" + bytes(60))
    scene, notes = author(open_scene(tmp_path / "room.glb"))
    assert [str(note) for note in notes if note.severity < Severity.INFO] == []
    assert errors_of(check(scene)) == []
    seen = view(scene)
    names = [node["name"] for node in scene.json["nodes"]]
    assert [(names[spawn.node], spawn.title, spawn.team) for spawn in seen.spawn_points] == [
        ("spawn", "", ""),
        ("spawn.001", "By the wall", "red"),
    ]
    assert [(names[link.node], link.uri, link.title) for link in seen.links] == [
        ("portal plaza", "matrix:r/plaza:example.org", "The Plaza")
    ]
    assert [names[seat.node] for seat in seen.seats] == ["seat"]
    solid = {names[body.node]: body.shape and body.shape.type for body in seen.bodies if not body.is_trigger}
    assert solid == {
        "Floor-col": "trimesh",
        "Wall-col": "trimesh",
        "Wall-colonly": "trimesh",
        "Rock-convcol": "convex",
        "Crate": "box",
        "Pillar": "cylinder",
    }
    assert "mesh" not in scene.json["nodes"][names.index("Wall-colonly")]
    [sound] = seen.sounds
    assert (names[sound.node or 0], sound.gain, sound.is_positional) == ("Fountain", 0.5, True)
    assert seen.gravity is not None
    assert seen.gravity.strength == 9.81
    assert [sky.type for sky in seen.skies] == ["plain"]
    np.testing.assert_allclose(seen.skies[0].colours["color"], [0.212, 0.445, 0.784], atol=1e-3)
    assert {names[node] for node in seen.levels} == {"Tree_LOD0"}
    assert [names[node] for node in seen.hidden] == ["Ghost"]
