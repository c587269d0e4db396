"""A real node process over its seam, and real visitors for it, by WebRTC and by WebSocket."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from roomscale.netcode.core.conversation import Conversation
from roomscale.netcode.core.messages import GoodbyeCode, Role
from roomscale.netcode.node import seam
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.netcode.testing.lean_visitor import LeanVisitor
from roomscale.netcode.testing.visitor import Visitor
from tests.netcode.sockets import SocketVisitor, StreamPipe


class House:
    """One node process and a gate's end of its seam. `settings`: of `NodeConfig`.

    `transport` may also be "websocket": then those who `come` do so by WebSocket, as if their UDP were blocked.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.by_websocket = settings.get("transport") == "websocket"
        self.settings = settings | {"transport": "lean"} if self.by_websocket else settings
        self.pushes: list[seam.Push] = []
        self.gate = SeamClient(path, on_push=self.pushes.append)
        self.process: asyncio.subprocess.Process | None = None
        self._visitors = AsyncExitStack()

    async def start(self) -> None:
        """Start the process, and wait until it is ready."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "roomscale.netcode.node", str(self.path)),
            *(f"{key}={json.dumps(value)}" for key, value in self.settings.items()),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.gate.start()
        await self.gate.wait_up(20)

    async def end(self) -> tuple[int, str]:
        """End the process by its standard input, if it has not ended; (exit code, what it logged)."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        _, logged = await asyncio.wait_for(self.process.communicate(), 10)
        return self.process.returncode or 0, logged.decode()

    async def stop(self) -> None:
        """End everything."""
        await self._visitors.aclose()
        await self.gate.close()
        if self.process is not None and self.process.returncode is None:
            try:
                await self.end()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    def offer(self, session: str, sdp: str, **fields: Any) -> seam.Offer:
        """An offer of a visitor of the plaza, unless told otherwise."""
        given = {"world": "!plaza:x", "user_id": f"@{session}:x", "name": session, "role": Role.VISITOR, "muted": False}
        return seam.Offer(session=session, sdp=sdp, **{**given, **fields})

    async def call(self, session: str, visitor: Visitor, **fields: Any) -> seam.Answer | seam.Refused:
        """Offer and, when it is answered, accept; does not wait for anything to open."""
        reply = await self.gate.offer(self.offer(session, await visitor.offer(), **fields))
        if isinstance(reply, seam.Answer):
            await visitor.accept(reply.sdp)
        return reply

    def visitor(self) -> Visitor:
        """A visitor that is closed when the test ends."""
        visitor = Visitor()
        self._visitors.push_async_callback(visitor.close)
        return visitor

    async def enter(self, session: str, **fields: Any) -> Visitor:
        """A visitor who is inside."""
        visitor = self.visitor()
        reply = await self.call(session, visitor, **fields)
        assert isinstance(reply, seam.Answer), reply
        await visitor.inside()
        return visitor

    async def knock(self, session: str, *, talk: Conversation | None = None, **fields: Any) -> Visitor | SocketVisitor:
        """A visitor by this house's transport, on the way in. talk: what they say, if not what everybody does."""
        if self.by_websocket:
            return await self._knock_by_websocket(await self.key(session, **fields), talk)
        visitor = self.visitor()
        visitor.talk = talk or visitor.talk
        reply = await self.call(session, visitor, **fields)
        assert isinstance(reply, seam.Answer), reply
        return visitor

    async def come(self, session: str, **fields: Any) -> Visitor | SocketVisitor:
        """A visitor by this house's transport, who is inside."""
        visitor = await self.knock(session, **fields)
        await visitor.inside()
        return visitor

    async def key(self, session: str, **fields: Any) -> str:
        """The key in the answer to an offer whose WebRTC connection never opens."""
        async with LeanVisitor() as nobody:
            reply = await self.gate.offer(self.offer(session, await nobody.offer(), **fields))
        assert isinstance(reply, seam.Answer), reply
        return reply.key

    async def enter_by_websocket(self, session: str, **fields: Any) -> SocketVisitor:
        """A visitor who is inside, by WebSocket."""
        visitor = await self._knock_by_websocket(await self.key(session, **fields))
        await visitor.inside()
        return visitor

    async def _knock_by_websocket(self, key: str, talk: Conversation | None = None) -> SocketVisitor:
        visitor = SocketVisitor(await StreamPipe.to(seam.websocket_path(self.path)))
        visitor.talk = talk or visitor.talk
        self._visitors.push_async_callback(visitor.close)
        await visitor.open(key)
        return visitor

    async def clear(self) -> None:
        """Everybody goes, and it is as if nobody had been here; counters go on."""
        await self._visitors.aclose()
        for info in await self.gate.sessions():
            await self.gate.eject(info.session, GoodbyeCode.LEFT, "")
        async with asyncio.timeout(5):
            while await self.open_connections():
                await asyncio.sleep(0.005)
        self.pushes.clear()

    async def open_connections(self) -> int:
        """How many connections of visitors are open, of either kind."""
        counts = (await self.gate.metrics())["transport"]
        return int(counts["open"] + counts["websocket_open"])

    async def ended(self, session: str, within: float = 5.0) -> seam.Closed:
        """Wait until a session is over, and how."""
        async with asyncio.timeout(within):
            while True:
                for push in self.pushes:
                    if isinstance(push, seam.Closed) and push.session == session:
                        return push
                await asyncio.sleep(0.005)

    async def pushed(self, push: seam.Push, within: float = 5.0) -> None:
        """Wait until the node has pushed something."""
        async with asyncio.timeout(within):
            while push not in self.pushes:
                await asyncio.sleep(0.005)


@pytest.fixture
def transport() -> str:
    """Which transport the nodes of a file have; a file may say otherwise."""
    return "lean"


@pytest.fixture
async def houses(tmp_path: Path, transport: str) -> AsyncIterator[Callable[..., Awaitable[House]]]:
    """Starts nodes with settings of `NodeConfig`."""
    started: list[House] = []

    async def start(**settings: Any) -> House:
        house = House(tmp_path / f"{len(started)}.sock", {"transport": transport, **settings})
        started.append(house)
        await house.start()
        return house

    yield start
    for house in started:
        await house.stop()


@pytest.fixture
async def house(houses: Callable[..., Awaitable[House]]) -> House:
    """A node as it comes."""
    return await houses()
