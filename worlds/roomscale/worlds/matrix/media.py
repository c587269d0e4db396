"""A homeserver's media repository, as the store that `roomscale.assets.transfer` sends files to.

Rule: each call is one attempt and raises only what the `MediaStore` protocol names; pauses, repetitions and the
count of pending ids are the transfer's. What is once under an mxc never changes.
Specification: Client-Server API, "Content repository".
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlencode

from roomscale.assets.errors import (
    MediaAlreadyThere,
    MediaInterrupted,
    MediaRefused,
    MediaStoreBusy,
    MediaStoreError,
    MediaTooLarge,
    ReservationLost,
    ReservationUnsupported,
    UnreadableAsset,
)
from roomscale.assets.store import Reservation, Sent
from roomscale.worlds.errors import HomeserverAway, HomeserverError, MatrixError, WorldError
from roomscale.worlds.ids import mxc_parts, parse_mxc, server_of
from roomscale.worlds.matrix.transport import ONCE, Transport, parse_answer, path_of, read_bounded

CHUNK: Final = 1 << 18  # bytes read and sent at a time
SLOWEST: Final = 50_000  # bytes per second; an upload slower than this is given up as stuck
ANSWER: Final = 1 << 16  # bytes that an answer to an upload may have
V1_MEDIA: Final = "/_matrix/client/v1/media"


class MatrixMedia:
    """Uploads, downloads and asks for media in the name of one connection's user (a `MediaStore`)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def server(self) -> str:
        """The homeserver's name."""
        return server_of(self._transport.user_id) or self._transport.homeserver

    async def upload_limit(self) -> int | None:
        """The largest file that the homeserver takes, in bytes (`m.upload.size`)."""
        with _as_store_errors():
            answer = await self._transport.call("GET", path_of("config", base=V1_MEDIA), patience=ONCE)
        size = answer.get("m.upload.size")
        return size if isinstance(size, int) and size > 0 else None

    async def reserve(self) -> Reservation:
        """`POST /_matrix/media/v1/create`."""
        try:
            answer = await self._transport.call(
                "POST", "/_matrix/media/v1/create", body={}, patience=ONCE, timeout_s=30
            )
            mxc = parse_mxc(answer.get("content_uri"))
        except MatrixError as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
                raise ReservationUnsupported("the homeserver reserves no media ids") from error
            raise _store_error(error, reserved=False) from error
        except WorldError as error:
            raise _store_error(error, reserved=False) from error
        expires = answer.get("unused_expires_at")
        return Reservation(mxc, expires / 1000 if isinstance(expires, int) else None)

    async def upload(
        self,
        source: Path | bytes,
        *,
        content_type: str,
        filename: str,
        progress: Sent | None = None,
        mxc: str | None = None,
    ) -> str:
        """Send the bytes, to the reserved `mxc` or to a fresh one."""
        size = await asyncio.to_thread(_size_of, source)
        parts = ("upload", *mxc_parts(parse_mxc(mxc))) if mxc is not None else ("upload",)
        path = path_of(*parts, base="/_matrix/media/v3") + "?" + urlencode({"filename": filename})
        with _as_store_errors(reserved=mxc is not None):
            await self._transport.ensure_login()
            stale, body = self._transport.token, _Body(source, size, progress)
            try:
                async with self._transport.stream(
                    "POST" if mxc is None else "PUT",
                    path,
                    data=body.chunks(),
                    content_type=content_type,
                    headers={"Content-Length": str(size)},
                    timeout_s=60 + size / SLOWEST,
                ) as response:
                    answer = parse_answer(await read_bounded(response, ANSWER))
            except MatrixError as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    await self._transport.renew_login(stale)
                    raise MediaInterrupted("the login had expired and was renewed") from error
                raise
            except HomeserverAway:
                if body.problem is not None:
                    raise body.problem from None
                raise
            return mxc or parse_mxc(answer.get("content_uri") if isinstance(answer, dict) else None)

    async def exists(self, mxc: str) -> bool:
        """Whether the homeserver has the bytes: not when they never came, or were quarantined."""
        with _as_store_errors():
            path = path_of("download", *mxc_parts(parse_mxc(mxc)), base=V1_MEDIA) + "?timeout_ms=0"
            await self._transport.ensure_login()
            try:
                async with self._transport.stream("GET", path):
                    return True
            except MatrixError as error:
                if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GATEWAY_TIMEOUT):
                    return False
                raise

    async def download(self, mxc: str, limit: int) -> tuple[str, bytes]:
        """Content type and bytes. Raises HomeserverError (more than `limit` bytes, too), BadContent."""
        path = path_of("download", *mxc_parts(parse_mxc(mxc)), base=V1_MEDIA)
        await self._transport.ensure_login()
        async with self._transport.stream("GET", path) as response:
            if (response.content_length or 0) > limit:
                raise HomeserverError(f"the file has {response.content_length} bytes; {limit} are allowed")
            return response.content_type, await read_bounded(response, limit)


@contextmanager
def _as_store_errors(*, reserved: bool = False) -> Iterator[None]:
    try:
        yield
    except WorldError as error:
        raise _store_error(error, reserved=reserved) from error


def _store_error(error: WorldError, *, reserved: bool) -> MediaStoreError:
    """What the `MediaStore` protocol calls this; `reserved`: the call was about a reserved id."""
    text = str(error)
    if isinstance(error, HomeserverAway):
        return MediaInterrupted(text)
    status = error.status if isinstance(error, MatrixError) else HTTPStatus.BAD_REQUEST
    if isinstance(error, MatrixError) and status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = error.retry_after_ms
        return MediaStoreBusy("the homeserver asks to wait", None if wait is None else wait / 1000)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return MediaInterrupted(text)
    meanings: dict[int, type[MediaStoreError]] = {
        HTTPStatus.CONFLICT: MediaAlreadyThere,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: MediaTooLarge,
    }
    if reserved:
        meanings |= {HTTPStatus.NOT_FOUND: ReservationLost, HTTPStatus.FORBIDDEN: ReservationLost}
    return meanings.get(status, MediaRefused)(text)


def _open(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _size_of(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


class _Body:
    """A request's body, read off the event loop; `problem` says what became of the file when it broke.

    (The HTTP client reports a body that raises as a lost connection.)
    """

    def __init__(self, source: Path | bytes, size: int, progress: Sent | None) -> None:
        self._source, self._size, self._progress = source, size, progress
        self.problem: UnreadableAsset | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes; exactly the size that was announced, or `problem` is raised."""
        sent = 0
        file: BinaryIO | None = None
        try:
            file = await asyncio.to_thread(_open, self._source)
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                sent += len(chunk)
                if sent > self._size:
                    break
                yield chunk
                if self._progress is not None:
                    self._progress(sent)
        except OSError as error:
            self.problem = UnreadableAsset(f"the file cannot be read: {error.strerror}")
            raise self.problem from error
        finally:
            if file is not None:
                file.close()
        if sent != self._size:
            self.problem = UnreadableAsset("the file changed while it was being sent; run the command again")
            raise self.problem
