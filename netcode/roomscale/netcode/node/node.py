"""One node: the simulation, a transport, the tick and the seam, wired together.

Rule: it decides nothing. What a frame means is the core's affair, how it travels the transport's, who may come in
the gate's.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from roomscale.netcode.core.messages import Channel, GoodbyeCode
from roomscale.netcode.core.reports import Closed, Entered
from roomscale.netcode.core.settings import SimulationConfig
from roomscale.netcode.core.simulation import Simulation
from roomscale.netcode.errors import BadOffer, JoinRefused, NodeFailed, TransportError
from roomscale.netcode.node import metrics, seam
from roomscale.netcode.node.config import NodeConfig
from roomscale.netcode.node.lean import LeanConfig, LeanTransport
from roomscale.netcode.node.loop import TickLoop
from roomscale.netcode.node.seam_server import SeamServer
from roomscale.netcode.node.transport import Handler, Transport
from roomscale.netcode.node.transports import Transports
from roomscale.netcode.node.websocket import WebSocketConfig

_ROLES: Final = range(5)


@dataclass(slots=True)
class _Call:
    """The newest offer of a session, and its answer when there is one."""

    offer: bytes
    """sha256 of the SDP."""
    answer: asyncio.Task[seam.Answer | seam.Refused]


class Node:
    """A node in this event loop. `start`, then `stop`."""

    def __init__(self, config: NodeConfig, transport: Callable[[Handler], Transport] | None = None) -> None:
        self._config = config
        self._started = time.monotonic()
        self._simulation = Simulation(
            SimulationConfig(
                tick_rate=config.tick_rate,
                capacity_per_world=config.capacity_per_world,
                capacity=config.capacity,
                silence=config.silence,
                hello_timeout=config.hello_timeout,
                malformed_limit=config.malformed_limit,
            ),
            self._started,
        )
        self._transport = Transports(self, transport or self._own_transport, self._websocket())
        self._ticks = TickLoop(config.tick_rate, self._tick)
        self._seam = SeamServer(config.seam_path, self._serve)
        self._slots = asyncio.Semaphore(config.answers_at_once)
        self._calls: dict[str, _Call] = {}
        self._draining = False
        self._used, self._used_at = time.process_time(), self._started
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to tick, then open the seam: its socket says that the node is ready. Raises NetcodeError."""
        self._ticker = asyncio.create_task(self._ticks.run())
        await self._seam.start()
        await self._transport.start()  # after it: of two nodes the second is told of the seam, which its host knows

    async def failed(self) -> None:
        """Wait until the node cannot go on. Raises NodeFailed, which says why."""
        assert self._ticker is not None  # noqa: S101 - started
        try:
            await self._ticker
        except Exception as error:
            raise NodeFailed(f"a tick failed: {error!r}") from error

    async def stop(self) -> None:
        """Say GOODBYE to everybody and close everything; takes at most `linger` seconds and a little."""
        self._simulation.eject_all(GoodbyeCode.SERVER_STOPPING, "the server is stopping")
        self._drain()
        await self._seam.close()
        if self._ticker:
            self._ticker.cancel()
        await self._transport.shutdown()

    def opened(self, session: str) -> None:
        """See `Handler.opened`: nothing to do, the visitor says HELLO."""

    def message(self, session: str, channel: Channel, data: bytes) -> None:
        """See `Handler.message`."""
        self._simulation.receive(session, channel, data, time.monotonic())
        if channel is Channel.EVENTS:
            self._drain()  # PONG and GOODBYE do not wait for the tick

    def paced(self, session: str, rate: float) -> None:
        """See `Handler.paced`."""
        if self._config.adaptive:
            self._simulation.set_rate(session, rate)

    def closed(self, session: str, reason: str) -> None:
        """See `Handler.closed`."""
        self._simulation.lost(session, reason)
        self._drain()

    def _own_transport(self, handler: Handler) -> Transport:
        c = self._config
        if c.transport == "lean":
            config = LeanConfig(c.bind_hosts, c.udp_port, c.public_address, c.backlog, c.hello_timeout)
            return LeanTransport(config, handler)
        # Only here: aiortc brings FFmpeg along, some 50 MB that a lean node never needs.
        from roomscale.netcode.node.aiortc import AiortcConfig, AiortcTransport  # noqa: PLC0415

        return AiortcTransport(AiortcConfig(c.bind_hosts, c.public_address, c.backlog, c.hello_timeout), handler)

    def _websocket(self) -> WebSocketConfig:
        c = self._config
        return WebSocketConfig(
            seam.websocket_path(c.seam_path), c.backlog, open_timeout=c.hello_timeout, connections=2 * c.capacity
        )

    def _tick(self, now: float) -> None:
        if self._config.adaptive:
            self._simulation.busy(self._share(now))
        self._simulation.step(now)
        self._drain()

    def _share(self, now: float) -> float:
        """Which share of a core this process has used since the last tick: receiving and joins included."""
        used = time.process_time()
        share = (used - self._used) / max(now - self._used_at, 1e-6)
        self._used, self._used_at = used, now
        return share

    def _drain(self) -> None:
        """Carry out what the simulation wants. Sending may end sessions, which makes more to carry out."""
        if self._draining:
            return
        self._draining = True
        try:
            while True:
                frames, events = self._simulation.outgoing(), self._simulation.events()
                if not frames and not events:
                    break
                for session, channel, data in frames:
                    self._transport.send(session, channel, data)
                for event in events:
                    self._happened(event)
        finally:
            self._draining = False
        self._transport.flush()

    def _happened(self, event: Entered | Closed) -> None:
        if isinstance(event, Entered):
            self._seam.push(seam.Opened(event.session))
            return
        self._transport.close(event.session, linger=self._config.linger)
        if self._calls.pop(event.session, None):
            self._seam.push(seam.Closed(event.session, int(event.code), event.reason))

    async def _serve(self, request: seam.Request) -> seam.Reply:
        match request:
            case seam.Offer():
                return await self._offer(request)
            case seam.Eject(session, code, reason):
                goodbye = GoodbyeCode(code) if code in set(GoodbyeCode) else GoodbyeCode.LEFT
                reply: seam.Reply = seam.Done(int(self._simulation.eject(session, goodbye, reason)))
            case seam.Notice(world, code, text):
                reply = seam.Done(self._simulation.notice(world, code & 0xFF, text))
            case seam.Rename(session, name):
                reply = seam.Done(int(self._simulation.rename(session, name)))
            case seam.SetRole(session, role):
                reply = seam.Done(int(role in _ROLES and self._simulation.set_role(session, role)))
            case seam.Mute(session, muted):
                reply = seam.Done(int(self._simulation.mute(session, muted)))
            case seam.ListSessions():
                views = self._simulation.sessions()
                reply = seam.Sessions(
                    tuple(
                        seam.SessionInfo(v.session, v.world, v.user_id, v.name, v.role, v.muted, v.peer, v.present)
                        for v in views
                    )
                )
            case seam.GetMetrics():
                uptime = time.monotonic() - self._started
                reply = seam.Metrics(metrics.collect(self._simulation, self._ticks, self._transport, uptime))
        self._drain()
        return reply

    async def _offer(self, offer: seam.Offer) -> seam.Answer | seam.Refused:
        """The answer; the same offer again, also while the first is being answered, gets the same one."""
        digest = hashlib.sha256(offer.sdp.encode("utf-8", "replace")).digest()
        call = self._calls.get(offer.session)
        if call is None or call.offer != digest:
            if offer.role not in _ROLES:
                return seam.Refused(offer.session, "failed", f"there is no role {offer.role}")
            try:
                self._simulation.join(
                    offer.session,
                    world=offer.world,
                    user_id=offer.user_id,
                    name=offer.name,
                    role=offer.role,
                    now=time.monotonic(),
                )
            except JoinRefused as refusal:
                return seam.Refused(offer.session, refusal.code, str(refusal))
            self._simulation.mute(offer.session, offer.muted)
            former = call.answer if call else None
            call = _Call(digest, asyncio.create_task(self._answer(offer, former)))
            self._calls[offer.session] = call
        return await asyncio.shield(call.answer)

    async def _answer(
        self, offer: seam.Offer, former: asyncio.Task[seam.Answer | seam.Refused] | None
    ) -> seam.Answer | seam.Refused:
        if former:
            await asyncio.wait([former])  # so that the newest offer's connection is the newest
        try:
            async with self._slots:
                sdp = await self._transport.answer(offer.session, offer.sdp)
        except BadOffer as error:
            refused = seam.Refused(offer.session, "bad_offer", str(error))
        except TransportError as error:
            refused = seam.Refused(offer.session, "failed", str(error))
        else:
            if offer.session in self._simulation:
                return seam.Answer(offer.session, sdp, self._transport.key(offer.session))
            self._transport.close(offer.session)
            return seam.Refused(offer.session, "busy", "the session ended meanwhile")
        if former is None:
            self._calls.pop(offer.session, None)
            self._simulation.lost(offer.session, refused.reason)
            self._drain()
        return refused
