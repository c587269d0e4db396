"""One node, and networks between it and whoever calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from roomscale.netcode.node import seam
from roomscale.netcode.testing.candidates import advertise, candidates
from roomscale.netcode.testing.link import LinkConfig
from roomscale.netcode.testing.proxy import UdpProxy
from tests.netcode.conftest import House
from tests.netcode.interop.client import PATIENCE, Call

MAX_DATAGRAM = 1200
"""Bytes of UDP payload that the node may send at most."""


class Street:
    """The ways to one node: each call goes by a network of its own, which lasts as long as the street."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.proxies: list[UdpProxy] = []
        self._calls = 0
        self._open = ExitStack()

    def by(self, config: LinkConfig | None) -> Call:
        """Signalling for clients behind a network, seeded by the number of the call; None: no proxy at all."""

        async def call(offer: str) -> str:
            self._calls += 1
            reply = await self.house.gate.offer(self.house.offer(f"v{self._calls}", offer))
            assert isinstance(reply, seam.Answer), reply
            if config is None:
                return reply.sdp
            [address] = candidates(reply.sdp)
            proxy = self._open.enter_context(UdpProxy(address, config, seed=self._calls))
            self.proxies.append(proxy)
            return advertise(reply.sdp, proxy.address)

        return call

    @property
    def largest(self) -> int:
        """Bytes of the largest datagram that the node sent through any proxy."""
        return max(relay.down.stats.largest for proxy in self.proxies for relay in proxy.relays.values())

    @contextmanager
    def walk(self) -> Iterator[None]:
        """The proxies end with the block."""
        with self._open:
            yield


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    """A node by the lean transport. It logged nothing worse than a line, and sent nothing too long."""
    patient = {"silence": 30, "hello_timeout": PATIENCE + 5}  # by default the node gives a call up after 15 s
    house = House(tmp_path / "node.sock", {"transport": "lean", **patient})
    await house.start()
    street = Street(house)
    try:
        with street.walk():
            yield street
            if street.proxies:
                assert street.largest <= MAX_DATAGRAM
            assert not any(proxy.refused for proxy in street.proxies)
        code, logged = await house.end()
        assert code == 0
        assert "Traceback" not in logged
        assert "ERROR" not in logged
    finally:
        await house.stop()
