"""Work on many things at once, for what lets go of Python's lock while it computes (images).

Rule: results come in the order of what was given, whatever the number of threads. A single thing is worked on where it
is: threads and what they need take 8 ms to load, and each has a heap of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def each_in_threads(work: Callable[[Given], Made], things: Sequence[Given], workers: int | None) -> Iterator[Made]:
    """What `work` makes of each thing. `workers`: threads, None for one per core. Raises what `work` raises."""
    threads = min(workers or os.cpu_count() or 1, len(things))
    if threads <= 1:
        yield from map(work, things)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - see the rule above

    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, things)
