"""Small files of a data directory: written whole or not at all, private where they hold secrets.

One rule: a file that this module wrote is either the old one or the new one, whenever the process is killed.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from roomscale.worlds.errors import DataUnusable

MAX_FILE: Final = 1 << 20  # bytes; none of ours comes near
SECRET_BYTES: Final = 32


def private_directory(path: Path, *, ours: bool = True) -> Path:
    """Make `path` and its parents, for the owner alone (0700). Raises DataUnusable.

    `ours`: also one that was there already; False leaves the mode of a directory that the user named.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if ours and path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise DataUnusable(f"the directory {path} cannot be made ({error.strerror})") from error
    return path


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` by `data` in one step, the bytes on the disk before the name. Raises DataUnusable."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataUnusable(f"{path} cannot be written ({error.strerror})") from error


def read_small(path: Path) -> bytes | None:
    """The file's bytes, None when there is no such file. Raises DataUnusable."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataUnusable(f"{path} cannot be read ({error.strerror})") from error
    if len(data) > MAX_FILE:
        raise DataUnusable(f"{path} is not a file of ours: it is too large")
    return data


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`, None when there is no such file. Raises DataUnusable."""
    data = read_small(path)
    if data is None:
        return None
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise DataUnusable(f"{path} is damaged", "put it back from a backup, or begin with an empty directory")
    return content


def write_json(path: Path, content: dict[str, Any], *, mode: int = 0o600) -> None:
    """Write `content` as readable JSON, as `write_whole` does."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n", mode=mode)


def secret(path: Path) -> str:
    """The secret kept in `path` (0600), made at random if there is none yet. Raises DataUnusable."""
    private_directory(path.parent)
    kept = (read_small(path) or b"").decode("ascii", "replace").strip()
    if kept:
        return kept
    fresh = secrets.token_urlsafe(SECRET_BYTES)
    write_whole(path, fresh.encode() + b"\n")
    return fresh


def remove_leavings(directory: Path) -> None:
    """Delete what a killed `write_whole` left behind in `directory`."""
    for partial in directory.glob(".*.part"):
        partial.unlink(missing_ok=True)
