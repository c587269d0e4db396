"""How far a packed image is from the one it was made of, in the terms of what it is for.

Colour: RMS of the sRGB numbers, and SSIM of their brightness (Wang et al., 2004; windows of 8 × 8 pixels); where alpha
is coverage, colour counts as far as it covers. Normals: degrees between directions. Data: RMS of each channel.
Rule: pure, float, and independent of what made the image; where the image is smaller than its source, the source is
scaled by Lanczos to compare: colour as light (glTF 2.0, §3.9.2 calls it sRGB, and graphics cards filter it so).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roomscale.scenes.roles import Alpha, ImageUse, Role

Floats = NDArray[np.floating[Any]]
Errors = dict[str, float]
"""Measure → how far off, 0 if not at all: in steps of 1/255, degrees, or (SSIM) what is missing to 1."""

WINDOW: Final = 8
_BRIGHTNESS: Final = np.array([0.299, 0.587, 0.114], np.float32)
_SSIM_LEVEL, _SSIM_CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""C1 and C2 of SSIM."""
_NO_DIRECTION: Final = 0.1
"""Length below which what stands in a normal map points nowhere."""
MEASURES: Final = {
    Role.COLOUR: ("RMS", "1 − SSIM", "alpha RMS"),
    Role.NORMAL: ("mean °", "95% °"),
    Role.DATA: ("R RMS", "G RMS", "B RMS", "A RMS"),
}
"""Role → its measures, in the order of the table."""


def errors(source: Image.Image, packed: Image.Image, use: ImageUse) -> Errors:
    """How far `packed` is from `source`, by the measures of its role."""
    wanted = reference(source, packed.size, use)
    seen = _pixels(packed)
    if use.role is Role.NORMAL:
        return _angles(wanted, seen)
    if use.role is Role.COLOUR:
        return _colours(wanted, seen, use.alpha)
    has_alpha = source.mode in ("LA", "RGBA")
    return {
        f"{name} RMS": _rms(wanted[..., band] - seen[..., band]) for band, name in enumerate("RGBA"[: 3 + has_alpha])
    }


def reference(source: Image.Image, size: tuple[int, int], use: ImageUse) -> Floats:
    """The source at another size, (height, width, 4) of 0 to 255, never rounded to bytes."""
    pixels = _pixels(source)
    if source.size == size:
        return pixels
    if use.role is not Role.COLOUR:
        return np.clip(np.stack([_scaled(pixels[..., band], size) for band in range(4)], axis=2), 0, 255)
    light, cover = _to_light(pixels[..., :3] / 255), pixels[..., 3]
    weights = cover / 255 if use.alpha is Alpha.SHOWN else np.ones_like(cover)
    total = _scaled(weights, size)
    bands = [_scaled(light[..., band] * weights, size) / np.maximum(total, 1e-3) for band in range(3)]
    colours = _from_light(np.clip(np.stack(bands, axis=2), 0, 1)) * 255
    return np.dstack([colours, np.clip(_scaled(cover, size), 0, 255)]).astype(np.float32)


def _pixels(image: Image.Image) -> Floats:
    return np.asarray(image.convert("RGBA"), np.float32)


def _scaled(values: Floats, size: tuple[int, int]) -> Floats:
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32)


def _to_light(values: Floats) -> Floats:
    """IEC 61966-2-1, sRGB's numbers to light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _from_light(values: Floats) -> Floats:
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055).astype(np.float32)


def _rms(difference: Floats, weights: Floats | None = None) -> float:
    squares = np.square(difference, dtype=np.float64)
    return float(np.sqrt(np.average(squares, weights=weights)))


def _colours(wanted: Floats, seen: Floats, alpha: Alpha) -> Errors:
    shown = alpha is Alpha.SHOWN
    covers = wanted[..., 3:] / 255 if shown else np.ones_like(wanted[..., 3:])
    if not covers.any():
        covers = np.ones_like(covers)
    result = {
        "RMS": _rms(wanted[..., :3] - seen[..., :3], np.broadcast_to(covers, (*covers.shape[:2], 3))),
        "1 − SSIM": 1
        - ssim(wanted[..., :3] @ _BRIGHTNESS * covers[..., 0], seen[..., :3] @ _BRIGHTNESS * covers[..., 0]),
    }
    if alpha is not Alpha.HIDDEN and wanted[..., 3].min() < 255:
        result["alpha RMS"] = _rms(wanted[..., 3] - seen[..., 3])
    return result


def _angles(wanted: Floats, seen: Floats) -> Errors:
    left, right = wanted[..., :3] / 127.5 - 1, seen[..., :3] / 127.5 - 1
    lengths, others = np.linalg.norm(left, axis=2), np.linalg.norm(right, axis=2)
    points = lengths > _NO_DIRECTION
    if not points.any():
        return {"mean °": 0.0, "95% °": 0.0}
    crossed = np.linalg.norm(np.cross(left[points], right[points]), axis=1)  # exact for small angles, arccos is not
    degrees = np.degrees(np.arctan2(crossed, (left[points] * right[points]).sum(axis=1)))
    degrees[others[points] <= _NO_DIRECTION] = 90.0
    return {"mean °": float(degrees.mean()), "95% °": float(np.percentile(degrees, 95))}


def ssim(left: Floats, right: Floats) -> float:
    """The mean structural similarity of two grey images of equal size, values 0 to 255: 1 if they are the same."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    mean_a, mean_b = _windows(a), _windows(b)
    spread_a, spread_b = _windows(a * a) - mean_a**2, _windows(b * b) - mean_b**2
    common = _windows(a * b) - mean_a * mean_b
    level = (2 * mean_a * mean_b + _SSIM_LEVEL) / (mean_a**2 + mean_b**2 + _SSIM_LEVEL)
    return float((level * (2 * common + _SSIM_CONTRAST) / (spread_a + spread_b + _SSIM_CONTRAST)).mean())


def _windows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each window, of the whole image where that is smaller than one."""
    for axis in (0, 1):
        length = min(WINDOW, values.shape[axis])
        sums: NDArray[Any] = np.insert(np.cumsum(values, axis=axis), 0, 0.0, axis=axis)
        end = sums.shape[axis]
        values = (sums.take(range(length, end), axis) - sums.take(range(end - length), axis)) / length
    return values
