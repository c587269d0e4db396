"""Our ICE, either side of it, with aioice as the other, over real sockets of the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aioice import Candidate, Connection

from roomscale.netcode.errors import BadStun
from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.ice import IceSession
from roomscale.netcode.webrtc.ice_client import IceClient
from roomscale.netcode.webrtc.ice_events import Moved, Proven, Retired
from roomscale.netcode.webrtc.ice_paths import Credentials
from roomscale.netcode.webrtc.stun import Address


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


HOSTS = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here"))]


class Pipe(asyncio.DatagramProtocol):
    """A socket around one side of ours: the least that an endpoint does."""

    def __init__(self, side: IceSession | IceClient) -> None:
        self.side = side
        self.data: list[tuple[bytes, Address]] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not stun.is_stun(data):
            self.data.append((data, addr))
            return
        now = asyncio.get_running_loop().time()
        with contextlib.suppress(BadStun):
            message = stun.parse(data)
            reply = None
            if message.kind != stun.BINDING_REQUEST:
                self.side.receive_response(message, addr, now)
            elif isinstance(self.side, IceClient):
                reply = self.side.receive_request(message, addr)
            else:
                reply = self.side.receive_request(message, addr, now)
            self.flush()
            if reply:
                self.transport.sendto(reply, addr)

    def flush(self) -> None:
        for datagram, to in self.side.outgoing():
            self.transport.sendto(datagram, to)

    async def tick(self) -> None:
        """Serve the timers."""
        while True:
            await asyncio.sleep(0.005)
            now = asyncio.get_running_loop().time()
            if (due := self.side.next_timer()) is not None and due <= now:
                self.side.on_timer(now)
                self.flush()


@contextlib.asynccontextmanager
async def piped(side: IceSession | IceClient, host: str = "127.0.0.1") -> AsyncIterator[Pipe]:
    """A side of ours on a socket of its own."""
    loop = asyncio.get_running_loop()
    transport, pipe = await loop.create_datagram_endpoint(lambda: Pipe(side), local_addr=(host, 0))
    ticking = asyncio.create_task(pipe.tick())
    try:
        yield pipe
    finally:
        ticking.cancel()
        transport.close()


@contextlib.asynccontextmanager
async def aioices(host: str, *, controlling: bool) -> AsyncIterator[Connection]:
    """An agent of aioice's with a candidate on this host."""
    agent = Connection(ice_controlling=controlling, use_ipv6=":" in host)
    agent._local_candidates_start = True  # it would not gather on loopback
    agent._local_candidates = await agent.get_component_candidates(1, [host])
    agent._local_candidates_end = True
    try:
        yield agent
    finally:
        await agent.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


def candidate(host: str, port: int) -> Candidate:
    return Candidate("1", 1, "udp", 2130706431, host, port, "host")


async def connect(agent: Connection, side: IceSession | IceClient, at: tuple[str, int], *, lite: bool) -> None:
    agent.remote_username, agent.remote_password = side.local.ufrag, side.local.password
    agent.remote_is_lite = lite
    await agent.add_remote_candidate(candidate(*at[:2]))
    await agent.add_remote_candidate(None)
    async with asyncio.timeout(5):
        await agent.connect()


@pytest.mark.parametrize("host", HOSTS)
async def test_aioice_connects_to_our_lite_side_and_proves_its_address(host: str) -> None:
    async with aioices(host, controlling=True) as agent:
        session = IceSession(Credentials(agent.local_username, agent.local_password), tag=b"1234")
        async with piped(session, host) as pipe:
            await connect(agent, session, pipe.transport.get_extra_info("sockname"), lite=True)
            await until(lambda: session.proven)
            home = agent.local_candidates[0]
            assert session.address is not None
            assert session.address[:2] == (home.host, home.port)
            await agent.send(b"\x16 is DTLS's")
            await until(lambda: pipe.data)
            assert pipe.data == [(b"\x16 is DTLS's", session.address)]
            assert session.received(session.address, 13, 0.0)
            pipe.transport.sendto(b"\x16 is ours", session.address)
            assert await asyncio.wait_for(agent.recv(), 5) == b"\x16 is ours"


async def test_our_lite_side_goes_with_aioice_through_a_restart() -> None:
    """aioice knows no restart of its own; a second agent on another port is what the peer has become."""
    async with aioices("127.0.0.1", controlling=True) as first, aioices("127.0.0.1", controlling=True) as second:
        session = IceSession(Credentials(first.local_username, first.local_password))
        old = session.local.ufrag
        async with piped(session) as pipe:
            at = pipe.transport.get_extra_info("sockname")
            await connect(first, session, at, lite=True)
            await until(lambda: session.proven)
            session.events()
            session.restart(Credentials(second.local_username, second.local_password))
            await connect(second, session, at, lite=True)
            there = ("127.0.0.1", second.local_candidates[0].port)
            await until(lambda: session.address == there)
            assert set(session.events()) >= {Proven(there), Moved(there), Retired(old)}


@pytest.mark.parametrize("host", HOSTS)
async def test_our_client_connects_to_aioice_as_a_full_server(host: str) -> None:
    client = IceClient()
    async with aioices(host, controlling=False) as agent, piped(client, host) as pipe:
        home = agent.local_candidates[0]
        agent.remote_username, agent.remote_password = client.local.ufrag, client.local.password
        connecting = asyncio.create_task(agent.connect())
        now = asyncio.get_running_loop().time()
        client.accept(Credentials(agent.local_username, agent.local_password), [(home.host, home.port)], now)
        pipe.flush()
        await asyncio.wait_for(connecting, 5)
        await until(lambda: client.connected)
        assert client.address == (home.host, home.port)
        pipe.transport.sendto(b"\x16 is DTLS's", client.address)
        assert await asyncio.wait_for(agent.recv(), 5) == b"\x16 is DTLS's"
