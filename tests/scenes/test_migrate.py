"""Old forms become the present ones, and mean the same."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from roomscale.scenes import Scene, SceneError, Severity, check, errors_of, parse_scene
from roomscale.scenes.migrate import migrate
from roomscale.scenes.placement import world_matrices
from roomscale.scenes.view import Shape, view
from tests.scenes.crafted import changed, gltf, triangle, with_extension
from tests.scenes.test_view import FOREIGN, json_values

Json = dict[str, Any]


def scene_of(name: str, node: Json | None = None, root: Json | None = None) -> Scene:
    return parse_scene(gltf(with_extension(name, node=node, root=root)))


def migrated(scene: Scene, *, keep_old: bool = False) -> Scene:
    """The scene after migration: refused by nothing, without old forms, and the same when migrated again."""
    after, notes = migrate(scene, keep_old=keep_old)
    assert [str(note) for note in notes if note.severity is not Severity.INFO] == []
    assert errors_of(check(after)) == errors_of(check(scene)) == []
    again, _ = migrate(after, keep_old=keep_old)
    assert again is after
    return after


def codes(scene: Scene) -> list[str]:
    return [finding.code for finding in check(scene)]


AUDIO: Json = {
    "audio": [{"uri": "data:audio/mpeg;base64,SUQz", "name": "a"}],
    "sources": [{"audio": 0, "gain": 0.5, "loop": True, "autoPlay": True, "extras": {"mine": 1}}],
    "emitters": [{"type": "positional", "gain": 0.5, "sources": [0], "positional": {"maxDistance": 9}}],
}
FIRST_DRAFT: Json = {
    "sources": [{"uri": "data:audio/mpeg;base64,SUQz", "name": "a"}],
    "emitters": [
        {"type": "global", "gain": 0.5, "loop": True, "playing": True, "source": 0, "extras": {"mine": 1}},
        {"type": "positional", "source": 0, "positional": {"refDistance": 2}},
    ],
}


@pytest.mark.parametrize("root", [AUDIO, FIRST_DRAFT], ids=["second draft", "first draft"])
def test_sounds_sound_the_same(root: Json) -> None:
    before = scene_of("KHR_audio", {"emitter": 0}, root)
    assert "CAN_BE_MIGRATED" in codes(before)
    after = migrated(before)
    assert "CAN_BE_MIGRATED" not in codes(after)
    heard = [(s.node, s.audio, s.gain, s.loops, s.starts_itself, s.radius) for s in view(before).sounds]
    assert [(s.node, s.audio, s.gain, s.loops, s.starts_itself, s.radius) for s in view(after).sounds] == heard
    assert after.json["extensionsUsed"] == ["KHR_audio_emitter"]
    assert "mine" in str(after.json["extensions"])
    assert after.extension("KHR_audio_emitter")["audio"][0]["name"] == "a"


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        ({"type": "box", "extents": [1, 2, 3]}, Shape("box", size=(2, 4, 6))),
        ({"type": "sphere", "radius": 2}, Shape("sphere", radius=2)),
        ({"type": "capsule"}, Shape("capsule", radius=0.5, radius_top=0.5, height=1)),
        ({"type": "hull", "mesh": 0}, Shape("convex", mesh=0)),
        ({"type": "mesh", "mesh": 0, "isTrigger": True}, Shape("trimesh", mesh=0)),
    ],
)
def test_colliders_stand_where_they_stood(told: Json, shape: Shape) -> None:
    after = migrated(scene_of("OMI_collider", told))
    [body] = view(after).bodies
    assert (body.form, body.shape, body.is_trigger) == ("OMI_physics_body", shape, told.get("isTrigger", False))
    assert "OMI_collider" not in after.json["extensionsUsed"]


def test_colliders_in_a_list_of_the_root() -> None:
    after = migrated(scene_of("OMI_collider", {"collider": 0}, {"colliders": [{"type": "sphere"}]}))
    assert [body.shape for body in view(after).bodies] == [Shape("sphere", radius=0.5)]
    assert set(after.json["extensions"]) == {"OMI_physics_shape"}


def test_a_collider_that_cannot_be_read_stays() -> None:
    scene = scene_of("OMI_collider", {"type": "mesh", "mesh": 7})
    after, [note] = migrate(scene)
    assert after is scene
    assert (note.code, note.pointer) == ("NOT_MIGRATED", "/nodes/0/extensions/OMI_collider")


@pytest.mark.parametrize("keep_old", [False, True])
def test_spawn_points_of_third_room_look_the_other_way(keep_old: bool) -> None:
    tree = with_extension("MX_spawn_point", node={})
    half = np.sqrt(0.5)
    tree["nodes"][0] |= {"translation": [1, 2, 3], "rotation": [0, half, 0, half]}
    before = parse_scene(gltf(tree))
    after = migrated(before, keep_old=keep_old)
    [spawn] = [spawn for spawn in view(after).spawn_points if spawn.form == "OMI_spawn_point"]
    old, new = world_matrices(after)[0], world_matrices(after)[spawn.node]
    np.testing.assert_allclose(new[:3, 3], old[:3, 3])
    np.testing.assert_allclose(new[:3, 2], -old[:3, 2], atol=1e-12)  # the new one's −Z is the old one's +Z
    assert ("MX_spawn_point" in after.json["extensionsUsed"]) == keep_old
    assert "CAN_BE_MIGRATED" not in codes(after), "whoever kept the old form on purpose is not told again"


def test_portals_and_backgrounds() -> None:
    tree = with_extension("MX_portal", node={"uri": "matrix:r/a:b"})
    tree["scenes"][0]["extensions"] = {"MX_background": {"backgroundTexture": {"index": 0}}}
    tree["extensionsUsed"].append("MX_background")
    tree["textures"], tree["images"] = [{"source": 0}], [{"uri": "data:image/png;base64,"}]
    after, notes = migrate(parse_scene(gltf(tree)))
    assert [link.form for link in view(after).links] == ["OMI_link"]
    assert [(sky.form, sky.textures) for sky in view(after).skies] == [("OMI_environment_sky", (0,))]
    assert len(notes) == 2


@pytest.mark.parametrize("broken", [{"backgroundTexture": 0}, {"backgroundTexture": {"index": 1}}, {}])
def test_a_background_that_names_no_texture_stays_and_is_told(broken: Any) -> None:
    tree = triangle()
    tree["scenes"][0]["extensions"] = {"MX_background": broken}
    tree["extensionsUsed"] = ["MX_background"]
    scene = parse_scene(gltf(tree))
    after, notes = migrate(scene)
    assert [(note.code, note.pointer) for note in notes] == [("NOT_MIGRATED", "/scenes/0/extensions/MX_background")]
    assert after is scene


def test_a_background_beside_a_sky_stays_and_is_told_unless_both_were_wanted() -> None:
    tree = triangle()
    tree["scenes"][0]["extensions"] = {"MX_background": {"backgroundTexture": {"index": 0}}}
    tree["extensionsUsed"] = ["MX_background", "OMI_environment_sky"]
    tree["extensions"] = {"OMI_environment_sky": {"skies": [{"type": "physical"}]}}
    tree["textures"], tree["images"] = [{"source": 0}], [{"uri": "data:image/png;base64,"}]
    scene = parse_scene(gltf(tree))
    assert [note.code for note in migrate(scene)[1]] == ["NOT_MIGRATED"]
    assert migrate(scene, keep_old=True)[1] == []


def test_a_portal_without_an_address_is_told() -> None:
    _, notes = migrate(parse_scene(gltf(with_extension("MX_portal", node={}))))
    assert [note.code for note in notes] == ["NOT_MIGRATED"]


HUBS: Json = {
    "waypoint": {"canBeSpawnPoint": True},
    "link": {"href": "https://example.org/"},
    "visible": {"visible": False},
    "trimesh": {},
    "box-collider": {"position": {"x": 1, "y": 0, "z": 0}, "scale": {"x": 2, "y": 3, "z": 4}},
    "shadow": {"cast": True},
}


def test_hubs_components_that_mean_something_elsewhere() -> None:
    after = migrated(scene_of("MOZ_hubs_components", HUBS))
    seen = view(after)
    assert [(point.node, point.form) for point in seen.spawn_points] == [(0, "OMI_spawn_point")]
    assert [link.uri for link in seen.links] == ["https://example.org/"]
    assert seen.hidden == [0]
    assert [(body.node, body.shape) for body in seen.bodies] == [
        (0, Shape("trimesh", mesh=0)),
        (1, Shape("box", size=(2, 3, 4))),
    ]
    assert after.json["nodes"][1]["translation"] == [1, 0, 0]
    assert after.json["nodes"][0]["extensions"]["MOZ_hubs_components"] == {"shadow": {"cast": True}}


def test_hubs_keeps_its_own_on_request() -> None:
    after = migrated(scene_of("MOZ_hubs_components", HUBS), keep_old=True)
    assert after.json["nodes"][0]["extensions"]["MOZ_hubs_components"] == HUBS


def test_a_sound_on_a_server_stays_and_is_told() -> None:
    _, [note] = migrate(scene_of("MOZ_hubs_components", {"audio": {"src": "https://example.org/a.mp3"}}))
    assert (note.code, note.severity) == ("NOT_MIGRATED", Severity.WARNING)


def test_a_bodys_old_type_is_its_motions() -> None:
    after = migrated(scene_of("OMI_physics_body", {"type": "kinematic"}))
    assert after.json["nodes"][0]["extensions"]["OMI_physics_body"] == {"motion": {"type": "kinematic"}}
    both = migrated(scene_of("OMI_physics_body", {"type": "static"}), keep_old=True)
    assert both.json["nodes"][0]["extensions"]["OMI_physics_body"] == {"type": "static", "motion": {"type": "static"}}


def test_what_has_no_old_form_comes_back_itself() -> None:
    for tree in (triangle(), with_extension("OMI_spawn_point", node={}), with_extension("ACME_x", node={"y": 1})):
        scene = parse_scene(gltf(tree))
        assert migrate(scene) == (scene, [])
    broken = parse_scene(gltf(changed("nodes", 0, "mesh", to=9)))
    assert migrate(broken) == (broken, [])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FOREIGN), json_values, json_values, st.booleans())
@example("OMI_collider", {"type": []}, {}, False)
def test_whatever_an_old_form_holds_the_scene_stays_sound(name: str, node: Any, root: Any, keep_old: bool) -> None:
    tree = triangle() | {"extensionsUsed": [name], "extensions": {name: root}}
    tree["nodes"][0]["extensions"] = {name: node}
    with suppress(SceneError):
        scene = parse_scene(gltf(tree))
        before = errors_of(check(scene))
        after, _ = migrate(scene, keep_old=keep_old)
        assert len(errors_of(check(after))) <= len(before)
