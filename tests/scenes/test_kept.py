"""What images were made into is taken again: the same bytes, and only where all that decides them is the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import Scene, errors, kept, parse_scene, pixels, to_glb
from roomscale.scenes.basis import encoders
from roomscale.scenes.basis.encoders import MODULE
from roomscale.scenes.encoding import Encoding, Picture
from roomscale.scenes.images import KTX2
from roomscale.scenes.limits import DEFAULT_LIMITS
from roomscale.scenes.package import PackOptions, pack, pack_single
from roomscale.scenes.roles import ImageUse
from roomscale.scenes.transforms.images import shrink_images
from tests.scenes.painted import noise, painted, saved
from tests.scenes.test_ktx2 import ktx2

FORMATS = ("webp", "png", "jpeg", "avif", "plain")
WALL, BUMPS, LEAVES = saved(noise(300, 280)), saved(noise(270, 260, seed=2)), saved(noise(260, 260, 4, seed=3))
WEARERS = ("baseColorTexture", "normalTexture", "emissiveTexture", "occlusionTexture", "metallicRoughnessTexture")


def wearing(*keys: str, **more: Any) -> dict[str, Any]:
    """A material that wears the first texture as the first key, and so on."""
    infos = {key: {"index": number} for number, key in enumerate(keys)}
    pbr = {key: infos.pop(key) for key in ("baseColorTexture", "metallicRoughnessTexture") if key in infos}
    return {"pbrMetallicRoughness": pbr, **infos, **more}


class Memory(dict[bytes, bytes]):
    """A store that tells what it was asked: `found` and `kept` by kind."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.kept: list[str] = []

    def find(self, kind: str, key: bytes) -> bytes | None:
        value = self.get(key)
        self.found += [kind] if value is not None else []
        return value

    def keep(self, kind: str, key: bytes, value: bytes) -> None:
        self.kept.append(kind)
        self[key] = value


def hall(*images: bytes, keys: tuple[str, ...] = WEARERS, **more: Any) -> Scene:
    images = images or (WALL, BUMPS, LEAVES)
    return painted(*images, materials=[wearing(*keys[: len(images)], **more)])


def single(scene: Scene, options: PackOptions, store: kept.Store | None) -> bytes:
    return pack_single(scene, options, store=store)[0]


def folder(scene: Scene, options: PackOptions, store: kept.Store | None) -> bytes:
    package, _ = pack(scene, options, store=store)
    return b"".join([package.entry, repr(package.manifest).encode(), *package.parts.values()])


@pytest.mark.parametrize("make", [single, folder])
@pytest.mark.parametrize("options", [PackOptions(), PackOptions(texture_size=256, preset="fast", textures="avif")])
def test_a_scene_packed_with_the_store_is_the_same_bytes_as_without(
    make: Callable[[Scene, PackOptions, kept.Store | None], bytes],
    options: PackOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A file that nothing makes smaller stays, one that nobody can decode is grey, a small one stands as it is.
    settled = saved(noise(250, 250, seed=5), "JPEG", quality=4)
    cut = saved(noise(290, 280, seed=6), "JPEG")[:900]
    images = (WALL, BUMPS, LEAVES, settled, *([cut] if make is folder else []))
    scene, store = hall(*images), Memory()
    plain = make(scene, options, None)
    assert make(scene, options._replace(workers=1), store) == plain
    assert store.found == []
    assert "images" in store.kept
    wrote = len(store.kept)
    monkeypatch.setattr(pixels, "encode", lambda *_: pytest.fail("an image was encoded again"))
    assert make(scene, options._replace(workers=2), store) == plain
    assert len(store.kept) == wrote


@pytest.mark.skipif(not MODULE.exists(), reason="Basis Universal is not built: python web/build_basis.py")
def test_ktx2_is_made_once_and_no_process_started_for_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, scene = Memory(), hall(saved(noise(72, 68)))
    made = shrink_images(scene, 256, Encoding("ktx2"), store=store)
    assert made.json["images"][0]["mimeType"] == KTX2
    monkeypatch.setattr(encoders, "Confined", lambda *_, **__: pytest.fail("a process was started"))
    assert to_glb(shrink_images(scene, 256, Encoding("ktx2"), store=store)) == to_glb(made)


def test_of_a_changed_scene_only_the_changed_image_is_made_anew() -> None:
    store = Memory()
    shrink_images(hall(), 128, store=store)
    changed = hall(WALL, saved(noise(270, 260, seed=9)), LEAVES)
    assert to_glb(shrink_images(changed, 128, store=store)) == to_glb(shrink_images(changed, 128))
    assert (len(store.kept), len(store.found)) == (4, 2)


@pytest.mark.parametrize(
    ("edge", "encoding", "keys", "more"),
    [
        (100, Encoding(), WEARERS, {}),
        (128, Encoding("jpeg"), WEARERS, {}),
        (128, Encoding(colour=79), WEARERS, {}),
        (128, Encoding(effort=3), WEARERS, {}),
        (128, Encoding(), WEARERS[1:], {}),
        (128, Encoding(), WEARERS, {"alphaMode": "BLEND"}),
    ],
    ids=["size", "format", "quality", "effort", "role", "alpha"],
)
def test_what_decides_the_result_is_asked_for_by_another_key(
    edge: int, encoding: Encoding, keys: tuple[str, ...], more: dict[str, Any]
) -> None:
    store = Memory()
    shrink_images(hall(LEAVES), 128, store=store)
    shrink_images(hall(LEAVES, keys=keys, **more), edge, encoding, store=store)
    assert store.found == []
    assert len(store) == 2


def test_what_is_refused_is_refused_whoever_packed_it_before() -> None:
    store, scene = Memory(), to_glb(hall())
    shrink_images(parse_scene(scene), 128, store=store)
    careful = parse_scene(scene, limits=DEFAULT_LIMITS._replace(image_pixels=1000))
    with pytest.raises(errors.BrokenData):
        shrink_images(careful, 128, store=store)


def test_a_newer_library_or_another_code_of_ours_makes_new_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Memory()
    shrink_images(hall(), 128, store=store)
    for made_by in (("a newer Pillow",), ("other code",)):
        monkeypatch.setattr(kept, "made_by", lambda made_by=made_by: made_by)
        shrink_images(hall(), 128, store=store)
    assert store.found == []
    monkeypatch.setattr(kept, "made_by", lambda: None)
    shrink_images(hall(), 128, store=store)
    assert len(store.kept) == 9


def test_each_module_that_uses_pillow_or_is_named_here_belongs_to_the_code_that_decides() -> None:
    root = Path(kept.__file__).parent
    uses = {
        str(path.relative_to(root)).replace("\\", "/")
        for path in root.rglob("*.py")
        if re.search(r"^\s*(from|import) PIL\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert uses <= set(kept.OWN_CODE)
    assert len(uses) > 2
    assert all((root / name).is_file() for name in kept.OWN_CODE)
    assert kept.made_by() is not None


def test_pictures_of_every_format_come_back_as_they_were() -> None:
    images = [pixels.decode(data, "") for data in (WALL, LEAVES, saved(noise(8, 8, 1)))]
    made = [pixels.encode(image, Encoding(name), ImageUse()) for image in images for name in FORMATS]
    made.append(Picture(ktx2(64, 32), KTX2, 64, 32))
    assert all(kept.parse(kept.dump((picture,))) == (picture,) for picture in made)
    assert kept.parse(kept.dump((made[0], None, made[1]))) == (made[0], None, made[1])
    assert kept.parse(kept.dump((None,))) == (None,)


GOOD = kept.dump((pixels.encode(pixels.decode(saved(noise(16, 16)), ""), Encoding("png"), ImageUse()), None))


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"RSK1\x01" + tail))
def test_any_bytes_are_pictures_in_their_one_form_or_nothing(data: bytes) -> None:
    made = kept.parse(data)
    assert made is None or kept.dump(made) == data


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255), st.integers(0, 40), st.binary(max_size=9))
def test_damaged_pictures_are_pictures_in_their_one_form_or_nothing(
    place: int, flip: int, cut: int, more: bytes
) -> None:
    data = bytearray(GOOD)
    data[place] ^= flip
    for damaged in (bytes(data), GOOD[: len(GOOD) - cut] + more, GOOD[:place] + more + GOOD[place:]):
        made = kept.parse(damaged)
        assert made is None or kept.dump(made) == damaged


@pytest.mark.parametrize("lie", [{"media_type": "image/jpeg"}, {"width": 17}, {"data": WALL}])
def test_a_picture_that_is_not_what_is_said_of_it_is_nothing(lie: dict[str, Any]) -> None:
    made = kept.parse(GOOD)
    assert made is not None and made[0] is not None
    assert kept.parse(kept.dump((made[0]._replace(**lie),))) is None


def test_a_hostile_value_is_as_if_nothing_were_there() -> None:
    store, scene = Memory(), hall(WALL, saved(noise(300, 280)[::-1]), keys=("baseColorTexture", "emissiveTexture"))
    options = PackOptions(preset="fast", texture_size=256)
    plain = folder(scene, options, store)
    assert "pixels" in store.kept
    values = (b"", b"RSK1", GOOD[:-1], bytes(31), bytes(33))
    for number, key in enumerate(list(store)):
        store[key] = values[number % len(values)]
    assert folder(scene, options, store) == plain
