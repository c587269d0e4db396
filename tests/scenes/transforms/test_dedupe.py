"""Equal things become one; things that differ in name, use or fate stay two and share their bytes."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from PIL import Image

from roomscale.scenes import Limits, Scene, check, errors_of, parse_scene, pixels, to_glb
from roomscale.scenes.accessors import read
from roomscale.scenes.transforms.dedupe import dedupe
from tests.scenes.crafted import BINARY, data_uri, glb, gltf, png, triangle

Json = dict[str, Any]


def doubled() -> Json:
    """The triangle twice, each with bytes, material, texture, sampler and image of its own."""
    tree = triangle()
    tree["buffers"][0]["byteLength"] = 96
    tree["bufferViews"] += [view | {"byteOffset": view.get("byteOffset", 0) + 48} for view in tree["bufferViews"]]
    tree["accessors"] += [accessor | {"bufferView": accessor["bufferView"] + 2} for accessor in tree["accessors"]]
    tree["accessors"] += [{"bufferView": 4, "componentType": 5126, "count": 3, "type": "VEC2"}]
    tree["bufferViews"] += [{"buffer": 0, "byteLength": 24, "byteOffset": 48}]
    tree["images"] = [{"uri": data_uri(png(), "image/png")}, {"uri": data_uri(png(), "image/PNG")}]
    tree["samplers"] = [{}, {}]
    tree["textures"] = [{"source": 0, "sampler": 0}, {"source": 1, "sampler": 1}]
    tree["materials"] = [{"normalTexture": {"index": index}} for index in range(2)]
    tree["meshes"] = [
        {
            "primitives": [
                {
                    "attributes": {"POSITION": index * 2, "TEXCOORD_0": 4},
                    "indices": index * 2 + 1,
                    "material": index,
                }
            ]
        }
        for index in range(2)
    ]
    tree["nodes"] = [{"mesh": 0}, {"mesh": 1}]
    tree["scenes"][0]["nodes"] = [0, 1]
    return tree


def opened(tree: Json) -> Scene:
    return parse_scene(gltf(tree, BINARY + BINARY))


KINDS = ("accessors", "bufferViews", "images", "samplers", "textures", "materials", "meshes")


def counts(scene: Scene) -> list[int]:
    return [len(scene.list_of(kind)) for kind in KINDS]


def test_two_of_everything_become_one() -> None:
    scene = dedupe(opened(doubled()))
    assert counts(scene) == [3, 3, 1, 1, 1, 1, 1]
    assert [node["mesh"] for node in scene.json["nodes"]] == [0, 0]
    assert errors_of(check(parse_scene(to_glb(scene)))) == []
    assert dedupe(scene) is scene


@pytest.mark.parametrize("kind", ["images", "samplers", "textures", "materials", "meshes", "accessors"])
def test_one_name_serves_both_but_two_names_are_two_things(kind: str) -> None:
    tree = doubled()
    tree[kind][1]["name"] = "b"
    if kind in ("materials", "meshes"):
        tree[kind][0]["name"] = "b"
    one = dedupe(opened(tree))
    expected = 3 if kind == "accessors" else 1
    assert len(one.json[kind]) == expected
    assert "b" in [entry.get("name") for entry in one.json[kind]]
    tree[kind][0]["name"] = "a"
    two = dedupe(opened(tree))
    assert {"a", "b"} <= {entry.get("name") for entry in two.json[kind]}


def test_things_of_two_names_share_their_bytes() -> None:
    tree = doubled()
    tree["accessors"][0]["name"], tree["accessors"][2]["name"] = "left", "right"
    tree["images"][0]["name"], tree["images"][1]["name"] = "left", "right"
    scene = dedupe(opened(tree))
    assert len(scene.json["bufferViews"]) == 3
    assert scene.json["images"][0]["uri"] == scene.json["images"][1]["uri"]
    assert read(scene, 0).tolist() == read(scene, 2).tolist()


def test_indices_and_attributes_are_not_joined_though_their_bytes_are_equal() -> None:
    tree = triangle()
    tree["accessors"].append(dict(tree["accessors"][1]))
    tree["meshes"][0]["primitives"][0]["attributes"]["_ID"] = 2
    assert len(dedupe(parse_scene(glb(tree))).json["accessors"]) == 3


def test_a_material_that_an_animation_changes_stays_alone() -> None:
    tree = doubled() | {"extensionsUsed": ["KHR_animation_pointer"]}
    tree["accessors"] += [
        {"bufferView": 1, "componentType": 5126, "count": 1, "type": "SCALAR", "min": [0], "max": [0]},
        {"bufferView": 0, "componentType": 5126, "count": 1, "type": "SCALAR"},
    ]
    pointer = {"KHR_animation_pointer": {"pointer": "/materials/1/alphaCutoff"}}
    tree["animations"] = [
        {
            "channels": [{"sampler": 0, "target": {"path": "pointer", "extensions": pointer}}],
            "samplers": [{"input": 5, "output": 6}],
        }
    ]
    scene = dedupe(opened(tree))
    assert len(scene.json["materials"]) == 2
    assert len(scene.json["meshes"]) == 2


def test_under_an_unknown_extension_entries_keep_their_numbers_and_share_bytes() -> None:
    tree = doubled() | {"extensionsUsed": ["ACME_new"]}
    tree["nodes"][0]["extensions"] = {"ACME_new": {"looks at": 3}}
    scene = dedupe(opened(tree))
    assert counts(scene) == [5, 5, 2, 2, 2, 2, 2]
    assert scene.json["accessors"][2]["bufferView"] == 0
    assert scene.json["bufferViews"][2]["byteLength"] == 4
    assert errors_of(check(parse_scene(to_glb(scene)))) == []


def test_channels_that_move_alike_share_a_sampler() -> None:
    tree = triangle()
    tree["accessors"] += [
        {"bufferView": 1, "componentType": 5126, "count": 1, "type": "SCALAR", "min": [0], "max": [0]},
        {"bufferView": 0, "componentType": 5126, "count": 1, "type": "VEC3"},
    ]
    tree["nodes"].append({})
    tree["scenes"][0]["nodes"].append(1)
    tree["animations"] = [
        {
            "channels": [{"sampler": n, "target": {"node": n, "path": "scale"}} for n in range(2)],
            "samplers": [{"input": 2, "output": 3}, {"input": 2, "output": 3}],
        }
    ]
    animation = dedupe(parse_scene(glb(tree))).json["animations"][0]
    assert len(animation["samplers"]) == 1
    assert [channel["sampler"] for channel in animation["channels"]] == [0, 0]


def picture(mode: str = "RGB", size: int = 40, last: int = 0, alpha: int = 255) -> Image.Image:
    """A gradient of few colours, whose last pixel may be another."""
    image = Image.new("RGBA", (size, size), (0, 0, 0, alpha))
    for place in range(size * size):
        image.putpixel((place % size, place // size), (place % size * 4, place // size * 4, 7, alpha))
    image.putpixel((size - 1, size - 1), (last, 0, 0, alpha))
    return image.convert(mode) if mode != "P" else image.convert("RGB").quantize(256, dither=Image.Dither.NONE)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def with_images(*files: bytes, names: bool = False) -> Scene:
    """A scene with a material, a texture and an image for each file."""
    tree = triangle()
    kind = {b"\x89PNG": "image/png", b"\xff\xd8\xff\xe0": "image/jpeg"}
    tree["images"] = [{"uri": data_uri(data, kind[data[:4]])} for data in files]
    if names:
        tree["images"] = [{**image, "name": f"image {n}"} for n, image in enumerate(tree["images"])]
    tree["textures"] = [{"source": n} for n in range(len(files))]
    tree["materials"] = [
        {"name": f"m{n}", "pbrMetallicRoughness": {"baseColorTexture": {"index": n}}} for n in range(len(files))
    ]
    return parse_scene(gltf(tree))


def image_file(scene: Scene, index: int) -> bytes:
    return bytes(scene.resource(scene.list_of("images")[index]["uri"], ""))


def test_a_picture_that_was_saved_twice_is_one_image_and_the_smaller_file_stays() -> None:
    plain, small = saved(picture(), compress_level=0), saved(picture(), optimize=True)
    assert len(plain) > len(small)
    for files in ((plain, small), (small, plain)):
        scene = dedupe(with_images(*files))
        assert [image_file(scene, n) for n in range(len(scene.json["images"]))] == [small]
        assert len(scene.json["textures"]) == 1
        assert dedupe(scene) is scene


def test_alpha_that_hides_nothing_and_a_palette_make_no_difference() -> None:
    flat = picture("P")
    scene = dedupe(with_images(saved(flat), saved(flat.convert("RGB")), saved(flat.convert("RGBA"))))
    assert len(scene.json["images"]) == 1


def test_pictures_of_two_names_stay_two_and_share_the_smaller_file() -> None:
    small = saved(picture(), optimize=True)
    scene = dedupe(with_images(saved(picture(), compress_level=0), small, names=True))
    assert [image_file(scene, n) for n in (0, 1)] == [small, small]
    assert [image["name"] for image in scene.json["images"]] == ["image 0", "image 1"]


@pytest.mark.parametrize(
    "other",
    [
        saved(picture(last=1)),
        saved(picture(alpha=254, mode="RGBA")),
        saved(picture(size=41)),
        saved(picture(), icc_profile=b"not a real profile"),
        saved(picture(), "JPEG", quality=100),
        saved(picture())[:-20],
    ],
    ids=["the last pixel", "alpha", "size", "profile", "JPEG", "cut off"],
)
def test_pictures_that_differ_in_anything_stay_two(other: bytes) -> None:
    scene = with_images(saved(picture(), compress_level=0), other)
    assert dedupe(scene) is scene


def test_pictures_of_sixteen_bits_are_compared_by_their_bytes_alone() -> None:
    deep = Image.new("I;16", (8, 8), 300)
    other = Image.new("I;16", (8, 8), 301)  # the same once it is cut to eight bits
    scene = with_images(saved(deep), saved(other))
    assert dedupe(scene) is scene


def test_pictures_that_serve_different_ends_stay_two() -> None:
    opened_scene = with_images(saved(picture(), compress_level=0), saved(picture(), optimize=True))
    tree = opened_scene.json
    tree["materials"][1] = {"name": "m1", "normalTexture": {"index": 1}}
    scene = parse_scene(gltf(tree))
    assert len(dedupe(scene).json["images"]) == 2


def test_interlaced_pictures_are_compared_too() -> None:
    """Their first rows are not told alone."""
    plain = saved(picture())
    header = bytearray(plain[:33])
    header[28] = 1
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    scene = with_images(plain, bytes(header) + plain[33:])
    assert len(dedupe(scene).json["images"]) == 2


def test_only_what_might_be_equal_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []
    real = pixels.fingerprint

    def noted(data: bytes | memoryview, limits: Limits) -> bytes:
        unpacked.append(len(data))
        return real(data, limits)

    monkeypatch.setattr(pixels, "fingerprint", noted)
    dedupe(with_images(saved(picture()), saved(picture(size=41)), saved(picture(), "JPEG")))
    assert unpacked == []
    dedupe(with_images(saved(picture()), saved(picture().transpose(Image.Transpose.ROTATE_180))))
    assert len(unpacked) == 2  # their first rows, which differ
