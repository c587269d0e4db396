"""What a package holds: sharp things as parts, the rest in the entry; limits; and a comparison that sees losses."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from roomscale.scenes import Scene, SceneError, jsonio, parse_scene
from roomscale.scenes.budgets import costs
from roomscale.scenes.errors import BadManifest, UnpackableScene
from roomscale.scenes.package import PackOptions, apply, pack, pack_single
from roomscale.scenes.package.manifest import Manifest, Part
from roomscale.scenes.package.parts import mesh_parts
from roomscale.scenes.package.sounds import SILENCE, sound_files
from roomscale.scenes.package.write import Package
from tests.scenes import worlds
from tests.scenes.meaning import differences


@pytest.fixture(scope="module")
def garden() -> Scene:
    return parse_scene(worlds.garden())


@pytest.fixture(scope="module")
def packed(garden: Scene) -> Package:
    return pack(garden)[0]


def test_what_is_sharp_is_a_part_and_what_is_urgent_comes_first(packed: Package) -> None:
    rows = packed.manifest.parts
    assert Counter((part.kind, part.level) for part in rows) == {
        ("images", 1): 1,
        ("images", 2): 1,
        ("meshes", 1): 1,
        ("audio", 1): 1,
    }
    assert [part.priority for part in rows] == [0, 1, 2, 3]
    assert [part.level for part in rows] == [1, 1, 1, 2]
    assert rows[2].kind == "audio"
    assert {part.size for part in rows if part.kind == "images"} == {(1024, 478), (1500, 700)}
    assert next(part.size for part in rows if part.kind == "meshes") == (3200,)


def test_each_part_opens_by_itself(packed: Package) -> None:
    for part in packed.manifest.parts:
        data = packed.parts[part.sha256]
        if part.kind == "images":
            with Image.open(io.BytesIO(data)) as image:
                assert image.size == part.size
        elif part.kind == "meshes":
            assert costs(parse_scene(data)).triangles == part.size[0]


def test_the_entry_is_coarse_and_its_collider_exact(garden: Scene, packed: Package) -> None:
    entry = parse_scene(packed.entry)
    assert costs(entry).triangles < 0.6 * costs(garden).triangles
    assert costs(entry).largest_edge == 256
    shape = entry.extension("OMI_physics_shape")["shapes"][0]["trimesh"]["mesh"]
    indices = entry.list_of("meshes")[shape]["primitives"][0]["indices"]
    assert entry.list_of("accessors")[indices]["count"] == 3 * 800
    assert [bytes(sound.data) for sound in sound_files(entry)] == [SILENCE]
    assert len(packed.entry) < 0.2 * len(worlds.garden())


def test_where_no_collider_says_what_is_solid_the_ground_moves_by_no_more_than_feet_may_sink() -> None:
    scene = parse_scene(worlds.mill())
    entry = parse_scene(pack(scene)[0].entry)
    for made in (entry,):
        mesh = made.list_of("meshes")[made.list_of("nodes")[0]["mesh"]]["primitives"][0]
        accessor = made.list_of("accessors")[mesh["attributes"]["POSITION"]]
        assert np.allclose(accessor["max"], [10, 0.3, 10], atol=0.031)


def test_one_picture_for_all_that_shows_it(garden: Scene) -> None:
    """The dungeon's way: one atlas, embedded again and again."""
    world = worlds.World()
    for _ in range(3):
        world.node(mesh=worlds.hills(world, 4, material=worlds.textured(world, 600, 300)))
    package, _ = pack(parse_scene(world.glb()))
    assert [part.kind for part in package.manifest.parts] == ["images"]
    assert len(parse_scene(package.entry).list_of("images")) == 1


def test_a_small_picture_is_never_written_again() -> None:
    world = worlds.World()
    data = worlds.picture(64, 64, alpha=True)
    image = world.add("images", {"bufferView": world.view(data), "mimeType": "image/png"})
    texture = world.add("textures", {"source": image})
    world.add("materials", {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}})
    world.node(mesh=worlds.hills(world, 4, material=0))
    package, _ = pack(parse_scene(world.glb()))
    entry = parse_scene(package.entry)
    assert bytes(entry.view(entry.list_of("images")[0]["bufferView"])) == data
    assert package.parts == {}


def test_webp_comes_back_as_it_was_and_the_entry_does_without() -> None:
    world = worlds.World()
    data = worlds.picture(500, 400, "WEBP")
    webp = world.add("images", {"bufferView": world.view(data), "mimeType": "image/webp"})
    plain = world.add("images", {"bufferView": world.view(worlds.picture(500, 400)), "mimeType": "image/png"})
    texture = world.add("textures", {"source": plain, "extensions": {"EXT_texture_webp": {"source": webp}}})
    world.add("materials", {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}})
    world.node(mesh=worlds.hills(world, 4, material=0))
    world.declare("EXT_texture_webp")
    package, _ = pack(parse_scene(world.glb()))
    entry = parse_scene(package.entry)
    assert [image["mimeType"] for image in entry.list_of("images")] == ["image/jpeg"]
    assert [bytes(part) for part in package.parts.values()] == [data]
    whole = apply(entry, package.manifest, package.parts, 1)
    assert whole.list_of("textures") == [{"extensions": {"EXT_texture_webp": {"source": 0}}}]


def test_lower_texture_sizes_make_fewer_levels(garden: Scene) -> None:
    package, _ = pack(garden, PackOptions(texture_size=512))
    assert [(part.level, part.size) for part in package.manifest.parts if part.kind == "images"] == [(1, (512, 239))]


def test_a_file_above_the_limit_is_named_with_what_to_do(garden: Scene, packed: Package) -> None:
    with pytest.raises(UnpackableScene, match=r'the entry takes .* most of it the mesh 0 "hills" .* --limit'):
        pack(garden, PackOptions(limit=len(packed.entry) - 1))
    largest = max(part.bytes for part in packed.manifest.parts)
    assert largest > len(packed.entry)
    with pytest.raises(UnpackableScene, match=r"the image /images/0 takes .* --texture-size"):
        pack(garden, PackOptions(limit=largest - 1))
    with pytest.raises(UnpackableScene, match="pack into a folder"):
        pack_single(garden, PackOptions(limit=1000))


def test_meshes_are_split_until_each_part_is_within_the_limit() -> None:
    world = worlds.World()
    for side in (40, 41, 42):
        world.node(mesh=worlds.hills(world, side))
    scene = parse_scene(world.glb())
    (together,) = mesh_parts(scene, [0, 1, 2], limit=1 << 20)
    assert together.row.targets == ("/meshes/0", "/meshes/1", "/meshes/2")
    split = list(mesh_parts(scene, [0, 1, 2], limit=together.row.bytes - 1))
    assert [part.row.targets for part in split] == [("/meshes/0",), ("/meshes/1",), ("/meshes/2",)]
    with pytest.raises(UnpackableScene, match=r'mesh 0 "hills" takes .* split it'):
        list(mesh_parts(scene, [0], limit=100))


def test_the_report_tells_what_others_drop_and_what_is_downloaded(garden: Scene, packed: Package) -> None:
    _, report = pack(garden)
    assert report.kept == {
        "KHR_audio_emitter": 2,
        "OMI_link": 1,
        "OMI_physics_body": 1,
        "OMI_physics_shape": 1,
        "OMI_seat": 1,
        "OMI_spawn_point": 1,
    }
    levels = {level: sum(part.bytes for part in packed.manifest.parts if part.level == level) for level in (1, 2)}
    sharpest = next(part.bytes for part in packed.manifest.parts if part.kind == "images" and part.level == 1)
    phone = len(packed.entry) + levels[1]
    assert report.downloads == {"phone": phone, "desktop": phone - sharpest + levels[2]}


def lose_extension(json: jsonio.JsonObject) -> None:
    del json["nodes"][2]["extensions"]


def lose_name(json: jsonio.JsonObject) -> None:
    json["nodes"][5]["name"] = "other"


def lose_extras(json: jsonio.JsonObject) -> None:
    del json["materials"][0]["extras"]


def lose_sound(json: jsonio.JsonObject) -> None:
    json["extensions"]["KHR_audio_emitter"]["audio"][0]["bufferView"] = 0


def lose_triangles(json: jsonio.JsonObject) -> None:
    json["accessors"][json["meshes"][0]["primitives"][0]["indices"]]["count"] -= 3


def move_collider(json: jsonio.JsonObject) -> None:
    json["extensions"]["OMI_physics_shape"]["shapes"][0]["trimesh"]["mesh"] = 0


@pytest.mark.parametrize("lose", [lose_extension, lose_name, lose_extras, lose_sound, lose_triangles])
def test_the_comparison_sees_what_is_lost(garden: Scene, lose: Callable[[jsonio.JsonObject], None]) -> None:
    json = jsonio.copy(garden.json)
    lose(json)
    assert differences(garden, garden) == []
    assert differences(garden, garden.changed(json)) != []


@pytest.mark.parametrize("channel", range(3))
def test_the_comparison_sees_a_movement_that_is_off(channel: int) -> None:
    scene = parse_scene(worlds.mill())
    json = jsonio.copy(scene.json)
    accessor = json["accessors"][json["animations"][0]["samplers"][channel]["output"]]
    data = bytearray(scene.buffer(0))
    start = json["bufferViews"][accessor["bufferView"]]["byteOffset"]
    values = np.frombuffer(data, np.float32, 8, start + 48)
    data[start + 48 : start + 80] = (values + np.float32(0.02)).tobytes()
    assert any("is off by" in line for line in differences(scene, scene.changed(json, {0: bytes(data)})))


def test_a_part_that_names_more_than_there_is_is_refused(packed: Package) -> None:
    entry = parse_scene(packed.entry)
    mesh = next(part for part in packed.manifest.parts if part.kind == "meshes")
    image = next(part for part in packed.manifest.parts if part.kind == "images")

    def manifest(part: Part, *targets: str) -> Manifest:
        return Manifest(packed.manifest.entry, (Part(part.sha256, part.bytes, part.type, 1, targets),))

    for bad in (
        manifest(image, "/images/7"),
        manifest(mesh, "/meshes/7"),
        manifest(mesh, "/meshes/0", "/meshes/1"),
        manifest(mesh, "/animations/0"),
    ):
        with pytest.raises(BadManifest):
            apply(entry, bad, packed.parts, 1)


def test_a_part_that_is_no_gltf_is_refused(packed: Package) -> None:
    entry = parse_scene(packed.entry)
    mesh = next(part for part in packed.manifest.parts if part.kind == "meshes")
    with pytest.raises(SceneError):
        apply(entry, packed.manifest, {**packed.parts, mesh.sha256: b"glTF\2\0\0\0"}, 1)
