"""A gate in this event loop, a node in a process of its own, and people who call: all real.

Rule: everything that is started is ended by its own handle, in the `async with` that started it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from roomscale.netcode.node.seam import websocket_path
from roomscale.netcode.testing.visitor import Visitor
from roomscale.worlds import visitor
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.service import Gate
from roomscale.worlds.ids import UserId
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ServerRef
from tests.support.homeserver import RunningHomeserver, unique

PASSWORD = "correct horse"
WORLD = "org.matrix.msc3815.world"
SERVER = "org.roomscale.server"


async def until(holds: Callable[[], object], seconds: float = 10.0, what: str = "") -> float:
    """Wait until something holds; how long that took, in seconds."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds:g} s: {what or holds}")
        await asyncio.sleep(0.01)
    return time.monotonic() - started


@dataclass
class RunningNode:
    """A netcode node in a process of its own."""

    seam_path: Path
    settings: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "roomscale.netcode.node", str(self.seam_path), *self.settings],
            stdin=subprocess.PIPE,
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._reap()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self._reap()

    def _reap(self) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@dataclass
class House:
    """A homeserver, a node and a gate; the gate can be stopped and started."""

    homeserver: RunningHomeserver
    node: RunningNode
    config: GateConfig
    gate: Gate | None = None
    _task: asyncio.Task[None] | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def running(self) -> Gate:
        assert self.gate is not None
        return self.gate

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    async def start(self, *, ready: bool = True) -> None:
        self._ended = asyncio.Event()
        self.gate = Gate(self.config)
        self._task = asyncio.create_task(self.gate.run(self._ended))
        if ready:
            gate = self.gate
            await until(lambda: not gate.problems(), 20, "the gate is ready")

    async def stop(self) -> None:
        if self.gate is None or self._task is None:
            return
        self._ended.set()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.gate.close()
        self.gate = None

    async def world(self, owner: MatrixClient, **more: Any) -> str:
        """A public world of `owner`'s, served; its room id."""
        state = more.pop("initial_state", [])
        room_id = await owner.create_room(
            {
                "preset": "public_chat",
                "name": "A world",
                "creation_content": {"type": WORLD, **more.pop("creation_content", {})},
                "invite": [self.config.user_id],
                "initial_state": [
                    {
                        "type": SERVER,
                        "state_key": "",
                        "content": {"user_id": self.config.user_id, "device_id": self.config.device_id},
                    },
                    {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "can_join"}},
                    *state,
                ],
                **more,
            }
        )
        await until(lambda: self.running.watch.view.served(room_id), 10, "the world is served")
        return room_id

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=20)

    def sessions(self, room_id: str) -> int:
        return self.running.sessions.visitors(room_id)


@asynccontextmanager
async def house(
    homeserver: RunningHomeserver, directory: Path, *, start: bool = True, **changes: Any
) -> AsyncIterator[House]:
    """A house around a homeserver that is there already; `changes` are fields of GateConfig."""
    account = await homeserver.embedded.registrar.register(unique("roomscale"), PASSWORD)
    (directory / "password").write_text(PASSWORD)
    client = directory / "client"
    (client / "assets").mkdir(parents=True)
    (client / "index.html").write_text("<!doctype html><title>Roomscale</title>")
    (client / "assets" / "main-1234.js").write_text("export const answer = 42;\n" * 200)
    (directory / "avatars").mkdir()
    (directory / "avatars" / "ada.glb").write_bytes(b"glTF....")
    # A Unix socket's path has at most 107 bytes, and pytest's are long.
    seam_path = Path("/tmp") / f"roomscale-test-{secrets.token_hex(6)}.sock"
    config = GateConfig(
        server_name=homeserver.server_name,
        homeserver_url=homeserver.url,
        user_id=account.user_id,
        password_file=directory / "password",
        seam_path=seam_path,
        state_dir=directory / "gate",
        port=0,
        client_dir=client,
        avatars_dir=directory / "avatars",
        leash=False,
    )
    built = House(homeserver, RunningNode(seam_path), dataclasses.replace(config, **changes))
    try:
        built.node.start()
        if start:
            await built.start()
        yield built
    finally:
        await built.stop()
        built.node.stop()
        seam_path.unlink(missing_ok=True)
        websocket_path(seam_path).unlink(missing_ok=True)


class Tab(visitor.Tab):
    """The product's headless tab, with a visitor of its own, and strict: one call, one reply, as this test expects."""

    def __init__(self, client: MatrixClient, server_user: str, room_id: str) -> None:
        super().__init__(client, ServerRef(UserId(server_user)), room_id)
        self.visitor = Visitor()
        self.ticket = ""

    async def reply(self, seconds: float) -> visitor.Answer | visitor.Refusal:
        """Call, and be replied to."""
        reply = await self.call(await self.visitor.offer(), seconds=seconds)
        assert reply is not None, f"no reply within {seconds:g} s"
        return reply

    async def enter(self, *, seconds: float = 15.0) -> None:
        """Be answered, and get inside."""
        reply = await self.reply(seconds)
        assert isinstance(reply, visitor.Answer), reply
        self.ticket = reply.ticket or ""
        await self.visitor.accept(reply.sdp)
        await self.visitor.inside()

    async def refused(self, *, seconds: float = 15.0) -> str:
        """Be refused: the reason, without its prefix."""
        reply = await self.reply(seconds)
        assert isinstance(reply, visitor.Refusal), reply
        return reply.reason

    async def resume(self, http: httpx.AsyncClient, ticket: str | None = None) -> httpx.Response:
        """Come back with a ticket on a new connection."""
        sdp = await self.visitor.offer()
        body = {
            "ticket": ticket or self.ticket,
            "session": self.session,
            "offer": {"type": "offer", "sdp": sdp},
        }
        response = await http.post("/api/session/resume", json=body)
        if response.status_code == 200:
            self.ticket = response.json()["ticket"]["value"]
            await self.visitor.accept(response.json()["answer"]["sdp"])
        return response

    async def close(self) -> None:
        await self.visitor.close()
        await self.client.close()


@asynccontextmanager
async def person(built: House, room_id: str, *, guest: bool = False, join: bool = True) -> AsyncIterator[Tab]:
    """Somebody with a tab, joined to the room."""
    client = await (built.homeserver.guest() if guest else built.homeserver.person("visitor"))
    tab = Tab(client, built.config.user_id, room_id)
    try:
        if join:
            await client.join(room_id)
        yield tab
    finally:
        await tab.close()
