"""What images were made into before, so that it need not be made again: by which keys, and in which form.

Rule: a key names all that decides a result, and it costs nothing to name too much: the image's bytes, what is asked,
the libraries' versions, and our own code, whose every change makes new keys. Where it is kept is the caller's matter;
what comes back is a stranger's until it has been read as exactly what is written here, else it is as if nothing were
there. Nothing that fails is kept.
"""

from __future__ import annotations

import functools
import importlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from roomscale.scenes.encoding import Picture
from roomscale.scenes.errors import SceneError
from roomscale.scenes.files import read_file
from roomscale.scenes.images import AVIF, JPEG, KTX2, PNG, WEBP, BadImage, read_header

IMAGES, PIXELS = "images", "pixels"
"""Kinds of what is kept: encoded images, and hashes of what is seen of one."""
OWN_CODE = (
    "codecs.py",
    "encoding.py",
    "images.py",
    "kept.py",
    "pixels.py",
    "scaling.py",
    "basis/encoders.py",
    "basis/worker.py",
    "package/levels.py",
    "package/pictures.py",
    "transforms/images.py",
    "transforms/same_pixels.py",
)
"""Modules that decide what becomes of an image: all that use Pillow, and those that say how."""
_LIBRARIES = (
    ("PIL._imaging", ("jpeglib_version", "libjpeg_turbo_version", "zlib_version", "zlib_ng_version")),
    ("PIL._webp", ("webpdecoder_version",)),
    ("PIL._avif", ("libavif_version", "codec_versions")),
)
"""Where Pillow says what it was built with; a distribution's is built with others than that from PyPI."""
_HERE = Path(__file__).parent
_BASIS = _HERE / "basis" / "wasm" / "built-from.json"

_MAGIC = b"RSK1"
_COUNT, _ENTRY = struct.Struct("<4sB"), struct.Struct("<BIII")
_TYPES = ("", PNG, JPEG, WEBP, AVIF, KTX2)
"""By number; the first is of an image that stays as it was."""
_MOST = 8
"""Pictures that are made of one image: one for each level."""
_DIGEST_BYTES = 32

Pictures = tuple[Picture | None, ...]
"""What was made of one image; None where it stays as it was."""


class Store(Protocol):
    """Keeps bytes under keys, for several threads. It may lose or refuse any, and never raises."""

    def find(self, kind: str, key: bytes) -> bytes | None:
        """What was kept, None if that is not there any more."""

    def keep(self, kind: str, key: bytes, value: bytes) -> None:
        """Keep it, if that can be done."""


def pictures(
    store: Store | None, data: bytes | memoryview, asked: tuple[object, ...], make: Callable[[], Pictures]
) -> Pictures:
    """What `make` makes of an image, or made before. `asked`: all that it depends on besides; its `repr` tells."""
    key = None if store is None else _key(IMAGES, data, asked)
    if store is None or key is None:
        return make()
    found = store.find(IMAGES, key)
    known = None if found is None else parse(found)
    if known is not None:
        return known
    made = make()
    store.keep(IMAGES, key, dump(made))
    return made


def digest(
    store: Store | None, data: bytes | memoryview, asked: tuple[object, ...], make: Callable[[], bytes]
) -> bytes:
    """The same for a hash of what an image shows."""
    key = None if store is None else _key(PIXELS, data, asked)
    if store is None or key is None:
        return make()
    found = store.find(PIXELS, key)
    if found is not None and len(found) == _DIGEST_BYTES:
        return found
    made = make()
    store.keep(PIXELS, key, made)
    return made


def dump(made: Pictures) -> bytes:
    """The form in which pictures are kept: how many, of each its type, size and length, then their files."""
    parts = [_COUNT.pack(_MAGIC, len(made))]
    for picture in made:
        told = (0, 0, 0, 0) if picture is None else _told(picture)
        parts.append(_ENTRY.pack(*told))
    return b"".join([*parts, *(picture.data for picture in made if picture is not None)])


def _told(picture: Picture) -> tuple[int, int, int, int]:
    return _TYPES.index(picture.media_type), picture.width, picture.height, len(picture.data)


def parse(data: bytes) -> Pictures | None:
    """What `dump` wrote; None for all else: of another length, or with files that are not what is said of them."""
    if len(data) < _COUNT.size:
        return None
    magic, count = _COUNT.unpack_from(data)
    offset = _COUNT.size + count * _ENTRY.size
    if magic != _MAGIC or not 1 <= count <= _MOST or len(data) < offset:
        return None
    made: list[Picture | None] = []
    for kind, width, height, length in _ENTRY.iter_unpack(data[_COUNT.size : offset]):
        if not 0 <= kind < len(_TYPES) or length > len(data) - offset:
            return None
        picture = Picture(data[offset : offset + length], _TYPES[kind], width, height)
        if kind == 0 and (width or height or length):
            return None
        if kind and not _is_what_it_says(picture):
            return None
        made.append(picture if kind else None)
        offset += length
    return tuple(made) if offset == len(data) else None


def _is_what_it_says(picture: Picture) -> bool:
    try:
        header = read_header(picture.data)
    except BadImage:
        return False
    told = picture.media_type, picture.width, picture.height
    return header is not None and told == (header.media_type, header.width, header.height) and not header.problems


def _key(kind: str, data: bytes | memoryview, asked: tuple[object, ...]) -> bytes | None:
    """A hash of all that decides; None where that cannot be told."""
    import hashlib  # noqa: PLC0415 - only where there are images

    surroundings = made_by()
    if surroundings is None:
        return None
    key = hashlib.sha256(repr((kind, surroundings, asked)).encode())
    key.update(data)
    return key.digest()


@functools.cache
def made_by() -> tuple[object, ...] | None:
    """What makes images here: versions of libraries, and a hash of our own code. None if it cannot be read."""
    import hashlib  # noqa: PLC0415 - see `_key`

    import numpy as np  # noqa: PLC0415 - see `_key`
    import PIL  # noqa: PLC0415 - of it only what knows the versions: all of it takes 25 ms

    code = hashlib.sha256()
    try:
        for name in OWN_CODE:
            code.update(read_file(_HERE / name))
        basis = bytes(read_file(_BASIS)) if _BASIS.exists() else b""
    except SceneError:
        return None
    libraries = (_version(module, name) for module, names in _LIBRARIES for name in names)
    return code.hexdigest(), np.__version__, PIL.__version__, *libraries, basis


def _version(module: str, name: str) -> object:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None  # a Pillow that was built without it
