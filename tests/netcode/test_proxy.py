"""The UDP proxy with real sockets: what the seeded link does to virtual packets it does to these."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

import pytest

from roomscale.netcode.node import seam
from roomscale.netcode.testing.candidates import Address, advertise, candidates
from roomscale.netcode.testing.link import OUTAGE, PERFECT, LinkConfig
from roomscale.netcode.testing.proxy import UdpProxy, proxy_in_a_thread
from tests.netcode.conftest import House


class Peer(asyncio.DatagramProtocol):
    """A socket that keeps what comes; an `echo` sends it back."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.got: list[tuple[bytes, Address]] = []
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # typeshed
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.got.append((data, addr[:2]))
        if self.echo:
            self.transport.sendto(data, addr)

    @property
    def address(self) -> Address:
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    @property
    def senders(self) -> set[Address]:
        return {addr for _, addr in self.got}


def _the(peer: Peer) -> Peer:
    return peer


def speaks_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@asynccontextmanager
async def peers(count: int, *, host: str = "127.0.0.1") -> AsyncIterator[tuple[Peer, list[Peer]]]:
    """An echoing server and its clients."""
    loop = asyncio.get_running_loop()
    made = [Peer(echo=i == 0) for i in range(count + 1)]
    for peer in made:
        await loop.create_datagram_endpoint(partial(_the, peer), local_addr=(host, 0))
    try:
        yield made[0], made[1:]
    finally:
        for peer in made:
            peer.transport.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not speaks_ipv6(), reason="no IPv6 here"))]
)
async def test_each_client_has_a_way_of_its_own_there_and_back(host: str) -> None:
    async with peers(3, host=host) as (server, clients):
        with UdpProxy(server.address) as proxy:
            for i, client in enumerate(clients):
                client.transport.sendto(bytes([i]), proxy.address)
            await until(lambda: all(client.got for client in clients))
            assert [client.got for client in clients] == [[(bytes([i]), (host, proxy.address[1]))] for i in range(3)]
            assert len(server.senders) == 3
            assert not server.senders & {client.address for client in clients}
            assert list(proxy.relays) == [client.address for client in clients]


async def test_the_network_is_the_seeded_one() -> None:
    config = LinkConfig(loss=0.3, delay=0.02)

    async def story(seed: int) -> list[int]:
        async with peers(1) as (server, (client,)):
            with UdpProxy(server.address, config, PERFECT, seed=seed) as proxy:
                for i in range(100):
                    client.transport.sendto(bytes([i]), proxy.address)
                await until(lambda: proxy.relays and next(iter(proxy.relays.values())).up.stats.sent == 100)
                (relay,) = proxy.relays.values()
                await until(lambda: len(client.got) == 100 - relay.up.stats.lost)
                return [data[0] for data, _ in client.got]

    first = await story(1)
    assert 50 < len(first) < 90
    assert first == await story(1)
    assert first != await story(2)


async def test_a_client_that_comes_from_another_port_is_another_source_to_the_server_and_still_answered() -> None:
    async with peers(1) as (server, (client,)):
        with UdpProxy(server.address) as proxy:
            client.transport.sendto(b"before", proxy.address)
            await until(lambda: client.got)
            (relay,) = proxy.relays.values()
            relay.rebind()
            client.transport.sendto(b"after", proxy.address)
            await until(lambda: len(client.got) == 2)
            assert len(server.senders) == 2


async def test_strangers_cannot_speak_for_the_server() -> None:
    async with peers(2) as (server, (client, stranger)):
        with UdpProxy(server.address) as proxy:
            client.transport.sendto(b"hello", proxy.address)
            await until(lambda: client.got)
            ((_, upstream),) = server.got
            stranger.transport.sendto(b"forged", upstream)
            client.transport.sendto(b"again", proxy.address)
            await until(lambda: len(client.got) == 2)
            assert [data for data, _ in client.got] == [b"hello", b"again"]


async def test_the_number_of_clients_is_bounded() -> None:
    async with peers(3) as (server, clients):
        with UdpProxy(server.address, most_clients=2) as proxy:
            for client in clients[:2]:
                client.transport.sendto(b"in", proxy.address)
            await until(lambda: len(proxy.relays) == 2)
            clients[2].transport.sendto(b"out", proxy.address)
            await until(lambda: proxy.refused == 1)
            assert len(server.senders) == 2
            proxy.relays[clients[0].address].heard_at -= 60  # it has been silent for a minute
            clients[2].transport.sendto(b"in", proxy.address)
            await until(lambda: clients[2].got)
            assert list(proxy.relays) == [clients[1].address, clients[2].address]


async def test_a_server_that_is_away_and_comes_back_is_found_again() -> None:
    async with peers(1) as (_, (client,)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
            held.bind(("127.0.0.1", 0))
            address = held.getsockname()
        with UdpProxy(address) as proxy:
            for _ in range(3):
                client.transport.sendto(b"anybody?", proxy.address)
                await asyncio.sleep(0.01)  # the kernel's "connection refused" comes meanwhile
            back, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Peer(echo=True), local_addr=address
            )
            try:
                client.transport.sendto(b"now?", proxy.address)
                await until(lambda: client.got)
                assert client.got[0][0] == b"now?"
            finally:
                back.close()


async def test_it_is_gone_when_it_ends() -> None:
    async with peers(1) as (server, (client,)):
        with UdpProxy(server.address, LinkConfig(delay=5)) as proxy:
            client.transport.sendto(b"late", proxy.address)
            await until(lambda: proxy.relays)
            address = proxy.address
        with pytest.raises(RuntimeError):
            _ = proxy.address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind(address)


def test_it_relays_to_nobody_beyond_this_machine() -> None:
    with pytest.raises(ValueError, match="loopback"):
        UdpProxy(("192.0.2.1", 9))


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two blocking sockets, with a time limit."""
    with ExitStack() as stack:
        pair = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)]
        for one in pair:
            one.bind(("127.0.0.1", 0))
            one.settimeout(5)
        yield pair[0], pair[1]


def test_in_a_thread_it_serves_those_whose_own_thread_is_taken(sockets: tuple[socket.socket, socket.socket]) -> None:
    server, client = sockets
    with proxy_in_a_thread(server.getsockname()) as proxy:
        client.sendto(b"to", proxy.address)
        data, upstream = server.recvfrom(100)
        server.sendto(data + b" and fro", upstream)
        assert client.recvfrom(100) == (b"to and fro", proxy.address)


async def test_a_visitor_lives_behind_a_bad_network(house: House) -> None:
    bad = LinkConfig(delay=0.02, jitter=0.01, loss=0.05, duplicate=0.02, reorder=0.02, rate=1e6)
    visitor = house.visitor()
    reply = await house.gate.offer(house.offer("ada", await visitor.offer()))
    assert isinstance(reply, seam.Answer)
    (server,) = candidates(reply.sdp)
    with UdpProxy(server, bad) as proxy:
        await visitor.accept(advertise(reply.sdp, proxy.address))
        await visitor.inside()
        await visitor.until(lambda: visitor.talk.tally.snapshots > 20 and visitor.talk.tally.rtts != [])
        (relay,) = proxy.relays.values()
        assert min(visitor.talk.tally.rtts) >= 0.04
        assert relay.down.stats.lost > 0
        # The network is cut for a moment, and the visitor is still inside when it comes back.
        relay.up.config = relay.down.config = OUTAGE
        before = visitor.talk.tally.snapshots
        await asyncio.sleep(0.2)
        assert visitor.talk.tally.snapshots <= before + 2  # what flew already
        relay.up.config = relay.down.config = PERFECT
        await visitor.until(lambda: visitor.talk.tally.snapshots > before + 5)
        await visitor.close()
