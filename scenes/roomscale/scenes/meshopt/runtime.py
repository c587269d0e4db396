"""Hands out running instances of meshoptimizer's WebAssembly modules: one for each thread, memory given back.

Rule: memory is bounded (`machine.MEMORY_BYTES`); an instance that failed, or grew past `KEPT_BYTES`, is thrown away.
wasmtime is imported with the first instance: most of what a command does needs none.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomscale.scenes.meshopt.machine import Instance

KEPT_BYTES = 32 << 20
"""An instance that used more does not wait for the next call: WebAssembly's memory never shrinks."""


@contextmanager
def instance(name: str) -> Iterator[Instance]:
    """This thread's instance of a module (`encoder`, `decoder`, `simplifier`), its memory given back at the end."""
    from roomscale.scenes.meshopt.machine import Instance  # noqa: PLC0415 - see the rule above

    instances = _of_this_thread()
    running = instances.pop(name, None) or Instance(name)
    yield running  # left by an exception: the instance is not kept
    running.release()
    if running.size <= KEPT_BYTES:
        instances[name] = running


class _Local(threading.local):
    instances: dict[str, Instance]


_local = _Local()


def _of_this_thread() -> dict[str, Instance]:
    if not hasattr(_local, "instances"):
        _local.instances = {}
        if threading.current_thread() is threading.main_thread():
            atexit.register(_local.instances.clear)  # while wasmtime is still there to free them
    return _local.instances
