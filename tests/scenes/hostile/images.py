"""Images that unpack to far more than they weigh, or are no images."""

from __future__ import annotations

from tests.scenes.crafted import jpeg, png, png_chunk, webp_lossless, with_image
from tests.scenes.hostile.case import BOMB, Case


def image_cases() -> list[Case]:
    text_bomb = png_chunk(b"zTXt", b"Comment\0\0" + BOMB)
    profile_bomb = png_chunk(b"iCCP", b"profile\0\0" + BOMB)
    international_bomb = png_chunk(b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + BOMB)
    return [
        Case("a png", None, lambda: with_image(png(), "image/png")),
        Case("a jpeg", None, lambda: with_image(jpeg(64, 32), "image/jpeg")),
        Case("30,000 × 30,000", "IMAGE_TOO_LARGE", lambda: with_image(png(30_000, 30_000), "image/png")),
        Case("65,535 × 65,535, cut off", "IMAGE_TOO_LARGE", lambda: with_image(png(65_535, 65_535)[:40], "image/png")),
        Case("2^31 − 1 pixels wide", "IMAGE_TOO_LARGE", lambda: with_image(png(2**31 - 1, 2**31 - 1), "image/png")),
        Case("a wrong checksum", None, lambda: with_image(png(bad_crc=True), "image/png")),
        Case("a png cut off", "IMAGE_UNEXPECTED_EOS", lambda: with_image(png(end=False), "image/png")),
        Case("a text bomb", "IMAGE_TEXT_BOMB", lambda: with_image(png(extra=text_bomb), "image/png")),
        Case("a profile bomb", "IMAGE_TEXT_BOMB", lambda: with_image(png(extra=profile_bomb), "image/png")),
        Case("an iTXt bomb", "IMAGE_TEXT_BOMB", lambda: with_image(png(extra=international_bomb), "image/png")),
        Case("a jpeg bomb", "IMAGE_TOO_LARGE", lambda: with_image(jpeg(65_000, 65_000), "image/jpeg")),
        Case("a jpeg without a size", "IMAGE_DATA_INVALID", lambda: with_image(b"\xff\xd8\xff\xd9", "image/jpeg")),
        Case(
            "webp without its extension",
            "IMAGE_NON_ENABLED_MIME_TYPE",
            lambda: with_image(webp_lossless(16_384, 16_384), "image/webp"),
        ),
        Case("another type than it says", "IMAGE_MIME_TYPE_INVALID", lambda: with_image(png(), "image/jpeg")),
        Case("a gif", "IMAGE_NON_ENABLED_MIME_TYPE", lambda: with_image(b"GIF89a\1\0\1\0\0\0\0;", "image/gif")),
        Case("24 images of 8,192²", "IMAGES_TOO_LARGE", lambda: with_image(png(8192, 8192), "image/png", 24)),
        Case("no image at all", "IMAGE_UNRECOGNIZED_FORMAT", lambda: with_image(b"<svg onload=alert(1)>", "image/png")),
    ]
