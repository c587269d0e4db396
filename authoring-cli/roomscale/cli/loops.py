"""How a command's coroutines run: which event loop, and what Ctrl-C means while they do.

Its one rule: a signal never tears a coroutine apart; it calls what the command put there to end in order.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run_fast(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on the faster loop where there is one; for what moves many packets."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 - it is not installed on Windows

    return uvloop.run(work)


@contextmanager
def on_signals(*actions: Callable[[], object]) -> Iterator[None]:
    """Within: the first SIGINT or SIGTERM calls the first of `actions`, the second the next, all further the last."""
    loop = asyncio.get_running_loop()
    left = list(actions)

    def signalled() -> None:
        (left.pop(0) if len(left) > 1 else left[0])()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with suppress(NotImplementedError):  # Windows: KeyboardInterrupt does it
            loop.add_signal_handler(number, signalled)
    try:
        yield
    finally:
        for number in numbers:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
