"""A scene's meaning as typed values, new and old forms alike."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomscale.scenes import RejectedScene, parse_scene
from roomscale.scenes.placement import local_matrix, world_matrices
from roomscale.scenes.view import (
    Avatar,
    Body,
    Gravity,
    Licence,
    Light,
    Lightmap,
    Link,
    Seat,
    Shape,
    Sky,
    SpawnPoint,
    view,
)
from tests.scenes.crafted import changed, gltf, triangle, with_extension

FOREIGN = (
    "MX_spawn_point",
    "MX_portal",
    "MX_lightmap",
    "MX_background",
    "MOZ_hubs_components",
    "OMI_collider",
    "OMI_physics_body",
    "OMI_physics_shape",
    "OMI_physics_gravity",
    "OMI_environment_sky",
    "KHR_audio",
    "KHR_interactivity",
    "KHR_xmp_json_ld",
    "VRM",
    "VRMC_vrm",
)
KEYS = """
type box size sphere capsule convex mesh radius collider trigger motion shape shapes meta authors gravity skies panorama
cubemap equirectangular sources emitters emitter source audio uri packets dc:rights link href visible waypoint
backgroundTexture index lightMapTexture scale graphs direction point spawn-point trimesh box-collider position
"""
plain_values = st.none() | st.booleans() | st.integers(-2, 3) | st.floats(-1e9, 1e9) | st.text(max_size=6)
json_values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4),
    max_leaves=12,
)


def viewed(name: str, node: dict[str, Any] | None = None, root: dict[str, Any] | None = None) -> Any:
    return view(parse_scene(gltf(with_extension(name, node=node, root=root))))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("OMI_spawn_point", {}),
        ("MX_spawn_point", {}),
        ("MOZ_hubs_components", {"spawn-point": {}}),
        ("MOZ_hubs_components", {"waypoint": {"canBeSpawnPoint": True}}),
    ],
)
def test_spawn_points_of_all_forms(name: str, content: dict[str, Any]) -> None:
    assert viewed(name, content).spawn_points == [SpawnPoint(0, name)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("OMI_link", {"uri": "matrix:r/a:b"}),
        ("MX_portal", {"uri": "matrix:r/a:b"}),
        ("MOZ_hubs_components", {"link": {"href": "matrix:r/a:b"}}),
    ],
)
def test_links_of_all_forms(name: str, content: dict[str, Any]) -> None:
    assert viewed(name, content).links == [Link(0, name, "matrix:r/a:b")]


def test_seats() -> None:
    seat = {"back": [0, 0.3, -0.2], "foot": [0, -0.2, 0.8], "knee": [0, 0.3, 0.3], "angle": 2.0}
    assert viewed("OMI_seat", seat).seats == [Seat(0, (0, 0.3, -0.2), (0, -0.2, 0.8), (0, 0.3, 0.3), 2.0)]


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        ({"type": "box", "box": {"size": [1, 2, 3]}}, Shape("box", size=(1, 2, 3))),
        ({"type": "box"}, Shape("box", size=(1, 1, 1))),
        ({"type": "sphere", "sphere": {"radius": 2}}, Shape("sphere", radius=2)),
        ({"type": "capsule"}, Shape("capsule", radius=0.5, radius_top=0.5, height=1)),
        (
            {"type": "cylinder", "cylinder": {"radiusBottom": 1, "radiusTop": 0, "height": 3}},
            Shape("cylinder", radius=1, radius_top=0, height=3),
        ),
        ({"type": "convex", "convex": {"mesh": 0}}, Shape("convex", mesh=0)),
        ({"type": "torus", "torus": {"radius": 1}}, Shape("torus")),
    ],
)
def test_shapes_are_typed_with_the_defaults_of_their_extension(told: dict[str, Any], shape: Shape) -> None:
    tree = with_extension("OMI_physics_body", node={"motion": {"type": "static"}, "collider": {"shape": 0}})
    tree["extensions"] = {"OMI_physics_shape": {"shapes": [told]}}
    seen = view(parse_scene(gltf(tree)))
    assert seen.bodies == [Body(0, "OMI_physics_body", "static", shape, is_trigger=False)]
    assert seen.has_colliders


def test_bodies_move_and_notice() -> None:
    node = {"motion": {"type": "dynamic", "mass": 2}, "trigger": {"nodes": [0]}}
    assert viewed("OMI_physics_body", node).bodies == [
        Body(0, "OMI_physics_body", "dynamic", None, is_trigger=True, mass=2, parts=(0,))
    ]
    assert viewed("OMI_physics_body", {"type": "static"}).bodies == [
        Body(0, "OMI_physics_body", "static", None, is_trigger=False)
    ]


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        ({"type": "mesh", "mesh": 0}, Shape("trimesh", mesh=0)),
        ({"type": "box", "extents": [1, 2, 3]}, Shape("box", size=(2, 4, 6))),
        ({"type": "capsule", "radius": 1}, Shape("capsule", radius=1, radius_top=1, height=1)),
        ({"type": "compound"}, None),
    ],
)
def test_old_colliders_are_read_in_the_units_of_today(told: dict[str, Any], shape: Shape | None) -> None:
    old = viewed("OMI_collider", told | {"isTrigger": True})
    assert old.bodies == [Body(0, "OMI_collider", "static", shape, is_trigger=True)]
    assert not old.has_colliders


def test_gravity_of_the_world_and_of_a_volume() -> None:
    seen = viewed("OMI_physics_gravity", {"gravity": 3, "type": "point", "point": {}}, {"gravity": 1.62})
    assert seen.gravity == Gravity(None, 1.62)
    assert seen.gravities[1:] == [Gravity(0, 3, type="point")]
    assert viewed("OMI_spawn_point", {}).gravity is None


@pytest.mark.parametrize(
    ("form", "key", "value"), [("KHR_audio_emitter", "emitters", [0]), ("KHR_audio", "emitter", 0)]
)
def test_sounds_new_and_old(form: str, key: str, value: Any) -> None:
    root = {
        "audio": [{"uri": "a.mp3"}],
        "sources": [{"audio": 0, "gain": 0.5, "loop": True, "autoPlay": True}],
        "emitters": [{"type": "positional", "gain": 0.5, "sources": [0], "positional": {"maxDistance": 9}}],
    }
    [sound] = viewed(form, {key: value}, root).sounds
    assert (sound.node, sound.form, sound.audio, sound.is_positional) == (0, form, 0, True)
    assert (sound.gain, sound.loops, sound.starts_itself, sound.radius) == (0.25, True, True, 9)


def test_sounds_of_the_first_draft() -> None:
    root = {
        "sources": [{"uri": "a.mp3"}],
        "emitters": [{"type": "global", "gain": 0.5, "source": 0, "loop": True, "playing": True}],
    }
    [sound] = viewed("KHR_audio", {"emitter": 0}, root).sounds
    assert (sound.audio, sound.gain, sound.loops, sound.starts_itself) == (0, 0.5, True, True)


def test_skies_lights_lightmaps_and_what_is_hidden() -> None:
    tree = triangle()
    tree["textures"], tree["images"] = [{"source": 0}], [{"uri": "a.png"}]
    lightmap = {"lightMapTexture": {"index": 0, "texCoord": 1}, "scale": [0.5, 0.5], "intensity": 2}
    tree["nodes"][0]["extensions"] = {
        "KHR_lights_punctual": {"light": 0},
        "MX_lightmap": lightmap,
        "KHR_node_visibility": {"visible": False},
    }
    skies = [{"type": "plain", "plain": {"color": [1, 0, 0]}}, {"type": "panorama", "panorama": {"equirectangular": 0}}]
    tree["extensions"] = {
        "OMI_environment_sky": {"skies": skies},
        "KHR_lights_punctual": {"lights": [{"type": "point", "color": [1, 0.5, 0], "intensity": 40, "range": 9}]},
        "KHR_interactivity": {"graphs": [{}, {}], "graph": 0},
    }
    tree["scenes"][0]["extensions"] = {
        "OMI_environment_sky": {"sky": 1},
        "MX_background": {"backgroundTexture": {"index": 0}},
    }
    used = ["KHR_lights_punctual", "MX_lightmap", "KHR_node_visibility", "OMI_environment_sky", "MX_background"]
    tree["extensionsUsed"] = [*used, "KHR_interactivity"]
    seen = view(parse_scene(gltf(tree)))
    assert seen.skies == [
        Sky("plain", colours={"color": (1, 0, 0)}),
        Sky("panorama", textures=(0,), is_shown=True),
        Sky("panorama", "MX_background", textures=(0,), is_shown=True),
    ]
    assert seen.lights == [Light(0, "point", (1, 0.5, 0), 40, 9)]
    assert seen.lightmaps == [Lightmap(0, 0, (0.5, 0.5), (0, 0), 2)]
    assert (seen.hidden, seen.behaviours, seen.unknown) == ([0], 2, [])


def test_levels_and_copies() -> None:
    tree = triangle()
    tree["nodes"] = [{"mesh": 0, "extensions": {"MSFT_lod": {"ids": [1]}}}, {"mesh": 0}]
    tree["nodes"][0]["extensions"]["EXT_mesh_gpu_instancing"] = {"attributes": {"TRANSLATION": 0}}
    tree["extensionsUsed"] = ["MSFT_lod", "EXT_mesh_gpu_instancing"]
    seen = view(parse_scene(gltf(tree)))
    assert (seen.levels, seen.instanced) == ({0: [1]}, [0])


def test_an_avatar_of_vrm_0() -> None:
    meta = {"title": "Ada", "author": "Grace", "licenseName": "CC0", "allowedUserName": "Everyone"}
    seen = viewed("VRM", root={"meta": meta})
    assert seen.avatar == Avatar("0.x", "Ada", ("Grace",), "CC0", {"allowedUserName": "Everyone"})
    assert seen.licences == [Licence("/extensions/VRM/meta", "CC0", "Grace")]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FOREIGN), json_values, json_values)
def test_whatever_an_extension_holds_it_is_a_view_or_refused(name: str, node: Any, root: Any) -> None:
    tree = triangle() | {"extensionsUsed": [name], "extensions": {name: root}}
    tree["nodes"][0]["extensions"] = {name: node}
    with suppress(RejectedScene):
        view(parse_scene(gltf(tree)))


def test_licences_wherever_they_stand() -> None:
    tree = triangle()
    tree["asset"] |= {"copyright": "2026 Ada", "extras": {"license": "CC-BY-4.0", "author": "Ada"}}
    tree["extensionsUsed"] = ["KHR_xmp_json_ld", "VRMC_vrm"]
    packet = {"dc:rights": {"rdf:Alt": {"rdf:_1": "MIT"}}, "dc:creator": {"@list": ["Ada", "Grace"]}}
    tree["extensions"] = {
        "KHR_xmp_json_ld": {"packets": [packet]},
        "VRMC_vrm": {"specVersion": "1.0", "meta": {"licenseUrl": "https://vrm.dev/licenses/1.0/", "authors": ["Ada"]}},
    }
    seen = view(parse_scene(gltf(tree)))
    assert seen.licences == [
        Licence("/asset/extras", "CC-BY-4.0", "Ada"),
        Licence("/asset/copyright", "2026 Ada", "Ada"),
        Licence("/extensions/KHR_xmp_json_ld/packets/0", "MIT", "Ada, Grace"),
        Licence("/extensions/VRMC_vrm/meta", "https://vrm.dev/licenses/1.0/", "Ada"),
    ]
    assert seen.vrm == "1.0"


def test_what_is_not_known_is_listed() -> None:
    assert viewed("ACME_thing", {"x": 1}).unknown == ["ACME_thing"]
    assert viewed("OMI_spawn_point", {}).unknown == []


def test_a_broken_scene_is_refused() -> None:
    with pytest.raises(RejectedScene):
        view(parse_scene(gltf(changed("nodes", 0, "mesh", to=9))))


def test_transforms_multiply_down_the_tree() -> None:
    half = np.sqrt(0.5)
    tree = triangle()
    tree["nodes"] = [
        {"translation": [1, 2, 3], "rotation": [0, half, 0, half], "scale": [2, 2, 2], "children": [1]},
        {"mesh": 0, "translation": [1, 0, 0]},
        {"name": "not shown"},
    ]
    matrices = world_matrices(parse_scene(gltf(tree)))
    assert set(matrices) == {0, 1}
    # A quarter turn about +Y takes +X to −Z; the scale doubles it.
    np.testing.assert_allclose(matrices[1][:3, 3], [1, 2, 1], atol=1e-12)
    as_matrix = {"matrix": matrices[1].T.reshape(-1).tolist()}
    np.testing.assert_allclose(local_matrix(as_matrix), matrices[1])
