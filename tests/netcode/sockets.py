"""A visitor who comes by WebSocket, or by what the gate makes of one: a Unix stream to the node.

Rule: it behaves as the browser's client does, unless a test takes its pipe in hand.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Protocol

import aiohttp

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.node import framing
from roomscale.netcode.testing.talker import Talker


class Pipe(Protocol):
    """Whole messages, both ways."""

    async def send(self, message: bytes) -> None: ...

    async def receive(self) -> bytes | None:
        """The next one; None at the end."""

    async def close(self) -> None: ...


class StreamPipe:
    """A connection to the node's Unix socket, as the gate makes one for each WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, path: Path) -> StreamPipe:
        return cls(*await asyncio.open_unix_connection(str(path), limit=2048))

    async def send(self, message: bytes) -> None:
        self.writer.write(framing.pack(message))
        await self.writer.drain()

    async def receive(self) -> bytes | None:
        try:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
            return await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class SocketPipe:
    """aiohttp's WebSocket as a pipe of whole messages."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: bytes) -> None:
        await self.socket.send_bytes(message)

    async def receive(self) -> bytes | None:
        message = await self.socket.receive()
        return message.data if message.type is aiohttp.WSMsgType.BINARY else None

    async def close(self) -> None:
        await self.socket.close()


class SocketVisitor(Talker):
    """One visitor over a pipe. `enter` shows the key and says HELLO."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__("ada")
        self.pipe = pipe
        self.reads = asyncio.Event()
        """Cleared to read nothing more for a while."""
        self.reads.set()
        self._says: asyncio.Queue[bytes | None] = asyncio.Queue()
        """Messages to send; None is the last."""
        self._tasks: list[asyncio.Task[None]] = []

    async def call(self, key: str) -> bool:
        """Show the key; whether it was good."""
        await self.pipe.send(framing.key_message(key))
        return await self.pipe.receive() == framing.OPEN

    async def open(self, key: str) -> None:
        """Show the key, and begin to talk."""
        assert await self.call(key)
        self._begin()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]

    async def enter(self, key: str) -> None:
        """Be inside."""
        await self.open(key)
        await self.inside()

    def send(self, channel: Channel, data: bytes | str) -> None:
        """See `Talker.send`; there are no texts here."""
        assert isinstance(data, bytes)
        self._says.put_nowait(bytes([channel]) + data)

    async def close(self) -> None:
        """See `Talker.close`: a page says that it leaves."""
        if self._tasks and not self.closed.is_set():
            self._says.put_nowait(framing.LEAVE)
            self._says.put_nowait(None)
            await asyncio.wait(self._tasks[1:], timeout=1)
        await self.tear()

    async def tear(self) -> None:
        """The path is gone, without a word; the other end sees it."""
        self._still()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pipe.close()

    async def vanish(self) -> None:
        """Go silent as a machine without power does: nothing is said, nothing is read, and nobody sees it."""
        self._still()
        self.reads.clear()

    async def _listen(self) -> None:
        count = 0
        while (message := await self.pipe.receive()) is not None:
            count += 1
            self._hear(Channel(message[0]), message[1:])
            await self.reads.wait()
            self._says.put_nowait(framing.receipt(count))
        self._end()

    async def _speak(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (message := await self._says.get()) is not None:
                await self.pipe.send(message)
