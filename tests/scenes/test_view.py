"""A scene's meaning as typed values, new and old forms alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roomscale.scenes import RejectedScene, parse_scene
from roomscale.scenes.placement import local_matrix, world_matrices
from roomscale.scenes.view import Body, Licence, Link, Seat, SpawnPoint, view
from tests.scenes.crafted import changed, gltf, triangle, with_extension


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


def test_bodies_new_and_old() -> None:
    tree = with_extension("OMI_physics_body", node={"motion": {"type": "static"}, "collider": {"shape": 0}})
    tree["extensions"] = {"OMI_physics_shape": {"shapes": [{"type": "box", "box": {"size": [1, 2, 3]}}]}}
    seen = view(parse_scene(gltf(tree)))
    assert seen.bodies == [Body(0, "OMI_physics_body", "static", "box", is_trigger=False)]
    assert seen.has_colliders
    old = viewed("OMI_collider", {"type": "mesh", "mesh": 0, "isTrigger": True})
    assert old.bodies == [Body(0, "OMI_collider", "static", "trimesh", is_trigger=True)]
    assert not old.has_colliders


@pytest.mark.parametrize(
    ("form", "key", "value"), [("KHR_audio_emitter", "emitters", [0]), ("KHR_audio", "emitter", 0)]
)
def test_sounds_new_and_old(form: str, key: str, value: Any) -> None:
    root = {
        "audio": [{"uri": "a.mp3"}],
        "sources": [{"audio": 0, "gain": 0.5, "loop": True, "autoPlay": True}],
        "emitters": [{"type": "positional", "gain": 0.5, "sources": [0]}],
    }
    [sound] = viewed(form, {key: value}, root).sounds
    assert (sound.node, sound.form, sound.audio, sound.is_positional) == (0, form, 0, True)
    assert (sound.gain, sound.loops, sound.starts_itself) == (0.25, True, True)


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
