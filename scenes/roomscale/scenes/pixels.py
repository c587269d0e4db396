"""Images decoded, scaled and encoded by Pillow: the only module that unpacks one.

Rule: an image is unpacked only after its header was compared with the limits, and only as one of four types; what
Pillow raises becomes `BrokenData`. As glTF asks (§3.9.2 "Images"), colour profiles and orientation are ignored.
"""

from __future__ import annotations

import hashlib
import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes.encoding import READABLE, Encoding, Picture
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.images import AVIF, JPEG, PNG, WEBP, BadImage, media_type_of, read_header
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.roles import Alpha, ImageUse, Role

_TYPES = {"webp": WEBP, "avif": AVIF, "png": PNG, "jpeg": JPEG}
_FEW_COLOURS = 256
"""An image of no more colours (a palette of a low-poly kit, a plain value) is often smaller without loss than with."""
_DRAFT = 2
"""Pixels that a JPEG is unpacked to, for one that is needed: its own way to scale averages sRGB numbers, not light."""
BLOCK = 4
"""Pixels of the edge of a block: what GPUs compress together."""
_AVIF_QUALITY = 0.7
"""AVIF's quality for one of WebP's: about the same error (docs/decisions/0019)."""
_ROWS = 128
"""Rows of an image, or columns, that are held as floats at a time."""
_JPEG_BLOCKS_WHOLE = 0
"""Pillow's `subsampling` for 4:4:4: colours as sharp as brightness, as data need it."""

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before, and is lower


def decode(
    data: bytes | memoryview, where: str, limits: Limits = DEFAULT_LIMITS, edge: int | None = None
) -> Image.Image:
    """The pixels of a PNG, JPEG, WebP or AVIF, 8 bits a channel: mode L, LA, RGB or RGBA.

    Raises `BrokenData` for images that cannot be unpacked, or exceed the limits; `where`: its JSON pointer.

    `edge`: the longest edge that will be needed. A JPEG of many times that is unpacked at a half, a quarter or an
    eighth of its size, and `scale` does the rest: a sky of 8192 pixels takes a quarter of the memory and time.
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
    return _plain(image)


def _unpack_at_a_part(image: Image.Image, least: int) -> None:
    """Have a JPEG unpacked at a part of its size whose longest edge is `least` pixels or more.

    Not where a part has no whole number of pixels: it would be stretched a little.
    """
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
        image = decode(data, "", limits)
        told = _colour_space(data)
    seen = hashlib.sha256(repr((image.mode, image.size, told)).encode())
    seen.update(np.asarray(image).data)
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


def _plain(image: Image.Image) -> Image.Image:
    """The image in one of four modes, with nothing beside its pixels; alpha that hides nothing is left out."""
    if image.mode.startswith("I"):  # 16 bits of grey
        wide = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((np.clip(wide, 0, 65_535) * 255 + 32_767) // 65_535).astype(np.uint8))
    has_alpha = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    grey = image.mode in ("1", "L", "LA", "La")
    mode = {(True, False): "L", (True, True): "LA", (False, False): "RGB", (False, True): "RGBA"}[grey, has_alpha]
    if image.mode != mode:
        image = image.convert(mode)
    if has_alpha and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert(mode[:-1])
    image.info = {}
    return image


def scale(image: Image.Image, edge: int, use: ImageUse, *, threads: int = 1) -> Image.Image:
    """The image made smaller until no edge is longer than `edge` pixels, as its use asks for; as it is, if it fits.

    `threads`: that may work on it, a channel each; every one takes memory of its own.

    Colour is averaged as light, not as sRGB numbers, and by how much it covers; normals are brought to length 1
    again; channels of data know nothing of one another.
    """
    longest = max(image.size)
    if longest <= edge:
        return image
    size = (max(1, round(image.width * edge / longest)), max(1, round(image.height * edge / longest)))
    if use.role is Role.COLOUR:
        return _scaled_colour(image, size, use.alpha, threads)
    bands = [band.resize(size, Image.Resampling.LANCZOS) for band in image.split()]
    if use.role is Role.NORMAL and len(bands) >= 3:
        bands[:3] = _unit_length(bands[:3])
    return Image.merge(image.mode, bands)


_LINEAR: NDArray[np.float32] = np.array(
    [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in np.arange(256) / 255.0],
    np.float32,
)
"""sRGB's transfer function (IEC 61966-2-1) for the 256 values of a byte."""
_AS_IT_IS: NDArray[np.float32] = np.arange(256, dtype=np.float32)


def _scaled_colour(image: Image.Image, size: tuple[int, int], alpha: Alpha, threads: int) -> Image.Image:
    """Scales colours as light, a channel after the other, or one for each thread."""
    colours = len(image.getbands()) - (image.mode in ("LA", "RGBA"))
    cover = image.getchannel(colours) if colours < len(image.getbands()) else None
    weights = cover if alpha is Alpha.SHOWN else None
    total = None if weights is None else _narrowed(weights, size[0], _AS_IT_IS)

    def scaled(number: int) -> Image.Image:
        band = image.getchannel(number)
        plain = _narrowed(band, size[0], _LINEAR)
        weighted = None if weights is None else _narrowed(band, size[0], _LINEAR, weights)
        result = np.empty(size[::-1], np.uint8)
        for left in range(0, size[0], _ROWS):
            part = slice(left, left + _ROWS)
            light = _lowered(plain[:, part], size[1])
            if weighted is not None and total is not None:
                cover_here = _lowered(total[:, part], size[1])
                covered = cover_here > 0.5  # of 255: below it, there is no colour to be seen
                light[covered] = _lowered(weighted[:, part], size[1])[covered] / cover_here[covered]
            result[:, part] = _srgb(light)
        return Image.fromarray(result)

    if threads > 1:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - seldom needed, and takes 8 ms

        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(scaled, range(colours)))
    else:
        done = [scaled(number) for number in range(colours)]
    if cover is not None:
        done.append(cover.resize(size, Image.Resampling.LANCZOS))
    return Image.merge(image.mode, done) if len(done) > 1 else done[0]


def _narrowed(
    band: Image.Image, width: int, meaning: NDArray[np.float32], weights: Image.Image | None = None
) -> NDArray[np.float32]:
    """A channel scaled along its rows, as floats. `meaning`: of each of its 256 values. `weights`: a channel to
    multiply them with.

    Then `_lowered` scales the columns. Pillow does the same within, all at once; of images of 8192² pixels that exist
    no more than some rows or columns are here at a time besides the result.
    """
    narrow = np.empty((band.height, width), np.float32)
    for top in range(0, band.height, _ROWS):
        part = (0, top, band.width, min(top + _ROWS, band.height))
        rows = np.take(meaning, np.asarray(band.crop(part)))
        if weights is not None:
            rows *= np.asarray(weights.crop(part))
        scaled = Image.fromarray(rows).resize((width, len(rows)), Image.Resampling.LANCZOS)
        narrow[top : top + _ROWS] = np.asarray(scaled)
    return narrow


def _lowered(columns: NDArray[np.float32], height: int) -> NDArray[np.float32]:
    """Columns scaled to a height."""
    image = Image.fromarray(np.ascontiguousarray(columns))
    return np.array(image.resize((image.width, height), Image.Resampling.LANCZOS), np.float32)


def _srgb(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    result = np.empty(light.shape, np.uint8)
    for top in range(0, len(light), _ROWS):
        rows = np.clip(light[top : top + _ROWS], 0.0, 1.0)
        curve = np.where(rows <= 0.0031308, rows * 12.92, 1.055 * rows ** (1.0 / 2.4) - 0.055)
        result[top : top + _ROWS] = np.rint(curve * 255.0)
    return result


def _unit_length(bands: list[Image.Image]) -> list[Image.Image]:
    vectors = np.stack([np.asarray(band, np.float32) for band in bands])
    vectors /= 127.5
    vectors -= 1.0
    lengths = np.linalg.norm(vectors, axis=0)
    vectors /= np.where(lengths > 1e-3, lengths, 1.0)
    return [Image.fromarray(np.asarray(np.rint((vector + 1.0) * 127.5), np.uint8)) for vector in vectors]


def encode(image: Image.Image, encoding: Encoding, use: ImageUse) -> Picture:
    """The image in a format, with the quality that its role asks for; without loss where that is smaller."""
    quality = encoding.quality_for(use.role)
    if encoding.format == "plain":
        candidates = [_saved(image, "png", quality, encoding, use)] if _is_simple(image) or _has_alpha(image) else []
        candidates += [] if _has_alpha(image) else [_saved(image, "jpeg", quality, encoding, use)]
    elif encoding.format == "webp" and _is_simple(image):
        candidates = [_lossless_webp(image, encoding), _saved(image, "webp", quality, encoding, use)]
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
    return _plain(Image.frombytes("RGBA", size, data))


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("LA", "RGBA")


def _is_simple(image: Image.Image) -> bool:
    return image.getcolors(_FEW_COLOURS) is not None


def _lossless_webp(image: Image.Image, encoding: Encoding) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "WEBP", lossless=True, quality=75, method=encoding.effort, exact=True)
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
        sampling_kept = {} if use.role is Role.COLOUR else {"subsampling": _JPEG_BLOCKS_WHOLE}
        plain.save(stream, "JPEG", quality=quality, optimize=True, **sampling_kept)
    return Picture(stream.getvalue(), _TYPES[name], *image.size)
