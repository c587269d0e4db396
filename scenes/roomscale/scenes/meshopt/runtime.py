"""Runs one of meshoptimizer's WebAssembly modules: an instance for each thread, memory that is given back.

The modules import nothing: they can compute, and that is all. They export their memory and `sbrk`, which moves the end
of what is in use; a call puts its arguments behind that end, runs, takes its result, and moves the end back.

Rule: memory is bounded by `MEMORY_BYTES`; an instance that failed, or grew past `KEPT_BYTES`, is thrown away.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import wasmtime
from numpy.typing import DTypeLike, NDArray

from roomscale.scenes.errors import SceneError
from roomscale.scenes.files import read_file

MEMORY_BYTES = 1 << 30
"""Most that one instance may use. Simplifying takes about 200 bytes a triangle: this is enough for five million."""
KEPT_BYTES = 64 << 20
"""An instance that used more does not wait for the next call: WebAssembly's memory never shrinks."""
_ALIGNMENT = 16
"""Bytes. What is put in memory begins at a multiple of it, as `malloc`'s would."""
_FOLDER = Path(__file__).with_name("wasm")

Result = int | float | None


class MeshoptError(SceneError):
    """meshoptimizer could not do what it was asked: malformed data, or more memory than it may have."""


class MeshoptMissing(SceneError):
    """The WebAssembly files are not there: this checkout was never built."""


class Instance:
    """One module, running, with its memory. For one thread at a time."""

    def __init__(self, name: str) -> None:
        self._store = wasmtime.Store(_engine())
        self._store.set_limits(memory_size=MEMORY_BYTES)
        self._exports = wasmtime.Instance(self._store, _module(name), []).exports(self._store)
        memory = self._exports["memory"]
        if not isinstance(memory, wasmtime.Memory):
            raise MeshoptMissing(f"{name}.wasm is not meshoptimizer's: it exports no memory")
        self._memory = memory
        self.call("__wasm_call_ctors")
        self._start = self.reserve(0)

    @property
    def size(self) -> int:
        """Bytes of memory taken so far."""
        return int(self._memory.data_len(self._store))

    def call(self, function: str, *arguments: int | float) -> Result:
        """Call an export. Raises `MeshoptError` when it traps."""
        exported = self._exports[function]
        if not isinstance(exported, wasmtime.Func):
            raise MeshoptMissing(f"meshoptimizer's module has no {function}")
        try:
            result: Result = exported(self._store, *arguments)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise MeshoptError(f"meshoptimizer gave up in {function}; the mesh may be too large for it") from error
        return result

    def reserve(self, size: int) -> int:
        """The address of `size` fresh bytes. Raises `MeshoptError` when there is no room."""
        wanted = -(-size // _ALIGNMENT) * _ALIGNMENT
        address = self.call("sbrk", wanted) if wanted <= MEMORY_BYTES else None
        if not isinstance(address, int) or address < 0:
            raise MeshoptError(f"a mesh needs more than the {MEMORY_BYTES >> 20} MB that meshoptimizer may use")
        return address

    def release(self) -> None:
        """Give back all that was reserved."""
        end = self.call("sbrk", 0)
        self.call("sbrk", self._start - int(end or 0))

    def put(self, array: NDArray[Any], spare: int = 0) -> int:
        """Copy an array into memory, with `spare` bytes behind it; its address."""
        address = self.reserve(array.nbytes + spare)
        if array.nbytes:
            target = self._window(address, array.nbytes)
            target[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        return address

    def take(self, address: int, count: int, dtype: DTypeLike) -> NDArray[Any]:
        """Copy `count` values out of memory."""
        kind = np.dtype(dtype)
        return np.array(self._window(address, count * kind.itemsize)).view(kind)

    def _window(self, address: int, size: int) -> NDArray[np.uint8]:
        """The bytes at an address. Not to be kept: the next call may move the memory."""
        if size == 0:
            return np.empty(0, np.uint8)
        pointer = ctypes.cast(self._memory.data_ptr(self._store), ctypes.c_void_p).value
        if pointer is None or address < 0 or address + size > self.size:
            raise MeshoptError("meshoptimizer's answer lies outside its memory")
        return np.frombuffer(memoryview((ctypes.c_uint8 * size).from_address(pointer + address)), np.uint8)


@contextmanager
def instance(name: str) -> Iterator[Instance]:
    """This thread's instance of a module (`encoder`, `decoder`, `simplifier`), its memory given back at the end."""
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
    return _local.instances


@cache
def _engine() -> wasmtime.Engine:
    return wasmtime.Engine()


@cache
def _module(name: str) -> wasmtime.Module:
    """A module, compiled once for all threads: 0.01 to 0.2 s."""
    path = _FOLDER / f"{name}.wasm"
    if not path.exists():
        raise MeshoptMissing(
            "meshoptimizer's WebAssembly is missing; run `python web/build_meshopt.py` in the checkout"
        )
    return wasmtime.Module(_engine(), bytes(read_file(path)))
