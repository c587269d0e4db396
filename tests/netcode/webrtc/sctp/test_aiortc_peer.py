"""With aiortc's SCTP as the peer, in memory, in both roles: a stack that others wrote reads the RFCs as ours does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from roomscale.netcode.webrtc import dcep
from roomscale.netcode.webrtc.sctp import Association, Closed, Established, Event, Message, SctpConfig, StreamClosed


class Dtls:
    """What aiortc's SCTP wants of a DTLS transport: a wire, here to one of our associations."""

    def __init__(self, role: str, loss: float, seed: int) -> None:
        self._role = role
        self.state = "connected"
        self.to_us: Callable[[bytes], None] = lambda packet: None
        self._receiver: Any = None
        self._dice = random.Random(seed)
        self._loss = loss

    def _register_data_receiver(self, receiver: Any) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, receiver: Any) -> None:
        self._receiver = None

    async def _send_data(self, packet: bytes) -> None:
        if self._dice.random() >= self._loss:
            asyncio.get_running_loop().call_later(0.002, self.to_us, packet)

    async def to_peer(self, packet: bytes) -> None:
        if self._dice.random() >= self._loss and self._receiver:
            await self._receiver._handle_data(packet)


class Ours:
    """One of our associations, driven by the real clock."""

    def __init__(self, dtls: Dtls, config: SctpConfig) -> None:
        self._loop = asyncio.get_running_loop()
        self._dtls = dtls
        self.config = config
        self.association = Association(config, self._loop.time())
        self.events: list[Event] = []
        self._wire: asyncio.Queue[bytes] = asyncio.Queue()
        dtls.to_us = self._arrived

    def _arrived(self, packet: bytes) -> None:
        self.association.receive(packet, self._loop.time())
        self.flush()

    def flush(self) -> None:
        for packet in self.association.outgoing(self._loop.time()):
            assert len(packet) <= self.config.mtu
            self._wire.put_nowait(packet)
        self.events += self.association.events()

    def send(self, stream: int, data: bytes | str, *, reliable: bool = True) -> bool:
        ppid, payload = dcep.wrap(data)
        now = self._loop.time()
        sent = self.association.send(stream, ppid, payload, now, reliable=reliable, ordered=reliable)
        self.flush()
        return sent

    def on(self, stream: int) -> list[bytes | str]:
        messages = [e for e in self.events if isinstance(e, Message) and e.stream == stream]
        return [dcep.unwrap(m.ppid, m.data) for m in messages if m.ppid != dcep.PPID_DCEP]

    async def carry(self) -> None:
        while True:
            packet = await self._wire.get()
            await asyncio.sleep(0.002)
            await self._dtls.to_peer(packet)

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            timer = self.association.next_timer()
            if timer is not None and timer <= self._loop.time():
                self.association.on_timer(self._loop.time())
                self.flush()


@asynccontextmanager
async def joined(
    *, active: bool, loss: float = 0.0, seed: int = 1, config: SctpConfig | None = None
) -> AsyncIterator[tuple[Ours, RTCSctpTransport]]:
    """Our association and aiortc's, which always sends an INIT of its own; `active`: so do we."""
    dtls = Dtls("server" if active else "client", loss, seed)
    peer = RTCSctpTransport(dtls)  # type: ignore[arg-type]
    ours = Ours(dtls, config or SctpConfig())
    running: list[Coroutine[Any, Any, None]] = [ours.carry(), ours.tick()]
    tasks = [asyncio.create_task(coroutine) for coroutine in running]
    try:
        await peer.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)
        if active:
            ours.association.connect(asyncio.get_running_loop().time())
            ours.flush()
        yield ours, peer
    finally:
        await peer.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(true: Callable[[], bool], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def channel(peer: RTCSctpTransport, heard: list[bytes | str], **parameters: Any) -> RTCDataChannel:
    made = RTCDataChannel(peer, RTCDataChannelParameters(**parameters))
    made.on("message", heard.append)
    return made


@pytest.mark.parametrize("active", [False, True], ids=["passive", "active"])
async def test_negotiated_channels_carry_poses_and_events_both_ways(active: bool) -> None:
    async with joined(active=active) as (ours, peer):
        events: list[bytes | str] = []
        poses: list[bytes | str] = []
        event = channel(peer, events, label="events", negotiated=True, id=0)
        pose = channel(peer, poses, label="poses", negotiated=True, id=1, ordered=False, maxRetransmits=0)
        await until(lambda: event.readyState == "open" and Established() in ours.events)
        sent: list[bytes | str] = [b"bytes", "text", b"", "", bytes(1000)]
        for data in sent:
            assert ours.send(0, data)
            event.send(data)
        assert ours.send(1, b"pose", reliable=False)
        pose.send(b"pose")
        await until(lambda: events == sent and ours.on(0) == sent)
        await until(lambda: poses == [b"pose"] and ours.on(1) == [b"pose"])
        event.send(bytes(60_000))
        await until(lambda: ours.on(0)[-1] == bytes(60_000))
        await until(lambda: ours.association.stats.flight == 0)


@pytest.mark.parametrize("active", [False, True], ids=["passive", "active"])
@pytest.mark.parametrize("seed", range(2))
async def test_at_a_fifth_of_all_packets_lost_events_are_whole_and_poses_go_on(active: bool, seed: int) -> None:
    async with joined(active=active, loss=0.2, seed=seed) as (ours, peer):
        events: list[bytes | str] = []
        poses: list[bytes | str] = []
        event = channel(peer, events, label="events", negotiated=True, id=0)
        pose = channel(peer, poses, label="poses", negotiated=True, id=1, ordered=False, maxRetransmits=0)
        await until(lambda: event.readyState == "open" and Established() in ours.events, 30)
        sent: list[bytes | str] = [n.to_bytes(4, "big") * 5 for n in range(20)]
        for data in sent:
            ours.send(0, data)
            event.send(data)
            for _ in range(3):
                ours.send(1, data, reliable=False)
                pose.send(data)
                await asyncio.sleep(0.01)
        await until(lambda: events == sent and ours.on(0) == sent, 30)
        assert len(poses) > 20
        assert len(ours.on(1)) > 20
        assert not any(isinstance(e, Closed) for e in ours.events)


@pytest.mark.parametrize("active", [False, True], ids=["passive", "active"])
async def test_a_channel_that_the_peer_opens_is_announced_acknowledged_and_closed(active: bool) -> None:
    async with joined(active=active) as (ours, peer):
        heard: list[bytes | str] = []
        made = channel(peer, heard, label="chat", protocol="v1", ordered=False, maxRetransmits=3)
        await until(lambda: any(isinstance(e, Message) for e in ours.events))
        (opened,) = [e for e in ours.events if isinstance(e, Message)]
        assert opened.ppid == dcep.PPID_DCEP
        assert dcep.read_dcep(opened.data) == dcep.Open("chat", "v1", False, dcep.Limit.RETRANSMISSIONS, 3)
        now = asyncio.get_running_loop().time()
        ours.association.send(opened.stream, dcep.PPID_DCEP, dcep.pack_dcep(dcep.Ack()), now)
        ours.flush()
        await until(lambda: made.readyState == "open")
        ours.send(opened.stream, "hello")
        made.send("hello yourself")
        await until(lambda: heard == ["hello"] and ours.on(opened.stream) == ["hello yourself"])
        made.close()
        await until(lambda: StreamClosed(opened.stream) in ours.events)
        await until(lambda: made.readyState == "closed")


async def test_a_channel_that_we_open_and_close_appears_and_disappears_there() -> None:
    async with joined(active=True) as (ours, peer):
        found: list[RTCDataChannel] = []
        peer.on("datachannel", found.append)
        await until(lambda: Established() in ours.events)
        ours.association.send(6, dcep.PPID_DCEP, dcep.pack_dcep(dcep.Open("ours")), asyncio.get_running_loop().time())
        ours.flush()
        await until(lambda: bool(found))
        await until(lambda: any(isinstance(e, Message) and e.ppid == dcep.PPID_DCEP for e in ours.events))
        assert found[0].label == "ours"
        ours.association.close_stream(6)
        ours.flush()
        await until(lambda: found[0].readyState == "closed")
        await until(lambda: StreamClosed(6) in ours.events)


async def test_a_peer_that_leaves_closes_the_association() -> None:
    async with joined(active=False) as (ours, peer):
        await until(lambda: Established() in ours.events)
        await peer.stop()
        await until(lambda: any(isinstance(e, Closed) for e in ours.events))


async def test_leaving_politely_closes_the_peer() -> None:
    async with joined(active=True) as (ours, peer):
        await until(lambda: Established() in ours.events and peer.state == "connected")
        ours.association.close(asyncio.get_running_loop().time())
        ours.flush()
        await until(lambda: peer.state == "closed")
        await until(lambda: Closed("closed") in ours.events)
