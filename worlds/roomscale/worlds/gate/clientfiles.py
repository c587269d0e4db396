"""Serves the built browser client, and folders like it, from memory.

The one rule: what is not in the folder's listing does not exist. A request is looked up, never turned into a path.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FILES_AT_MOST = 2_000
FILE_BYTES = 32 * 1024 * 1024
TOTAL_BYTES = 128 * 1024 * 1024
"""Together these keep a wrong `client_dir` (somebody's home) from filling the memory."""
COMPRESS_FROM = 1_024
"""Bytes below which gzip saves nothing worth a header."""
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

_COMPRESSIBLE = ("text/", "application/json", "application/wasm", "image/svg+xml", "application/manifest+json")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".glb": "model/gltf-binary",
    ".ktx2": "image/ktx2",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    body: bytes
    compressed: bytes | None
    content_type: str
    etag: str

    def response(self, request: Request, cache: str, headers: Mapping[str, str]) -> Response:
        """The answer to a GET or HEAD: 304 when the visitor has it, gzip when they take it."""
        lines = {**headers, "cache-control": cache, "etag": self.etag, "vary": "accept-encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=lines)
        body = self.body
        if self.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body = self.compressed
            lines["content-encoding"] = "gzip"
        return Response(body, media_type=self.content_type, headers=lines)


class Folder:
    """A folder of static files, read once and again when its index changes (a client that was built anew)."""

    def __init__(self, directory: Path | None, index: str = "index.html") -> None:
        self._directory = directory
        self._index = index
        self._stamp: tuple[int, int] | None = None
        self._files: dict[str, StaticFile] = {}

    def get(self, name: str) -> StaticFile | None:
        """The file of this name (`assets/main-3fe1.js`), None if there is none."""
        self._refresh()
        return self._files.get(name)

    def names(self) -> list[str]:
        """All names, sorted."""
        self._refresh()
        return sorted(self._files)

    @property
    def build(self) -> str | None:
        """A short name for this build of the client; None when there is none."""
        page = self.get(self._index)
        return None if page is None else page.etag.strip('"')[:12]

    def _refresh(self) -> None:
        if self._directory is None:
            return
        try:
            about = (self._directory / self._index).stat()
            stamp = (about.st_mtime_ns, about.st_size)
        except OSError:
            stamp = (0, 0)
        if stamp != self._stamp:
            self._stamp = stamp
            self._files = _read(self._directory)


def _read(directory: Path) -> dict[str, StaticFile]:
    files: dict[str, StaticFile] = {}
    total = 0
    for path in sorted(directory.rglob("*")):
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > FILE_BYTES:
                continue
            body = path.read_bytes()
        except OSError:
            continue
        total += len(body)
        if total > TOTAL_BYTES or len(files) >= FILES_AT_MOST:
            break
        files[path.relative_to(directory).as_posix()] = _file(path.name, body)
    return files


def _file(name: str, body: bytes) -> StaticFile:
    suffix = Path(name).suffix.lower()
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    compressed = None
    if len(body) >= COMPRESS_FROM and content_type.startswith(_COMPRESSIBLE):
        packed = gzip.compress(body, 9, mtime=0)
        compressed = packed if len(packed) < 0.9 * len(body) else None
    return StaticFile(body, compressed, content_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
