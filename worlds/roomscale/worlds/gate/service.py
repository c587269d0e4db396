"""Runs one gate: HTTP, the Matrix loop and the seam to the node, in one process.

The one rule: the parts are made and joined here and only here; none starts another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from roomscale.assets import samples
from roomscale.netcode.node.seam import websocket_path
from roomscale.worlds.errors import WorldError
from roomscale.worlds.gate import addresses, caretaker, http, websockets
from roomscale.worlds.gate.clientfiles import Folder
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.directory import Thumbnails
from roomscale.worlds.gate.entry import Door
from roomscale.worlds.gate.housekeeping import Housekeeping
from roomscale.worlds.gate.matrixloop import MatrixLoop
from roomscale.worlds.gate.nodelink import NodeLink
from roomscale.worlds.gate.outage import Outage
from roomscale.worlds.gate.passthrough import PassThrough
from roomscale.worlds.gate.policy import Rooms
from roomscale.worlds.gate.relay import Relay
from roomscale.worlds.gate.resume import Resumption
from roomscale.worlds.gate.rooms import View
from roomscale.worlds.gate.sessions import Sessions
from roomscale.worlds.gate.store import GateStore
from roomscale.worlds.gate.tickets import Tickets
from roomscale.worlds.gate.upstream import Upstream
from roomscale.worlds.gate.watch import Watch
from roomscale.worlds.gate.websockets import SocketProtocol

log = logging.getLogger(__name__)

BACKLOG = 512


class CannotListen(WorldError):
    """The gate's address is taken, or not this machine's."""


async def serve(config: GateConfig) -> None:
    """Run until SIGTERM, SIGINT or the end of standard input.

    Starts whether or not the homeserver and the node are there, and takes them up whenever they come (back).

    Raises:
        WorldError: the port is taken, or `state_dir` cannot be written.
    """
    ended = asyncio.Event()
    with _told_to_end(ended, leash=config.leash):
        gate = Gate(config)
        try:
            await gate.run(ended)
        finally:
            await gate.close()


class Gate:
    """One gate in this event loop: `run`, then `close`."""

    def __init__(self, config: GateConfig) -> None:
        """Open gate.db and take the port. Raises WorldError."""
        self.config = config
        trusted = addresses.parse_networks(config.trusted_proxies)
        self._socket = _listen(config.host, config.port)
        try:
            self._store = GateStore(config.state_dir)
        except WorldError:
            self._socket.close()
            raise
        self.sessions = Sessions()
        self.tickets = Tickets(self._store, config.ticket_life_s)
        self.node = NodeLink(config.seam_path, self._node_is_up, self._session_closed)
        self.watch = Watch(View(config.user_id, config.device_id), self.sessions, self.tickets, self.node)
        self.outage = Outage(config.away_notice_s, config.away_tell_s)
        self.upstream = Upstream(config, self._store)
        self.door = Door(config, self.upstream, self.node, self.watch, self.tickets)
        self.rooms = Rooms(config, self.upstream, self.watch)
        self.housekeeping = Housekeeping(
            config, self.upstream, self.node, self.watch, self.rooms, self.tickets, self.outage
        )
        self.matrix = MatrixLoop(
            config,
            self.upstream,
            self._store,
            self.watch,
            self.outage,
            self.door.receive,
            self.housekeeping.answered,
        )
        self.passthrough = PassThrough(config.homeserver_url, config.public_url, config.limits, trusted)
        self.relay = Relay(websocket_path(config.seam_path), config.public_url, config.limits, trusted)
        self.parts = http.Parts(
            config=config,
            watch=self.watch,
            resumption=Resumption(config, self.door, self.watch, self.tickets, self.outage),
            thumbnails=Thumbnails(self.upstream, config.limits),
            passthrough=self.passthrough,
            relay=self.relay,
            client=Folder(config.client_dir),
            avatars=Folder(config.avatars_dir or _own_avatars(), index="index.json"),
            trusted=trusted,
            problems=self.problems,
        )
        self._adoptions: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The TCP port that the gate listens on."""
        return int(self._socket.getsockname()[1])

    async def run(self, ended: asyncio.Event) -> None:
        """Serve until `ended` is set. A part that breaks by a mistake of ours ends the gate: it is started anew."""
        self.node.start()
        server = _Server(
            uvicorn.Config(
                http.make_app(self.parts),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws=SocketProtocol,
                **websockets.OPTIONS,
                backlog=BACKLOG,
                timeout_keep_alive=30,
            )
        )
        work = [
            asyncio.create_task(server.serve(sockets=[self._socket]), name="http"),
            asyncio.create_task(self.matrix.run(), name="matrix"),
            asyncio.create_task(self.housekeeping.run(), name="housekeeping"),
            asyncio.create_task(caretaker.run(self.config, self.sessions.people), name="janitor"),
        ]
        stop = asyncio.create_task(ended.wait(), name="stop")
        self._announce()
        try:
            done, _ = await asyncio.wait([*work, stop], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                task.result()
        finally:
            server.should_exit = server.force_exit = True
            stop.cancel()
            for task in work[1:]:
                task.cancel()
            await asyncio.gather(*work, stop, return_exceptions=True)

    async def close(self) -> None:
        """Close what `run` used."""
        for task in self._adoptions:
            task.cancel()
        await self.door.close()
        await self.relay.close()
        await self.passthrough.close()
        await self.upstream.close()
        await self.node.close()
        self._socket.close()
        self._store.close()

    def problems(self) -> dict[str, str]:
        """Why the gate is not ready, by part."""
        problems = {}
        if self.matrix.problem is not None:
            problems["homeserver"] = self.matrix.problem
        if not self.node.up:
            problems["node"] = "the netcode node is away"
        if self.parts.client.build is None:
            problems["client"] = "the browser client is not built"
        return problems

    def _announce(self) -> None:
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        log.info("the gate listens on http://%s:%d", host, self.port)
        if self.config.ready_file is not None:
            partial = self.config.ready_file.with_suffix(".partial")
            partial.write_text(json.dumps({"port": self.port}), "utf-8")
            partial.replace(self.config.ready_file)

    def _node_is_up(self) -> None:
        task = asyncio.get_running_loop().create_task(self.watch.adopt())
        self._adoptions.add(task)
        task.add_done_callback(self._adoptions.discard)

    def _session_closed(self, key: str) -> None:
        session = self.sessions.get(key)
        if session is not None:
            self.sessions.closed(session)
            self.door.closed(session)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the gate ends as a whole."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(f"the gate cannot listen on {host} port {port}: {error.strerror or error}") from error
    listener.setblocking(False)
    return listener


def _own_avatars() -> Path:
    return samples.avatars_dir()


@contextlib.contextmanager
def _told_to_end(ended: asyncio.Event, *, leash: bool) -> Iterator[None]:
    """Set `ended` on SIGTERM, on SIGINT and, on a leash, when whoever holds our standard input lets go."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in this thread, or not on this system
            loop.add_signal_handler(number, ended.set)
    if leash:
        threading.Thread(target=_watch_stdin, args=(loop, ended), name="leash", daemon=True).start()
    try:
        yield
    finally:
        for number in signals:
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)


def _watch_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is closed already
        loop.call_soon_threadsafe(ended.set)
