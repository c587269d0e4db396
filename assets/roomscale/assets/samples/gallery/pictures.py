"""Pictures: twelve paintings by arithmetic, all in the palette's colours.

One atlas of 4 × 3 pictures, 128 pixels each way. Its one rule: flat areas and few colours, so that the file is small
and reads from across the hall.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roomscale.assets.samples import palette, png
from roomscale.assets.samples.geometry import Array

SIZE, COLUMNS, ROWS = 160, 4, 3


def _c(key: str, shade: float = 1.0) -> Array:
    return np.asarray(palette.srgb(key)) * shade


def _canvas(key: str, shade: float = 1.0) -> tuple[Array, Array, Array]:
    line = (np.arange(SIZE) + 0.5) / SIZE
    x, y = np.meshgrid(line, line)
    return np.tile(_c(key, shade), (SIZE, SIZE, 1)), x, y


def _fill(image: Array, where: NDArray[np.bool_], colour: Array) -> None:
    image[where] = colour


def _between(a: Array, b: Array, t: Array, steps: int = 9) -> Array:
    """A stepped gradient."""
    level = np.round(np.clip(t, 0, 1) * steps) / steps
    return a + (b - a) * level[..., None]


def _dusk_hills() -> Array:
    image, x, y = _canvas("slate")
    image[:] = _between(_c("slate", 0.7), _c("blossom"), y * 1.4)
    _fill(image, np.hypot(x - 0.64, y - 0.42) < 0.11, _c("glow"))
    for k in range(5):
        ridge = 0.52 + 0.1 * k + 0.06 * np.sin(x * (5 + 2 * k) + k * 2.1) + 0.02 * np.sin(x * 23 + k)
        _fill(image, y > ridge, _c("slate", 1.15 - 0.2 * k))
    return image


def _moon_sea() -> Array:
    image, x, y = _canvas("water")
    image[:] = _between(_c("water", 0.45), _c("teal"), y * 1.6)
    _fill(image, np.hypot(x - 0.5, y - 0.28) < 0.13, _c("limestone"))
    sea = y > 0.55
    _fill(image, sea, _c("water", 0.75))
    for k in range(9):
        row = 0.57 + 0.045 * k
        wide = 0.05 + 0.022 * k
        shine = (np.abs(y - row) < 0.009) & (np.abs(x - 0.5 - 0.03 * np.sin(k * 2.3)) < wide)
        _fill(image, shine, _c("glow", 0.95))
    return image


def _suprematist() -> Array:
    image, x, y = _canvas("limestone")
    for cx, cy, w, h, turn, key in (
        (0.36, 0.4, 0.30, 0.05, 0.5, "rose"),
        (0.58, 0.55, 0.36, 0.08, -0.4, "slate"),
        (0.66, 0.3, 0.09, 0.09, 0.2, "ochre"),
        (0.3, 0.7, 0.2, 0.025, 1.1, "teal"),
        (0.5, 0.78, 0.26, 0.015, -0.2, "timber"),
    ):
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        _fill(image, (np.abs(u) < w) & (np.abs(v) < h), _c(key))
    _fill(image, np.hypot(x - 0.3, y - 0.3) < 0.12, _c("timber", 0.7))
    return image


def _truchet() -> Array:
    image, x, y = _canvas("teal", 0.8)
    cells = 6
    rng = np.random.default_rng(4)
    flip = rng.integers(0, 2, (cells, cells)).astype(bool)
    i, j = (y * cells).astype(int), (x * cells).astype(int)
    fx, fy = x * cells - j, y * cells - i
    fx = np.where(flip[i, j], 1 - fx, fx)
    for radius, key in ((0.66, "limestone"), (0.34, "rose")):
        for r in (np.hypot(fx, fy), np.hypot(1 - fx, 1 - fy)):
            _fill(image, (r < radius) & (r > radius - 0.17), _c(key))
    return image


def _tree() -> Array:
    image, x, y = _canvas("ochre")
    image[:] = _between(_c("ochre"), _c("glow"), 1 - np.hypot(x - 0.5, y - 0.4) * 1.5)
    _fill(image, y > 0.84, _c("timber"))

    def grow(px: float, py: float, angle: float, length: float, thick: float) -> None:
        qx, qy = px + length * np.cos(angle), py - length * np.sin(angle)
        t = np.clip(((x - px) * (qx - px) + (y - py) * (qy - py)) / length**2, 0, 1)
        _fill(
            image, np.hypot(x - px - t * (qx - px), y - py - t * (qy - py)) < thick * (1 - 0.3 * t), _c("timber", 0.75)
        )
        if length < 0.06:
            _fill(image, np.hypot(x - qx, y - qy) < 0.026, _c("rose"))
            return
        grow(qx, qy, angle + 0.46, length * 0.74, thick * 0.66)
        grow(qx, qy, angle - 0.38, length * 0.76, thick * 0.66)

    grow(0.5, 0.86, np.pi / 2, 0.2, 0.03)
    return image


def _circles() -> Array:
    image, x, y = _canvas("slate", 0.5)
    rng = np.random.default_rng(12)
    keys = ["rose", "ochre", "glow", "teal", "limestone", "portal", "blossom"]
    for k in range(13):
        cx, cy, r = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.06, 0.2)
        d = np.hypot(x - cx, y - cy)
        for ring in range(3):
            _fill(image, d < r * (1 - 0.3 * ring), _c(keys[(k + ring * 2) % 7], 0.95))
    return image


def _town() -> Array:
    image, x, y = _canvas("slate")
    image[:] = _between(_c("slate", 0.55), _c("blossom", 0.9), y)
    rng = np.random.default_rng(6)
    keys = ["rose", "ochre", "teal", "limestone"]
    for depth in range(2):
        edge = -0.05
        while edge < 1:
            wide, top = rng.uniform(0.11, 0.17), rng.uniform(0.32, 0.5) + 0.17 * depth
            roof = top - 0.1 * (1 - np.abs(x - edge - wide / 2) / (wide / 2))
            column = (x > edge) & (x < edge + wide)
            _fill(image, column & (y > roof) & (y < top), _c("slate", 0.6))
            _fill(image, column & (y > top), _c(keys[int(rng.integers(0, 4))], 0.55 + 0.4 * depth))
            for k in range(3):
                for side in (0.28, 0.66):
                    lit = (np.abs(x - edge - wide * side) < 0.013) & (np.abs(y - top - 0.06 - 0.09 * k) < 0.022)
                    _fill(image, lit, _c("glow") if rng.random() < 0.7 else _c("slate", 0.5))
            edge += wide
    _fill(image, y > 0.94, _c("water", 0.8))
    return image


def _portrait() -> Array:
    image, x, y = _canvas("leaf", 0.75)
    _fill(image, ((x - 0.5) / 0.34) ** 2 + ((y - 1.0) / 0.3) ** 2 < 1, _c("rose", 0.9))
    _fill(image, ((x - 0.5) / 0.21) ** 2 + ((y - 0.42) / 0.26) ** 2 < 1, _c("timber", 0.6))
    _fill(image, (np.abs(x - 0.5) < 0.06) & (y > 0.5) & (y < 0.76), _c("ochre", 0.8))
    face = ((x - 0.5) / 0.155) ** 2 + ((y - 0.46) / 0.2) ** 2 < 1
    _fill(image, face, _c("limestone"))
    _fill(image, face & (x > 0.5), _c("ochre", 0.95))
    for side in (-0.06, 0.06):
        _fill(image, np.hypot(x - 0.5 - side, (y - 0.43) * 1.5) < 0.018, _c("slate", 0.4))
    _fill(image, (np.abs(x - 0.5) < 0.04) & (np.abs(y - 0.56 + 4 * (x - 0.5) ** 2) < 0.009), _c("rose", 0.7))
    return image


def _waves() -> Array:
    image, x, y = _canvas("limestone")
    for k in range(11):
        row = 0.12 + 0.085 * k
        crest = row + 0.05 * np.sin(x * 9 + k * 1.7) * np.exp(-((x - 0.2 - 0.06 * k) ** 2) * 6)
        _fill(image, (y > crest) & (y < crest + 0.07), _c(("water", "teal", "slate", "portal")[k % 4], 0.95))
    return image


def _garden() -> Array:
    image, x, y = _canvas("leaf", 0.6)
    rng = np.random.default_rng(9)
    for _ in range(46):
        cx, cy = rng.uniform(0, 1), rng.uniform(0, 1)
        key = ("blossom", "rose", "limestone", "glow")[int(rng.integers(0, 4))]
        angle, r = np.arctan2(y - cy, x - cx), np.hypot(x - cx, y - cy)
        _fill(image, r < 0.045 * (0.72 + 0.28 * np.cos(5 * angle)), _c(key))
        _fill(image, r < 0.013, _c("ochre"))
    return image


def _arches() -> Array:
    image, x, y = _canvas("rose", 0.9)
    for k in range(6):
        half = 0.44 - 0.07 * k
        inside = (np.abs(x - 0.5) < half) & (y > 0.5) | (np.hypot(x - 0.5, y - 0.5) < half)
        _fill(image, inside, _c(("limestone", "ochre", "teal", "slate", "blossom", "glow")[k]))
    _fill(image, y > 0.93, _c("timber"))
    return image


def _stars() -> Array:
    image, x, y = _canvas("water", 0.4)
    rng = np.random.default_rng(2)
    swirl = np.sin(9 * np.hypot(x - 0.35, y - 0.4) * 2 + 2 * np.arctan2(y - 0.4, x - 0.35))
    image[:] = _between(_c("water", 0.45), _c("teal", 0.75), swirl * 0.5 + 0.5, 4)
    for _ in range(15):
        cx, cy, r = rng.uniform(0, 1), rng.uniform(0, 0.7), rng.uniform(0.012, 0.032)
        d = np.hypot(x - cx, y - cy)
        _fill(image, d < r * 1.9, _c("slate", 1.1))
        _fill(image, d < r, _c("glow"))
    ridge = 0.8 + 0.05 * np.sin(x * 8) + 0.03 * np.sin(x * 21)
    _fill(image, y > ridge, _c("slate", 0.35))
    return image


PAINTERS: list[Callable[[], Array]] = [
    _dusk_hills, _moon_sea, _suprematist, _truchet, _tree, _circles,
    _town, _portrait, _waves, _garden, _arches, _stars,
]  # fmt: skip


def atlas() -> bytes:
    """All pictures in one PNG."""
    sheet = np.zeros((ROWS * SIZE, COLUMNS * SIZE, 3))
    for k, paint in enumerate(PAINTERS):
        row, column = divmod(k, COLUMNS)
        sheet[row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE] = np.clip(paint(), 0, 1)
    return png.encode((np.round(sheet * 31) * 8).clip(0, 255).astype(np.uint8))


def cell(picture: int) -> tuple[float, float, float, float]:
    """u0, v0, u1, v1 of a picture, a pixel inside its edge."""
    row, column = divmod(picture, COLUMNS)
    edge = 1.0 / SIZE
    return (column + edge) / COLUMNS, (row + edge) / ROWS, (column + 1 - edge) / COLUMNS, (row + 1 - edge) / ROWS
