"""One of meshoptimizer's WebAssembly modules, running in wasmtime: its memory, its functions.

The modules import nothing: they can compute, and that is all. They export their memory and `sbrk`, which moves the end
of what is in use; arguments and results are put into a piece of memory taken so, over and over the same. A call from
Python costs more than what most functions do, so `sbrk` is asked as seldom as can be.

Rule: the only module that imports wasmtime, and imported only when something is to be computed: it takes 40 ms.
"""

from __future__ import annotations

import atexit
import ctypes
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import wasmtime
from numpy.typing import DTypeLike, NDArray

from roomscale.scenes.files import read_file
from roomscale.scenes.meshopt import compiled
from roomscale.scenes.meshopt.errors import MeshoptError, MeshoptMissing

MEMORY_BYTES = 1 << 30
"""Most that one instance may use. Simplifying takes about 200 bytes a triangle: this is enough for five million."""
_ALIGNMENT = 16
"""Bytes. What is put in memory begins at a multiple of it, as `malloc`'s would."""
_PIECE = 64 << 10
"""Bytes that are taken at once, at least."""
_KEPT_PIECE = 4 << 20
"""Bytes. A larger piece is given back, so that functions' own memory does not come behind it."""
_FOLDER = Path(__file__).with_name("wasm")

_NUMBERS = frozenset({"i32", "f32", "f64"})
"""Types of WebAssembly that functions here take and give."""

Result = int | float | None


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
        self._calls: dict[str, Callable[..., Result]] = {}
        self._whole = np.empty(0, np.uint8)
        self.call("__wasm_call_ctors")
        self._start = self._next = self._end = self._take(0)
        self._before = self.size
        self._done: set[tuple[str, int]] = set()

    @property
    def size(self) -> int:
        """Bytes of memory taken so far."""
        return int(self._memory.data_len(self._store))

    def call(self, function: str, *arguments: int | float) -> Result:
        """Call an export. Raises `MeshoptError` when it traps."""
        if (call := self._calls.get(function)) is None:
            exported = self._exports[function]
            if not isinstance(exported, wasmtime.Func):
                raise MeshoptMissing(f"meshoptimizer's module has no {function}")
            call = self._calls[function] = _prepared(self._store, exported)
        try:
            result = call(*arguments)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            raise MeshoptError(f"meshoptimizer gave up in {function}; the mesh may be too large for it") from error
        return result

    def set(self, function: str, argument: int) -> None:
        """Call an export that changes what others do from then on, unless that was done before."""
        if (function, argument) not in self._done:
            self.call(function, argument)
            self._done.add((function, argument))

    def reserve(self, size: int) -> int:
        """The address of `size` bytes, whatever is in them. Raises `MeshoptError` when there is no room."""
        wanted = -(-size // _ALIGNMENT) * _ALIGNMENT
        if self._next + wanted > self._end:
            more = max(wanted, _PIECE)
            address = self._take(more)
            if address != self._end:  # a function kept some memory: go on behind it
                self._next = address
            self._end = address + more
        self._next += wanted
        return self._next - wanted

    def _take(self, size: int) -> int:
        address = self.call("sbrk", size) if size <= MEMORY_BYTES else None
        if not isinstance(address, int) or address < 0:
            raise MeshoptError(f"a mesh needs more than the {MEMORY_BYTES >> 20} MB that meshoptimizer may use")
        return address

    def release(self) -> None:
        """Give back all that was reserved, and once memory grew what functions may have kept too."""
        if self.size != self._before or self._end - self._start > _KEPT_PIECE:
            end = self._take(0)
            if end != self._end or end - self._start > _KEPT_PIECE:
                self._take(self._start - end)
                self._end = self._start
            self._before = self.size
        self._next = self._start

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
        if (taken := self.size) != len(self._whole):  # memory moves only as it grows
            pointer = ctypes.cast(self._memory.data_ptr(self._store), ctypes.c_void_p).value
            place = (ctypes.c_uint8 * taken).from_address(pointer) if pointer else b""
            self._whole = np.frombuffer(memoryview(place), np.uint8)
        if address < 0 or address + size > len(self._whole):
            raise MeshoptError("meshoptimizer's answer lies outside its memory")
        return self._whole[address : address + size]


def _prepared(store: wasmtime.Store, function: wasmtime.Func) -> Callable[..., Result]:
    """A function of numbers, ready to be called often: its type is asked for once and its arguments' place is kept.

    wasmtime's own way asks each time, which costs 60 µs, more than most meshes take. What it does then is in no public
    interface; where that is another one some day, its own way it is.
    """
    kind = function.type(store)
    parameters, results = [str(each) for each in kind.params], [str(each) for each in kind.results]
    is_plain = _NUMBERS.issuperset([*parameters, *results]) and len(results) < 2
    try:
        from wasmtime import _ffi as ffi  # noqa: PLC0415 - private, so it may be missing
        from wasmtime._func import enter_wasm  # noqa: PLC0415

        context = store._context()
        target, invoke = ctypes.byref(function._func), ffi.wasmtime_func_call
        places = (ffi.wasmtime_val_t * len(parameters))()
        answer = (ffi.wasmtime_val_t * len(results))()
        kinds = {"i32": ffi.WASMTIME_I32.value, "f32": ffi.WASMTIME_F32.value, "f64": ffi.WASMTIME_F64.value}
        for place, name in zip(places, parameters, strict=True) if is_plain else ():
            place.kind = kinds[name]
    except (ImportError, AttributeError):
        is_plain = False
    if not is_plain:
        return partial(function, store)
    values = [place.of for place in places]

    def call(*arguments: int | float) -> Result:
        for value, name, argument in zip(values, parameters, arguments, strict=True):
            setattr(value, name, argument)
        with enter_wasm(store) as trap:
            error: Any = invoke(context, target, places, len(places), answer, len(answer), trap)
            if error:
                raise wasmtime.WasmtimeError._from_ptr(error)
        return getattr(answer[0].of, results[0]) if results else None

    return call


@cache
def _engine() -> wasmtime.Engine:
    atexit.register(_forget)
    return wasmtime.Engine()


def _forget() -> None:
    """Free everything while wasmtime is still there to do it: Python takes modules apart in the order it likes."""
    _module.cache_clear()
    _engine.cache_clear()


@cache
def _module(name: str) -> wasmtime.Module:
    """A module, compiled once for all threads, and for the user's next processes where they may trust what we keep."""
    path = _FOLDER / f"{name}.wasm"
    if not path.exists():
        raise MeshoptMissing(
            "meshoptimizer's WebAssembly is missing; run `python web/build_meshopt.py` in the checkout"
        )
    source = bytes(read_file(path))
    compiler = Path(wasmtime.__file__)
    kept = compiled.find(source, compiler)
    if kept is not None:
        try:
            return wasmtime.Module.deserialize(_engine(), kept)
        except wasmtime.WasmtimeError:
            pass  # made for another processor: a home folder may be on several machines
    module = wasmtime.Module(_engine(), source)
    compiled.keep(source, compiler, bytes(module.serialize()))
    return module
