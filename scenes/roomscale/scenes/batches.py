"""Many small arrays looked at together: an animation has thousands of accessors, each of a few numbers.

Rule: a batch only tells whether all is well with every array in it. Where it is not, whoever asked looks at each one,
and says what is wrong. Arrays are put together up to a few megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array

MOST_BYTES = 4 << 20
"""Of arrays that are put together."""
Starts = NDArray[np.intp]


def all_well(arrays: Iterable[Array], is_well: Callable[[Array, Starts], bool]) -> bool:
    """Whether `is_well` says so of all arrays, which have rows of one width.

    It is given the rows of many arrays, one after another, and the first row of each.
    """
    return all(is_well(*_joined(batch)) for batch in batches(arrays))


def are_finite(rows: Array, _starts: Starts) -> bool:
    """Whether all numbers are finite."""
    return bool(np.isfinite(rows).all())


def are_increasing(times: Array, starts: Starts) -> bool:
    """Whether the times of each array are finite, and increase."""
    moments = times[:, 0].astype(np.float64)
    steps = np.diff(moments)
    steps[starts[1:] - 1] = 1.0  # from one array to the next
    return bool(np.isfinite(moments).all() and (steps > 0.0).all())


def are_bounds(told: Sequence[Sequence[float]], arrays: Sequence[Array], reduce: np.ufunc) -> bool:
    """Whether these are the bounds of arrays of float32, at their precision. `reduce`: `np.minimum` or `np.maximum`."""
    rows, starts = _joined(arrays)
    return np.array_equal(np.array(told, np.float64).astype(np.float32), reduce.reduceat(rows, starts, axis=0))


def batches(arrays: Iterable[Array]) -> Iterator[list[Array]]:
    """Arrays that follow one another, as many as may be put together; a large one alone."""
    batch: list[Array] = []
    size = 0
    for array in arrays:
        if batch and size + array.nbytes > MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(array)
        size += array.nbytes
    if batch:
        yield batch


def _joined(batch: Sequence[Array]) -> tuple[Array, Starts]:
    ends = np.cumsum([len(array) for array in batch])
    return np.concatenate(batch) if len(batch) > 1 else batch[0], np.concatenate([[0], ends[:-1]])
