"""How a command that is over soon treats memory and threads: nothing is begun that does not pay before its end.

Its one rule: what is imported here costs next to nothing, because this comes first.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_M_MMAP_THRESHOLD = -3
"""Of mallopt(3)."""
_LARGE_BLOCK = 1 << 20
"""Bytes from which on a block is the system's own; smaller ones cost more to fetch than to keep."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's search for cycles: a scene's JSON is hundreds of thousands of objects and none, and looking
    through them again and again took a tenth of the time. So is what importing leaves behind: begin before that."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def unseen_by_collector() -> Iterator[None]:
    """To import in: what is there at the end stays to the end, and no search for cycles ever looks through it."""
    with uncollected():
        yield
        gc.freeze()


def without_algebra_threads() -> None:
    """Keep numpy from starting threads for linear algebra, if it is not loaded yet.

    A scene's matrices are small; starting and ending the threads took a tenth of what packing a small scene takes.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def give_memory_back() -> None:
    """Let large blocks of memory go back to the system as soon as they are free.

    glibc keeps those of up to 32 MB for later, in each thread's own heap: a quarter of what packing many images took.
    Elsewhere nothing is done.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - see the rule above

        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
