"""The gate's side of the seam: asks the node, hears what it pushes, and connects again by itself.

Rule: nothing is queued for a node that is away. A request ends in its reply, or in `NodeAway` at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from roomscale.netcode.errors import NodeAway, SeamError
from roomscale.netcode.node import seam

_FIRST_PAUSE: Final = 0.05
"""Seconds until the first new attempt; it doubles."""
_LONGEST_PAUSE: Final = 1.0
"""Seconds between attempts at most: a node that was restarted is found within a second."""

log = logging.getLogger(__name__)
_R = TypeVar("_R")


def _nothing(*_: object) -> None:
    return None


class SeamClient:
    """A connection to the node that mends itself. Use as `async with SeamClient(path, …) as node:`.

    `on_push` gets each `Opened` and `Closed`, in order. `on_up` is called after each connection was made (adopt
    `sessions()` then: pushes may have been missed), `on_down` when it is lost. All are called on the event loop and
    must not raise.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_push: Callable[[seam.Push], object] = _nothing,
        on_up: Callable[[], object] = _nothing,
        on_down: Callable[[], object] = _nothing,
        timeout: float = 10.0,
    ) -> None:
        self._path = path
        self._on_push = on_push
        self._on_up = on_up
        self._on_down = on_down
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[seam.Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> SeamClient:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def up(self) -> bool:
        """Whether the node is connected now."""
        return self._up.is_set()

    def start(self) -> None:
        """Begin to connect, in the background."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End; requests under way raise NodeAway."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def wait_up(self, timeout: float) -> None:  # noqa: ASYNC109 - raises our error, not TimeoutError
        """Wait until the node is connected. Raises NodeAway after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            raise NodeAway(f"no node at {self._path} within {timeout:g} s") from None

    async def offer(self, offer: seam.Offer) -> seam.Answer | seam.Refused:
        """Let a visitor in. Raises NodeAway."""
        reply = await self._ask(offer)
        if isinstance(reply, seam.Answer | seam.Refused):
            return reply
        raise SeamError(f"{type(reply).__name__} is no reply to Offer")

    async def eject(self, session: str, code: int, reason: str) -> bool:
        """End a session; False when there is none. Raises NodeAway."""
        return _expect(await self._ask(seam.Eject(session, code, reason)), seam.Done).count > 0

    async def notice(self, world: str | None, code: int, text: str) -> int:
        """Tell a world, or all of them; returns how many were told. Raises NodeAway."""
        return _expect(await self._ask(seam.Notice(world, code, text)), seam.Done).count

    async def rename(self, session: str, name: str) -> bool:
        """Show a session under another name; False when there is none. Raises NodeAway."""
        return _expect(await self._ask(seam.Rename(session, name)), seam.Done).count > 0

    async def set_role(self, session: str, role: int) -> bool:
        """Show a session in another role; False when there is none. Raises NodeAway."""
        return _expect(await self._ask(seam.SetRole(session, role)), seam.Done).count > 0

    async def mute(self, session: str, *, muted: bool) -> bool:
        """Let a session show that it speaks, or not; False when there is none. Raises NodeAway."""
        return _expect(await self._ask(seam.Mute(session, muted)), seam.Done).count > 0

    async def sessions(self) -> tuple[seam.SessionInfo, ...]:
        """Everybody on the node. Raises NodeAway."""
        return _expect(await self._ask(seam.ListSessions()), seam.Sessions).sessions

    async def metrics(self) -> dict[str, Any]:
        """How the node is doing (`node.metrics`). Raises NodeAway."""
        return _expect(await self._ask(seam.GetMetrics()), seam.Metrics).values

    async def _ask(self, request: seam.Request) -> seam.Reply:
        if self._writer is None:
            raise NodeAway("the netcode node is not connected")
        number = next(self._numbers)
        frame = seam.pack(request, number, limit=seam.MAX_REQUEST)
        future: asyncio.Future[seam.Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(frame)
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError:
            raise NodeAway(f"the netcode node did not answer within {self._timeout:g} s") from None
        finally:
            del self._waiting[number]

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path), limit=seam.MAX_REQUEST)
            except OSError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            try:
                await self._serve(reader, writer)
            finally:
                self._lost()
                await seam.hang_up(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._up.set()
        self._on_up()
        try:
            while (raw := await seam.read_frame(reader, seam.MAX_REPLY)) is not None:
                number, body = seam.unpack(raw, seam.PUSHES + seam.REPLIES)
                if isinstance(body, seam.Push):
                    self._on_push(body)
                elif number is not None and (future := self._waiting.get(number)) and not future.done():
                    future.set_result(body)
        except SeamError as error:
            log.warning("the node's connection is ended: %s", error)
        except ConnectionError:
            pass

    def _lost(self) -> None:
        self._writer = None
        self._up.clear()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(NodeAway("the netcode node went away"))
        self._on_down()


def _expect(reply: seam.Reply, kind: type[_R]) -> _R:
    if isinstance(reply, kind):
        return reply
    if isinstance(reply, seam.Failed):
        raise SeamError(reply.detail)
    raise SeamError(f"{type(reply).__name__} is no reply to this")
