"""A visitor who comes by WebSocket, or by what the gate makes of one: a Unix stream to the node.

Rule: it behaves as the browser's client does, unless a test takes its pipe in hand.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import aiohttp

from roomscale.netcode.core import units
from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import Channel
from roomscale.netcode.node import framing


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


class SocketVisitor:
    """One visitor over a pipe. `enter` shows the key and says HELLO."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.talk = Conversation(avatar="ada")
        self.reads = asyncio.Event()
        """Cleared to read nothing more for a while."""
        self.reads.set()
        self.closed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def call(self, key: str) -> bool:
        """Show the key; whether it was good."""
        await self.pipe.send(framing.key_message(key))
        return await self.pipe.receive() == framing.OPEN

    async def enter(self, key: str) -> None:
        """Be inside."""
        assert await self.call(key)
        for channel, frame in self.talk.opened(asyncio.get_running_loop().time()):
            await self.send(channel, frame)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._live())]
        await self.until(lambda: self.talk.welcome is not None, 10)

    def move(self, x: float, y: float, z: float) -> None:
        self.talk.pose = units.pose(x, y, z, 0.0)

    def place(self, peer: int) -> tuple[float, float, float] | None:
        seen = self.talk.seen.get(peer)
        return units.metres(seen.pose) if seen else None

    @property
    def peer(self) -> int:
        assert self.talk.welcome
        return self.talk.welcome.peer

    async def send(self, channel: Channel, frame: bytes) -> None:
        await self.pipe.send(bytes([channel]) + frame)

    async def until(self, true: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109
        async with asyncio.timeout(timeout):
            while not true():
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pipe.close()

    async def _listen(self) -> None:
        count = 0
        while (message := await self.pipe.receive()) is not None:
            count += 1
            self.talk.receive(Channel(message[0]), message[1:], asyncio.get_running_loop().time())
            await self.reads.wait()
            with contextlib.suppress(ConnectionError):
                await self.pipe.send(framing.receipt(count))
        self.talk.closed()
        self.closed.set()

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(0.01)
                for channel, frame in self.talk.due(loop.time()):
                    await self.send(channel, frame)
