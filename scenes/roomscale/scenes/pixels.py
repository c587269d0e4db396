"""Images decoded and encoded by Pillow: the only module that unpacks one.

Rule: an image is unpacked only after its header was compared with the limits, and only as one of four types; what
Pillow raises becomes `BrokenData`. As glTF asks (§3.9.2 "Images"), colour profiles and orientation are ignored.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image

from roomscale.scenes.encoding import READABLE, Encoding, Picture
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.images import AVIF, JPEG, PNG, WEBP, BadImage, media_type_of, read_header
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.roles import Alpha, ImageUse, Role
from roomscale.scenes.scaling import plain, plain_mode, strips

_TYPES = {"webp": WEBP, "avif": AVIF, "png": PNG, "jpeg": JPEG}
_FEW_COLOURS = 256
"""An image of no more colours (a palette of a low-poly kit, a plain value) is often smaller without loss than with."""
_HOPELESS = 5
"""Times the bytes with loss that a hasty try without it may take, and a thorough one still be smaller. In the
corpus those that were had 2.1 at most, the others 5.9 at least."""
_LARGE = 1 << 18
"""Pixels below which a thorough try costs no more than 20 ms."""
_BANDS, _BAND_SHARE = 4, 8
"""Bands of rows that a hasty try looks at, and the part of the image that they are."""
_DRAFT = 2
"""Pixels that a JPEG is unpacked to, for one that is needed: its own way to scale averages sRGB numbers, not light."""
_WHOLE = 1 << 20
"""Pixels up to which a JPEG is unpacked whole: 30 ms and 4 MB at most, for 3% less of what SSIM misses."""
BLOCK = 4
"""Pixels of the edge of a block: what GPUs compress together."""
_AVIF_QUALITY = 0.7
"""AVIF's quality for one of WebP's: about the same error (docs/decisions/0019)."""
_JPEG_BLOCKS_WHOLE = 0
"""Pillow's `subsampling` for 4:4:4: colours as sharp as brightness, as data need it."""

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before, and is lower


def decode(
    data: bytes | memoryview, where: str, limits: Limits = DEFAULT_LIMITS, edge: int | None = None
) -> Image.Image:
    """The pixels of a PNG, JPEG, WebP or AVIF, 8 bits a channel: mode L, LA, RGB or RGBA.

    Raises `BrokenData` for images that cannot be unpacked, or exceed the limits; `where`: its JSON pointer.

    `edge`: the longest edge that will be needed. A JPEG of many times that is unpacked at a half, a quarter or an
    eighth of its size, and `scale` does the rest: a sky of 8192 pixels takes a quarter of the memory and time. What is
    larger still comes in the mode of its file, for `scale` to make plain: all at once, it would be there twice.
    """
    name = READABLE.get(media_type_of(data) or "")
    if name is None:
        raise BrokenData("IMAGE_UNRECOGNIZED_FORMAT", where, "it is no PNG, JPEG, WebP or AVIF")
    checked_size(data, where, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata, which is not used
            image = Image.open(io.BytesIO(data), formats=(name,))
            _check_size(*image.size, where, limits)
            if edge is not None and name == "JPEG":
                _unpack_at_a_part(image, _DRAFT * edge)
            image.load()
    except BrokenData:
        raise
    except Exception as error:  # Pillow's plugins each raise what they like: OSError, SyntaxError, RuntimeError…
        raise BrokenData("IMAGE_DATA_INVALID", where, "the image is broken or cut off; export it again") from error
    return image if edge is not None and max(image.size) > edge else plain(image)


def _unpack_at_a_part(image: Image.Image, least: int) -> None:
    """Have a JPEG unpacked at a part of its size whose longest edge is `least` pixels or more.

    Not where a part has no whole number of pixels: it would be stretched a little.
    """
    if image.width * image.height <= _WHOLE:
        return
    for part in (8, 4, 2):
        if image.width % part == image.height % part == 0 and max(image.size) // part >= least:
            image.draft(None, (image.width // part, image.height // part))
            return


def fingerprint(data: bytes | memoryview, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """A hash of all that is seen of an image of 8 bits a channel: size, pixels, alpha, and what it says of its colours.

    Equal for two files of one picture, whether its colours stand in a palette or not. Raises as `decode` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = decode(data, "", limits, edge=0)
        told = _colour_space(data)
    mode = plain_mode(image)
    seen = hashlib.sha256(repr((mode, image.size, told)).encode())
    for rows in strips(image, mode):
        seen.update(np.ascontiguousarray(rows).data)
    return seen.digest()


def _colour_space(data: bytes | memoryview) -> tuple[object, ...]:
    """Profile, gamma and primaries: glTF's viewers ignore them, others may not."""
    with Image.open(io.BytesIO(data)) as image:
        return tuple(image.info.get(key) for key in ("icc_profile", "gamma", "chromaticity"))


def checked_size(data: bytes | memoryview, where: str, limits: Limits) -> tuple[int, int]:
    """Width and height by the header, (0, 0) if it tells none. Raises `BrokenData` where nobody should unpack them."""
    try:
        header = read_header(data)
    except BadImage as error:
        raise BrokenData("IMAGE_DATA_INVALID", where, f"the image is broken: {error}") from error
    if header is None:
        return 0, 0
    _check_size(header.width, header.height, where, limits)
    return header.width, header.height


def _check_size(width: int, height: int, where: str, limits: Limits) -> None:
    if width * height > limits.image_pixels or max(width, height) > limits.image_edge:
        raise BrokenData("IMAGE_TOO_LARGE", where, f"{width:,} × {height:,} pixels are more than may be unpacked")


def encode(image: Image.Image, encoding: Encoding, use: ImageUse) -> Picture:
    """The image in a format, with the quality that its role asks for; without loss where that is smaller."""
    quality = encoding.quality_for(use.role)
    if encoding.format == "plain":
        candidates = [_saved(image, "png", quality, encoding, use)] if _is_simple(image) or _has_alpha(image) else []
        candidates += [] if _has_alpha(image) else [_saved(image, "jpeg", quality, encoding, use)]
    elif encoding.format == "webp":
        candidates = list(_webps(image, encoding, use))
    else:
        candidates = [_saved(image, encoding.format, quality, encoding, use)]
    return min(candidates, key=lambda picture: len(picture.data))


def to_rgba(image: Image.Image, use: ImageUse) -> tuple[bytes, tuple[int, int]]:
    """The pixels for an encoder of blocks, sizes being multiples of 4; alpha that nobody looks at is left out."""
    if use.alpha is Alpha.HIDDEN and _has_alpha(image):
        image = image.convert(image.mode[:-1])
    size = (max(BLOCK, image.width // BLOCK * BLOCK), max(BLOCK, image.height // BLOCK * BLOCK))
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image.convert("RGBA").tobytes(), size


def from_rgba(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Pixels that another decoder gave, as `decode` gives them."""
    return plain(Image.frombytes("RGBA", size, data))


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "RGBA")


def _is_simple(image: Image.Image) -> bool:
    return image.getcolors(_FEW_COLOURS) is not None


def _webps(image: Image.Image, encoding: Encoding, use: ImageUse) -> Iterator[Picture]:
    """What may be the smallest. Without loss takes four times as long as with it, and one colour is smallest so."""
    colours = image.getcolors(_FEW_COLOURS)
    if colours is not None and len(colours) == 1:
        yield _lossless_webp(image, quality=0, effort=0)
        return
    lossy = _saved(image, "webp", encoding.quality_for(use.role), encoding, use)
    if colours is not None and _about_lossless(image) < _HOPELESS * len(lossy.data):
        yield _lossless_webp(image, quality=75, effort=encoding.effort)  # first: of two as small it is the better
    yield lossy


def _about_lossless(image: Image.Image) -> float:
    """Bytes that a large image takes without loss, in haste, by an eighth of its rows; 0 for a small one: try it."""
    if image.width * image.height < _LARGE or image.height < _BANDS * _BAND_SHARE:
        return 0.0
    step = image.height // _BANDS
    rows = step // _BAND_SHARE
    sample = Image.new(image.mode, (image.width, _BANDS * rows))
    for band in range(_BANDS):
        top = band * step + (step - rows) // 2
        sample.paste(image.crop((0, top, image.width, top + rows)), (0, band * rows))
    return len(_lossless_webp(sample, quality=0, effort=0).data) * image.height / sample.height


def _lossless_webp(image: Image.Image, *, quality: int, effort: int) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "WEBP", lossless=True, quality=quality, method=effort, exact=True)
    return Picture(stream.getvalue(), WEBP, *image.size)


def _saved(image: Image.Image, name: str, quality: int, encoding: Encoding, use: ImageUse) -> Picture:
    stream = io.BytesIO()
    if name == "webp":
        # `exact` keeps the colour beneath alpha 0, which shows where nobody looks at alpha.
        image.save(stream, "WEBP", quality=quality, method=encoding.effort, exact=use.alpha is not Alpha.SHOWN)
    elif name == "avif":
        sampling = "4:2:0" if use.role is Role.COLOUR else "4:4:4"
        image.save(stream, "AVIF", quality=round(_AVIF_QUALITY * quality), speed=6, subsampling=sampling, max_threads=1)
    elif name == "png":
        image.save(stream, "PNG", optimize=True)
    else:
        plain = image.convert(image.mode[:-1]) if _has_alpha(image) else image
        if use.role is Role.COLOUR:
            plain.save(stream, "JPEG", quality=quality, optimize=True)
        else:
            plain.save(stream, "JPEG", quality=quality, subsampling=_JPEG_BLOCKS_WHOLE)
            # Pillow has room to optimise what takes a byte a pixel, and fails for more, which 4:4:4 may take.
            if len(stream.getvalue()) < image.width * image.height:
                stream = io.BytesIO()
                plain.save(stream, "JPEG", quality=quality, subsampling=_JPEG_BLOCKS_WHOLE, optimize=True)
    return Picture(stream.getvalue(), _TYPES[name], *image.size)
