"""Textures that stay compressed on the GPU: the same picture, by role, named as the type asks; AVIF with a fallback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.basis import encoders
from roomscale.scenes.codecs import Codecs
from roomscale.scenes.encoding import Encoding
from roomscale.scenes.errors import UnpackableScene
from roomscale.scenes.images import KTX2
from roomscale.scenes.ktx2 import ETC1S, UASTC, ZSTD, read_ktx2
from roomscale.scenes.limits import DEFAULT_LIMITS
from roomscale.scenes.package import pack
from roomscale.scenes.single import PackOptions
from roomscale.scenes.transforms.images import shrink_images
from tests.scenes.painted import Pixels, noise, painted, saved
from tests.scenes.test_ktx2 import ktx2
from tests.scenes.transforms.test_shrink_images import COAT, PHOTO, file_of, is_clean, sizes

needs_basis = pytest.mark.skipif(not encoders.MODULE.exists(), reason="python web/build_basis.py brings it")
WIDTH, HEIGHT = 270, 262
"""No multiples of 4, and more than an entry has."""
COLOUR, NORMAL, DATA, SMALL = range(4)
AS_KTX2 = Encoding("ktx2")
ROLES: list[dict[str, Any]] = [
    {
        "pbrMetallicRoughness": {"baseColorTexture": {"index": COLOUR}, "metallicRoughnessTexture": {"index": DATA}},
        "normalTexture": {"index": NORMAL},
        "emissiveTexture": {"index": SMALL},
    }
]


def soft(width: int, height: int, seed: int) -> Pixels:
    """Colours that change slowly, with some grain."""
    down, along = np.mgrid[0:height, 0:width]
    waves = [127 + 100 * np.sin(along / (17 + seed + band) + down / (23 + band)) for band in range(3)]
    grain = noise(width, height, seed=seed).astype(np.float32) / 16
    return np.clip(np.stack(waves, 2) + grain, 0, 255).astype(np.uint8)


IMAGES = [soft(WIDTH, HEIGHT, 1), soft(WIDTH, HEIGHT, 2), soft(WIDTH, HEIGHT, 3), noise(32, 32)]


def source() -> Scene:
    return painted(*(saved(image) for image in IMAGES), materials=ROLES)


@pytest.fixture(scope="module")
def made() -> Scene:
    return shrink_images(source(), 2048, AS_KTX2, workers=1)


@pytest.fixture(scope="module")
def codecs() -> Iterator[Codecs]:
    with Codecs() as codecs:
        yield codecs


@needs_basis
def test_each_role_has_its_form_and_what_is_small_becomes_webp(made: Scene) -> None:
    assert sizes(made) == [(KTX2, 268)] * 3 + [("image/webp", 32)]
    headers = [read_ktx2(file_of(made, index)) for index in (COLOUR, NORMAL, DATA)]
    assert [header.model for header in headers] == [ETC1S, UASTC, UASTC]
    assert [header.is_srgb for header in headers] == [True, False, False]
    assert [header.supercompression for header in headers[1:]] == [ZSTD, ZSTD]
    assert [(header.width, header.height, len(header.levels)) for header in headers] == [(268, 260, 9)] * 3
    assert [header.gpu_bits for header in headers] == [4, 8, 8]


@needs_basis
def test_textures_name_it_by_its_extension_and_the_scene_is_sound(made: Scene) -> None:
    assert made.json["textures"][:3] == [{"extensions": {"KHR_texture_basisu": {"source": n}}} for n in range(3)]
    assert sorted(made.json["extensionsRequired"]) == ["EXT_texture_webp", "KHR_texture_basisu"]
    assert is_clean(made)
    assert shrink_images(made, 2048, AS_KTX2) is made


@needs_basis
@pytest.mark.parametrize(("index", "most"), [(COLOUR, 8.0), (NORMAL, 2.5), (DATA, 2.5)])
def test_the_picture_is_the_same(made: Scene, codecs: Codecs, index: int, most: float) -> None:
    image = codecs.decode(file_of(made, index), "", DEFAULT_LIMITS).resize((WIDTH, HEIGHT))
    error = np.asarray(image, np.float32) - IMAGES[index]
    assert float(np.sqrt(np.mean(error**2))) < most


@needs_basis
def test_an_entry_shows_the_pictures_that_its_parts_have_for_the_gpu(made: Scene, codecs: Codecs) -> None:
    package, report = pack(made, PackOptions(preset="fast", workers=1))
    types = {target: part.type for part in package.manifest.parts for target in part.targets if part.kind == "images"}
    assert [types[f"/images/{index}"] for index in (COLOUR, NORMAL, DATA)] == [KTX2] * 3
    assert report.notes == ()
    entry = parse_scene(package.entry)
    assert [media_type for media_type, _ in sizes(entry)][:3] == ["image/jpeg"] * 3
    shown = np.asarray(codecs.decode(file_of(entry, COLOUR), "", DEFAULT_LIMITS), np.float32)
    mean = np.mean(IMAGES[COLOUR], axis=(0, 1))
    assert np.abs(shown.mean(axis=(0, 1)) - mean).max() < 4


@needs_basis
@pytest.mark.proof
def test_a_package_has_it_in_its_parts_alone() -> None:
    scene = painted(saved(IMAGES[COLOUR]), materials=COAT)
    package, _ = pack(scene, PackOptions(preset="fast", textures="ktx2", workers=1))
    assert [(part.type, part.size) for part in package.manifest.parts if part.kind == "images"] == [(KTX2, (268, 260))]
    assert {media_type for media_type, _ in sizes(parse_scene(package.entry))} <= {"image/jpeg", "image/png"}


def test_a_broken_one_is_grey_in_the_entry() -> None:
    scene = shrink_images(painted(ktx2(512, 512), materials=COAT), 2048)
    package, report = pack(scene, PackOptions(preset="fast"))
    assert sizes(parse_scene(package.entry)) == [("image/png", 1)]
    assert "grey" in report.notes[0]


@pytest.mark.parametrize("body", ["while True: pass", "import os; os.abort()", "x = bytearray(1 << 42)"])
def test_an_encoder_that_fails_is_an_error_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(f"def start(arguments):\n    {body}\n")
    monkeypatch.setattr(encoders, "WORKER", worker)
    monkeypatch.setattr(encoders, "SCRIPT", worker)
    monkeypatch.setattr(encoders, "MODULE", worker)
    monkeypatch.setattr(encoders, "SECONDS", 0.2)
    monkeypatch.setattr(encoders, "SECONDS_PER_MEGAPIXEL", 0.0)
    with pytest.raises(UnpackableScene, match=r"/images/0.*--textures webp"):
        shrink_images(painted(PHOTO, materials=COAT), 2048, AS_KTX2, workers=1)


def test_an_encoder_that_is_not_there_says_what_brings_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(encoders, "MODULE", tmp_path / "nothing.wasm")
    with pytest.raises(UnpackableScene, match="build_basis"):
        shrink_images(painted(PHOTO, materials=COAT), 2048, AS_KTX2)


@needs_basis
@pytest.mark.proof
def test_the_same_bytes_whatever_the_workers_and_whatever_came_before() -> None:
    images = [saved(soft(256, 256, seed)) for seed in range(6)]
    materials = [{"normalTexture": {"index": index}} for index in range(3)]
    materials += [{"emissiveTexture": {"index": index}} for index in range(3, 6)]
    made = [
        to_glb(shrink_images(painted(*images, materials=materials), 2048, AS_KTX2, workers=workers))
        for workers in (1, 2, 3)
    ]
    assert made[0] == made[1] == made[2]
    last = shrink_images(painted(images[5], materials=[{"emissiveTexture": {"index": 0}}]), 2048, AS_KTX2)
    assert bytes(file_of(last)) in made[0]


def paired() -> Scene:
    """A texture with a PNG, and a WebP for viewers that know it."""
    tree = painted(PHOTO, saved(noise(128, 128), "WEBP"), materials=COAT).json
    tree["textures"] = [{"source": 0, "extensions": {"EXT_texture_webp": {"source": 1}}}]
    tree["extensionsUsed"] = ["EXT_texture_webp"]
    return painted(PHOTO, materials=COAT).changed(tree)


def test_avif_takes_the_other_extensions_place_and_the_fallback_stays() -> None:
    scene = shrink_images(paired(), 64, Encoding("avif"))
    assert sizes(scene) == [("image/png", 64), ("image/avif", 64)]
    assert scene.json["textures"] == [{"source": 0, "extensions": {"EXT_texture_avif": {"source": 1}}}]
    assert scene.json["extensionsUsed"] == ["EXT_texture_avif"]
    assert "extensionsRequired" not in scene.json, "who does not know it has the fallback"
    assert errors_of(check(parse_scene(to_glb(scene)))) == []


def test_avif_in_a_package_is_in_its_parts_alone() -> None:
    package, _ = pack(source(), PackOptions(preset="fast", textures="avif"))
    assert {part.type for part in package.manifest.parts if part.kind == "images"} == {"image/avif"}
    assert {media_type for media_type, _ in sizes(parse_scene(package.entry))} <= {"image/jpeg", "image/png"}
