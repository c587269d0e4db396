"""A headless visitor over real WebRTC (aiortc). Bring your own signalling: an offer comes out, an answer goes in.

    async with Visitor() as visitor:
        await visitor.accept(await somebody_answers(await visitor.offer()))
        await visitor.inside()
        visitor.move(1.0, 0.0, -2.0)
        await visitor.until(lambda: len(visitor.others) == 1)

Rule: it behaves as the browser's client does, and shows what it knows as plain values.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from roomscale.netcode.core import units
from roomscale.netcode.core.conversation import Conversation, Tally
from roomscale.netcode.core.messages import Channel, Entrant
from roomscale.netcode.errors import BadAnswer
from roomscale.netcode.node.aiortc_hooks import gather_on
from roomscale.netcode.testing.headless import Observer

_BEAT: Final = 0.01
"""Seconds between looks at what is due."""


class Visitor:
    """One visitor. `hosts`: the addresses to bind; loopback suits a node on this machine."""

    def __init__(self, *, hosts: Sequence[str] = ("127.0.0.1",), avatar: str = "ada") -> None:
        self._hosts = list(hosts)
        self._pc: RTCPeerConnection | None = None
        """The connection in use."""
        self._called: list[RTCPeerConnection] = []
        """Connections offered and not open, the newest last."""
        self._closing: set[asyncio.Task[None]] = set()
        self._channels: dict[Channel, RTCDataChannel] = {}
        self._beat: asyncio.Task[None] | None = None
        self.talk = Conversation(avatar=avatar)
        self.observer: Observer | None = None
        self.closed = asyncio.Event()
        """Set when the connection in use is gone, whoever closed it."""

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def name(self) -> str | None:
        """This visitor's name as the server shows it; None before WELCOME."""
        return self.talk.welcome.name if self.talk.welcome else None

    @property
    def peer(self) -> int | None:
        """This visitor's peer id; None before WELCOME."""
        return self.talk.welcome.peer if self.talk.welcome else None

    @property
    def others(self) -> dict[int, Entrant]:
        """Who else is here, by peer id."""
        return self.talk.roster

    @property
    def tally(self) -> Tally:
        """What was sent and received so far."""
        return self.talk.tally

    @property
    def tick(self) -> int | None:
        """The tick of the newest SNAPSHOT; None before any."""
        return self.talk.snapshot.tick if self.talk.snapshot else None

    @property
    def over(self) -> str | None:
        """Why the visit is over, None while it lasts."""
        if self.talk.goodbye:
            return self.talk.goodbye.reason or f"goodbye {self.talk.goodbye.code}"
        return "the connection was closed" if self.closed.is_set() else None

    def place(self, peer: int) -> tuple[float, float, float] | None:
        """Where another one was seen last, metres; None before any snapshot."""
        seen = self.talk.seen.get(peer)
        return units.metres(seen.pose) if seen else None

    def move(self, x: float, y: float, z: float, yaw: float = 0.0, *, flags: int = 0) -> None:
        """Be there from now on; metres and radians."""
        self.talk.pose = units.pose(x, y, z, yaw, flags=flags)

    async def offer(self) -> str:
        """A new connection's SDP offer; the one in use goes on until the new one opens."""
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        channels = {
            Channel.EVENTS: pc.createDataChannel("events", negotiated=True, id=int(Channel.EVENTS)),
            Channel.POSES: pc.createDataChannel(
                "poses", negotiated=True, id=int(Channel.POSES), ordered=False, maxRetransmits=0
            ),
        }
        self._called.append(pc)
        for number, channel in channels.items():
            channel.on("open", functools.partial(self._opened, pc, channels))
            channel.on("close", functools.partial(self._ended, pc))
            channel.on("message", functools.partial(self._received, pc, number))
        await gather_on(pc, self._hosts)
        await pc.setLocalDescription()
        return pc.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """The answer to the newest offer. Raises BadAnswer."""
        try:
            await self._called[-1].setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        except Exception as error:  # aiortc's SDP parser raises whatever the text made it raise
            raise BadAnswer(f"the answer cannot be read ({type(error).__name__})") from error

    async def inside(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - a plain number reads best in tests
        """Wait for WELCOME. Raises TimeoutError."""
        await self.until(lambda: self.talk.welcome is not None, timeout)

    async def until(self, true: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until something holds. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not true():
                await asyncio.sleep(_BEAT)

    def send(self, channel: Channel, data: bytes | str) -> None:
        """Send anything, also what no honest client would."""
        self._channels[channel].send(data)

    async def close(self) -> None:
        """Leave as a browser's tab does: the peer connection is closed."""
        await self._still()
        for pc in filter(None, [self._pc, *self._called]):
            self._retire(pc)
        self._called.clear()
        await asyncio.gather(*self._closing)

    async def vanish(self) -> None:
        """Go silent as a machine without power does: nothing is said, and nothing answers."""
        await self._still()
        if self._pc and self._pc.sctp:
            ice = self._pc.sctp.transport.transport._connection
            for protocol in ice._protocols:
                protocol.transport.abort()

    def _opened(self, pc: RTCPeerConnection, channels: dict[Channel, RTCDataChannel]) -> None:
        if pc not in self._called or any(c.readyState != "open" for c in channels.values()):
            return
        for other in filter(None, [self._pc, *self._called]):
            if other is not pc:
                self._retire(other)
        self._called.clear()
        self._pc, self._channels = pc, channels
        self.closed.clear()
        for channel, frame in self.talk.opened(time.monotonic()):
            channels[channel].send(frame)
        if self._beat is None:
            self._beat = asyncio.create_task(self._live())

    def _retire(self, pc: RTCPeerConnection) -> None:
        task = asyncio.create_task(pc.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _received(self, pc: RTCPeerConnection, channel: Channel, data: object) -> None:
        if self._pc is pc and isinstance(data, bytes):
            now = time.monotonic()  # the loop's own clock stands still within a round of uvloop's
            self.talk.receive(channel, data, now)
            if self.observer:
                self.observer.received(channel, now)

    def _ended(self, pc: RTCPeerConnection) -> None:
        if self._pc is pc:
            self.talk.closed()
            self.closed.set()

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            now = time.monotonic()
            for channel, frame in self.talk.due(now):
                if self._channels[channel].readyState == "open":
                    self._channels[channel].send(frame)
                    if self.observer:
                        self.observer.sent(channel, now)

    async def _still(self) -> None:
        if self._beat:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
            self._beat = None
