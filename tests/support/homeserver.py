"""A real Synapse for tests: one process for the whole pytest session, ended by its own handle.

Use it through a session-scoped fixture:

    @pytest.fixture(scope="session")
    def synapse(tmp_path_factory):
        with running_homeserver(tmp_path_factory.mktemp("synapse")) as homeserver:
            yield homeserver

Tests share its rooms and accounts, so they name them by `unique()`.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roomscale.worlds.homeserver import EmbeddedHomeserver, HomeserverConfig
from roomscale.worlds.matrix import MatrixClient, Patience

GENEROUS = {"per_second": 10_000, "burst_count": 10_000}
UNLIMITED: dict[str, Any] = {
    "rc_registration": GENEROUS,
    "rc_login": {"address": GENEROUS, "account": GENEROUS, "failed_attempts": GENEROUS},
    "rc_joins": {"local": GENEROUS, "remote": GENEROUS},
    "rc_joins_per_room": GENEROUS,
    "rc_message": GENEROUS,
    "rc_room_creation": GENEROUS,
    "rc_invites": {"per_room": GENEROUS, "per_user": GENEROUS, "per_issuer": GENEROUS},
    "rc_media_create": GENEROUS,
}
"""Synapse's rate limits out of the way: tests do in a second what visitors do in an hour."""

_numbers = itertools.count(1)


def unique(name: str) -> str:
    """A localpart that no other test has."""
    return f"{name}-{next(_numbers)}-{secrets.token_hex(3)}"


@dataclass
class RunningHomeserver:
    """A homeserver and the handle of its process."""

    embedded: EmbeddedHomeserver
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """Base URL on loopback."""
        return self.embedded.url

    @property
    def server_name(self) -> str:
        """What its user ids end in."""
        return self.embedded.server_name

    def start(self) -> None:
        """Start it and wait until it answers; from a place where no event loop runs."""
        self.spawn()
        asyncio.run(self.wait())

    def spawn(self) -> None:
        """Start the process only. The port stays the same over restarts."""
        self.embedded.prepare()
        self.process = subprocess.Popen(self.embedded.command(), stdin=subprocess.DEVNULL)

    async def wait(self) -> None:
        """Wait until it answers."""
        process = self.process
        assert process is not None
        await self.embedded.wait_healthy(process.poll)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to one that does not listen."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    async def person(self, name: str = "person", *, device_id: str = "TEST", admin: bool = False) -> MatrixClient:
        """A client logged in as a new account. Close it, or use it as a context manager."""
        account = await self.embedded.registrar.register(unique(name), "correct horse", admin=admin)
        client = MatrixClient(
            self.url,
            account.user_id,
            device_id=device_id,
            password=account.password,
            patience=Patience(attempts=2),
        )
        await client.login()
        return client

    async def guest(self) -> MatrixClient:
        """A client of a new guest."""
        return await MatrixClient.guest(self.url)


@contextmanager
def running_homeserver(
    data_dir: Path,
    *,
    server_name: str | None = None,
    public_url: str = "http://127.0.0.1:8080",
    overrides: Mapping[str, Any] | None = None,
) -> Iterator[RunningHomeserver]:
    """Start a homeserver of its own below `data_dir`; it ends with the block, whatever happens in it."""
    config = HomeserverConfig(
        data_dir=data_dir,
        public_url=public_url,
        server_name=server_name,
        overrides={**UNLIMITED, **(overrides or {})},
    )
    homeserver = RunningHomeserver(EmbeddedHomeserver(config))
    try:
        homeserver.start()
        yield homeserver
    finally:
        homeserver.stop()
