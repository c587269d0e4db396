"""The one module of this room that touches the disk.

Rule: only regular files are read, only up to a bound, and of a scene's resources only those inside its folder once
every symlink on the way is resolved.

Files above `MAP_FROM_BYTES` are memory-mapped, so opening a large scene costs no copy; a mapped file that another
program truncates meanwhile is the one thing that cannot be caught, so smaller ones are read.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
import stat
from pathlib import Path

from roomscale.scenes.errors import UnreadableScene, UnsafeUri, UnwritableScene, printable
from roomscale.scenes.limits import DEFAULT_LIMITS
from roomscale.scenes.uris import RelativePath

MAP_FROM_BYTES = 16 << 20
"""From this size on a file is mapped; below, reading it takes a few milliseconds."""

# O_NONBLOCK: opening a FIFO must not wait for its writer. Both are missing on Windows, which has neither trap.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def read_file(path: Path, limit: int = DEFAULT_LIMITS.file_bytes) -> memoryview:
    """The bytes of a regular file, read or mapped, read-only. Raises `UnreadableScene`."""
    name = printable(path.name)
    try:
        handle = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise UnreadableScene("IO_ERROR", f"{name} cannot be read: {reason}") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableScene("IO_ERROR", f"{name} is no regular file")
        if status.st_size > limit:
            raise UnreadableScene("FILE_TOO_LARGE", f"{name} has {status.st_size:,} bytes, more than {limit:,}")
        if status.st_size >= MAP_FROM_BYTES:
            return memoryview(mmap.mmap(handle, status.st_size, access=mmap.ACCESS_READ))
        with open(handle, "rb", closefd=False) as file:
            # One byte more than was measured tells a file that grew (or /proc, which says 0).
            data = file.read(status.st_size + 1)
        if len(data) != status.st_size:
            raise UnreadableScene("IO_ERROR", f"{name} changed while it was being read")
        return memoryview(data)
    except OSError as error:
        raise UnreadableScene("IO_ERROR", f"{name} cannot be read: {error.strerror}") from error
    finally:
        os.close(handle)


class SceneFolder:
    """The folder that a scene lies in: what its relative URIs may reach."""

    def __init__(self, path: Path, limit: int = DEFAULT_LIMITS.file_bytes) -> None:
        self._path = path
        self._limit = limit

    def read(self, relative: RelativePath) -> memoryview:
        """The bytes of a file in the folder. Raises `UnsafeUri` where a symlink leads out, `UnreadableScene` else."""
        shown = printable(str(relative))
        try:
            root = self._path.resolve(strict=True)
            real = root.joinpath(*relative.parts).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of symlinks, before 3.13
            raise UnreadableScene("IO_ERROR", f"the file {shown}, which the scene uses, is not there") from error
        if not real.is_relative_to(root):
            raise UnsafeUri(f"the file {shown} is a symlink out of the scene's folder")
        return read_file(real, self._limit)


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a whole file or none: a reader never sees half of it, a failure leaves the old one standing.

    Raises `UnwritableScene`.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise UnwritableScene(f"{printable(path.name)} cannot be written: {reason}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there is fine. Raises `UnwritableScene`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise UnwritableScene(f"the folder {printable(path.name)} cannot be made: {reason}") from error


def file_names(path: Path) -> list[str]:
    """The names of what lies in a folder, sorted; none if it cannot be read."""
    try:
        return sorted(item.name for item in path.iterdir())
    except OSError:
        return []


def remove_file(path: Path) -> None:
    """Remove a file, if it is there and may be removed: what is left over does no harm."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
