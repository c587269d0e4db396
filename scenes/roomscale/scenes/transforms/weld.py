"""Weld: vertices that are equal in every bit, over all attributes and morph targets, become one.

    scene = weld(scene)

Triangles without indices get some where that is shorter. Rule: no number changes; what is drawn stays the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft, packed
from roomscale.scenes.transforms.bundles import Bundle, bundles, index_users

_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
"""2^64 divided by the golden ratio: what a hash is multiplied by so that all bits of a word spread."""
_LONGEST_INDEX = 4
"""Bytes."""


def weld(scene: Scene) -> Scene:
    """The scene with equal vertices joined. Raises `BrokenData` where data and JSON disagree."""
    draft = Draft(scene, touching=("meshes",))
    users = index_users(draft)
    changed = [_weld(bundle, users) for bundle in bundles(draft, draft.survey())]
    return draft.finish() if any(changed) else scene


def _weld(bundle: Bundle, users: dict[int, int]) -> bool:
    arrays = bundle.arrays()
    first, new = _equal_rows(list(arrays.values()))
    if len(first) == bundle.vertices:
        return False
    if any("indices" not in primitive for primitive in bundle.primitives):
        row = sum(array.nbytes for array in arrays.values()) // bundle.vertices
        if (bundle.vertices - len(first)) * row <= bundle.vertices * _LONGEST_INDEX:
            return False
    lists = [new[indices] for indices in bundle.indices()]
    bundle.set_indices(lists, users)
    bundle.set_vertices({index: array[first] for index, array in arrays.items()})
    return True


def _equal_rows(arrays: list[Array]) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
    """The first row of each kind, in their order, and for each row the number of its kind; equal is equal in bits."""
    count = len(arrays[0])
    words = [_words(array) for array in arrays]
    hashes = np.zeros(count, np.uint64)
    for column in (part[:, number] for part in words for number in range(part.shape[1])):
        hashes ^= column
        hashes *= _MIX
        hashes ^= hashes >> np.uint64(29)
    _, first, kind = np.unique(hashes, return_index=True, return_inverse=True)
    if not all(np.array_equal(part[first[kind]], part) for part in words):  # two rows with one hash: slowly, then
        _, first, kind = np.unique(np.concatenate(words, axis=1), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    return first[order], rank[kind.reshape(-1)]


def _words(array: Array) -> NDArray[np.uint32]:
    """Rows as numbers of 32 bits."""
    data, _ = packed(array, for_vertices=True)
    return np.frombuffer(data, "<u4").reshape(len(array), -1)
