"""Images made plain and made smaller, some rows at a time.

Rule: an image of 8192² pixels takes 268 MB, and nothing here makes a second one of its size: rows are cut out of it,
brought into one of four modes and scaled, and only what is smaller is put together. Which rows are taken at a time
changes no pixel: a piece is scaled with as many rows around it as the filter looks at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes.roles import Alpha, ImageUse, Role
from roomscale.scenes.threads import each_in_threads

_PIXELS = 1 << 19
"""Pixels that are cut out of an image at a time, 4 bytes each, and as many floats for each thread."""
_LEAST_ROWS = 64
"""Rows of the result that a piece has at least, eight times those of its margins."""
_ROWS = 128
"""Rows of vectors that are held as floats at a time."""
_MARGIN = 4
"""Rows of the result that are scaled beside those wanted: Lanczos looks at three to each side."""
_STEPS = 1 << 18
"""Of light from black to white, in a table. The darkest are 0.013 of an sRGB number apart."""
_OPAQUE = 255

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def plain_mode(image: Image.Image) -> str:
    """L, LA, RGB or RGBA: the mode that shows an image as it is; alpha that hides nothing is left out."""
    if image.mode.startswith("I"):  # 16 bits of grey
        return "L"
    has_alpha = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    opaque, seen_through = ("L", "LA") if image.mode in ("1", "L", "LA", "La") else ("RGB", "RGBA")
    hides = has_alpha and any(
        rows.getchannel("A").getextrema() != (_OPAQUE, _OPAQUE) for rows in strips(image, seen_through)
    )
    return seen_through if hides else opaque


def plain(image: Image.Image) -> Image.Image:
    """The image in its plain mode, with nothing beside its pixels."""
    return _in_mode(image, plain_mode(image))


def strips(image: Image.Image, mode: str) -> Iterator[Image.Image]:
    """The whole image in a plain mode, from its top to its bottom."""
    step = max(1, _PIXELS // image.width)
    for top in range(0, image.height, step):
        yield _cut(image, mode, top, min(top + step, image.height))


def _cut(image: Image.Image, mode: str, top: int, bottom: int) -> Image.Image:
    return _in_mode(image.crop((0, top, image.width, bottom)), mode)


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((np.clip(wide, 0, 65_535) * 255 + 32_767) // 65_535).astype(np.uint8))
    if image.mode != mode:
        image = image.convert(mode)
    image.info = {}
    return image


def scale(image: Image.Image, edge: int, use: ImageUse, *, threads: int = 1) -> Image.Image:
    """The image, plain, made smaller until no edge is longer than `edge` pixels, as its use asks for.

    `threads`: that may work on it, a piece each; every one takes some 10 MB of its own.

    Colour is averaged as light, not as sRGB numbers, and by how much it covers; normals are brought to length 1
    again; channels of data know nothing of one another.
    """
    longest = max(image.size)
    mode = plain_mode(image)
    if longest <= edge:
        return image if image.mode == mode and not image.info else _in_mode(image, mode)
    size = max(1, round(image.width * edge / longest)), max(1, round(image.height * edge / longest))

    def piece_of(rows: tuple[int, int]) -> Image.Image:
        piece = _Piece(image, mode, size, *rows)
        return _image(_scaled_colour(piece, use.alpha) if use.role is Role.COLOUR else _scaled_data(piece, use.role))

    pieces = list(_pieces(image, size[1]))
    made = each_in_threads(piece_of, pieces, threads)
    if len(pieces) == 1:
        return next(made)
    result = Image.new(mode, size)
    for (top, _), piece in zip(pieces, made, strict=True):
        result.paste(piece, (0, top))
    return result


def _image(channels: Bytes) -> Image.Image:
    return Image.fromarray(channels if channels.shape[2] > 1 else channels[:, :, 0])


def _pieces(image: Image.Image, height: int) -> Iterator[tuple[int, int]]:
    """First and last row of each piece of the result: of few pixels, yet of so many rows that its margins are few."""
    rows = int(_PIXELS / image.width * height / image.height) - 2 * _MARGIN
    step = height if image.width * image.height <= _PIXELS else max(_LEAST_ROWS, rows)
    for top in range(0, height, step):
        yield top, min(top + step, height)


class _Piece:
    """Some rows of the result of scaling an image, and the rows of the image that they come from.

    `size`: of the whole result. `top`, `bottom`: which of its rows are wanted.
    """

    def __init__(self, image: Image.Image, mode: str, size: tuple[int, int], top: int, bottom: int) -> None:
        first, last = max(0, top - _MARGIN), min(size[1], bottom + _MARGIN)
        start, end = first * image.height / size[1], last * image.height / size[1]
        upper = math.floor(start)
        self.mode = mode
        self._source = _cut(image, mode, upper, min(math.ceil(end), image.height))
        self._size = (size[0], last - first)
        self._box = (start - upper, end - upper)
        self._wanted = slice(top - first, bottom - first)

    def channel(self, number: int) -> Image.Image:
        """One channel of the rows that are scaled."""
        return self._source.getchannel(number)

    def numbers(self, number: int) -> Bytes:
        """A channel scaled as the numbers that it is."""
        return np.asarray(self._scaled(self.channel(number)))[self._wanted]

    def floats(self, number: int, meaning: Sequence[float], weights: Image.Image | None = None) -> Floats:
        """A channel scaled as floats. `meaning`: of each of its 256 values. `weights`: a channel to multiply with."""
        rows = self.channel(number).point(meaning, "F")
        if weights is not None:
            rows = Image.fromarray(np.asarray(rows) * np.asarray(weights))
        return np.array(self._scaled(rows), np.float32)[self._wanted]

    def _scaled(self, band: Image.Image) -> Image.Image:
        box = (0.0, self._box[0], float(band.width), self._box[1])
        return band.resize(self._size, Image.Resampling.LANCZOS, box)


_LINEAR: list[float] = [
    value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in np.arange(256) / 255.0
]
"""sRGB's transfer function (IEC 61966-2-1) for the 256 values of a byte."""
_AS_IT_IS: list[float] = [float(value) for value in range(256)]


def _scaled_colour(piece: _Piece, alpha: Alpha) -> Bytes:
    """Colours as light, a channel after the other."""
    has_alpha = piece.mode.endswith("A")
    colours = len(piece.mode) - has_alpha
    weights = piece.channel(colours) if has_alpha and alpha is Alpha.SHOWN else None
    total = None if weights is None else piece.floats(colours, _AS_IT_IS)
    done = []
    for number in range(colours):
        light = piece.floats(number, _LINEAR, weights)
        if total is not None:
            covered = total > 0.5  # of 255: below it, there is no colour to be seen
            light /= np.where(covered, total, 1.0)
            if not covered.all():
                light = np.where(covered, light, piece.floats(number, _LINEAR))
        done.append(_srgb(light))
    if has_alpha:
        done.append(piece.numbers(colours))
    return np.stack(done, axis=2)


def _scaled_data(piece: _Piece, role: Role) -> Bytes:
    """Numbers each by themselves; three of a normal brought to length 1."""
    result = np.stack([piece.numbers(number) for number in range(len(piece.mode))], axis=2)
    if role is Role.NORMAL and result.shape[2] >= 3:
        for top in range(0, len(result), _ROWS):
            result[top : top + _ROWS, :, :3] = _unit_length(result[top : top + _ROWS, :, :3])
    return result


def _srgb(light: Floats) -> Bytes:
    """sRGB's numbers for light from 0 to 1, by a table: a power for each takes three times as long."""
    steps = np.clip(light, 0.0, 1.0)
    steps *= _STEPS
    steps += 0.5
    return np.take(_srgb_table(), steps.astype(np.int32))


@cache
def _srgb_table() -> Bytes:
    light = np.arange(_STEPS + 1) / _STEPS
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return np.rint(curve * 255.0).astype(np.uint8)


def _unit_length(colours: Bytes) -> Bytes:
    vectors = colours.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    lengths = np.linalg.norm(vectors, axis=2, keepdims=True)
    vectors /= np.where(lengths > 1e-3, lengths, 1.0)
    return np.asarray(np.rint((vectors + 1.0) * 127.5), np.uint8)
