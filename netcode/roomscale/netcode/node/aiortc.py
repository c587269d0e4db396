"""The transport that aiortc makes: one peer connection for each session, two UDP sockets or so for each.

Rule: this file and `aiortc_hooks`, which holds aiortc by its privates, alone know aiortc.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.errors import BadOffer
from roomscale.netcode.node import addresses, sdp
from roomscale.netcode.node.aiortc_hooks import bound, gather_on
from roomscale.netcode.node.transport import Handler


@dataclass(frozen=True, slots=True)
class AiortcConfig:
    """What the host may choose of it."""

    bind_hosts: tuple[str, ...] = ("127.0.0.1",)
    """IP addresses to bind and to offer; see `addresses.candidates` for the wildcards."""
    public_address: str | None = None
    """The IP address to offer instead of the bound ones (1:1 NAT, containers)."""
    backlog: int = 262_144
    """Bytes that may wait on `events` for one visitor, who is dropped beyond."""
    open_timeout: float = 15.0
    """Seconds from an answer to open channels, after which the connection is given up."""


class Link:
    """One peer connection with its two channels. `report(link, what, …)` is told what happens on it."""

    def __init__(self, session: str, owner: AiortcTransport) -> None:
        self.session = session
        self.owner = owner
        self.ended = False
        self.timer: asyncio.TimerHandle | None = None
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # None would mean a public STUN server
        self.events = self.pc.createDataChannel("events", negotiated=True, id=int(Channel.EVENTS))
        self.poses = self.pc.createDataChannel(
            "poses", negotiated=True, id=int(Channel.POSES), ordered=False, maxRetransmits=0
        )
        for channel, number in ((self.events, Channel.EVENTS), (self.poses, Channel.POSES)):
            channel.on("open", self._opened)
            channel.on("close", lambda: self._end("the connection was closed"))
            channel.on("message", self._receiver(number))
        self.pc.on("connectionstatechange", self._state_changed)
        self.pc.on("datachannel", lambda _: self._exceeded())
        bound(self.pc, self._exceeded)

    def _opened(self) -> None:
        if self.events.readyState == self.poses.readyState == "open":
            self.owner.link_opened(self)

    def _receiver(self, channel: Channel) -> Callable[[object], None]:
        def received(data: object) -> None:
            self.owner.link_message(self, channel, data if isinstance(data, bytes) else b"")

        return received

    def _state_changed(self) -> None:
        if self.pc.connectionState in ("failed", "closed"):
            self._end("the connection failed")

    def _exceeded(self) -> None:
        if not self.ended:
            self.owner.bloated += 1
            self._end("it wants more kept than the protocol needs")

    def _end(self, reason: str) -> None:
        if not self.ended:
            self.owner.link_ended(self, reason)

    def waiting(self) -> int:
        """How much is on its way: bytes that aiortc has not given to SCTP, and chunks not acknowledged."""
        sctp = self.pc.sctp
        inside = (len(sctp._outbound_queue) + len(sctp._sent_queue)) if sctp else 0
        return self.events.bufferedAmount + inside


class AiortcTransport:
    """The `Transport` protocol over aiortc."""

    def __init__(self, config: AiortcConfig, handler: Handler) -> None:
        self._config = config
        self._handler = handler
        self._hosts = addresses.candidates(config.bind_hosts)
        self._open: dict[str, Link] = {}
        self._connecting: dict[str, Link] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._skipped = 0
        self._too_slow = 0
        self.bloated = 0
        """Links ended because their peer wanted more kept than the protocol needs."""
        self._answered = 0

    async def answer(self, session: str, offer: str) -> str:
        """See `Transport.answer`."""
        description = RTCSessionDescription(sdp=sdp.clean_offer(offer), type="offer")
        link = Link(session, self)
        try:
            answer = await self._negotiate(link, description)
        except BaseException:
            self._dispose(link)
            raise
        if former := self._connecting.pop(session, None):
            self._dispose(former)
        self._connecting[session] = link
        loop = asyncio.get_running_loop()
        link.timer = loop.call_later(self._config.open_timeout, self.link_ended, link, "it did not connect")
        self._answered += 1
        return answer

    async def _negotiate(self, link: Link, description: RTCSessionDescription) -> str:
        try:
            await link.pc.setRemoteDescription(description)
        except Exception as error:  # aiortc's SDP parser raises whatever the text made it raise
            raise BadOffer(f"the offer cannot be read ({type(error).__name__})") from None
        await gather_on(link.pc, self._hosts)
        try:
            await link.pc.setLocalDescription()
        except Exception as error:
            raise BadOffer(f"the offer cannot be answered ({type(error).__name__})") from None
        return sdp.advertise(link.pc.localDescription.sdp, self._config.public_address)

    def send(self, session: str, channel: Channel, data: bytes) -> None:
        """See `Transport.send`."""
        link = self._open.get(session)
        if link is None:
            return
        if channel is Channel.POSES:
            if link.poses.bufferedAmount:
                self._skipped += 1
            else:
                _send(link.poses, data)
        elif link.events.bufferedAmount > self._config.backlog:
            self._too_slow += 1
            self.link_ended(link, "it reads too slowly")
        else:
            _send(link.events, data)

    def flush(self) -> None:
        """See `Transport.flush`: aiortc has sent it already."""

    def close(self, session: str, *, linger: float = 0.0) -> None:
        """See `Transport.close`."""
        for links in (self._open, self._connecting):
            if link := links.pop(session, None):
                self._dispose(link, linger)

    async def shutdown(self) -> None:
        """See `Transport.shutdown`."""
        for session in [*self._open, *self._connecting]:
            self.close(session)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stats(self) -> dict[str, int]:
        """See `Transport.stats`."""
        return {
            "open": len(self._open),
            "connecting": len(self._connecting),
            "answered": self._answered,
            "snapshots_skipped": self._skipped,
            "too_slow": self._too_slow,
            "bloated": self.bloated,
        }

    def link_opened(self, link: Link) -> None:
        """Both channels of a link are open."""
        if link.ended or self._connecting.get(link.session) is not link:
            return
        del self._connecting[link.session]
        if link.timer:
            link.timer.cancel()
        former = self._open.get(link.session)
        self._open[link.session] = link
        if former:
            self._dispose(former)
        self._handler.opened(link.session)

    def link_message(self, link: Link, channel: Channel, data: bytes) -> None:
        """A frame came on a link."""
        if self._open.get(link.session) is link:
            self._handler.message(link.session, channel, data)

    def link_ended(self, link: Link, reason: str) -> None:
        """A link ended, by its peer or because of it. The session is over when it has no other."""
        for links in (self._open, self._connecting):
            if links.get(link.session) is link:
                del links[link.session]
        known = not link.ended
        self._dispose(link)
        if known and link.session not in self._open and link.session not in self._connecting:
            self._handler.closed(link.session, reason)

    def _dispose(self, link: Link, linger: float = 0.0) -> None:
        if link.ended:
            return
        link.ended = True
        if link.timer:
            link.timer.cancel()
        self._spawn(_close(link, linger))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _send(channel: RTCDataChannel, data: bytes) -> None:
    if channel.readyState == "open":
        channel.send(data)


async def _close(link: Link, linger: float) -> None:
    """Close a peer connection, once what waits on `events` has been acknowledged or `linger` seconds are over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + linger
    await asyncio.sleep(0)  # aiortc sends from tasks of its own: let them run
    while loop.time() < until and link.waiting():
        await asyncio.sleep(0.01)
    with contextlib.suppress(Exception):  # aiortc while it is still connecting: whatever it is, it is over
        await link.pc.close()
