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
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.service import Gate
from roomscale.worlds.matrix import MatrixClient
from tests.support.homeserver import RunningHomeserver, unique

PASSWORD = "correct horse"
WORLD = "org.matrix.msc3815.world"
SERVER = "org.roomscale.server"
REPEAT_S = 4.0


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


class Tab:
    """A browser's tab, headless: one Matrix client, one visitor, one `sender_session_id`."""

    def __init__(self, client: MatrixClient, server_user: str, room_id: str) -> None:
        self.client = client
        self.visitor = Visitor()
        self.tab = secrets.token_urlsafe(16)
        self.server_user = server_user
        self.room_id = room_id
        self.ticket: dict[str, Any] = {}
        self.seq = 0
        self.since: str | None = None

    def invite(self, sdp: str, call_id: str, **changes: Any) -> dict[str, Any]:
        """The content of an `m.call.invite`; each one's seq is higher."""
        self.seq += 1
        return {
            "call_id": call_id,
            "party_id": "party",
            "version": "1",
            "conf_id": self.room_id,
            "device_id": self.client.device_id,
            "sender_session_id": self.tab,
            "dest_session_id": "",
            "seq": self.seq,
            "lifetime": 10_000,
            "offer": {"type": "offer", "sdp": sdp},
            **changes,
        }

    async def send(self, content: dict[str, Any], event_type: str = "m.call.invite") -> None:
        await self.client.send_to_device(event_type, self.server_user, "ROOMSCALE", content)

    async def replies(self, seconds: float) -> list[dict[str, Any]]:
        """What the world server sent to this tab, waiting at most `seconds` for something."""
        deadline = time.monotonic() + seconds
        found: list[dict[str, Any]] = []
        filter_json = '{"room":{"rooms":[]},"presence":{"types":[]},"account_data":{"types":[]}}'
        while not found:
            left = deadline - time.monotonic()
            wait = max(0, int(left * 1000)) if self.since else 0
            answer = await self.client.sync(self.since, timeout_ms=wait, filter_json=filter_json)
            self.since = answer["next_batch"]
            events = answer.get("to_device", {}).get("events", [])
            found += [e for e in events if e["sender"] == self.server_user and self._is_for_us(e["content"])]
            if left <= 0:
                break
        return found

    def _is_for_us(self, content: dict[str, Any]) -> bool:
        return content.get("dest_session_id") == self.tab

    async def call(self, sdp: str, *, seconds: float = 15.0, **changes: Any) -> dict[str, Any]:
        """Call as the browser does, an invite each 4 s, until there is a reply; the reply's event."""
        await self.replies(0)
        call_id = secrets.token_hex(8)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.send(self.invite(sdp, call_id, **changes))
            for event in await self.replies(min(REPEAT_S, deadline - time.monotonic())):
                if event["content"]["call_id"] == call_id:
                    return event
        raise AssertionError(f"no reply within {seconds:g} s")

    async def enter(self, *, seconds: float = 15.0) -> None:
        """Be answered, and get inside."""
        event = await self.call(await self.visitor.offer(), seconds=seconds)
        assert event["type"] == "m.call.answer", event
        self.ticket = event["content"]["org.roomscale.ticket"]
        await self.visitor.accept(event["content"]["answer"]["sdp"])
        await self.visitor.inside()

    async def refused(self, *, seconds: float = 15.0) -> str:
        """Be refused: the reason, without its prefix."""
        event = await self.call(await self.visitor.offer(), seconds=seconds)
        assert event["type"] == "m.call.hangup", event
        reason: str = event["content"]["reason"]
        return reason.removeprefix("org.roomscale.")

    async def resume(self, http: httpx.AsyncClient, ticket: str | None = None) -> httpx.Response:
        """Come back with a ticket on a new connection."""
        former = self.visitor._pc
        sdp = await self.visitor.offer()
        body = {
            "ticket": ticket or self.ticket["value"],
            "session": self.tab,
            "offer": {"type": "offer", "sdp": sdp},
        }
        response = await http.post("/api/session/resume", json=body)
        if response.status_code == 200:
            self.ticket = response.json()["ticket"]
            await self.visitor.accept(response.json()["answer"]["sdp"])
        elif self.visitor._pc is not None:  # the offer came to nothing: the old connection is the one in use
            await self.visitor._pc.close()
            self.visitor._pc = former
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
