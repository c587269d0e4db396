"""The node's side of the seam: serves whoever may open the socket, several at once.

Rule: one bad connection harms no other, and none can make the node hold more than its bounds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from roomscale.netcode.errors import SeamError
from roomscale.netcode.node import seam
from roomscale.netcode.node.unixsocket import listen_at

_CONNECTIONS: Final = 8
"""Connections at once: a gate, its successor, and somebody looking at metrics."""
_AT_ONCE: Final = 64
"""Requests of one connection that are worked on; it is not read further until one is done."""
_UNREAD: Final = 8_388_608
"""Bytes that may wait for a connection that does not read; it is cut beyond."""

log = logging.getLogger(__name__)

Serve = Callable[[seam.Request], Awaitable[seam.Reply]]


class SeamServer:
    """A Unix socket of mode 0600; `serve` answers each request, `push` tells every connection."""

    def __init__(self, path: Path, serve: Serve) -> None:
        self._path = path
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. A socket that a dead node left is replaced; raises SeamError when a living one has it."""
        listener = listen_at(self._path)
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=seam.MAX_REQUEST)

    async def close(self) -> None:
        """Stop listening, remove the socket, end all connections."""
        if self._server is None:
            return
        self._server.close()
        self._path.unlink(missing_ok=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def push(self, message: seam.Push) -> None:
        """Tell every connection."""
        frame = seam.pack(message)
        for writer in list(self._writers):
            _write(writer, frame)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this in a task
        if len(self._writers) >= _CONNECTIONS:
            writer.close()
            return
        self._writers.add(writer)
        self._tasks.add(task)
        try:
            await self._read(reader, writer)
        except SeamError as error:
            log.warning("a connection at the seam is ended: %s", error)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            await seam.hang_up(writer)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)
        while (raw := await seam.read_frame(reader, seam.MAX_REQUEST)) is not None:
            number, request = seam.unpack(raw, seam.REQUESTS)
            if number is None:
                raise SeamError("a request without an id")
            await slots.acquire()
            task = asyncio.create_task(self._reply(request, number, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: slots.release())

    async def _reply(self, request: seam.Request, number: int, writer: asyncio.StreamWriter) -> None:
        try:
            frame = seam.pack(await self._serve(request), number)
        except Exception:
            log.exception("a %s at the seam failed", type(request).__name__)
            frame = seam.pack(seam.Failed(f"{type(request).__name__} failed"), number)
        _write(writer, frame)


def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    if writer.is_closing():
        return
    if writer.transport.get_write_buffer_size() > _UNREAD:
        log.warning("a connection at the seam does not read; it is cut")
        writer.transport.abort()
        return
    writer.write(frame)
