"""Images in a scene get smaller, are named as their type asks, and never grow."""

from __future__ import annotations

from typing import Any

import pytest

from roomscale.scenes import BrokenData, Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.encoding import PLAIN, Encoding
from roomscale.scenes.images import media_type_of, read_header
from roomscale.scenes.transforms.images import shrink_images
from tests.scenes.crafted import data_uri, png
from tests.scenes.painted import noise, painted, saved, worn

PHOTO = saved(noise(128, 128))
COAT = [worn("baseColorTexture")]


def file_of(scene: Scene, index: int = 0) -> memoryview:
    image = scene.json["images"][index]
    return scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], "")


def sizes(scene: Scene) -> list[tuple[str, int]]:
    headers = [read_header(file_of(scene, index)) for index in range(len(scene.json["images"]))]
    return [(header.media_type, max(header.width, header.height)) for header in headers if header is not None]


def is_clean(scene: Scene) -> bool:
    return errors_of(check(parse_scene(to_glb(scene)))) == []


def test_an_image_becomes_webp_and_its_texture_says_so() -> None:
    scene = shrink_images(painted(PHOTO, materials=COAT))
    assert sizes(scene) == [("image/webp", 128)]
    assert scene.json["textures"] == [{"extensions": {"EXT_texture_webp": {"source": 0}}}]
    assert scene.json["extensionsUsed"] == scene.json["extensionsRequired"] == ["EXT_texture_webp"]
    assert scene.json["images"][0]["name"] == "image 0"
    assert is_clean(scene)
    assert shrink_images(scene) is scene


def test_avif_is_written_when_asked_for() -> None:
    scene = shrink_images(painted(PHOTO, materials=COAT), 64, Encoding("avif"))
    assert sizes(scene) == [("image/avif", 64)]
    assert scene.json["extensionsRequired"] == ["EXT_texture_avif"]
    assert is_clean(scene)


def test_plain_images_need_no_extension_any_more() -> None:
    first = shrink_images(painted(PHOTO, materials=COAT))
    scene = shrink_images(first, 64, PLAIN)
    assert sizes(scene) == [("image/jpeg", 64)]
    assert scene.json["textures"] == [{"source": 0}]
    assert "extensionsUsed" not in scene.json
    assert "extensionsRequired" not in scene.json
    assert is_clean(scene)


def test_no_edge_is_longer_than_asked() -> None:
    wide = saved(noise(128, 32))
    scene = shrink_images(painted(wide, PHOTO, materials=[*COAT, {"normalTexture": {"index": 1}}]), 32)
    assert sizes(scene) == [("image/webp", 32)] * 2


def test_an_image_that_would_grow_stays() -> None:
    small = saved(noise(128, 128), "JPEG", quality=5)
    scene = painted(small, materials=COAT)
    assert shrink_images(scene) is scene


def test_an_image_that_is_no_texture_stays() -> None:
    scene = painted(PHOTO, materials=[{}], extensions={"VRMC_vrm": {"meta": {"thumbnailImage": 0}}})
    assert shrink_images(scene, 16) is scene


def test_ktx2_stays() -> None:
    ktx2 = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(8) + (64).to_bytes(4, "little") * 2 + bytes(60)
    scene = painted(ktx2, materials=COAT)
    assert shrink_images(scene, 16) is scene


def test_both_images_of_a_pair_keep_their_types() -> None:
    tree = painted(PHOTO, saved(noise(128, 128), "WEBP"), materials=COAT).json
    tree["textures"] = [{"source": 0, "extensions": {"EXT_texture_webp": {"source": 1}}}]
    tree["extensionsUsed"] = ["EXT_texture_webp"]
    for encoding in (Encoding(), PLAIN):
        scene = shrink_images(painted(PHOTO, materials=COAT).changed(tree), 64, encoding)
        assert sizes(scene) == [("image/png", 64), ("image/webp", 64)]
        assert scene.json["textures"] == tree["textures"]
        assert is_clean(scene)


def test_a_broken_image_is_named_by_its_pointer() -> None:
    with pytest.raises(BrokenData) as broken:
        shrink_images(painted(PHOTO[:-60], materials=COAT), 16)
    assert broken.value.pointer == "/images/0"


def test_a_bomb_is_refused() -> None:
    with pytest.raises(BrokenData) as refused:
        shrink_images(painted(png(50_000, 50_000), materials=COAT))
    assert refused.value.code == "IMAGE_TOO_LARGE"


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_result_does_not_hang_on_the_number_of_workers(workers: int) -> None:
    images = [saved(noise(64, 64, seed=seed)) for seed in range(6)]
    materials: list[dict[str, Any]] = [{"normalTexture": {"index": index}} for index in range(6)]
    made = shrink_images(painted(*images, materials=materials), 32, workers=workers)
    assert to_glb(made) == to_glb(shrink_images(painted(*images, materials=materials), 32, workers=1))


def test_images_outside_the_file_come_inside() -> None:
    scene = shrink_images(painted(PHOTO, materials=COAT))
    assert "uri" not in scene.json["images"][0]
    assert media_type_of(file_of(parse_scene(to_glb(scene)))) == "image/webp"
    assert data_uri(PHOTO) not in str(scene.json)
