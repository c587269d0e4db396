"""Textures: small tiling images, drawn by arithmetic.

A *surface* is a height field; from it come the colour detail (grey, around 1, so that the palette keeps its
hues) and the tangent-space normals. Its one rule: everything wraps, and everything is seeded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from roomscale.assets.samples import palette, png
from roomscale.assets.samples.geometry import Array


def surfaces() -> dict[str, tuple[bytes, bytes]]:
    """Name → (colour detail, normals), as PNG files."""
    made: dict[str, Callable[[], tuple[Array, Array, float]]] = {
        "cobble": _cobble,
        "blocks": _blocks,
        "plaster": _plaster,
        "tiles": _tiles,
        "planks": _planks,
        "ripples": _ripples,
    }
    files = {}
    for name, draw in made.items():
        height, tone, relief = draw()
        files[name] = (png.encode(_grey(tone)), png.encode(_normals(height, relief)))
    return files


def _grey(tone: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Linear 0..1 to sRGB bytes in steps of 4, which PNG packs well and no eye sees."""
    encoded = np.clip(tone, 0, 1) ** (1 / 2.2) * 255
    return (np.round(encoded / 4) * 4).clip(0, 255).astype(np.uint8)


def _normals(height: Array, relief: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Tangent-space normals (glTF: +Y up in the image) of a wrapping height field, in steps of 8."""
    dx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) * relief
    dy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) * relief
    normal = np.stack([-dx, dy, np.ones_like(height)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    steps = np.round((normal * 127 + 128) / 8) * 8
    return steps.clip(0, 255).astype(np.uint8)


def _pixels(size: int) -> tuple[Array, Array]:
    """u and v of pixel centres, each (size, size), in 0..1."""
    line = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(line, line)
    return u, v


def noise(size: int, cells: int, seed: int, across: int | None = None) -> Array:
    """Smooth wrapping value noise in 0..1 with `cells` rows (and `across` columns) of random values."""
    columns = across or cells
    values = np.random.default_rng(seed).random((cells, columns))
    u, v = _pixels(size)
    x, y = u * columns, v * cells
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    fy, fx = y - i, x - j
    sy, sx = fy * fy * (3 - 2 * fy), fx * fx * (3 - 2 * fx)

    def corner(di: int, dj: int) -> Array:
        picked: Array = values[(i + di) % cells, (j + dj) % columns]
        return picked

    top = corner(0, 0) * (1 - sx) + corner(0, 1) * sx
    bottom = corner(1, 0) * (1 - sx) + corner(1, 1) * sx
    blended: Array = top * (1 - sy) + bottom * sy
    return blended


def _edge(distance: Array, width: float) -> Array:
    """A rounded shoulder: 0 at a seam, 1 from `width` inwards."""
    t = np.clip(distance / width, 0, 1)
    return np.sin(t * np.pi / 2)


def _cobble() -> tuple[Array, Array, float]:
    """Setts in fanned, uneven rows: the nearest two of jittered points decide stone and seam."""
    size, cells = 256, 9
    rng = np.random.default_rng(11)
    i, j = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
    px = (j + 0.5 + 0.5 * (i % 2) + rng.uniform(-0.2, 0.2, i.shape)) / cells
    py = (i + 0.5 + rng.uniform(-0.16, 0.16, i.shape)) / cells
    tones = rng.uniform(0.62, 1.0, i.size)
    u, v = _pixels(size)
    gaps = np.stack(
        [
            np.hypot(((u - x + 0.5) % 1 - 0.5) * 1.0, ((v - y + 0.5) % 1 - 0.5) * 1.12)
            for x, y in zip(px.ravel(), py.ravel(), strict=True)
        ]
    )
    order = np.argsort(gaps, axis=0)[:2]
    nearest, second = np.take_along_axis(gaps, order, axis=0)
    seam = (second - nearest) * cells
    height = _edge(seam, 0.42)
    tone = tones[order[0]] * (0.35 + 0.65 * _edge(seam, 0.22)) * (0.94 + 0.06 * noise(size, 24, 12))
    return height, tone, 3.2


def _blocks() -> tuple[Array, Array, float]:
    """Ashlar in running bond, six courses, stones of uneven length."""
    size, courses = 256, 6
    rng = np.random.default_rng(21)
    u, v = _pixels(size)
    course = np.floor(v * courses).astype(int)
    height, tone = np.zeros_like(u), np.zeros_like(u)
    for row in range(courses):
        cuts = np.sort((np.arange(4) / 4 + rng.uniform(-0.05, 0.05, 4) + 0.125 * (row % 2)) % 1)
        stone = np.searchsorted(cuts, u, side="right") % 4
        to_cut = np.min([np.abs((u - cut + 0.5) % 1 - 0.5) for cut in cuts], axis=0)
        to_bed = np.minimum(v * courses - course, course + 1 - v * courses) / courses
        seam = np.minimum(to_cut, to_bed)
        here = course == row
        height[here] = _edge(seam, 0.018)[here]
        shades = rng.uniform(0.76, 1.0, 4)
        tone[here] = (shades[stone] * (0.55 + 0.45 * _edge(seam, 0.009)))[here]
    grain = noise(size, 40, 22) * 0.5 + noise(size, 80, 23) * 0.5
    return height + 0.12 * grain, tone * (0.92 + 0.08 * grain), 2.4


def _plaster() -> tuple[Array, Array, float]:
    """Trowelled plaster: broad stains, fine grain."""
    size = 128
    broad = noise(size, 4, 31) * 0.6 + noise(size, 9, 32) * 0.4
    fine = noise(size, 32, 33) * 0.6 + noise(size, 64, 34) * 0.4
    return broad * 1.2 + fine * 0.35, 0.82 + 0.14 * broad + 0.06 * fine, 1.1


def _tiles() -> tuple[Array, Array, float]:
    """Round-ended roof tiles in overlapping rows; v runs down the roof."""
    size, rows, columns = 128, 6, 6
    rng = np.random.default_rng(41)
    u, v = _pixels(size)
    y = v * rows
    row = np.floor(y).astype(int)
    x = u * columns + 0.5 * (row % 2)
    column = np.floor(x).astype(int) % columns
    fx, fy = x - np.floor(x) - 0.5, y - row
    drop = 1.0 - 0.34 * (1 - np.sqrt(np.clip(1 - (2 * fx) ** 2, 0, 1)))
    under = fy > drop
    shades = rng.uniform(0.66, 1.0, (rows, columns))
    height = np.where(under, 0.1, 0.35 + 0.65 * fy) * (1 - 0.5 * (2 * np.abs(fx)) ** 6)
    tone = shades[row, column] * np.where(under, 0.45, 0.75 + 0.25 * fy) * (1 - 0.45 * (2 * np.abs(fx)) ** 10)
    return height, tone, 2.0


def _planks() -> tuple[Array, Array, float]:
    """Boards along u with grain."""
    size, boards = 128, 4
    rng = np.random.default_rng(51)
    _, v = _pixels(size)
    y = v * boards
    board = np.floor(y).astype(int)
    seam = np.minimum(y - board, board + 1 - y)
    grain = noise(size, 48, 52, across=4) * 0.6 + noise(size, 96, 53, across=8) * 0.4
    shades = rng.uniform(0.72, 1.0, boards)
    tone = shades[board] * (0.72 + 0.28 * grain) * (0.5 + 0.5 * _edge(seam, 0.08))
    return _edge(seam, 0.1) + 0.25 * grain, tone, 1.6


def _ripples() -> tuple[Array, Array, float]:
    """Water: crossing waves, long along u."""
    size = 128
    u, v = _pixels(size)
    turn = 2 * np.pi
    height = np.zeros_like(u)
    for a, b, phase, weight in ((1, 3, 0.0, 1.0), (-2, 5, 1.3, 0.6), (3, 8, 4.0, 0.35), (-1, 11, 2.2, 0.25)):
        height += weight * np.sin(turn * (a * u + b * v) + phase + 0.8 * np.sin(turn * (u - v)))
    return height, np.full_like(u, 1.0), 0.55


DARK = 8  # the window cell of a room without light
PANE = (40, 60)  # pixels of one cell


def windows() -> bytes:
    """Interiors behind their glazing bars: eight lit panes and a dark one in a row; see `window_cell`."""
    x, y = np.meshgrid((np.arange(PANE[0]) + 0.5) / PANE[0], (np.arange(PANE[1]) + 0.5) / PANE[1])
    rng = np.random.default_rng(61)
    glow = np.array(palette.linear("glow"))
    cells = []
    for cell in range(8):
        tint = glow * np.array([1.0, 0.9 + 0.02 * cell, 0.8 + 0.04 * (cell % 4)])
        cells.append(_interior(x, y, cell, rng)[..., None] * tint)
    sheen = 0.25 + 0.5 * np.exp(-(((x - y * 0.6 - 0.25) * 4) ** 2))
    cells.append(sheen[..., None] * np.array(palette.linear("slate")) * 0.3)
    bars = (np.abs(x - 0.5) < 0.035) | (np.abs(y - 0.36) < 0.022) | (np.abs(y - 0.69) < 0.022)
    bars |= (np.abs(x - 0.5) > 0.465) | (np.abs(y - 0.5) > 0.475)
    frame = np.array(palette.linear("timber")) * 0.35
    strip = np.concatenate([np.where(bars[..., None], frame, cell) for cell in cells], axis=1)
    encoded = np.clip(strip, 0, 1) ** (1 / 2.2) * 255
    return png.encode((np.round(encoded / 4) * 4).clip(0, 255).astype(np.uint8))


def _interior(x: Array, y: Array, cell: int, rng: np.random.Generator) -> Array:
    """Brightness of one lit room: its lamp, and what stands before it."""
    lamp = np.exp(-(((x - rng.uniform(0.3, 0.7)) * 2.2) ** 2 + ((y - rng.uniform(0.25, 0.5)) * 1.8) ** 2))
    light = 0.40 + 0.8 * lamp - 0.2 * y
    if cell % 2 == 0:  # curtains drawn aside
        width = rng.uniform(0.16, 0.3)
        fold = 0.75 + 0.25 * np.sin(x * 60)
        light = np.where((x < width) | (x > 1 - width), light * 0.42 * fold, light)
    if cell in (1, 5):  # a plant on the sill
        light = np.where(np.hypot((x - 0.35) * 1.3, (y - 0.86) * 1.6) < 0.19, light * 0.22, light)
    if cell in (3, 6):  # half a blind
        light = np.where(y < 0.38, light * (0.5 + 0.1 * np.sin(y * 90)), light)
    if cell == 7:  # somebody reading
        head = np.hypot(x - 0.66, (y - 0.6) * 1.3) < 0.1
        light = np.where(head | ((np.abs(x - 0.66) < 0.2) & (y > 0.76)), light * 0.2, light)
    return np.asarray(light)


def window_cell(cell: int) -> tuple[float, float, float, float]:
    """u0, v0, u1, v1 of a pane in `windows`, a little inside its edges."""
    return (cell % 9) / 9 + 0.002, 0.01, (cell % 9 + 1) / 9 - 0.002, 0.99


def swirl() -> bytes:
    """The portal's surface: arms of light winding into a bright eye."""
    size = 128
    u, v = _pixels(size)
    x, y = u * 2 - 1, v * 2 - 1
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    arms = 0.5 + 0.5 * np.sin(3 * angle + 9 * np.sqrt(radius) + 2.5 * noise(size, 5, 71))
    light = 0.25 + 0.55 * arms**2 * np.clip(1.15 - radius, 0, 1) + 0.8 * np.exp(-((radius * 2.6) ** 2))
    light *= 0.55 + 0.45 * np.clip(1.3 - radius, 0, 1)
    colour = np.array(palette.linear("portal")) * 1.05
    pale = np.clip(light[..., None] * colour + np.clip(light[..., None] - 0.75, 0, 1) * 0.6, 0, 1)
    return png.encode((np.round(pale ** (1 / 2.2) * 63) * 4).clip(0, 255).astype(np.uint8))
