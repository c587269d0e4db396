"""Images as browsers see them, scaled as light, as directions or as numbers; bombs and rubbish named."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roomscale.scenes import BrokenData, Limits
from roomscale.scenes.encoding import PLAIN, WEBP_DEFAULT, Encoding, Picture
from roomscale.scenes.images import media_type_of, read_header
from roomscale.scenes.limits import DEFAULT_LIMITS
from roomscale.scenes.pixels import decode, encode
from roomscale.scenes.roles import Alpha, ImageUse, Role
from roomscale.scenes.scaling import scale
from tests.scenes.crafted import jpeg, png, png_chunk
from tests.scenes.painted import Pixels, noise, saved

COLOUR = ImageUse(Role.COLOUR, Alpha.HIDDEN)
COVER = ImageUse(Role.COLOUR, Alpha.SHOWN)
NORMAL = ImageUse(Role.NORMAL, Alpha.HIDDEN)
DATA = ImageUse(Role.DATA, Alpha.NUMBERS)


def resized(
    data: bytes,
    edge: int,
    encoding: Encoding = WEBP_DEFAULT,
    use: ImageUse = COVER,
    *,
    where: str = "",
    limits: Limits = DEFAULT_LIMITS,
) -> Picture:
    return encode(scale(decode(data, where, limits, edge), edge, use), encoding, use)


def pixels(image: Image.Image) -> Pixels:
    return np.asarray(image)


def wide_grey(values: list[int]) -> bytes:
    """A PNG of 16-bit grey."""
    row = b"\0" + struct.pack(f">{len(values)}H", *values)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", len(values), 1, 16, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(row)) + png_chunk(b"IEND", b"")


def test_16_bits_become_8() -> None:
    assert pixels(decode(wide_grey([0, 257, 0x8000, 0xFFFF]), "")).tolist() == [[0, 1, 128, 255]]


def test_a_palette_becomes_what_it_stands_for() -> None:
    colours = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    stream = io.BytesIO()
    Image.fromarray(colours).quantize(2).save(stream, "PNG", transparency=b"\xff\x80")
    image = decode(stream.getvalue(), "")
    assert image.mode == "RGBA"
    assert pixels(image)[:, :, :3].tolist() == colours.tolist()
    assert set(pixels(image)[:, :, 3].ravel()) == {255, 128}


def test_print_colours_become_screen_colours() -> None:
    stream = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(stream, "JPEG")
    image = decode(stream.getvalue(), "")
    assert image.mode == "RGB"
    assert pixels(image)[4, 4].tolist() == pytest.approx([254, 0, 0], abs=6)


def test_orientation_and_profiles_are_ignored_and_left_behind() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    data = saved(noise(32, 16), "JPEG", exif=turned, icc_profile=b"profile" * 20)
    image = decode(data, "")
    assert image.size == (32, 16)
    for name in ("webp", "png", "jpeg", "avif"):
        written = encode(image, Encoding(name), COLOUR).data
        assert b"profile" not in written
        assert b"Exif" not in written


def test_alpha_that_hides_nothing_is_left_out() -> None:
    assert decode(saved(np.dstack([noise(8, 8), np.full((8, 8), 255, np.uint8)])), "").mode == "RGB"


@pytest.mark.parametrize(
    "data", [b"", b"rubbish", png(end=False)[:20], jpeg(8, 8), saved(noise())[:-40], b"\xff\xd8\xff"]
)
def test_what_is_no_image_is_named(data: bytes) -> None:
    with pytest.raises(BrokenData) as broken:
        resized(data, 64, where="/images/3")
    assert broken.value.pointer == "/images/3"


@given(
    st.binary(max_size=60),
    st.sampled_from([saved(noise(16, 16), name) for name in ("PNG", "JPEG", "WEBP", "AVIF")]),
    st.data(),
)
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_an_image_or_broken_data(junk: bytes, good: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(good)))
    try:
        picture = resized(good[:at] + junk + good[at + data.draw(st.integers(0, 40)) :], 8)
    except BrokenData:
        return
    assert max(picture.width, picture.height) <= 8


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(BrokenData) as refused:
        resized(png(60_000, 60_000), 64)
    assert refused.value.code == "IMAGE_TOO_LARGE"
    with pytest.raises(BrokenData):
        resized(saved(noise(64, 64)), 64, limits=Limits(image_pixels=64 * 63))


@pytest.mark.parametrize("name", ["webp", "avif", "png", "jpeg"])
def test_every_format_is_written_as_what_it_says(name: str) -> None:
    picture = resized(saved(noise(64, 32)), 16, Encoding(name))
    header = read_header(picture.data)
    assert header is not None
    assert (header.media_type, header.width, header.height) == (f"image/{name}", 16, 8)
    assert picture.media_type == f"image/{name}"
    assert (picture.width, picture.height) == (16, 8)


def test_plain_means_jpeg_or_png_where_there_is_alpha() -> None:
    assert media_type_of(resized(saved(noise()), 64, PLAIN, COVER).data) == "image/jpeg"
    assert media_type_of(resized(saved(noise(channels=4)), 64, PLAIN, COVER).data) == "image/png"
    flat = np.zeros((64, 64, 3), np.uint8)
    assert media_type_of(resized(saved(flat), 64, PLAIN, COVER).data) == "image/png"


def test_few_colours_lose_nothing() -> None:
    palette = np.random.default_rng(1).integers(0, 256, (8, 3), np.uint8)
    atlas = palette[np.arange(64) // 8][None].repeat(64, 0)
    picture = resized(saved(atlas), 64)
    assert np.array_equal(pixels(decode(picture.data, "")), atlas)


def drawing(width: int, height: int) -> Pixels:
    """Rings of six colours, flat and sharp."""
    rows, columns = np.mgrid[0:height, 0:width]
    palette = np.random.default_rng(2).integers(0, 256, (6, 3), np.uint8)
    rings = (np.hypot(rows - height / 3, columns - width / 2) // 40).astype(int) % 6
    return np.asarray(palette[rings], np.uint8)


def test_a_large_drawing_of_few_colours_loses_nothing_either() -> None:
    picture = resized(saved(drawing(520, 512)), 520)
    assert np.array_equal(pixels(decode(picture.data, "")), drawing(520, 512))


@pytest.mark.parametrize("made", [noise(520, 512, 1) // 2, drawing(520, 512)])
def test_what_is_not_tried_without_loss_would_have_been_larger(made: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    image = decode(saved(made), "")
    chosen = encode(image, WEBP_DEFAULT, COLOUR)
    monkeypatch.setattr("roomscale.scenes.pixels._HOPELESS", 1_000)
    assert encode(image, WEBP_DEFAULT, COLOUR) == chosen


@pytest.mark.parametrize("size", [(1, 1), (4, 3), (64, 64), (700, 600)])
@pytest.mark.parametrize("colour", [(200,), (200, 100, 3), (7, 255, 80, 120)])
def test_one_colour_takes_no_loss_and_hardly_a_byte(size: tuple[int, int], colour: tuple[int, ...]) -> None:
    even = np.full((size[1], size[0], len(colour)), colour, np.uint8)
    picture = resized(saved(even), 1024)
    assert len(picture.data) < 60
    assert np.array_equal(
        pixels(decode(picture.data, "").convert("RGBA")), pixels(Image.open(io.BytesIO(saved(even))).convert("RGBA"))
    )


def test_black_and_white_average_to_half_the_light() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    image = Image.fromarray(stripes)
    assert pixels(scale(image, 16, COLOUR))[8, 8].tolist() == pytest.approx([188] * 3, abs=2)
    assert pixels(scale(image, 16, DATA))[8, 8].tolist() == pytest.approx([128] * 3, abs=2)


def test_what_is_seen_through_lends_no_colour() -> None:
    cut = np.zeros((64, 64, 4), np.uint8)
    cut[:, ::2] = (255, 0, 0, 255)  # red leaves on a ground of black that nobody sees
    red = pixels(scale(Image.fromarray(cut), 16, COVER))[8, 8]
    assert red[:3].tolist() == pytest.approx([255, 0, 0], abs=2)
    assert red[3] == pytest.approx(128, abs=3)
    hidden = pixels(scale(Image.fromarray(cut), 16, COLOUR))[8, 8]
    assert hidden[0] == pytest.approx(188, abs=3)


def test_normals_stay_unit_vectors() -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(0, 1, (64, 64, 3)) + [0, 0, 2]
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    image = Image.fromarray(np.rint((vectors + 1) * 127.5).astype(np.uint8))
    lengths = np.linalg.norm(pixels(scale(image, 16, NORMAL)) / 127.5 - 1.0, axis=2)
    assert np.abs(lengths - 1.0).max() < 0.01
    assert np.abs(np.linalg.norm(pixels(scale(image, 16, DATA)) / 127.5 - 1.0, axis=2) - 1.0).max() > 0.05


def test_channels_of_data_know_nothing_of_alpha() -> None:
    lightmap = np.full((64, 64, 4), 200, np.uint8)
    lightmap[:, :, 3] = 0
    scaled = pixels(scale(Image.fromarray(lightmap), 16, DATA))
    assert scaled[8, 8].tolist() == [200, 200, 200, 0]
    written = decode(encode(Image.fromarray(lightmap), Encoding(), DATA).data, "")
    assert pixels(written)[8, 8].tolist() == pytest.approx([200, 200, 200, 0], abs=2)


def test_an_image_that_fits_is_not_scaled() -> None:
    image = Image.fromarray(noise(64, 16))
    assert scale(image, 64, COLOUR) is image
    assert scale(image, 16, COLOUR).size == (16, 4)
    assert scale(Image.new("L", (1000, 1)), 10, DATA).size == (10, 1)


def waves(width: int, height: int) -> bytes:
    """A JPEG of soft waves."""
    rows, columns = np.mgrid[0:height, 0:width]
    phases = np.stack([columns / 40, rows / 30, (rows + columns) / 50], axis=2)
    return saved((128 + 100 * np.sin(phases)).astype(np.uint8), "JPEG", quality=90)


def test_a_large_jpeg_is_unpacked_at_a_part_of_its_size_and_looks_the_same() -> None:
    data = waves(2048, 1024)
    whole, part = decode(data, ""), decode(data, "", edge=256)
    assert (whole.size, part.size) == ((2048, 1024), (512, 256))
    assert decode(data, "", edge=600).size == whole.size
    small, same = (pixels(scale(image, 256, COLOUR)).astype(float) for image in (whole, part))
    assert np.sqrt(((small - same) ** 2).mean()) < 1.0


def test_a_jpeg_whose_part_would_not_be_whole_pixels_is_unpacked_whole() -> None:
    data = waves(2049, 1024)
    assert decode(data, "", edge=256).size == (2049, 1024)


def test_a_jpeg_of_few_pixels_is_unpacked_whole() -> None:
    assert decode(waves(1024, 1024), "", edge=256).size == (1024, 1024)


def test_an_even_colour_stays_what_it_is_however_small_it_becomes() -> None:
    shades = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for at in range(0, 256, 16):
        even = [scale(Image.new("L", (8, 8), int(shade)), 4, COLOUR) for shade in shades.flat[at : at + 16]]
        assert [set(pixels(image).ravel().tolist()) for image in even] == [{shade} for shade in range(at, at + 16)]


@pytest.mark.parametrize("use", [COLOUR, COVER, DATA])
def test_pieces_scaled_by_several_threads_are_those_scaled_by_one(
    use: ImageUse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roomscale.scenes.scaling._PIXELS", 5_000)
    image = Image.fromarray(noise(100, 601, 4))
    assert np.array_equal(pixels(scale(image, 300, use)), pixels(scale(image, 300, use, threads=3)))


@pytest.mark.parametrize("use", [COLOUR, COVER, NORMAL, DATA])
@pytest.mark.parametrize("edge", [100, 37, 7, 1])
def test_an_image_scaled_in_pieces_is_the_one_scaled_whole(
    use: ImageUse, edge: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = decode(saved(noise(300, 401, 4), "PNG"), "")
    whole = pixels(scale(image, edge, use)).astype(int)
    monkeypatch.setattr("roomscale.scenes.scaling._PIXELS", 5_000)
    # Where a piece begins is a fraction, which 32 bits round otherwise; a short vector is stretched, and that with it.
    assert np.abs(whole - pixels(scale(image, edge, use))).max() <= (2 if use is NORMAL else 1)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_may_take_more_bytes_than_it_has_pixels(role: Role, mode: str) -> None:
    hard = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    picture = encode(Image.fromarray(hard).convert(mode), PLAIN, ImageUse(role))
    assert decode(picture.data, "").size == (256, 256)
