"""What the benchmark packs is in order, and the same each time."""

from __future__ import annotations

from pathlib import Path

from roomscale.scenes import check, errors_of, parse_scene
from tests.benchmarks.scenes.generate import many_nodes, merged_kit, textured
from tests.scenes.crafted import gltf, triangle


def test_made_scenes_are_sound_and_made_alike() -> None:
    for first, second in ((many_nodes(200, 7), many_nodes(200, 7)), (textured(1, 64, 12), textured(1, 64, 12))):
        assert first == second
        assert errors_of(check(parse_scene(first))) == []


def test_a_kit_keeps_every_node_of_every_piece(tmp_path: Path) -> None:
    for name in ("wall", "door"):
        tree = triangle()
        tree["nodes"] = [{"name": name, "mesh": 0, "children": [1]}, {"name": f"{name} handle"}]
        (tmp_path / f"{name}.glb").write_bytes(gltf(tree))
    scene = parse_scene(merged_kit(sorted(tmp_path.glob("*.glb"))))
    assert errors_of(check(scene)) == []
    nodes = scene.list_of("nodes")
    assert [node["name"] for node in nodes] == ["door", "door handle", "door", "wall", "wall handle", "wall"]
    assert [node.get("mesh") for node in nodes] == [0, None, None, 1, None, None]
    assert [node.get("children") for node in nodes] == [[1], None, [0], [4], None, [3]]
