"""A bad network for real sockets: a UDP proxy on loopback that relays between clients and one server.

    with UdpProxy(server, MOBILE_4G, seed=3) as proxy:  # while an event loop runs
        await visitor.accept(advertise(answer, proxy.address))

Each client gets two seeded links, one each way, and an upstream socket of its own, so that the server tells clients
apart by their source address as it does without the proxy. Browsers are led here by `candidates.advertise` on the
answer, or by a server that names the proxy's port as its own.

Rule: loopback at both ends, and a bounded number of clients: this is a test tool, never a way to somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from roomscale.netcode.testing.candidates import Address
from roomscale.netcode.testing.link import PERFECT, Link, LinkConfig

LARGEST: Final = 65_535
"""Bytes of the largest UDP datagram."""
BATCH: Final = 256
"""Datagrams read from a socket at one go, so that one busy client does not keep the others waiting."""
FORGET_AFTER: Final = 30.0
"""Seconds without a datagram either way after which a client's place may be given to another."""


class Relay:
    """One client's way to the server and back."""

    def __init__(self, proxy: UdpProxy, client: Address, number: int) -> None:
        self.client = client
        self.up = Link(proxy.config_up, f"{proxy.seed} {number} up")
        """To the server."""
        self.down = Link(proxy.config_down, f"{proxy.seed} {number} down")
        """To the client."""
        self.heard_at = proxy.loop.time()
        self._proxy = proxy
        self._timer: asyncio.TimerHandle | None = None
        self._upstream = self._connect()

    def _connect(self) -> socket.socket:
        """A socket that hears the server and nobody else."""
        upstream = _socket_for(self._proxy.server[0])
        upstream.connect(self._proxy.server)
        self._proxy.loop.add_reader(upstream, self._read)
        return upstream

    def rebind(self) -> None:
        """Come from another port from now on, as after a NAT's reboot or a change of networks."""
        former, self._upstream = self._upstream, self._connect()
        self._disconnect(former)

    def close(self) -> None:
        """Drop what is under way."""
        if self._timer is not None:
            self._timer.cancel()
        self._disconnect(self._upstream)

    def send(self, datagram: bytes) -> None:
        """The client sent something."""
        now = self.heard_at = self._proxy.loop.time()
        self.up.send(datagram, now)
        self._deliver()

    def _read(self) -> None:
        for datagram, _ in _read_all(self._upstream):
            now = self.heard_at = self._proxy.loop.time()
            self.down.send(datagram, now)
        self._deliver()

    def _deliver(self) -> None:
        """Hand over what is due, and come again when the next is."""
        now = self._proxy.loop.time()
        for datagram in self.up.due(now):
            with contextlib.suppress(OSError):  # the server is away, or its socket full: UDP is like that
                self._upstream.send(datagram)
        for datagram in self.down.due(now):
            self._proxy.send(datagram, self.client)
        timers = [timer for timer in (self.up.next_timer(), self.down.next_timer()) if timer is not None]
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._proxy.loop.call_at(min(timers), self._deliver) if timers else None

    def _disconnect(self, upstream: socket.socket) -> None:
        self._proxy.loop.remove_reader(upstream)
        upstream.close()


class UdpProxy:
    """Relays between its clients and `server`, from within `with` to its end; the event loop must run by then.

    Raises ValueError for an address beyond this machine.
    """

    def __init__(
        self,
        server: Address,
        config: LinkConfig = PERFECT,
        down: LinkConfig | None = None,
        *,
        seed: int = 1,
        most_clients: int = 64,
    ) -> None:
        """`config` is the network to the server, and back from it too unless `down` says otherwise."""
        if not ipaddress.ip_address(server[0]).is_loopback:
            raise ValueError(f"{server[0]} is not this machine: the proxy relays on loopback only")
        self.server = server
        self.config_up = config
        """Of clients still to come; replace a relay's `up.config` for one that is there."""
        self.config_down = down or config
        self.seed = seed
        self.relays: dict[Address, Relay] = {}
        """By the client's address, the longest known first."""
        self.refused = 0
        """Datagrams dropped because there were too many clients."""
        self._most_clients = most_clients
        self._known = 0
        self._socket: socket.socket | None = None
        self.loop: asyncio.AbstractEventLoop

    def __enter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self._socket = _socket_for(self.server[0])
        self._socket.bind((self.server[0], 0))
        self.loop.add_reader(self._socket, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for relay in self.relays.values():
            relay.close()
        self.relays.clear()
        if self._socket is not None:
            self.loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    @property
    def address(self) -> Address:
        """Where clients send to."""
        if self._socket is None:
            raise RuntimeError("the proxy does not run")
        host, port = self._socket.getsockname()[:2]
        return host, port

    def send(self, datagram: bytes, client: Address) -> None:
        """Hand a datagram to a client."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the client is away, or its socket full
                self._socket.sendto(datagram, client)

    def _read(self) -> None:
        if self._socket is None:
            return
        for datagram, client in _read_all(self._socket):
            relay = self.relays.get(client) or self._welcome(client)
            if relay is None:
                self.refused += 1
            else:
                relay.send(datagram)

    def _welcome(self, client: Address) -> Relay | None:
        if len(self.relays) >= self._most_clients:
            silent = min(self.relays.values(), key=lambda relay: relay.heard_at)
            if self.loop.time() - silent.heard_at < FORGET_AFTER:
                return None
            self.relays.pop(silent.client).close()
        self._known += 1
        relay = self.relays[client] = Relay(self, client, self._known)
        return relay


@contextlib.contextmanager
def proxy_in_a_thread(
    server: Address, config: LinkConfig = PERFECT, down: LinkConfig | None = None, *, seed: int = 1
) -> Iterator[UdpProxy]:
    """A proxy with an event loop of its own, for tests whose own thread is taken (Playwright's synchronous one)."""
    proxy = UdpProxy(server, config, down, seed=seed)
    loop, started, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        try:
            with proxy:
                started.set()
                await ended.wait()
        finally:
            started.set()  # also when it could not start: `proxy.address` says so

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="udp-proxy")
    thread.start()
    try:
        started.wait()
        yield proxy
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def _socket_for(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    return made


def _read_all(source: socket.socket) -> Iterator[tuple[bytes, Address]]:
    """What has come, `BATCH` at most; the loop calls again for the rest."""
    for _ in range(BATCH):
        try:
            datagram, sender = source.recvfrom(LARGEST)
        except BlockingIOError:
            return
        except OSError:  # an ICMP answer to what was sent earlier (connection refused)
            continue
        yield datagram, (sender[0], sender[1])
