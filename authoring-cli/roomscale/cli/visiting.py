"""Sends headless visitors into a world and tells what they saw: the work behind `roomscale visit`.

Its one rule: nobody is contacted but this machine and the hosts that the user named; what a gate or an answer says
beyond that is refused, not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from roomscale.cli.errors import CommandError, EnvironmentProblem, Exit, UsageError, exit_code_of
from roomscale.cli.loops import on_signals
from roomscale.cli.output import Output
from roomscale.netcode.testing.lean_visitor import LeanVisitor
from roomscale.netcode.testing.measure import Quantiles
from roomscale.worlds.crowd import Crowd, CrowdPlan, Progress, Stay
from roomscale.worlds.errors import BadContent
from roomscale.worlds.gateclient import Entrance, find_entrance, web_host
from roomscale.worlds.ids import parse_link

ANY_PORT = 9  # "discard"; a UDP socket that is only connected sends nothing
BUSY_CPU = 0.8  # of a core; above it, this command itself is what is slow


@dataclass(frozen=True)
class VisitRequest:
    """What `roomscale visit` was asked for."""

    gate: str
    """Base URL of the gate."""
    link: str
    count: int
    rate: float
    seconds: float
    moving: bool
    allowed: tuple[str, ...] = ()
    """Hosts that may be contacted besides the gate's own and this machine."""


@dataclass(frozen=True)
class Visited:
    """How it went; `interrupted`: Ctrl-C came before anything could be measured."""

    entrance: Entrance
    crowd: Crowd
    stay: Stay | None
    remaining: int
    interrupted: bool = False


async def visit(request: VisitRequest, output: Output) -> Visited:
    """Find the world, let all come, stay, and leave. Raises CommandError, WorldError, NetcodeError."""
    named = [host for host in (web_host(request.gate), *request.allowed) if host]
    addresses = await addresses_of(named)
    with output.step(f"asking {request.gate} for the world"):
        entrance = await find_entrance(request.gate, request.link)
    check_permitted(entrance.homeserver, named)
    plan = CrowdPlan(request.count, request.rate, request.moving, frozenset(addresses))
    make = partial(LeanVisitor, hosts=sources_for(addresses))
    enough, task = asyncio.Event(), asyncio.current_task()
    assert task is not None  # noqa: S101 - we run in one
    with on_signals(enough.set, task.cancel):
        return await _visit(entrance, plan, make, request.seconds, enough, output)


async def _visit(
    entrance: Entrance,
    plan: CrowdPlan,
    make: partial[LeanVisitor],
    seconds: float,
    enough: asyncio.Event,
    output: Output,
) -> Visited:
    crowd, stay, interrupted = Crowd(entrance, plan, make), None, False
    remaining = plan.count
    try:
        interrupted = not await _arrive(crowd, entrance, enough, output)
        if crowd.progress.inside and not interrupted:
            doing = "walk" if plan.moving else "stand"
            with output.step(f"{crowd.progress.inside} {doing} in {entrance.name} for {seconds:g} s (Ctrl-C ends it)"):
                stay = await crowd.stay(seconds, enough)
    finally:
        with output.step("leaving"):
            remaining = await crowd.leave()
    return Visited(entrance, crowd, stay, remaining, interrupted)


async def _arrive(crowd: Crowd, entrance: Entrance, enough: asyncio.Event, output: Output) -> bool:
    """Let all come, with the progress on the terminal; False when Ctrl-C came before all were there."""
    count = crowd.progress.asked
    with output.step(f"{count} visitors come into {entrance.name}") as update:
        told = False

        def show(progress: Progress) -> None:
            nonlocal told
            waiting = f"; the homeserver asks to wait {progress.waiting_s:.0f} s" if progress.waiting_s else ""
            update(f"{progress.inside} of {count} visitors are in {entrance.name}{waiting}")
            if progress.waiting_s and not told:
                told = True
                output.note("the homeserver lets newcomers from one address in one after the other: it takes a while")

        crowd.tell = show
        arriving, interrupt = asyncio.create_task(crowd.arrive()), asyncio.create_task(enough.wait())
        try:
            await asyncio.wait({arriving, interrupt}, return_when=asyncio.FIRST_COMPLETED)
            if arriving.done():
                await arriving
        finally:
            for task in (arriving, interrupt):
                task.cancel()
            await asyncio.gather(arriving, interrupt, return_exceptions=True)
    return not arriving.cancelled()


def check_link(link: str) -> None:
    """Refuse what leads to no world, before anything is asked. Raises UsageError."""
    try:
        parse_link(link, "this.server")
    except BadContent as error:
        raise UsageError(f"{link[:80]!r} is no link to a world ({error})") from error


def check_permitted(homeserver: str, named: Collection[str]) -> None:
    """Refuse a homeserver on a host that the user did not name. Raises EnvironmentProblem."""
    host = web_host(homeserver)
    if host is None or not (host in named or _is_loopback(host)):
        raise EnvironmentProblem(f"the gate's homeserver is at {host}; if it may be contacted, add --allow {host}")


async def addresses_of(hosts: Collection[str]) -> list[str]:
    """The IP addresses of the hosts, without doubles. Raises EnvironmentProblem."""
    loop = asyncio.get_running_loop()
    found: list[str] = []
    for host in hosts:
        try:
            answers = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise EnvironmentProblem(f"there is no host {host!r} ({error})") from error
        found += [str(answer[4][0]) for answer in answers]
    return list(dict.fromkeys(found))


def sources_for(addresses: Collection[str]) -> list[str]:
    """Our own addresses by which those are reached, to bind WebRTC's sockets to. Nothing is sent to find out."""
    found: list[str] = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, ANY_PORT))
            found.append(str(probe.getsockname()[0]))
    return list(dict.fromkeys(found)) or ["127.0.0.1"]


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def problem_of(visited: Visited) -> CommandError | None:
    """What the command ends with besides its figures; None when all went well."""
    progress = visited.crowd.progress
    if progress.failed:
        first = progress.failed[0]
        problem = CommandError(f"{progress.asked - progress.inside} of {progress.asked} did not get in: {first}")
        problem.exit_code = exit_code_of(first) or Exit.REFUSED
        return problem
    if visited.stay is not None and visited.stay.lost:
        why, times = Counter(visited.stay.lost).most_common(1)[0]
        return CommandError(f"{len(visited.stay.lost)} were dropped while inside ({times} × {why})")
    if visited.remaining:
        return EnvironmentProblem(f"{visited.remaining} guests may still be in the room: leaving was not answered")
    return None


def as_json(visited: Visited) -> str:
    """The figures for programs; times in milliseconds, rates per second and visitor."""
    progress, stay = visited.crowd.progress, visited.stay
    content: dict[str, Any] = {
        "room_id": visited.entrance.room_id,
        "name": visited.entrance.name,
        "asked": progress.asked,
        "inside": progress.inside,
        "failed": dict(Counter(str(error) for error in progress.failed)),
        "remaining": visited.remaining,
        "throttled_s": round(visited.crowd.waited, 1),
        "join_ms": _milliseconds(visited.crowd.join_times),
    }
    if stay is not None:
        figures = asdict(stay.figures)
        content |= {
            "seconds": round(stay.figures.seconds, 2),
            "lost": dict(Counter(stay.lost)),
            "own_cpu": round(stay.own_cpu, 3),
            "rtt_ms": _milliseconds(stay.figures.rtt),
            "latency_ms": _milliseconds(stay.figures.latency),
        }
        names = ("snapshots", "snapshots_least", "loss", "bytes_in", "bytes_out", "malformed")
        content |= {name: round(figures[name], 4) for name in names}
        content |= {name: figures[name] for name in ("others_least", "others_most")}
    return json.dumps(content)


def as_table(visited: Visited) -> str:
    """The figures for people, a line each."""
    progress, stay = visited.crowd.progress, visited.stay
    lines = [
        ("world", f"{visited.entrance.name} ({visited.entrance.room_id})"),
        ("inside", f"{progress.inside} of {progress.asked}"),
        ("join", _words(visited.crowd.join_times)),
    ]
    if stay is not None:
        f = stay.figures
        others = f"{f.others_least}" if f.others_least == f.others_most else f"{f.others_least} to {f.others_most}"
        lines += [
            ("stayed", f"{f.seconds:.1f} s, {len(stay.lost)} dropped"),
            ("snapshots", f"{f.snapshots:.1f} a second, {f.snapshots_least:.1f} at least"),
            ("loss", f"{f.loss * 100:.1f}% of the ticks brought no snapshot"),
            ("bytes", f"{f.bytes_in / 1000:.2f} kB/s in, {f.bytes_out / 1000:.2f} kB/s out, for each, without headers"),
            ("round trip", _words(f.rtt)),
            ("latency", f"{_words(f.latency)} from one visitor's pose to another's sight"),
            ("others", f"{others} seen by each"),
            ("own CPU", f"{stay.own_cpu * 100:.0f}% of a core"),
        ]
    return "\n".join(f"{name:<11}{value}" for name, value in lines)


def _milliseconds(quantiles: Quantiles | None) -> dict[str, float] | None:
    if quantiles is None:
        return None
    times = {name: round(getattr(quantiles, name) * 1000, 2) for name in ("p50", "p99", "most")}
    return {"count": quantiles.count, **times}


def _words(quantiles: Quantiles | None) -> str:
    if quantiles is None:
        return "not measured"
    p50, p99, most = (value * 1000 for value in (quantiles.p50, quantiles.p99, quantiles.most))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, at most {most:.1f} ms ({quantiles.count})"
