"""What a scene costs, counted; and that budgets and scale are told as warnings."""

from __future__ import annotations

import pytest

from roomscale.scenes import Severity, parse_scene
from roomscale.scenes.budgets import PROFILES, Budget, check_budget, costs
from roomscale.scenes.extent import bounds, check_scale
from tests.scenes.crafted import changed, glb, gltf, jpeg, triangle, with_extension, with_image


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


def test_an_empty_scene_has_no_scale() -> None:
    assert check_scale(parse_scene(b'{"asset":{"version":"2.0"}}')) == []
