"""The sample content is what a visitor sees first: complete, within its budgets, made by the scripts beside it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roomscale.assets import samples
from roomscale.scenes import check, errors_of, open_scene
from roomscale.scenes.document import Scene

WORLDS = {world.key: world for world in samples.worlds()}
PLAZA_TRIANGLES = 60_000
PLAZA_DRAWS = 60
ALL_BYTES = 3 * 1024 * 1024
BONES = {"hips", "spine", "chest", "neck", "head", "leftUpperArm", "rightUpperArm", "leftFoot", "rightFoot"}


def nodes_with(scene: Scene, extension: str) -> list[dict[str, Any]]:
    return [node for node in scene.list_of("nodes") if extension in node.get("extensions", {})]


def drawn(scene: Scene) -> list[dict[str, Any]]:
    """The primitives that are drawn, once for each node that shows their mesh."""
    meshes = scene.list_of("meshes")
    return [part for node in scene.list_of("nodes") if "mesh" in node for part in meshes[node["mesh"]]["primitives"]]


@pytest.mark.parametrize("path", [*(w.path for w in samples.worlds()), *(a.path for a in samples.avatars())], ids=str)
def test_our_own_check_finds_no_error(path: Path) -> None:
    assert errors_of(check(open_scene(path))) == []


def test_all_of_it_stays_small() -> None:
    assert sum(path.stat().st_size for path in samples.DATA.rglob("*") if path.is_file()) <= ALL_BYTES


def test_the_plaza_keeps_its_budgets() -> None:
    scene = open_scene(WORLDS["plaza"].path)
    accessors = scene.list_of("accessors")
    parts = drawn(scene)
    assert sum(accessors[part["indices"]]["count"] for part in parts) / 3 <= PLAZA_TRIANGLES
    assert len(parts) <= PLAZA_DRAWS


@pytest.mark.parametrize("key", sorted(WORLDS))
def test_a_world_has_a_spawn_point_seats_colliders_sound_and_its_portal(key: str) -> None:
    world = WORLDS[key]
    scene = open_scene(world.path)
    assert len(nodes_with(scene, "OMI_spawn_point")) >= 1
    assert len(nodes_with(scene, "OMI_physics_body")) >= 1
    assert len(nodes_with(scene, "OMI_seat")) >= 1
    assert scene.extension("KHR_audio_emitter")
    assert {node["name"] for node in nodes_with(scene, "OMI_link")} == set(world.portals)
    names = [node["name"] for node in scene.list_of("nodes")]
    assert len(names) == len(set(names))
    assert "CC0" in str(scene.json["asset"])
    assert world.thumbnail_path.stat().st_size < 60_000


@pytest.mark.parametrize("avatar", samples.avatars(), ids=lambda avatar: avatar.id)
def test_an_avatar_has_the_rig_and_the_clips(avatar: samples.SampleAvatar) -> None:
    scene = open_scene(avatar.path)
    assert {clip["name"] for clip in scene.list_of("animations")} == {"idle", "walk", "run", "wave"}
    humanoid = scene.extension("VRMC_vrm")["humanoid"]["humanBones"]
    assert set(humanoid) >= BONES


def test_the_scripts_give_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        code = "import sys; from pathlib import Path; from roomscale.assets.samples import build; "
        code += "build.main(['avatars', 'gallery'], Path(sys.argv[1]))"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(folder)], env=environment, check=True, stdout=subprocess.PIPE)
        made.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")})
    assert made[0] == made[1]
    assert len(made[0]) == 2 + len(samples.avatars())
