"""What a scene costs, counted; and that budgets and scale are told as warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from roomscale.scenes import Severity, parse_scene
from roomscale.scenes.budgets import PROFILES, Budget, check_budget, costs
from roomscale.scenes.extent import bounds, check_scale
from tests.scenes.crafted import Json, changed, glb, gltf, jpeg, triangle, with_extension, with_image
from tests.scenes.solids import Builder, globe


def test_everything_shown_is_counted_as_often_as_it_is_shown() -> None:
    tree = triangle()
    tree["nodes"] = [{"mesh": 0}, {"mesh": 0, "children": [2]}, {"mesh": 0}, {"mesh": 0, "name": "not shown"}]
    tree["scenes"] = [{"nodes": [0, 1]}]
    counted = costs(parse_scene(glb(tree)))
    assert (counted.triangles, counted.draws) == (3, 3)
    assert counted.file_bytes == len(glb(tree))


@pytest.mark.parametrize(("mode", "triangles"), [(4, 1), (5, 1), (6, 1), (1, 0), (0, 0)])
def test_triangles_depend_on_the_mode(mode: int, triangles: int) -> None:
    assert costs(parse_scene(glb(changed("meshes", 0, "primitives", 0, "mode", to=mode)))).triangles == triangles


def test_instances_count() -> None:
    tree = with_extension("EXT_mesh_gpu_instancing", node={"attributes": {"TRANSLATION": 0}})
    assert costs(parse_scene(glb(tree))).triangles == 3


def test_textures_are_counted_as_the_gpu_holds_them() -> None:
    counted = costs(parse_scene(with_image(jpeg(1024, 512), "image/jpeg", count=2)))
    assert counted.texture_bytes == 2 * int(1024 * 512 * 4 * 4 / 3)
    assert counted.largest_edge == 1024


def test_a_budget_that_is_exceeded_is_a_warning_for_each() -> None:
    scene = parse_scene(with_image(jpeg(4096, 4096), "image/jpeg"))
    findings = check_budget(costs(scene), PROFILES["mobile"], "mobile")
    assert [finding.code for finding in findings] == ["BUDGET_LARGEST_EDGE", "ENTRY_NOT_KNOWN"]
    assert findings[0].severity is Severity.WARNING
    assert "2,048" in findings[0].message
    assert len(check_budget(costs(scene), Budget(1, 0, 0, 1, 1, 0, 0, 0), "nothing")) == 5
    assert check_budget(costs(scene), Budget(), "anything") == []


@pytest.mark.parametrize(("scale", "code"), [(1.0, None), (100_000.0, "WORLD_TOO_LARGE"), (0.001, "WORLD_TOO_SMALL")])
def test_a_world_out_of_scale_is_told(scale: float, code: str | None) -> None:
    scene = parse_scene(gltf(changed("nodes", 0, "scale", to=[scale] * 3)))
    assert [finding.code for finding in check_scale(scene)] == ([code] if code else [])
    low, high = bounds(scene)
    assert (high - low).tolist() == pytest.approx([scale, scale, 0])


def of_things(*sizes: float, spread: float = 0.0, scale: float = 1.0, **more: Any) -> Json:
    """Triangles as large as that, metres, `spread` apart, below a node that scales all."""
    tree = triangle()
    tree["nodes"] = [
        {"mesh": 0, "scale": [size] * 3, "translation": [spread * place, 0, 0]} for place, size in enumerate(sizes)
    ]
    tree["nodes"].append({"scale": [scale] * 3, "children": list(range(len(sizes)))})
    tree["scenes"] = [{"nodes": [len(sizes)]}]
    return tree | more


def told(tree: Json) -> list[str]:
    return [finding.code for finding in check_scale(parse_scene(gltf(tree)))]


ROOM = [10.0, *(1.0 for _ in range(16))]
GARAGE = [7.5, 5.0, 5.0, 5.0, 0.05]
GROUND_AND_CUBE = [20.0, 2.0]


@pytest.mark.parametrize("sizes", [ROOM, GARAGE, GROUND_AND_CUBE])
def test_a_world_in_centimetres_is_told(sizes: list[float]) -> None:
    assert told(of_things(*sizes)) == []
    assert told(of_things(*sizes, scale=100)) == ["WORLD_SCALE_SUSPICIOUS"]


def test_a_landscape_a_tile_of_one_and_a_large_hall_are_not() -> None:
    assert told(of_things(560.0)) == []
    assert told(of_things(500.0, 430.0, 300.0, 290.0, 95.0, 23.0)) == []
    assert told(of_things(900.0, *(20.0 for _ in range(9)))) == []
    assert told(of_things(180.0, 60.0)) == []


@pytest.mark.parametrize("sizes", [ROOM, GARAGE])
def test_a_room_of_a_few_centimetres_is_told(sizes: list[float]) -> None:
    assert told(of_things(*sizes, scale=0.01)) == ["WORLD_TOO_SMALL"]


def test_what_has_a_spawn_point_is_to_be_walked_in_and_a_small_thing_is_not() -> None:
    tree = of_things(*GROUND_AND_CUBE, scale=0.01)
    assert told(tree) == []
    tree["nodes"][0]["extensions"] = {"OMI_spawn_point": {}}
    assert told(tree) == ["WORLD_TOO_SMALL"]
    assert told(of_things(0.1)) == []
    assert told(of_things(0.04)) == ["WORLD_TOO_SMALL"]
    lantern = [0.3, *(0.1 for _ in range(6))]
    assert told(of_things(*lantern)) == []


def test_an_avatar_may_be_a_small_figure_but_not_a_tower() -> None:
    parts = [0.2, *(0.1 for _ in range(6))]
    avatar: Json = {"extensionsUsed": ["VRM"], "extensions": {"VRM": {"specVersion": "0.0"}}}
    assert told(of_things(*parts, **avatar)) == []
    assert told(of_things(*parts, scale=1000, **avatar)) == ["WORLD_SCALE_SUSPICIOUS"]


@pytest.mark.parametrize(
    ("scale", "code"),
    [(1, None), (100, "WORLD_SCALE_SUSPICIOUS"), (10_000, "WORLD_TOO_LARGE"), (0.01, "WORLD_TOO_SMALL")],
)
def test_a_figure_is_as_large_as_its_skeleton_has_it(scale: float, code: str | None) -> None:
    """Its mesh may be stored in any unit: the skin brings it into metres, wherever its node is."""
    builder = Builder()
    indices, parts = globe(6)
    mesh = builder.primitive(
        indices,
        POSITION=parts["POSITION"] * np.float32(100),
        JOINTS_0=np.zeros((36, 4), np.uint16),
        WEIGHTS_0=np.tile(np.array([1, 0, 0, 0], np.float32), (36, 1)),
    )
    builder.mesh(mesh)
    builder.node(name="hip", scale=[scale] * 3)
    builder.node(name="walker", mesh=0, skin=0, scale=[1e6] * 3)
    inverse = np.diag([0.01, 0.01, 0.01, 1]).astype(np.float32)
    builder.json["skins"] = [{"joints": [0], "inverseBindMatrices": builder.accessor(inverse.reshape(1, 16))}]
    found = [finding.code for finding in check_scale(builder.scene())]
    assert found == ([code] if code else [])


def test_an_empty_scene_has_no_scale() -> None:
    assert check_scale(parse_scene(b'{"asset":{"version":"2.0"}}')) == []
