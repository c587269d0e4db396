"""Has Draco decoded by a process of its own, which is asked once.

Rule: what comes back is arrays of exactly the sizes that were asked for, or `DracoError` with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from roomscale.scenes.accessors import Layout
from roomscale.scenes.confined import Confined, Gone

WORKER = Path(__file__).with_name("worker.py")
DATA_BYTES = 1 << 30
"""Bytes of memory that the process may write to; a mesh of two million triangles takes a tenth."""
SECONDS, SECONDS_PER_MB = 4.0, 1.0
"""Of processor time for any scene, and for each compressed megabyte, which holds about half a million triangles."""
Array = np.ndarray[Any, np.dtype[Any]]


class DracoError(Exception):
    """Draco's data do not decode to what the accessors say. `at`: which primitive, None for no one of them."""

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(text)
        self.at = at


@dataclass(frozen=True)
class Compressed:
    """One primitive. `attributes`: (unique id in the Draco mesh, layout of the accessor). `indices`: None without."""

    data: memoryview
    attributes: tuple[tuple[int, Layout], ...]
    indices: Layout | None

    def wanted(self) -> dict[str, Any]:
        """The question about it."""
        return {
            "attributes": [
                {"id": unique, "type": it.dtype.str, "components": it.components, "count": it.count}
                for unique, it in self.attributes
            ],
            "indices": None if self.indices is None else {"type": self.indices.dtype.str, "count": self.indices.count},
        }

    def layouts(self) -> list[Layout]:
        """What comes back, in this order."""
        return [layout for _, layout in self.attributes] + ([] if self.indices is None else [self.indices])


def decode(primitives: Sequence[Compressed]) -> list[list[Array]]:
    """The arrays of each primitive: its attributes, then its indices, (count, components) each. Raises `DracoError`."""
    seconds = SECONDS + SECONDS_PER_MB * sum(len(primitive.data) for primitive in primitives) / 1e6
    layouts = [layout for primitive in primitives for layout in primitive.layouts()]
    try:
        with Confined(WORKER, data_bytes=DATA_BYTES) as process:
            told, arrays = process.ask(
                {"primitives": [primitive.wanted() for primitive in primitives]},
                [primitive.data for primitive in primitives],
                seconds=seconds,
                most_bytes=sum(layout.decoded_bytes for layout in layouts),
            )
        if "error" in told:
            raise DracoError(str(told["error"]), int(told.get("at", 0)))
        made = iter([_array(data, layout) for data, layout in zip(arrays, layouts, strict=True)])
    except (OSError, ValueError, Gone) as error:
        raise DracoError("its decoder crashed, or needed too much time or memory") from error
    return [list(islice(made, len(primitive.layouts()))) for primitive in primitives]


def _array(data: bytes, layout: Layout) -> Array:
    """Raises `ValueError` for another number of bytes than there must be."""
    return np.frombuffer(data, layout.dtype).reshape(layout.count, layout.components)
