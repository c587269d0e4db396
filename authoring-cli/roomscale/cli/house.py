"""Opens a house: takes the data directory, starts the parts in their order, publishes, says the link, keeps watch.

Its one rule: whatever ends it, a signal, a part that gives up, an error half-way, nothing of it goes on running and
nothing is left half-written.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from roomscale.cli.config import HOST_ACCOUNT, WORLD_SERVER, House, client_files
from roomscale.cli.errors import EnvironmentProblem
from roomscale.cli.layout import DataDirectory
from roomscale.cli.leftovers import ProcessLedger
from roomscale.cli.output import Output
from roomscale.cli.publishing import ReadyScene, prepare_scene, publish_samples, publish_scene
from roomscale.cli.supervisor import Part, Supervisor
from roomscale.cli.watching import watch_scene
from roomscale.scenes.khronos import Validator
from roomscale.worlds.homeserver import EmbeddedHomeserver, HomeserverConfig

PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Options:
    """What `roomscale up` was told."""

    data: Path
    host: str
    port: int
    udp_port: int
    public_address: str | None
    transport: Literal["lean", "aiortc"]
    server_name: str | None
    scene: Path | None
    world_file: Path | None = None
    """What stands for the `world.toml` beside the scene."""
    watch: bool = False
    """Publish the scene again whenever it is saved."""
    fixes: bool = False
    """Mend of the scene what needs no choice."""


async def keep_house(options: Options, output: Output) -> None:
    """Open the house and keep it until cancelled. Raises the errors of `roomscale.cli.errors` and of the rooms."""
    scene = None
    if options.scene is not None:
        with Validator() as validator:
            scene = prepare_scene(options.scene, output, options.world_file, fixes=options.fixes, validator=validator)
    directory = DataDirectory(options.data.expanduser().resolve())
    directory.prepare()
    with directory.lock():
        ledger = ProcessLedger(directory.run / "pids.json")
        for name in ledger.end_leftovers():
            output.note(f"ended the {name} that an earlier run left behind")
        check_port_free(options.host, options.port, "--port")
        check_port_free(options.host, options.udp_port, "--udp-port", socket.SOCK_DGRAM)
        if client_files() is None:
            output.note("the browser client is not built: run `make client` (or install a wheel)")
        supervisor = Supervisor(ledger, output.note)
        try:
            house = await _open(options, scene, supervisor, output)
            await _keep(house, options, scene, supervisor, output)
        finally:
            await asyncio.shield(supervisor.stop())


async def _keep(
    house: House, options: Options, scene: ReadyScene | None, supervisor: Supervisor, output: Output
) -> None:
    """Stay until a part gives up, and follow the scene's file if that was asked for."""
    jobs = [asyncio.create_task(supervisor.watch())]
    if options.watch and options.scene is not None and scene is not None:
        watching = watch_scene(house, options.scene, options.world_file, scene, output, fixes=options.fixes)
        jobs.append(asyncio.create_task(watching))
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def _open(options: Options, scene: ReadyScene | None, supervisor: Supervisor, output: Output) -> House:
    homeserver = EmbeddedHomeserver(
        HomeserverConfig(
            data_dir=options.data.expanduser().resolve(),
            public_url=f"http://{options.host}:{options.port}/",
            server_name=options.server_name,
        )
    )
    homeserver.prepare()
    house = House(
        data=options.data.expanduser().resolve(),
        server_name=homeserver.server_name,
        homeserver_port=int(homeserver.url.rsplit(":", 1)[1]),
        host=options.host,
        port=options.port,
        udp_port=options.udp_port,
        public_address=options.public_address,
        transport=options.transport,
    )
    house_file = house.write()
    supervisor.start(_homeserver_part(house, homeserver))
    supervisor.start(_node_part(house, house_file))
    with output.step("starting the homeserver"):
        await supervisor.ready("homeserver")
    with output.step("making the world server's account"):
        await homeserver.registrar.ensure(HOST_ACCOUNT, admin=True)
        await homeserver.registrar.ensure(WORLD_SERVER)
    supervisor.start(_gate_part(house, house_file))
    with output.step("starting the gate and the netcode node"):
        await supervisor.ready("node")
        await supervisor.ready("gate")
    published = await publish_scene(house, scene, output) if scene is not None else await publish_samples(house, output)
    with output.step("opening the doors"):
        for world in published:
            await _until(partial(_answers, f"{house.public_url}/api/worlds/{world.room_id}"), seconds=30)
    output.note("Ctrl-C ends it; `roomscale account NAME` makes an account to log in with")
    output.result(f"{house.public_url}{published[0].link}")
    return house


def check_port_free(host: str, port: int, option: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
    """Raise EnvironmentProblem when nobody could listen on `port`; better now than from a part's log."""
    name = "UDP port" if kind is socket.SOCK_DGRAM else "port"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise EnvironmentProblem(
            f"{name} {port} on {host} cannot be used ({error.strerror}); choose another one with {option}"
        ) from error


def _homeserver_part(house: House, homeserver: EmbeddedHomeserver) -> Part:
    return Part(
        name="homeserver",
        command=homeserver.command(),
        log=house.directory.logs / "homeserver-start.log",
        is_ready=lambda: _answers(f"{house.homeserver_url}/health"),
        ready_within_s=homeserver.config.start_timeout_s,
        explain=lambda: str(homeserver.explain_end()),
    )


def _gate_part(house: House, house_file: Path) -> Part:
    return Part(
        name="gate",
        command=_own_command("_gate", house_file),
        log=house.directory.logs / "gate.log",
        is_ready=lambda: _answers(f"{house.public_url}/readyz"),
    )


def _node_part(house: House, house_file: Path) -> Part:
    async def is_ready() -> bool:
        return house.directory.seam_socket.exists()

    return Part(
        name="node",
        command=_own_command("_node", house_file),
        log=house.directory.logs / "node.log",
        is_ready=is_ready,
    )


def _own_command(name: str, house_file: Path) -> list[str]:
    return [sys.executable, "-m", "roomscale.cli.app", name, "--house", str(house_file)]


async def _answers(url: str) -> bool:
    """Whether a GET of `url` succeeds now."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_S) as response:  # noqa: S310 -- always http://
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    return await asyncio.to_thread(ask)


async def _until(condition: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
    """Poll `condition`. Raises EnvironmentProblem after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise EnvironmentProblem("the gate does not show the world; see logs/gate.log in the data directory") from error
