"""Reordering and simplifying triangles.

Rule: index arrays are checked against the number of vertices first: WebAssembly would read past them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.meshopt.codec import Floats, Indices
from roomscale.scenes.meshopt.errors import MeshoptError
from roomscale.scenes.meshopt.runtime import instance

UNUSED = 0xFFFF_FFFF
"""Stands in a remap table for a vertex that no triangle uses."""
_LOCK_BORDER = 1
_ERROR_ABSOLUTE = 4
_PRUNE = 8
MOST_ATTRIBUTES = 32


def cache_order(indices: Indices, vertices: int) -> Indices:
    """The same triangles in an order that encodes shortly, and that GPUs' vertex caches like nearly as well as theirs.

    `meshopt_optimizeVertexCacheStrip`.
    """
    _check(indices, vertices, 3)
    with instance("encoder") as encoder:
        at = encoder.put(indices)
        encoder.call("meshopt_optimizeVertexCacheStrip", at, at, len(indices), vertices)
        return encoder.take(at, len(indices), np.uint32)


def fetch_order(indices: Indices, vertices: int) -> Indices:
    """A table old vertex → new vertex, by first use; `UNUSED` for a vertex that no index names."""
    _check(indices, vertices, 1)
    with instance("encoder") as encoder:
        at, table = encoder.put(indices), encoder.reserve(vertices * 4)
        encoder.call("meshopt_optimizeVertexFetchRemap", table, at, len(indices), vertices)
        return encoder.take(table, vertices, np.uint32)


def simplify(
    indices: Indices,
    positions: Floats,
    *,
    target: int,
    error: float,
    attributes: Floats | None = None,
    weights: tuple[float, ...] = (),
    locked: NDArray[np.bool_] | None = None,
    lock_border: bool = False,
    prune: bool = False,
) -> tuple[Indices, float]:
    """Triangles that look like the given ones, on the same vertices, and the error made, in the units of `positions`.

    `target`: indices wished for; fewer never, more where `error` (same units as `positions`) stands against it.
    `attributes`: shape (vertices, n ≤ 32), kept in so far as their `weights` say. `locked`: vertices that stay.
    `lock_border`: open edges stay where they are. `prune`: parts smaller than the error vanish.
    """
    count = len(positions)
    _check(indices, count, 3)
    attributes = np.empty((count, 0), np.float32) if attributes is None else attributes
    if attributes.shape != (count, len(weights)) or len(weights) > MOST_ATTRIBUTES:
        raise ValueError("one weight for each column of attributes, 32 at most")
    if not (np.isfinite(positions).all() and np.isfinite(attributes).all()):
        raise ValueError("only finite vertices can be simplified")
    options = _ERROR_ABSOLUTE | (_LOCK_BORDER if lock_border else 0) | (_PRUNE if prune else 0)
    with instance("simplifier") as simplifier:
        made, result = simplifier.reserve(4), simplifier.reserve(indices.nbytes)
        where = [
            simplifier.put(array)
            for array in (
                indices,
                positions.astype(np.float32, copy=False),
                attributes.astype(np.float32, copy=False),
                np.array(weights, np.float32),
            )
        ]
        lock = 0 if locked is None else simplifier.put(locked.astype(np.uint8))
        size = simplifier.call(
            "meshopt_simplifyWithAttributes",
            *(result, where[0], len(indices), where[1], count, 12, where[2], 4 * len(weights), where[3]),
            *(len(weights), lock, target // 3 * 3, error, options, made),
        )
        return simplifier.take(result, int(size or 0), np.uint32), float(simplifier.take(made, 1, np.float32)[0])


def _check(indices: Indices, vertices: int, group: int) -> None:
    if indices.dtype != np.uint32 or indices.ndim != 1 or len(indices) == 0 or len(indices) % group:
        raise ValueError("indices are one row of uint32, three for each triangle")
    if int(indices.max()) >= vertices:
        raise MeshoptError("an index is past the last vertex")
