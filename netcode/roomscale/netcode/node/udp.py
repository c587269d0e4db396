"""The UDP sockets of a node: one port on every address that is bound, drained in batches.

Rule: what a datagram means is not known here. Once datagrams come in numbers a socket is read by the clock, every
`_PAUSE`, until it falls silent: that costs a visitor's pose so much of its age, and saves a wake-up for each.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from roomscale.netcode.errors import TransportError
from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.stun import Address

log = logging.getLogger(__name__)

_BUFFER: Final = 4_194_304
"""Bytes that the kernel may hold each way: a tick of 1,000 visitors is 1.2 MB. (Linux gives what rmem_max allows.)"""
_DATAGRAM: Final = 2_048
"""Bytes of a datagram that are looked at; longer ones are cut, and then fail their checks."""
_BATCH: Final = 256
"""Datagrams taken before anything else gets its turn: about 5 ms of work."""
_BUSY: Final = 3
"""Datagrams in one drain from which the socket is read by the clock..."""
_PAUSE: Final = 0.003
"""...every so many seconds: clients aim 4 to 12 ms ahead of the tick..."""
_SILENT: Final = 8
"""...until so many looks in a row found nothing."""
_MOST_VIA: Final = 8_192
"""Addresses whose sockets are remembered before those that are nobody's are forgotten."""


class Sockets:
    """One socket for each of `hosts`, all on one port. Raises TransportError."""

    def __init__(self, hosts: Sequence[str], port: int) -> None:
        self._sockets = bind(hosts, port)
        self.bound: Final = [(host, int(own.getsockname()[1])) for host, own in self._sockets.items()]
        """Address and port of each."""
        self.received = 0
        """Datagrams so far."""
        self.unsent = 0
        """Datagrams that the kernel did not take."""
        self._by_family = {own.family: own for own in reversed(self._sockets.values())}
        self._several = len(self._sockets) > len(self._by_family)
        self._via: dict[Address, socket.socket] = {}
        """Which socket an address came by, where a family has several."""
        self._loop = asyncio.get_running_loop()

    def listen(
        self,
        receive: Callable[[bytes, Address, float], None],
        drained: Callable[[], None],
        knows: Callable[[Address], bool],
    ) -> None:
        """Begin to read. receive: called for each datagram, with where it came from, and when.

        drained: called after each batch. knows: whether an address is still somebody's.
        """
        self._receive, self._drained, self._knows = receive, drained, knows
        for own in self._sockets.values():
            self._loop.add_reader(own, self._readable, own)

    def send(self, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """Send each to its address. One that cannot be sent is lost, as on any network."""
        for datagram, address in datagrams:
            own = self._via.get(address) if self._several else None
            if own is None:
                own = self._by_family[_family(address)]
            try:
                own.sendto(datagram, address)
            except OSError:  # a full buffer, an address that cannot be reached
                self.unsent += 1

    def close(self) -> None:
        """Release the port."""
        for own in self._sockets.values():
            self._loop.remove_reader(own)
            own.close()

    def _readable(self, own: socket.socket) -> None:
        """Something came, after a silence."""
        if self._drain(own) >= _BUSY:
            self._loop.remove_reader(own)
            self._loop.call_later(_PAUSE, self._poll, own, 0)

    def _poll(self, own: socket.socket, silent: int) -> None:
        """Look what came meanwhile. `silent`: looks in a row that found nothing."""
        if own.fileno() < 0:
            return
        silent = 0 if self._drain(own) else silent + 1
        if silent < _SILENT:
            self._loop.call_later(_PAUSE, self._poll, own, silent)
        else:
            self._loop.add_reader(own, self._readable, own)

    def _drain(self, own: socket.socket) -> int:
        """Take a batch; how many datagrams there were. What is more than that waits for the next look."""
        receive, now = self._receive, time.monotonic()
        count = 0
        try:
            while count < _BATCH:
                datagram, address = own.recvfrom(_DATAGRAM)
                count += 1
                if self._several:
                    self._note(own, datagram, address)
                receive(datagram, address, now)
        except BlockingIOError:
            pass
        except OSError as error:  # Linux tells of an earlier send that found nobody
            log.debug("UDP: %s", error)
        if count:
            self.received += count
            self._drained()
        return count

    def _note(self, own: socket.socket, datagram: bytes, address: Address) -> None:
        """Answers leave by the socket that was asked: remember which, for as many addresses as may be in use."""
        if self._via.get(address) is own or not stun.is_stun(datagram):
            return
        if len(self._via) > _MOST_VIA:
            self._via = {known: via for known, via in self._via.items() if self._knows(known)}
        self._via[address] = own


def bind(hosts: Sequence[str], port: int) -> dict[str, socket.socket]:
    """One UDP socket for each address, on the same port. Raises TransportError."""
    sockets: dict[str, socket.socket] = {}
    for host in hosts:
        own = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sockets[host] = own
        try:
            if own.family == socket.AF_INET6:
                own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                own.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            own.setblocking(False)
            own.bind((host, port))
        except OSError as error:
            for bound in sockets.values():
                bound.close()
            raise TransportError(
                f"cannot bind UDP port {port or 'of any number'} on {host}: {error.strerror}"
            ) from None
        port = own.getsockname()[1]
    return sockets


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if len(address) == 2 else socket.AF_INET6
