"""Meaning is kept: packed and put together again, a scene is what it was; and its entry is what every viewer opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.scenes import Scene, check, errors_of, mend, open_scene, parse_scene
from roomscale.scenes.draco import without_draco
from roomscale.scenes.drawn import draws_of
from roomscale.scenes.images import read_header
from roomscale.scenes.package import PackOptions, apply, pack, pack_single
from roomscale.scenes.package.levels import DESKTOP, PHONE
from tests.benchmarks.scenes.generate import merged_kit
from tests.scenes import worlds
from tests.scenes.crowds import add_box, row
from tests.scenes.meaning import differences

SHARED = Path(__file__).parents[3] / "shared" / "gltf"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")
DRACO_ONLY = {"BoxDraco.gltf", "DracoSparseMesh.gltf"}
HANDFUL = [
    "Fox/Fox.glb",
    "MorphStressTest/MorphStressTest.gltf",
    "TalkingSphereAudio/talking_sphere.gltf",
    "OMI_examples/OMI_seat/examples/recliner_chair_with_trigger.gltf",
    "OMI_examples/OMI_physics_shape/examples/trimesh/concave_trimesh.gltf",
    "KTX2_tile/0/0.glb",
    "BoxMeshopt_Draco/BoxMeshopt.gltf",
    "VRM_samples/VRMC_materials_mtoon_UV_Animation_Test/vrm/VRMC_materials_mtoon_UV_Animation_Test.vrm",
    "KayKit_Dungeon/chest_gold.glb",
]


def sources() -> list[Path]:
    """Every real file that is no validator's fixture and that `check` takes."""
    found = (path for path in SHARED.rglob("*") if path.suffix in (".glb", ".gltf", ".vrm"))
    return sorted(
        path for path in found if "ValidatorFixtures" not in path.parts and path.name != "MeshoptCubeTest.gltf"
    )


def require_plain_entry(entry: Scene) -> None:
    """What PACKAGE.md asks of an entry."""
    assert errors_of(check(entry)) == []
    assert set(entry.list_of("extensionsRequired")) <= {"KHR_mesh_quantization"}
    assert not any("uri" in holder for key in ("buffers", "images") for holder in entry.list_of(key))
    assert "animations" not in entry.json
    for image in entry.list_of("images"):
        header = read_header(entry.view(image["bufferView"]))
        assert header is not None
        assert header.media_type in ("image/png", "image/jpeg")
        assert max(header.width, header.height) <= 256


def require_meaning(scene: Scene) -> None:
    """Packed and put together again at each level, nothing is lost; and packing again changes nothing."""
    package, report = pack(scene, PackOptions(workers=2))
    entry = parse_scene(package.entry)
    require_plain_entry(entry)
    for data in package.parts.values():
        if bytes(data[:4]) == b"glTF":
            assert errors_of(check(parse_scene(data))) == []
    for level in (PHONE, DESKTOP):
        whole = apply(entry, package.manifest, package.parts, level)
        assert differences(scene, whole) == []
        assert errors_of(check(whole)) == []
    again, _ = pack(entry)
    assert again.entry == package.entry
    assert again.parts == {}
    assert report.nodes == len(scene.list_of("nodes"))


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_a_crafted_world_keeps_its_meaning(name: str) -> None:
    scene = parse_scene(worlds.WORLDS[name]())
    assert errors_of(check(scene)) == []
    require_meaning(scene)


@needs_shared
@pytest.mark.parametrize("name", HANDFUL)
def test_a_real_scene_keeps_its_meaning(name: str) -> None:
    require_meaning(mend(open_scene(SHARED / name))[0])


@needs_shared
@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_every_real_scene_keeps_its_meaning(path: Path) -> None:
    scene, _ = mend(open_scene(path))
    if path.name in DRACO_ONLY:
        scene = without_draco(scene)  # what it means is what it decodes to
    require_meaning(scene)


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_one_file_keeps_its_meaning_and_passes_through_again(name: str) -> None:
    scene = parse_scene(worlds.WORLDS[name]())
    data, _ = pack_single(scene)
    single = parse_scene(data)
    assert differences(scene, single) == []
    assert errors_of(check(single)) == []
    assert pack_single(single)[0] == data


def require_meaning_together(scene: Scene) -> None:
    """Drawn together as far as can be, nothing is lost; packing again changes nothing. Images are not looked at."""
    options = PackOptions(texture_size=256, workers=2, preset="fast", join=True, instance=True)
    data, report = pack_single(scene, options)
    single = parse_scene(data)
    assert differences(scene, single, together=True) == []
    assert errors_of(check(single)) == []
    assert pack_single(single, options)[0] == data
    assert report.draws[1] <= report.draws[0] == draws_of(scene)
    package, _ = pack(scene, options._replace(instance=False))
    entry = parse_scene(package.entry)
    require_plain_entry(entry)
    whole = apply(entry, package.manifest, package.parts, DESKTOP)
    assert differences(scene, whole, together=True) == []


def test_what_is_drawn_together_keeps_its_meaning() -> None:
    crowd = row(30, shared=True)
    for number in range(20):
        crowd.node(name=f"crate {number}", mesh=add_box(crowd, 0, 0.5 + number / 40), translation=[number, 3, 1])
    require_meaning_together(crowd.scene())
    require_meaning_together(parse_scene(worlds.mill()))


@needs_shared
@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_every_real_scene_drawn_together_keeps_its_meaning(path: Path) -> None:
    scene, _ = mend(open_scene(path))
    require_meaning_together(without_draco(scene) if path.name in DRACO_ONLY else scene)


@needs_shared
@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kit", ["KayKit_Dungeon", "KenneyCity"])
def test_a_kit_in_one_scene_drawn_together_keeps_its_meaning(kit: str) -> None:
    require_meaning_together(parse_scene(merged_kit(sorted((SHARED / kit).glob("*.glb")))))
