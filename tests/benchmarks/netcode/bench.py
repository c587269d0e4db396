"""One measurement: one server, one crowd, from an empty process to figures.

    start → memory → 20 join (CPU) → the others join → settle → a window of seconds (CPU, latency) → packets → end

Rule: the CPU of the server process alone counts, user and system; packets are counted after that window, because
counting costs CPU of those that send.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.benchmarks.netcode import crowd, measure
from tests.benchmarks.netcode.load import Spec
from tests.benchmarks.netcode.processes import Child
from tests.benchmarks.netcode.servers import CLIENTS, Server, ready

TRACE_SECONDS: Final = 60
"""Seconds of trace: longer than a measurement takes, and beyond its end it is walked backwards."""
FIRST: Final = 20
"""Visitors whose joining is measured: so few that the ticks meanwhile weigh little."""
WATCHERS: Final = 20
"""Visitors who look at all that they are shown: enough pairs for a 99th percentile. They have a process of their own,
so that they do not wait for their turn among hundreds of others: that is not the server's latency."""
NEAR: Final = 5.0
"""Metres within which one visitor's change must reach another: nobody is hidden there by interest management."""
_CAPTURE: Final = 2.0
"""Seconds for which packets are counted."""
_JOIN: Final = 0.2
"""Seconds that the others' joining may take for each of them: ten times what it takes where the cores suffice."""
_IDLE: Final = 1.0
"""Seconds that a server is left alone before its memory is read."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen. Per visitor unless it says otherwise."""

    server: str
    title: str
    ours: bool
    clients: str
    visitors: int
    trace: str
    seconds: float
    """The window."""
    cpu_us: float
    """Microseconds of the server's CPU, user and system, per visitor and tick of 50 ms."""
    cpu_percent: float
    """Of one core, for all visitors together."""
    latency_p50: float | None
    """Milliseconds from a pose's being sent to its being shown to somebody within `NEAR`, beyond the network's own."""
    latency_p99: float | None
    latency_count: int
    join_ms: float
    """Milliseconds of the server's CPU for each of the first `FIRST` joins, the ticks meanwhile taken off."""
    memory_kb: float
    """Thousands of bytes resident, more than the empty server."""
    snapshots: float
    """Received per second."""
    poses: float
    """Sent per second."""
    payload_out: float
    """Bytes per second of the snapshots alone."""
    bytes_out: float | None
    """IP bytes per second from the server; None where packets may not be counted."""
    packets_out: float | None
    bytes_in: float | None
    packets_in: float | None
    packets_missed: int | None
    """In all: packets that came too fast to be counted."""
    loopback_bytes: float
    """IP bytes per second on loopback both ways, of everything on this machine, during the window."""
    loopback_packets: float
    gone: int
    """Visitors in all whose connection ended: anything but 0 voids the measurement."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    visitors: int
    seconds: float = 10.0
    adaptive: bool = False
    """Trace 2: 30% moving, and rates may adapt; else trace 1: all moving, 20 Hz both ways for everybody."""
    clients: str | None = None
    """Which of `CLIENTS` play our visitors; None: the cheapest that there is."""
    foreign: int = 0
    """How many of our visitors are libdatachannel's."""

    settle: float = 3.0
    """Seconds from the last join to the window."""

    @property
    def trace(self) -> str:
        """Its name in tables."""
        return "30% moving, adaptive" if self.adaptive else "all moving, 20 Hz"


async def measured(server: Server, plan: Plan) -> Figures:
    """Measure one server with one crowd. Raises ChildFailed or NotAvailable."""
    with tempfile.TemporaryDirectory(prefix="rs-bench-") as name:
        async with AsyncExitStack() as stack:
            return await _measured(server, plan, Path(name), stack)


async def _measured(server: Server, plan: Plan, folder: Path, stack: AsyncExitStack) -> Figures:
    records = crowd.crowd(plan.visitors, TRACE_SECONDS * crowd.TICK_RATE, moving=0.3 if plan.adaptive else 1.0)
    crowd.write(folder / "trace", records)
    command = server.command(folder, plan.visitors, plan.adaptive)
    child = await stack.enter_async_context(Child(server.name, command, folder / "server.log"))
    started = await ready(server, child, folder)
    epoch = time.monotonic_ns() // 1000
    loads = await _loads(server, plan, folder, stack, started.address, epoch)
    await asyncio.sleep(_IDLE)
    empty, before = measure.memory(child.pid), measure.cpu(child.pid)
    first = min(FIRST, loads[0].count)
    answer = await loads[0].child.ask(f"join {loads[0].first} {first}", "joined", 60)
    joining = measure.cpu(child.pid) - before
    for number, load in enumerate(loads):
        done = 0 if number else first
        if load.count > done:
            await load.child.ask(f"join {load.first + done} {load.count - done}", "joined", 60 + plan.visitors * _JOIN)
    await asyncio.sleep(plan.settle)
    await asyncio.gather(*(load.child.ask("begin", "began", 10) for load in loads))
    began, cpu, carried = time.monotonic(), measure.cpu(child.pid), measure.loopback()
    await asyncio.sleep(plan.seconds)
    spent, now = measure.cpu(child.pid) - cpu, time.monotonic()
    packets, octets = (after - then for after, then in zip(measure.loopback(), carried, strict=True))
    full = measure.memory(child.pid)
    await asyncio.gather(*(load.child.ask("end", "ended", 30) for load in loads))
    wire = await _captured(child.pid)
    child.alive()

    seconds, n = now - began, plan.visitors
    tick_cost = spent / (seconds * crowd.TICK_RATE * n)
    logs = [json.loads((folder / f"result{number}").read_text("utf-8")) for number in range(len(loads))]
    late = _latencies(logs, records, epoch)
    return Figures(
        server=server.name,
        title=server.title,
        ours=server.ours,
        clients=" + ".join(f"{load.count} {load.kind}" for load in loads),
        visitors=n,
        trace=plan.trace,
        seconds=seconds,
        cpu_us=tick_cost * 1e6,
        cpu_percent=spent / seconds * 100,
        latency_p50=float(np.quantile(late, 0.5)) if len(late) else None,
        latency_p99=float(np.quantile(late, 0.99)) if len(late) else None,
        latency_count=len(late),
        join_ms=(joining - answer["presence"] * crowd.TICK_RATE * tick_cost) / first * 1e3,
        memory_kb=(full - empty) / n / 1e3,
        snapshots=sum(log["snapshots"] for log in logs) / n / seconds,
        poses=sum(log["poses"] for log in logs) / n / seconds,
        payload_out=sum(log["bytes"] for log in logs) / n / seconds,
        **_per_visitor(wire, n),
        loopback_bytes=octets / n / seconds,
        loopback_packets=packets / n / seconds,
        gone=sum(log["gone"] for log in logs),
    )


@dataclass(frozen=True, slots=True)
class _Load:
    """One load process and its share of the visitors."""

    child: Child
    kind: str
    first: int
    count: int


async def _loads(
    server: Server, plan: Plan, folder: Path, stack: AsyncExitStack, address: dict[str, Any], epoch: int
) -> list[_Load]:
    kind, foreign = server.clients(plan.visitors), 0
    if server.ours:
        kind, foreign = plan.clients or kind, min(plan.foreign, plan.visitors)
    if kind == "libdatachannel":  # they watch nothing: others must
        kind, foreign = "aiortc", max(0, plan.visitors - WATCHERS)
    watching = min(WATCHERS, plan.visitors - foreign)
    others = plan.visitors - foreign - watching
    watchers = list(range(watching))
    shares = [(kind, 0, watching), (kind, watching, others), ("libdatachannel", watching + others, foreign)]
    loads = []
    for number, (kind, first, count) in enumerate(share for share in shares if share[2]):
        spec = Spec(address, str(folder / "trace"), epoch, watchers, str(folder / f"result{number}"))
        path = folder / f"spec{number}"
        path.write_text(json.dumps(asdict(spec)), "utf-8")
        child = Child(f"{kind} clients", [*CLIENTS[kind](), str(path)], folder / f"load{number}.log")
        await stack.enter_async_context(child)
        await child.hear("ready", 30)
        loads.append(_Load(child, kind, first, count))
    return loads


async def _captured(pid: int) -> measure.Capture | None:
    if not measure.may_capture():
        return None
    with measure.Capture(pid) as capture:
        await asyncio.sleep(_CAPTURE)
    return capture


def _per_visitor(wire: measure.Capture | None, visitors: int) -> dict[str, Any]:
    """The fields of `Figures` about packets."""
    if wire is None:
        return dict.fromkeys(("bytes_out", "packets_out", "bytes_in", "packets_in", "packets_missed"))
    traffic, share = asdict(wire.traffic), visitors * wire.seconds
    missed = traffic.pop("missed")
    return {name: value / share for name, value in traffic.items()} | {"packets_missed": missed}


def _latencies(logs: list[dict[str, Any]], records: crowd.Crowd, epoch: int) -> list[float]:
    """Milliseconds from a change's being sent to each watcher's being shown it, for those who stood near then."""
    sent: dict[tuple[int, int], list[int]] = {}
    for visitor, flags, at in (row for log in logs for row in log["sent"]):
        sent.setdefault((visitor, flags), []).append(at)
    late = []
    for watcher, visitor, flags, at in (row for log in logs for row in log["seen"]):
        before = [then for then in sent.get((visitor, flags), ()) if then <= at]
        if before and _near(records, (max(before) - epoch) * crowd.TICK_RATE // 1_000_000, watcher, visitor):
            late.append((at - max(before)) / 1000)
    return late


def _near(records: crowd.Crowd, tick: int, one: int, other: int) -> bool:
    row = records[crowd.row(len(records), tick)]
    apart = np.hypot(float(row["x"][one]) - float(row["x"][other]), float(row["z"][one]) - float(row["z"][other]))
    return bool(apart <= NEAR * 1000)
