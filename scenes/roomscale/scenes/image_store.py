"""What images were made into, kept in the user's cache folder from one packing to the next.

Rule: it is never missed. What cannot be read, is cut off, was changed or belongs to somebody else is as if it were not
there; what cannot be written is not kept. Several packings may use it at once.

A file holds a hash over its key and its value, then the value. It lies in one of `DRAWERS` folders, by the first digit
of its name, so that looking which files have not been used for long is work in proportion to what was written.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from roomscale.scenes.files import read_private, trim, write_private

MOST_BYTES = 1 << 30
"""Of all that is kept: some hundred scenes."""
DRAWERS = 16
MOST_BYTES_OF_ONE = 32 << 20
"""Half a drawer: what is larger is not kept. A KTX2 of 12 million pixels takes 16 MB."""
_DIGEST_BYTES = 32


class ImageStore:
    """A `kept.Store` in a folder; a context manager, which in the end removes what was used longest ago.

    `asked`, `found`: how often something of a kind was looked for, and was there. `failed`: that something could not be
    kept.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.asked: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.failed = False
        self._folder, self._most_bytes = folder, most_bytes
        self._written: set[Path] = set()
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for drawer in self._written:
            trim(drawer, self._most_bytes // DRAWERS)

    def find(self, kind: str, key: bytes) -> bytes | None:
        """What was kept under a key, None if that is not there, or not as it was."""
        data = read_private(self._file(key), MOST_BYTES_OF_ONE, owned=False, touch=True)
        value = None if data is None else data[_DIGEST_BYTES:]
        is_there = data is not None and value is not None and data[:_DIGEST_BYTES] == _hash(key, value)
        with self._lock:
            self.asked[kind] += 1
            self.found[kind] += is_there
        return value if is_there else None

    def keep(self, kind: str, key: bytes, value: bytes) -> None:
        """Keep a value, if that can be done; after the first that cannot, no other is tried."""
        if self.failed or len(value) > MOST_BYTES_OF_ONE - _DIGEST_BYTES:
            return
        file = self._file(key)
        if write_private(file, _hash(key, value), value, owned=False):
            with self._lock:
                self._written.add(file.parent)
        else:
            self.failed = True

    def _file(self, key: bytes) -> Path:
        name = key.hex()
        return self._folder / name[0] / name


def _hash(key: bytes, value: bytes) -> bytes:
    import hashlib  # noqa: PLC0415 - only where there are images

    told = hashlib.sha256(key)
    told.update(value)
    return told.digest()
