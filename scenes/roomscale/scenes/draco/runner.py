"""Starts the process that decodes Draco, asks it once, and ends it when it takes too long.

Rule: what comes back is arrays of exactly the sizes that were asked for, or `DracoError` with the reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roomscale.scenes.accessors import Layout

WORKER = Path(__file__).with_name("worker.py")
LENGTH_BYTES = 4
MOST_HEADER = 64 << 10
"""Bytes of the header of an answer; it holds a sentence."""
DATA_BYTES = 1 << 30
"""Bytes of memory that the process may write to; a mesh of two million triangles takes a tenth."""
SECONDS, SECONDS_PER_MB = 4.0, 1.0
"""Of processor time for any scene, and for each compressed megabyte, which holds about half a million triangles."""
PATIENCE = 3.0
"""How many times as long by the clock, where other programs want the processor too."""
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
            "bytes": len(self.data),
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
    size = sum(len(primitive.data) for primitive in primitives)
    seconds = SECONDS + SECONDS_PER_MB * size / 1e6
    command = [sys.executable, "-P", str(WORKER), str(DATA_BYTES), str(int(seconds) + 1)]
    # One thread: the libraries beneath numpy would reserve memory for each core, which the limit counts.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    timer = threading.Timer(seconds * PATIENCE, process.kill)
    timer.start()
    try:
        return _asked(process, primitives)
    except (OSError, ValueError) as error:
        raise DracoError("its decoder crashed, or needed too much time or memory") from error
    finally:
        timer.cancel()
        process.kill()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        process.wait()


def _asked(process: subprocess.Popen[bytes], primitives: Sequence[Compressed]) -> list[list[Array]]:
    """Raises `DracoError` for an error that was told, `OSError` or `ValueError` for a process that is gone."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("no streams")
    header = json.dumps({"primitives": [primitive.wanted() for primitive in primitives]}).encode()
    process.stdin.write(len(header).to_bytes(LENGTH_BYTES, "big") + header)
    for primitive in primitives:
        process.stdin.write(primitive.data)
    process.stdin.close()  # it has read all of this before it answers
    length = int.from_bytes(process.stdout.read(LENGTH_BYTES), "big")
    told = json.loads(process.stdout.read(min(length, MOST_HEADER)))
    if "error" in told:
        raise DracoError(str(told["error"]), int(told.get("at", 0)))
    return [
        [_array(process.stdout.read(it.decoded_bytes), it) for it in primitive.layouts()] for primitive in primitives
    ]


def _array(data: bytes, layout: Layout) -> Array:
    """Raises `ValueError` for fewer bytes than there must be."""
    return np.frombuffer(data, layout.dtype).reshape(layout.count, layout.components)
