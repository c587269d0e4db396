"""What is measured of a server process from outside: its CPU, its memory, its packets on the loopback interface.

Rule: the same instrument for every server; none of them is asked about itself.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import psutil

_SEGMENT: Final = 1448
"""Bytes of a TCP segment on an Ethernet of 1,500: loopback carries 64 kB in one, a visitor's network does not."""
_HEAD: Final = 64
"""Bytes looked at of each packet."""
_ETH_P_ALL: Final = 3
_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_PACKET_IGNORE_OUTGOING: Final = 23
"""Loopback shows each packet twice, going out and coming in: the second is enough."""
_RCVBUFFORCE: Final = 33
_TCP, _UDP = 6, 17


def cpu(pid: int) -> float:
    """Seconds of CPU, user and system, of a process with all its threads so far.

    From the process's own CPU clock, in nanoseconds; /proc counts hundredths of a second.
    """
    if sys.platform == "linux":
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3): CPUCLOCK_SCHED of this process
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def memory(pid: int) -> int:
    """Bytes resident."""
    return int(psutil.Process(pid).memory_info().rss)


@dataclass(slots=True)
class Traffic:
    """IP packets and bytes, their headers included."""

    packets_out: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    bytes_in: int = 0
    missed: int = 0
    """Packets that came faster than they were counted."""


def may_capture() -> bool:
    """Whether this process may listen to an interface (Linux, and root)."""
    try:
        _listener().close()
    except (OSError, AttributeError):
        return False
    return True


class Capture:
    """Counts the packets of a server, in a thread, while the block lasts. Costs CPU: never while that is measured.

    A TCP packet larger than an Ethernet carries is counted as the segments that it would be there.
    """

    def __init__(self, pid: int) -> None:
        connections = psutil.Process(pid).net_connections("inet")
        self._ports = frozenset(port for connection in connections for port in connection.laddr[1:])
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._count, name="capture")
        self.traffic = Traffic()
        self.seconds = 0.0

    def __enter__(self) -> Capture:
        self._socket = _listener()
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.monotonic() - self._began
        self._ending.set()
        self._thread.join()
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self.traffic.missed = int.from_bytes(statistics[4:8], sys.byteorder)
        self._socket.close()

    def _count(self) -> None:
        head = bytearray(_HEAD)
        receive = self._socket.recv_into
        while not self._ending.is_set():
            try:
                if receive(head) >= 28:
                    self._add(head)
            except TimeoutError:
                continue

    def _add(self, head: bytearray) -> None:
        start = (head[0] & 15) * 4
        protocol = head[9]
        if head[0] >> 4 != 4 or protocol not in (_TCP, _UDP):
            return
        source = int.from_bytes(head[start : start + 2], "big")
        target = int.from_bytes(head[start + 2 : start + 4], "big")
        size, packets = int.from_bytes(head[2:4], "big"), 1
        if protocol == _TCP:
            headers = start + (head[start + 12] >> 4) * 4
            packets = max(1, -(-(size - headers) // _SEGMENT))
            size += (packets - 1) * headers
        if source in self._ports:
            self.traffic.packets_out += packets
            self.traffic.bytes_out += size
        elif target in self._ports:
            self.traffic.packets_in += packets
            self.traffic.bytes_in += size


def loopback() -> tuple[int, int]:
    """(packets, bytes) that loopback has carried, of everything on this machine: a check on `Capture`."""
    counters = psutil.net_io_counters(pernic=True)
    lo = counters.get("lo") or counters["lo0"]
    return lo.packets_sent, lo.bytes_sent


def _listener() -> socket.socket:
    """A socket that sees loopback's packets from their IP header on. Raises OSError where that is not allowed."""
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, 64 << 20)
        listener.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        listener.bind(("lo", 0))
        listener.settimeout(0.1)
    except OSError:
        listener.close()
        raise
    return listener
