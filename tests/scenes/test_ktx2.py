"""KTX2's header: what it says is read back, and what lies about itself is refused before anything is unpacked."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import check, errors_of, parse_scene
from roomscale.scenes.budgets import image_costs
from roomscale.scenes.images import BadImage, read_header
from roomscale.scenes.ktx2 import ETC1S, UASTC, read_ktx2
from tests.scenes.crafted import with_image

RGB, ALPHA = 0, 15
Level = tuple[int, int, int]


def ktx2(
    width: int,
    height: int,
    *,
    model: int = UASTC,
    channels: tuple[int, ...] = (RGB,),
    transfer: int = 2,
    levels: tuple[Level, ...] = ((200, 16, 16),),
) -> bytes:
    """A KTX2 file with nothing in its levels. `levels`: (offset, bytes, bytes unpacked)."""
    index = b"".join(struct.pack("<3Q", *level) for level in levels)
    samples = b"".join(struct.pack("<HBB12x", 0, 127, channel) for channel in channels)
    block = struct.pack("<IHHBBBB4B8x", 0, 2, 24 + len(samples), model, 1, transfer, 0, 3, 3, 0, 0) + samples
    descriptor = struct.pack("<I", 4 + len(block)) + block
    head = struct.pack("<9I", 0, 1, width, height, 0, 0, 1, len(levels), 2)
    places = struct.pack("<4I2Q", 80 + len(index), len(descriptor), 0, 0, 0, 0)
    return (b"\xabKTX 20\xbb\r\n\x1a\n" + head + places + index + descriptor).ljust(216, b"\0")


def test_the_header_is_read_back() -> None:
    header = read_ktx2(memoryview(ktx2(64, 32, model=ETC1S, channels=(RGB, ALPHA), transfer=1)))
    assert (header.width, header.height, header.model, header.is_srgb) == (64, 32, ETC1S, False)
    assert (header.has_alpha, header.supercompression, header.levels) == (True, 2, ((200, 16, 16),))
    assert read_ktx2(memoryview(ktx2(64, 32))).is_srgb


@pytest.mark.parametrize(
    ("file", "bytes_of_a_pixel"),
    [
        (ktx2(1024, 1024, model=ETC1S), 0.5),
        (ktx2(1024, 1024, model=ETC1S, channels=(RGB, ALPHA)), 1),
        (ktx2(1024, 1024, model=UASTC), 1),
    ],
)
def test_the_gpu_pays_by_the_form(file: bytes, bytes_of_a_pixel: float) -> None:
    (cost,) = image_costs(parse_scene(with_image(file, "image/ktx2")))
    assert cost.gpu_bytes == int(1024 * 1024 * bytes_of_a_pixel * 4 / 3)


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (((200, 1_000, 16),), "IMAGE_UNEXPECTED_EOS"),
        (((1 << 63, 1 << 63, 16),), "IMAGE_UNEXPECTED_EOS"),
        (((200, 16, 1 << 40),), "IMAGE_DATA_INVALID"),
        (((200, 1, 1),) * 12, "IMAGE_DATA_INVALID"),
    ],
)
def test_what_lies_about_its_levels_is_refused(levels: tuple[Level, ...], code: str) -> None:
    scene = parse_scene(with_image(ktx2(64, 64, levels=levels).ljust(400, b"\0"), "image/ktx2"))
    assert code in {finding.code for finding in errors_of(check(scene))}


@given(st.integers(0, 200), st.binary(max_size=40))
def test_any_bytes_have_a_header_or_are_a_bad_image(at: int, junk: bytes) -> None:
    file = ktx2(64, 64)
    broken = file[: 12 + at] + junk
    try:
        read_header(broken)
    except BadImage:
        return
