"""A real node process over its seam, and real WebRTC visitors for it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from roomscale.netcode.core.messages import Role
from roomscale.netcode.node import seam
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.netcode.testing.visitor import Visitor


class House:
    """One node process and a gate's end of its seam."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = settings
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
