"""Machine code of the WebAssembly modules, kept between processes: compiling takes 40 ms and 8 MB each time.

wasmtime runs what it is given (`Module.deserialize` is unsafe on hostile bytes), so what is kept must be ours alone.
Rule: only a folder and files that belong to this user and that nobody else can write are used, and only a file that is
whole, of this wasmtime, this platform and this very WebAssembly. Whatever else is found is as if nothing were there.
On Windows, where files have no owner that Python can ask for, nothing is kept.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from pathlib import Path

from roomscale.scenes.cachefolder import cache_folder
from roomscale.scenes.files import read_private, write_private

MOST_BYTES = 16 << 20
"""Of one module's machine code: a hundred times what there is."""
_DIGEST = hashlib.sha256().digest_size


def folder() -> Path | None:
    """Where it is kept; None without a home."""
    cache = cache_folder()
    return None if cache is None else cache / "meshopt"


def find(source: bytes, compiler: Path) -> bytes | None:
    """The machine code of a WebAssembly module, None if there is none that can be trusted.

    `compiler`: a file of the installed wasmtime, another one for another version.
    """
    place = folder()
    kept = None if place is None else read_private(place / _name(source, compiler), MOST_BYTES)
    if kept is None or hashlib.sha256(kept[_DIGEST:]).digest() != kept[:_DIGEST]:
        return None
    return kept[_DIGEST:]


def keep(source: bytes, compiler: Path, code: bytes) -> None:
    """Keep machine code for the next process, if it can be kept."""
    place = folder()
    if place is not None:
        write_private(place / _name(source, compiler), hashlib.sha256(code).digest() + code)


def _name(source: bytes, compiler: Path) -> str:
    """A file name for all that the code depends on.

    wasmtime itself compares its version and the processor's instructions with those that the code says it is for. Which
    wasmtime is installed is told by one of its files here: to ask `importlib.metadata` takes as long as compiling.
    """
    installed = compiler.stat()
    wasmtime = (str(compiler), installed.st_mtime_ns, installed.st_size)
    told = (wasmtime, sys.platform, platform.machine(), hashlib.sha256(source).hexdigest())
    return f"{hashlib.sha256(repr(told).encode()).hexdigest()}.cwasm"
