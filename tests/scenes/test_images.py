"""Image headers: right for real ones, an error by name for every other sequence of bytes, never a decoded pixel."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes.images import BadImage, media_type_of, read_header
from tests.scenes.crafted import jpeg, png, png_chunk, webp_lossless
from tests.scenes.test_ktx2 import ktx2


def webp_lossy(width: int, height: int) -> bytes:
    body = b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    inner = b"WEBP" + b"VP8 " + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def webp_extended(width: int, height: int) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    inner = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def avif(width: int, height: int) -> bytes:
    small = struct.pack(">I4sIII", 20, b"ispe", 0, 1, 1)
    extent = struct.pack(">I4sIII", 20, b"ispe", 0, width, height)
    return struct.pack(">I4s4s", 16, b"ftyp", b"avif") + bytes(4) + small + extent


MAKERS = {
    "image/png": png,
    "image/jpeg": jpeg,
    "image/webp": webp_lossless,
    "image/avif": avif,
    "image/ktx2": ktx2,
}


@pytest.mark.parametrize(("media_type", "make"), MAKERS.items())
@given(width=st.integers(1, 16_000), height=st.integers(1, 16_000))
def test_the_size_is_what_the_header_says(media_type: str, make: object, width: int, height: int) -> None:
    assert callable(make)
    header = read_header(make(width, height))
    assert header is not None
    assert (header.media_type, header.width, header.height) == (media_type, width, height)
    assert header.problems == ()


@pytest.mark.parametrize("make", [webp_lossy, webp_extended])
def test_all_kinds_of_webp(make: object) -> None:
    assert callable(make)
    header = read_header(make(640, 480))
    assert header is not None and (header.width, header.height) == (640, 480)


HEADS = [
    png(3, 3),
    jpeg(3, 3),
    webp_lossless(3, 3),
    webp_lossy(3, 3),
    webp_extended(3, 3),
    avif(3, 3),
    ktx2(3, 3),
    b"GIF89a\1\0\1\0",
]


@given(st.sampled_from(HEADS), st.data())
def test_damaged_images_are_read_or_named(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        header = read_header(bytes(damaged))
    except BadImage as error:
        assert str(error)
    else:
        assert header is None or header.width >= 0


@given(st.binary(max_size=100))
def test_any_bytes_have_a_type_or_none(data: bytes) -> None:
    assert media_type_of(data) is None or "/" in str(media_type_of(data))


@given(st.sampled_from([b"zTXt", b"iTXt", b"iCCP"]), st.binary(max_size=200))
def test_any_text_chunk_is_survived(kind: bytes, body: bytes) -> None:
    header = read_header(png(extra=png_chunk(kind, body)))
    assert header is not None
    assert not any(is_error for _, is_error, _ in header.problems)


def test_a_scan_of_a_huge_file_ends() -> None:
    """A JPEG made of nothing but fill bytes, and a PNG of nothing but empty chunks."""
    with pytest.raises(BadImage):
        read_header(b"\xff\xd8\xff" + b"\xff" * 3_000_000)
    header = read_header(png()[:33] + png_chunk(b"abCD", b"") * 200_000)
    assert header is not None and header.problems[-1][0] == "IMAGE_UNEXPECTED_EOS"
