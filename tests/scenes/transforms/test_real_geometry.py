"""Real geometry, packed and decoded: the same nodes, extensions and animations, bounds within a millimetre."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roomscale.scenes import Scene, check, errors_of, mend, open_scene, parse_scene, to_glb
from roomscale.scenes.accessors import read_floats
from roomscale.scenes.transforms.accessor_roles import accessor_roles
from roomscale.scenes.transforms.compress import compress
from roomscale.scenes.transforms.quantise import quantise
from roomscale.scenes.transforms.reorder import reorder
from roomscale.scenes.transforms.weld import weld
from tests.scenes.transforms.meaning import assert_close, assert_same_meaning

SHARED = Path(__file__).parents[4] / "shared" / "gltf"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")

A_FEW = ("Fox", "RobotExpressive", "OMI_examples", "LivingRoom", "OcclusionRooms", "RiggedSimple", "MeshoptCube")
BROKEN = {"MeshoptCubeTest.gltf"}


def real_files(*folders: str) -> list[Path]:
    endings = {".glb", ".gltf", ".vrm"}
    chosen = [SHARED / folder for folder in folders] or [SHARED]
    found = {path for folder in chosen for path in folder.rglob("*") if path.suffix in endings}
    return sorted(path for path in found if "ValidatorFixtures" not in path.parts and path.name not in BROKEN)


def assert_packs_well(path: Path) -> None:
    before, _ = mend(open_scene(path))
    if errors_of(check(before)):
        return
    packed = compress(reorder(weld(quantise(weld(before)))))
    assert_same_meaning(before, packed)
    after = parse_scene(to_glb(packed))
    assert errors_of(check(after)) == [], path.name
    roles = accessor_roles(before.json)
    for index, role in roles.items():
        if "bufferView" not in before.json["accessors"][index]:
            continue
        if role in ("translation", "scale", "weights", "times", "instance TRANSLATION", "instance SCALE"):
            assert_close(before, after, index, "")
        elif role in ("rotation", "instance ROTATION"):
            assert_close(before, after, index, "rotation")
        elif role == "POSITION":
            assert_same_bounds(before, after, index)
    again = compress(reorder(weld(quantise(weld(after)))))
    assert to_glb(again) == to_glb(after), path.name


def assert_same_bounds(before: Scene, after: Scene, index: int) -> None:
    old, new = read_floats(before, index), read_floats(after, index)
    most = max(1e-3, 1e-3 * float(np.ptp(old, axis=0).max()))
    assert np.abs(old.min(axis=0) - new.min(axis=0)).max() <= most
    assert np.abs(old.max(axis=0) - new.max(axis=0)).max() <= most


@pytest.mark.parametrize("folder", A_FEW)
def test_a_few_real_scenes_keep_their_meaning(folder: str) -> None:
    for path in real_files(folder):
        assert_packs_well(path)


@pytest.mark.proof
def test_all_real_scenes_keep_their_meaning() -> None:
    paths = real_files()
    assert len(paths) > 100
    for path in paths:
        assert_packs_well(path)
