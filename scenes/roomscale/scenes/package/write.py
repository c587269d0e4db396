"""A package on disk: parts first, then the entry, the manifest last.

Rule: at every moment the folder holds one whole package, the old one or the new one; and nothing is removed that is
not ours: a file's name must be of a package's form and agree with what the file holds. Follows PACKAGE.md, "Writing".
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roomscale.scenes.errors import BadManifest, UnreadableScene, UnwritableScene, printable
from roomscale.scenes.files import (
    file_names,
    make_folder,
    read_file,
    remove_empty_folder,
    remove_file,
    write_atomically,
)
from roomscale.scenes.package import manifest as manifests
from roomscale.scenes.package.manifest import FileRef, Manifest, read_manifest

MANIFEST, PARTS = "manifest.json", "parts"
ENTRY_DIGITS = 16
"""Hex digits of its hash in an entry's file name: enough that a new entry never meets the old one's name."""
_ENTRY_NAME = re.compile(rf"entry-([0-9a-f]{{{ENTRY_DIGITS}}})\.glb")
_PART_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{1,8}")
SUFFIXES = {
    "image/webp": "webp",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/avif": "avif",
    "image/ktx2": "ktx2",
    "model/gltf-binary": "glb",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "audio/flac": "flac",
}
"""Media type → how a part's file name ends; "bin" for all else."""


@dataclass(frozen=True)
class Package:
    """A package in memory. `parts`: SHA-256 in hex → the file."""

    entry: bytes
    manifest: Manifest
    parts: Mapping[str, bytes | memoryview]


Progress = Callable[[int, int], None]
"""Called with how many files of how many are written."""


def entry_name(manifest: Manifest) -> str:
    """The file name of a package's entry."""
    return f"entry-{manifest.entry.sha256[:ENTRY_DIGITS]}.glb"


def is_entry_name(name: str) -> bool:
    """Whether a file is called as entries are, which says nothing of what it shows."""
    return _ENTRY_NAME.fullmatch(name) is not None


def part_names(manifest: Manifest) -> dict[str, str]:
    """SHA-256 → the file name in `parts/`, each file once, in the manifest's order."""
    return {part.sha256: f"{part.sha256}.{SUFFIXES.get(part.type, 'bin')}" for part in manifest.parts}


def file_ref(data: bytes | memoryview) -> FileRef:
    """A file by its content."""
    return FileRef(hashlib.sha256(data).hexdigest(), len(data))


def write_package(package: Package, folder: Path, progress: Progress = lambda _done, _total: None) -> None:
    """Write a package into `folder`, which is made if need be; what lies there already is not written again.

    Whatever interrupts it, the package that was there before is still whole, and nothing of the new one stays.
    Raises `UnwritableScene`.
    """
    require_ours(folder)
    names = part_names(package.manifest)
    files = [(folder / PARTS / name, package.parts[digest], digest) for digest, name in names.items()]
    files.append((folder / entry_name(package.manifest), package.entry, package.manifest.entry.sha256))
    with _nothing_half_done(folder) as new:
        make_folder(folder / PARTS)
        for done, (path, data, digest) in enumerate(files):
            progress(done, len(files) + 1)
            if not _holds(path, digest, len(data)):
                if not os.path.lexists(path):
                    new.append(path)
                write_atomically(path, data)
        progress(len(files), len(files) + 1)
        write_atomically(folder / MANIFEST, package.manifest.dump())
    _remove_stale(folder, package.manifest)
    progress(len(files) + 1, len(files) + 1)


def require_ours(folder: Path) -> None:
    """Raise `UnwritableScene` where a package would take the place of a `manifest.json` that is no package's."""
    path = folder / MANIFEST
    if not path.is_file():
        return
    try:
        read_manifest(read_file(path, manifests.MOST_BYTES))
    except (BadManifest, UnreadableScene) as error:
        raise UnwritableScene(
            f"{printable(str(folder), 1000)}/{MANIFEST} is no package's that this version knows, and stays; "
            "name another folder, or remove it"
        ) from error


@contextmanager
def _nothing_half_done(folder: Path) -> Iterator[list[Path]]:
    """Takes note of files that were not there before; where that ends early they are removed, and folders made then."""
    made = [path for path in (folder / PARTS, folder) if not path.exists()]
    new: list[Path] = []
    try:
        yield new
    except BaseException:
        for path in new:
            remove_file(path)
        for path in made:
            remove_empty_folder(path)
        raise


def read_package(folder: Path) -> Package:
    """Read a package back, every hash checked.

    Raises `BadManifest` for a manifest that is none or a file that is not what it says, `UnreadableScene` for one
    that is missing.
    """
    manifest = read_manifest(read_file(folder / MANIFEST, manifests.MOST_BYTES))
    entry = _get(folder / entry_name(manifest), manifest.entry, "/entry")
    names, sizes = part_names(manifest), {part.sha256: part.bytes for part in manifest.parts}
    parts = {
        digest: _get(folder / PARTS / name, FileRef(digest, sizes[digest]), "/parts") for digest, name in names.items()
    }
    return Package(bytes(entry), manifest, parts)


def manifest_of(folder: Path) -> Manifest | None:
    """The manifest of a packed folder; None if there is none. Raises `BadManifest` for a broken one."""
    if not (folder / MANIFEST).is_file():
        return None
    return read_manifest(read_file(folder / MANIFEST, manifests.MOST_BYTES))


def part_files(folder: Path, manifest: Manifest) -> dict[str, Path]:
    """SHA-256 → where the part is in a packed folder. Whether it is there, and what it says, is not looked at."""
    return {digest: folder / PARTS / name for digest, name in part_names(manifest).items()}


def _get(path: Path, expected: FileRef, where: str) -> memoryview:
    data = read_file(path, expected.bytes)
    if file_ref(data) != expected:
        raise BadManifest("FILE_MISMATCH", where, f"{path.name} is not the file that the manifest names")
    return data


def _holds(path: Path, digest: str, size: int) -> bool:
    """Whether a file is there whole: its hash begins with `digest`. Never follows a symlink."""
    try:
        return not path.is_symlink() and hashlib.sha256(read_file(path, size)).hexdigest().startswith(digest)
    except UnreadableScene:
        return False


def _remove_stale(folder: Path, manifest: Manifest) -> None:
    """Remove what older packages left: files whose name tells their content, and tells the truth."""
    kept = {entry_name(manifest), *part_names(manifest).values()}
    for place, form in ((folder, _ENTRY_NAME), (folder / PARTS, _PART_NAME)):
        for name in file_names(place):
            match = form.fullmatch(name)
            if match and name not in kept and _holds(place / name, match[1], manifests.MOST_FILE_BYTES):
                remove_file(place / name)
