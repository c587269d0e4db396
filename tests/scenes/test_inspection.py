"""What a creator is told of a scene: where its bytes are, what is costly, its tree, who knows its extensions."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.scenes import RejectedScene, SceneError, open_scene, parse_scene
from roomscale.scenes.checks.extensions import EXTENSIONS
from roomscale.scenes.inspection import Knowledge, inspect, knowledge_of
from roomscale.scenes.inspection.known import SHOWN, USED
from roomscale.scenes.inspection.outline import Line, outline
from tests.scenes.crafted import Json, changed, glb, gltf, jpeg, triangle, with_image
from tests.scenes.hostile import CASES

ROOT = Path(__file__).parents[2]
SHARED = Path(__file__).parents[3] / "shared" / "gltf"


def tree_of(nodes: list[Json], *roots: int) -> list[Line]:
    tree = {**triangle(), "nodes": nodes, "scenes": [{"nodes": list(roots)}]}
    return list(outline(parse_scene(gltf(tree))))


def test_the_bytes_of_a_file_are_told_by_what_they_are_for() -> None:
    found = inspect(parse_scene(glb()))
    assert set(found.shares) == {"JSON", "meshes"}
    assert found.shares["meshes"] == 42
    assert 0 <= len(glb()) - sum(found.shares.values()) < 64  # headers and padding
    assert inspect(parse_scene(with_image(jpeg(64, 32), "image/jpeg"))).shares["images"] == len(jpeg(64, 32))


def test_bytes_are_told_of_data_uris_as_what_they_hold() -> None:
    shares = inspect(parse_scene(gltf(triangle()))).shares
    assert shares["meshes"] == 42
    assert shares["JSON"] < len(gltf(triangle())) - 60


def test_the_most_costly_comes_first() -> None:
    tree = triangle()
    tree["meshes"] = [
        {"name": "seldom", **tree["meshes"][0]},
        {"name": "often", **tree["meshes"][0]},
        {"name": "never", **tree["meshes"][0]},
    ]
    tree["nodes"] = [{"mesh": 0}, {"mesh": 1}, {"mesh": 1}]
    tree["scenes"] = [{"nodes": [0, 1, 2]}]
    meshes = inspect(parse_scene(glb(tree))).meshes
    assert [(mesh.name, mesh.shown, mesh.triangles) for mesh in meshes] == [
        ("often", 2, 1),
        ("seldom", 1, 1),
        ("never", 0, 1),
    ]


def test_many_alike_are_one_line_in_the_order_of_the_file() -> None:
    nodes = [{"name": f"Tree.{number:03}", "mesh": 0} for number in range(240)]
    nodes += [{"name": "House", "mesh": 0}, {"name": "forest", "children": list(range(241))}]
    lines = tree_of(nodes, 241)
    assert [(line.name, line.depth, line.alike) for line in lines] == [
        ("forest", 0, 0),
        ("Tree.000", 1, 239),
        ("House", 1, 0),
    ]


def test_what_differs_below_is_not_alike() -> None:
    nodes: list[Json] = [{"name": f"lamp {number}", "children": [number + 4]} for number in range(4)]
    nodes += [{"name": "bulb", "mesh": 0}, {"name": "bulb"}, {"name": "bulb", "mesh": 0}, {"name": "bulb", "mesh": 0}]
    lines = tree_of(nodes, 0, 1, 2, 3)
    assert [(line.name, line.alike) for line in lines if line.depth == 0] == [("lamp 0", 2), ("lamp 1", 0)]


def test_depth_cuts_and_says_how_much_is_below() -> None:
    nodes: list[Json] = [{"name": "a", "children": [1]}, {"name": "b", "children": [2]}, {"name": "c"}]
    tree = {**triangle(), "nodes": nodes, "scenes": [{"nodes": [0]}]}
    lines = list(outline(parse_scene(gltf(tree)), depth=1))
    assert [(line.name, line.hidden) for line in lines] == [("a", 2)]


def test_loops_and_deep_trees_end() -> None:
    assert len(tree_of([{"children": [1]}, {"children": [0]}], 0)) == 2
    deep: list[Json] = [{"children": [number + 1]} for number in range(5_000)]
    assert len(tree_of([*deep, {}], 0)) == 5_001


def test_a_broken_structure_is_refused() -> None:
    with pytest.raises(RejectedScene):
        inspect(parse_scene(glb(changed("nodes", 0, "mesh", to="no"))))


def test_whatever_is_sound_can_be_looked_at() -> None:
    for case in CASES:
        try:
            scene = parse_scene(case.make())
            assert inspect(scene).shares
            assert len(list(outline(scene))) <= len(scene.list_of("nodes"))
        except SceneError:
            continue


def test_extensions_are_told_by_what_the_browser_makes_of_them() -> None:
    assert knowledge_of("KHR_materials_unlit") is Knowledge.SHOWN
    assert knowledge_of("OMI_seat") is Knowledge.USED
    assert knowledge_of("EXT_someone_elses") is Knowledge.KEPT
    assert not SHOWN & USED
    client = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "web" / "src").rglob("*.ts"))
    assert [name for name in USED if name not in client] == []


def test_what_three_shows_is_what_its_loader_names() -> None:
    loader = ROOT / "web" / "node_modules" / "three" / "examples" / "jsm" / "loaders" / "GLTFLoader.js"
    if not loader.exists():
        pytest.skip("web/node_modules is not installed")
    text = loader.read_text(encoding="utf-8")
    assert [name for name in SHOWN if f"'{name}'" not in text] == []
    read = {name for _, name in EXTENSIONS}
    assert {name for name in read if f"'{name}'" in text} <= SHOWN | {"KHR_animation_pointer", "KHR_materials_variants"}


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")
def test_real_scenes_add_up() -> None:
    for name in ("Fox/Fox.glb", "KayKit_Adventurers/Knight.glb"):
        found = inspect(open_scene(SHARED / name))
        assert sum(found.shares.values()) == pytest.approx(found.costs.file_bytes, rel=0.01)
        assert "unused or unknown" not in found.shares
