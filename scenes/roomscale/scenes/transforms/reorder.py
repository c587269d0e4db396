"""Reorder: triangles in the order in which a GPU's cache and the encoder like them, vertices by their first use.

    scene = reorder(scene)

Vertices that no triangle uses go, save those of meshes that an extension names, which may count them. Rule: applied
twice it gives what it gave once, so an order is changed only for one that is shorter by `_GAIN`.
"""

from __future__ import annotations

import numpy as np

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.meshopt import cache_order, encode_triangles, fetch_order
from roomscale.scenes.meshopt.geometry import UNUSED
from roomscale.scenes.transforms.bundles import Bundle, Indices, bundles, index_users
from roomscale.scenes.transforms.named_meshes import named_meshes

_GAIN = 0.985
"""Encoded size of a new order, compared with the old one's, from which on it is taken."""
_PIECE = 3 << 18
"""Indices that are brought into an order at once: ordering takes 25 bytes for each."""

Known = dict[tuple[int, tuple[bytes, ...]], tuple[list[Indices], Indices]]
"""How many vertices there are, and lists of triangles on them → their best order. Cubes are all made alike."""


def reorder(scene: Scene) -> Scene:
    """The scene with triangles and vertices in a better order. Raises `BrokenData` where data and JSON disagree."""
    draft = Draft(scene, touching=("meshes",))
    survey = draft.survey()
    named = named_meshes(draft.json, survey)
    users = index_users(draft)
    known: Known = {}
    changed = [
        _reorder(bundle, users, known, keep_all=bool(bundle.meshes & named))
        for bundle in bundles(draft, survey)
        if all("indices" in primitive for primitive in bundle.primitives)
    ]
    return draft.finish() if any(changed) else scene


def _reorder(bundle: Bundle, users: dict[int, int], known: Known, *, keep_all: bool) -> bool:
    old = bundle.indices()
    key = bundle.vertices, tuple(indices.tobytes() for indices in old)
    if key not in known:
        known[key] = _best_order(old, bundle.vertices)
    best, table = known[key]
    table = table.copy()
    kept = np.flatnonzero(table != UNUSED)
    if keep_all:
        unused = np.flatnonzero(table == UNUSED)
        table[unused] = np.arange(len(kept), bundle.vertices, dtype=np.uint32)
        kept = np.arange(bundle.vertices)
    sources = np.empty(len(kept), np.intp)
    sources[table[kept]] = kept
    is_same = len(sources) == bundle.vertices and np.array_equal(sources, np.arange(bundle.vertices))
    if is_same and all(np.array_equal(new, before) for new, before in zip(best, old, strict=True)):
        return False
    bundle.set_indices(best, users)
    if not is_same:
        bundle.set_vertices({index: array[sources] for index, array in bundle.arrays().items()})
    return True


def _best_order(old: list[Indices], vertices: int) -> tuple[list[Indices], Indices]:
    """The lists in their shortest order, and where in it each vertex is."""
    best, table = _by_first_use(old, vertices)
    size = _size(best)
    while True:  # ends: each turn is shorter by 1.5%
        candidate, step = _by_first_use([_ordered(indices, vertices) for indices in best], vertices)
        if (smaller := _size(candidate)) >= _GAIN * size:
            return best, table
        best, table, size = candidate, _then(table, step), smaller


def _ordered(indices: Indices, vertices: int) -> Indices:
    """The same triangles in a better order; of very many those that follow one another are looked at together."""
    pieces = [indices[start : start + _PIECE] for start in range(0, len(indices), _PIECE)]
    ordered = [cache_order(piece, vertices) for piece in pieces]
    return ordered[0] if len(ordered) == 1 else np.concatenate(ordered)


def _by_first_use(lists: list[Indices], vertices: int) -> tuple[list[Indices], Indices]:
    table = fetch_order(np.concatenate(lists), vertices)
    return [table[indices] for indices in lists], table


def _then(first: Indices, second: Indices) -> Indices:
    """The table that leads where `second` leads after `first`."""
    used = first != UNUSED
    result = first.copy()
    result[used] = second[first[used]]
    return result


def _size(lists: list[Indices]) -> int:
    return sum(len(encode_triangles(indices)) for indices in lists)
