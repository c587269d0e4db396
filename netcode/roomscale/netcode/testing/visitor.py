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
import functools
from collections.abc import Sequence

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.errors import BadAnswer
from roomscale.netcode.node.aiortc_hooks import gather_on
from roomscale.netcode.testing.talker import Talker


class Visitor(Talker):
    """One visitor. `hosts`: the addresses to bind; loopback suits a node on this machine."""

    def __init__(self, *, hosts: Sequence[str] = ("127.0.0.1",), avatar: str = "ada") -> None:
        super().__init__(avatar)
        self._hosts = list(hosts)
        self._pc: RTCPeerConnection | None = None
        """The connection in use."""
        self._called: list[RTCPeerConnection] = []
        """Connections offered and not open, the newest last."""
        self._closing: set[asyncio.Task[None]] = set()
        self._channels: dict[Channel, RTCDataChannel] = {}

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

    def send(self, channel: Channel, data: bytes | str) -> None:
        """See `Talker.send`; dropped while the channel is not open."""
        if self._channels[channel].readyState == "open":
            self._channels[channel].send(data)

    async def close(self) -> None:
        """Leave as a browser's tab does: the peer connection is closed."""
        self._still()
        for pc in filter(None, [self._pc, *self._called]):
            self._retire(pc)
        self._called.clear()
        await asyncio.gather(*self._closing)

    async def vanish(self) -> None:
        """Go silent as a machine without power does: nothing is said, and nothing answers."""
        self._still()
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
        self._begin()

    def _retire(self, pc: RTCPeerConnection) -> None:
        task = asyncio.create_task(pc.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _received(self, pc: RTCPeerConnection, channel: Channel, data: object) -> None:
        if self._pc is pc and isinstance(data, bytes):
            self._hear(channel, data)

    def _ended(self, pc: RTCPeerConnection) -> None:
        if self._pc is pc:
            self._end()
