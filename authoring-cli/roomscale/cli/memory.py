"""How this process keeps its memory, for commands that hold a whole scene.

Its one rule: what is set here changes how much memory is held and how fast, never a result.
"""

from __future__ import annotations

import ctypes
import gc
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
    through them again and again took a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def give_memory_back() -> None:
    """Let large blocks of memory go back to the system as soon as they are free.

    glibc keeps those of up to 32 MB for later, in each thread's own heap: a quarter of what packing many images took.
    Elsewhere nothing is done.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
