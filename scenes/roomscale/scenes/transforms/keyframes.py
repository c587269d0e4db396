"""Which keyframes of many samplers interpolation gives back by itself: the arithmetic of `resample`, on arrays.

A curve is followed from a kept key for as long as one straight line passes every key since within a tolerance (the
"swing door": a cone that narrows with each key). Rotations are looked at as rotation vectors from the kept key, where
spherical interpolation is a straight line; distances there are never less than between the rotations themselves.
Rule: samplers are done together, so that each step is arithmetic on arrays; no loop over samplers. Shorter ones are
padded; `counts` says how many keys each has, the longest first, and whatever stands behind them is not looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.intp]
Flags = NDArray[np.bool_]

MOST_TURN = 2.5
"""Radians that one segment may turn: near π the shorter way round is not sure."""


def needed_steps(values: Floats, counts: Counts) -> Flags:
    """STEP: the keys that differ from the one before, the first and the last. `values`: (samplers, keys, numbers)."""
    keep = np.ones(values.shape[:2], np.bool_)
    keep[:, 1:] = np.any(values[:, 1:] != values[:, :-1], axis=2)
    keep[np.arange(values.shape[1]) >= counts[:, None]] = False
    keep[np.arange(len(counts)), counts - 1] = True
    return keep


def needed_keys(
    times: Floats, values: Floats, tolerance: Floats, counts: Counts | None = None, *, rotations: bool = False
) -> Flags:
    """LINEAR: the keys that must stay, the first and the last among them; (samplers, keys).

    `times`: seconds, (samplers, keys), increasing. `values`: (samplers, keys, numbers), unit quaternions (x, y, z, w)
    for `rotations`. `tolerance`: (samplers,), in the units of the values, radians for rotations. `counts`: None where
    all are as long as the arrays.
    """
    samplers, count, numbers = values.shape
    counts = np.full(samplers, count) if counts is None else counts
    keep = np.zeros((samplers, count), np.bool_)
    keep[:, 0] = True
    keep[np.arange(samplers), counts - 1] = True
    width = 3 if rotations else numbers
    low, high = np.full((samplers, width), -np.inf), np.full((samplers, width), np.inf)
    anchor = np.zeros(samplers, np.intp)
    # A margin per component, so that all components together stay within the tolerance.
    margins = tolerance[:, None] / np.sqrt(width)
    ends = np.searchsorted(-counts, -np.arange(count))  # at each key, how many samplers have it
    for key in range(1, count):
        rows = np.arange(ends[key])
        own, least, most, margin = anchor[: ends[key]], low[: ends[key]], high[: ends[key]], margins[: ends[key]]
        away = _away(values, own, rows, key, rotations=rotations)
        elapsed = (times[rows, key] - times[rows, own])[:, None]
        slope = away / elapsed
        within = np.all((slope >= least) & (slope <= most), axis=1)
        if rotations:
            within &= np.linalg.norm(away, axis=1) < MOST_TURN
        broken = ~within & (own < key - 1)
        if broken.any():
            own[broken] = key - 1
            keep[rows[broken], key - 1] = True
            least[broken], most[broken] = -np.inf, np.inf
            away = _away(values, own, rows, key, rotations=rotations)
            elapsed = (times[rows, key] - times[rows, own])[:, None]
        np.maximum(least, (away - margin) / elapsed, out=least)
        np.minimum(most, (away + margin) / elapsed, out=most)
    return keep


def _away(values: Floats, anchor: NDArray[np.intp], rows: NDArray[np.intp], key: int, *, rotations: bool) -> Floats:
    """From each sampler's anchor to its key: a difference, or the vector of the rotation between them."""
    start, end = values[rows, anchor], values[rows, key]
    if not rotations:
        return np.asarray(end - start, np.float64)
    x, y, z, w = -start[:, 0], -start[:, 1], -start[:, 2], start[:, 3]
    a, b, c, d = end.T
    vector = np.stack([w * a + x * d + y * c - z * b, w * b - x * c + y * d + z * a, w * c + x * b - y * a + z * d], 1)
    cosine = w * d - x * a - y * b - z * c
    length = np.linalg.norm(vector, axis=1)
    angle = 2.0 * np.arctan2(length, np.abs(cosine))
    scale = np.where(length > 1e-12, angle / np.maximum(length, 1e-12), 2.0) * np.where(cosine < 0.0, -1.0, 1.0)
    return np.asarray(vector * scale[:, None], np.float64)


def is_constant(values: Floats, tolerance: Floats, *, rotations: bool = False) -> Flags:
    """The samplers whose keys all say the same as the first, within the tolerance. Shapes as in `needed_keys`.

    Behind the last key of a shorter one its first may stand again."""
    if rotations:
        return np.asarray(
            np.all(np.abs(np.einsum("skn,sn->sk", values, values[:, 0])) >= 1.0 - tolerance[:, None] ** 2 / 8.0, axis=1)
        )
    distance = np.linalg.norm(values - values[:, :1], axis=2)
    return np.asarray(np.all(distance <= tolerance[:, None], axis=1))
