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
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from roomscale.scenes.errors import UnreadableScene, UnsafeUri, UnwritableScene, printable
from roomscale.scenes.limits import DEFAULT_LIMITS
from roomscale.scenes.uris import RelativePath

MAP_FROM_BYTES = 16 << 20
"""From this size on a file is mapped; below, reading it takes a few milliseconds."""
_MOST_SHOWN = 4096
"""Characters of a path: what systems take."""
_BEING_WRITTEN_S = 3600
"""Seconds after which a file without its name yet was left behind by a process that died."""
_BLOCK = 4096
"""Bytes in which disks count: small files take one each."""

# O_NONBLOCK: opening a FIFO must not wait for its writer. Both are missing on Windows, which has neither trap.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def read_file(path: Path, limit: int = DEFAULT_LIMITS.file_bytes, *, called: str = "") -> memoryview:
    """The bytes of a regular file, read or mapped, read-only. `called`: what errors call it, else as `path` does.

    Raises `UnreadableScene`.
    """
    name = called or _shown(path)
    try:
        handle = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise UnreadableScene("IO_ERROR", f"{name} cannot be read: {reason}") from error
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableScene("IO_ERROR", f"{name} is a folder; name a file in it")
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


def _shown(path: Path) -> str:
    """A path in an error: whole, since its end tells which file it is, and who typed it knows its beginning."""
    return printable(str(path), _MOST_SHOWN)


def give_back(data: memoryview) -> None:
    """Let the system have the memory of a mapped file that was looked at; it is read again where it is asked for."""
    if isinstance(data.obj, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        data.obj.madvise(mmap.MADV_DONTNEED)


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
        return read_file(real, self._limit, called=shown)


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a whole file or none: a reader never sees half of it, a failure leaves the old one standing.

    Raises `UnwritableScene`, also where something stands that is no file: a device would be gone for good.
    """
    temporary = path.with_name(f".{path.name[:100]}.{os.urandom(8).hex()}")
    try:
        if _is_special(path):
            raise UnwritableScene(f"{_shown(path)} is no regular file and stays as it is; name another one")
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
        raise UnwritableScene(f"{_shown(path)} cannot be written: {reason}") from error


def _is_special(path: Path) -> bool:
    """Whether a device, a FIFO or a socket is there, or a symlink to one; a folder is refused by the system itself."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # nothing is there, or whoever writes will hear what is wrong
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there is fine. Raises `UnwritableScene`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a valid path"
        raise UnwritableScene(f"the folder {_shown(path)} cannot be made: {reason}") from error


def file_names(path: Path) -> list[str]:
    """The names of what lies in a folder, sorted; none if it cannot be read."""
    try:
        return sorted(item.name for item in path.iterdir())
    except OSError:
        return []


def read_private(path: Path, limit: int, *, owned: bool = True, touch: bool = False) -> bytes | None:
    """A file that this user alone can have written, in a folder of which that is true too; None for all else.

    Symlinks are not followed, neither to the folder nor in it. `owned`: None on systems whose files have no owner that
    Python can ask for (Windows); else it is read there as it is. `touch`: note that it was used, if that can be done.
    """
    try:
        with _private_folder(path.parent, owned=owned) as folder:
            handle = os.open(_in(folder, path), _OPEN_FLAGS | getattr(os, "O_NOFOLLOW", 0), dir_fd=folder)
            with os.fdopen(handle, "rb") as file:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode) or not _is_private(status) or status.st_size > limit:
                    return None
                data = file.read(limit)
            if touch:
                with contextlib.suppress(OSError):
                    os.utime(_in(folder, path), dir_fd=folder)
            return data
    except (OSError, ValueError):
        return None


def write_private(path: Path, *parts: bytes, owned: bool = True) -> bool:
    """Write a file, mode 0600, for `read_private`, whole or not at all. Returns whether it is there.

    Nothing is written where its folder cannot be made, mode 0700, or is not private.
    """
    temporary = path.with_name(f".{os.urandom(8).hex()}")
    try:
        path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with _private_folder(path.parent, owned=owned) as folder:
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
                handle = os.open(_in(folder, temporary), flags, 0o600, dir_fd=folder)
                with os.fdopen(handle, "wb") as file:
                    file.writelines(parts)
                os.replace(_in(folder, temporary), _in(folder, path), src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(_in(folder, temporary), dir_fd=folder)
                raise
    except (OSError, ValueError):
        return False
    return True


def trim(path: Path, most_bytes: int) -> None:
    """Remove what of a folder's files was used longest ago, until `most_bytes` are left. What cannot be stays."""
    used: list[tuple[int, int, str]] = []
    with contextlib.suppress(OSError), os.scandir(path) as items:
        for item in items:
            with contextlib.suppress(OSError):  # another process has removed it
                status = item.stat(follow_symlinks=False)
                if item.name.startswith(".") and time.time() - status.st_mtime < _BEING_WRITTEN_S:
                    continue  # another process will give it its name
                used.append((status.st_mtime_ns, -(-status.st_size // _BLOCK) * _BLOCK, item.name))
    excess = sum(size for _, size, _ in used) - most_bytes
    for _, size, name in sorted(used):
        if excess <= 0:
            break
        remove_file(path / name)
        excess -= size


@contextlib.contextmanager
def _private_folder(path: Path, *, owned: bool) -> Iterator[int | None]:
    """A handle on a folder that nobody else can write to. Raises `OSError` for any other.

    None on systems where that cannot be asked for, if it need not be `owned`.
    """
    if not hasattr(os, "geteuid") or os.open not in os.supports_dir_fd:
        if owned:
            raise PermissionError("this system cannot tell whose a file is")
        yield None
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not _is_private(os.fstat(handle)):
            raise PermissionError("others can write to the folder")
        yield handle
    finally:
        os.close(handle)


def _in(folder: int | None, path: Path) -> str:
    """How a system call names a file: in a folder that is open, or by its whole path."""
    return str(path) if folder is None else path.name


def _is_private(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):
        return True  # only asked for where nobody needs it to be owned
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there and may be removed: what is left over does no harm."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def remove_empty_folder(path: Path) -> None:
    """Remove a folder, if it is there and holds nothing."""
    with contextlib.suppress(OSError):
        path.rmdir()
