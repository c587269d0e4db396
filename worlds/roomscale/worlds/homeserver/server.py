"""Prepares the embedded homeserver, says how to start it, waits for it, and explains its end.

One rule: whoever calls owns the process (a supervisor, a test); this module never starts or ends one.
`prepare()` before each start is cheap, repairs what a kill left half-done and changes nothing else.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from roomscale.worlds.errors import (
    DatabaseTooNew,
    DataUnusable,
    EmbeddedError,
    HomeserverAway,
    MatrixError,
    NoSynapse,
    PortTaken,
    WorldRefused,
)
from roomscale.worlds.files import (
    private_directory,
    read_json,
    read_small,
    remove_leavings,
    secret,
    write_json,
    write_whole,
)
from roomscale.worlds.homeserver.registrar import Registrar
from roomscale.worlds.homeserver.settings import (
    Paths,
    Secrets,
    homeserver_settings,
    log_settings,
    new_signing_key,
)
from roomscale.worlds.ids import ServerName, parse_server_name
from roomscale.worlds.matrix import Transport

POLL_S: Final = 0.1
OUTPUT_TAIL: Final = 32_768  # bytes of the last words that are read
_LIFTED: Final = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception)\b:? ?(.*)$")


@dataclass(frozen=True, slots=True)
class HomeserverConfig:
    """How the embedded homeserver is run."""

    data_dir: Path
    """The data directory; the homeserver's own files are in its `homeserver/`."""
    public_url: str
    """Where visitors reach the gate, which passes `/_matrix` on."""
    server_name: str | None = None
    """What user ids end in. Chosen at the first start (default `localhost`) and never to change."""
    port: int = 0
    """TCP port on 127.0.0.1; 0: the one used last if it is free, else any free one."""
    reachable: bool = False
    """Whether others than this machine's users reach it: passwords are then hashed slowly."""
    start_timeout_s: float = 90.0
    """Seconds that a start may take; the first one makes the database."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Options of Synapse that replace ours, top level keys of `homeserver.yaml`."""


class EmbeddedHomeserver:
    """One data directory's homeserver. Call `prepare()` first; then `url`, `server_name`, … are there."""

    def __init__(self, config: HomeserverConfig) -> None:
        self.config = config
        self.paths = Paths(config.data_dir.resolve())
        self._server_name: ServerName | None = None
        self._port = 0
        self._registration_secret = ""

    @property
    def server_name(self) -> ServerName:
        """The name that was chosen once."""
        if self._server_name is None:
            raise RuntimeError("prepare() comes first")
        return self._server_name

    @property
    def url(self) -> str:
        """Base URL on loopback."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def registrar(self) -> Registrar:
        """Makes accounts here."""
        return Registrar(self.url, self.server_name, self._registration_secret, self.paths.secrets)

    def prepare(self) -> None:
        """Write the configuration, and what is made once if it is not there yet.

        Raises NoSynapse, DataUnusable, PortTaken, BadContent (a server name that is none).
        """
        version = synapse_version()
        private_directory(self.paths.data, ours=False)
        for directory in (self.paths.root, self.paths.secrets, self.paths.logs):
            private_directory(directory)
            remove_leavings(directory)
        self._choose_identity(version)
        if read_small(self.paths.signing_key) is None:
            write_whole(self.paths.signing_key, new_signing_key())
        known = Secrets(*(secret(self.paths.secrets / f"homeserver.{n}") for n in Secrets.__slots__))
        self._registration_secret = known.registration
        write_json(self.paths.log_settings, log_settings(self.paths))
        settings = homeserver_settings(
            self.paths,
            known,
            server_name=self.server_name,
            public_url=self.config.public_url,
            port=self._port,
            reachable=self.config.reachable,
            overrides=self.config.overrides,
        )
        write_json(self.paths.settings, settings)

    def attach(self) -> None:
        """Know the homeserver of this data directory as an earlier `prepare()` left it, changing nothing.

        For commands that speak to it while somebody else runs it. Raises DataUnusable when there is none.
        """
        kept = read_json(self.paths.identity) or {}
        port, known = kept.get("port"), read_small(self.paths.secrets / "homeserver.registration")
        if not isinstance(port, int) or known is None:
            raise DataUnusable(f"{self.paths.data} holds no homeserver yet", "run `roomscale up` first")
        self._server_name = parse_server_name(kept.get("server_name"))
        self._port, self._registration_secret = port, known.decode("ascii", "replace").strip()

    async def is_running(self) -> bool:
        """Whether something answers at our address now."""
        transport = Transport(self.url)
        try:
            return await _answers(transport)
        finally:
            await transport.close()

    def _choose_identity(self, version: str) -> None:
        kept = read_json(self.paths.identity) or {}
        wanted = self.config.server_name
        if "server_name" in kept:
            name = parse_server_name(kept["server_name"])
            if wanted is not None and wanted != name:
                raise WorldRefused(
                    f"{self.paths.data} belongs to the homeserver {name}, whose name can never change: "
                    f"use another data directory for {wanted}"
                )
        elif self.paths.database.exists():
            raise DataUnusable(f"{self.paths.identity} is missing beside a database that it named")
        else:
            name = parse_server_name(wanted or "localhost")
        last = kept.get("port")
        self._port = _choose_port(self.config.port, last if isinstance(last, int) else 0)
        self._server_name = name
        write_json(self.paths.identity, {"server_name": name, "port": self._port, "synapse": version})

    def command(self) -> list[str]:
        """What to start, from the process that calls this and from a thread that lives as long as it does.

        The homeserver ends on SIGTERM and when the caller's process is gone, however that came.
        """
        return [
            sys.executable,
            "-m",
            "roomscale.worlds.leash",
            f"--output={self.paths.output}",
            f"--parent={os.getpid()}",
            "--",
            "--config-path",
            str(self.paths.settings),
        ]

    async def wait_healthy(
        self,
        exit_code: Callable[[], int | None],
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Return when the homeserver answers. `exit_code` tells that it died; `progress` hears the seconds.

        Raises what `explain_end` finds when it died, EmbeddedError when it takes too long.
        """
        begun = time.monotonic()
        transport = Transport(self.url)
        try:
            while (waited := time.monotonic() - begun) < self.config.start_timeout_s:
                if exit_code() is not None:
                    raise self.explain_end()
                if await _answers(transport):
                    if exit_code() is not None:  # then it was somebody else who answered
                        raise self.explain_end()
                    return
                if progress is not None:
                    progress(waited)
                await asyncio.sleep(POLL_S)
        finally:
            await transport.close()
        raise EmbeddedError(
            f"the homeserver did not answer within {self.config.start_timeout_s:.0f} s",
            f"see {self.paths.logs / 'homeserver.log'}",
        )

    def explain_end(self) -> EmbeddedError:
        """Why the homeserver ended, from its last words."""
        words = _tail(self.paths.output)
        said = words.lower()
        where = f"see {self.paths.output}"
        if "synapse' " in said or "no module named 'synapse" in said or "no module named synapse" in said:
            return _no_synapse()
        if "address already in use" in said or "cannotlistenerror" in said:
            return PortTaken(f"port {self._port} of 127.0.0.1 is taken by another program", "try again")
        if "schema_compat_version" in said or "too new" in said or "newer version of synapse" in said:
            kept = (read_json(self.paths.identity) or {}).get("synapse", "?")
            return DatabaseTooNew(
                f"{self.paths.database} was written by a newer Synapse than the installed {kept}",
                "install that version again, or use another data directory",
            )
        if "malformed" in said or "not a database" in said:
            return DataUnusable(f"{self.paths.database} is damaged", "put it back from a backup")
        if "unable to open database" in said or "readonly database" in said or "permission denied" in said:
            return DataUnusable(f"the homeserver may not write below {self.paths.root}", where)
        if "no space left" in said or "disk is full" in said:
            return DataUnusable("the disk is full")
        return EmbeddedError(f"the homeserver ended: {_last_words(words)}", where)


def synapse_version() -> str:
    """The installed Synapse's version. Raises NoSynapse with what to do about it."""
    try:
        return metadata.version("matrix-synapse")
    except metadata.PackageNotFoundError:
        raise _no_synapse() from None


def _no_synapse() -> NoSynapse:
    if sys.platform == "linux":
        return NoSynapse("Synapse is not installed", "pip install 'roomscale[homeserver]'")
    return NoSynapse(
        "Synapse has no build for this platform",
        "use a homeserver of your own (--homeserver URL), or run Roomscale in a Linux container",
    )


def _choose_port(asked: int, last: int) -> int:
    """`asked`, or else `last` if it is free, or else any free one. Raises PortTaken."""
    for port in (asked,) if asked else (last, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise PortTaken(f"port {asked} of 127.0.0.1 is taken by another program", "choose another one")


async def _answers(transport: Transport) -> bool:
    try:
        async with transport.stream("GET", "/health", auth=False, timeout_s=5):
            return True
    except (HomeserverAway, MatrixError):
        return False


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - OUTPUT_TAIL))
            return file.read(OUTPUT_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""


def _last_words(words: str) -> str:
    """The one line that says most: the last exception's message, else the last line with letters in it."""
    lines = [line.strip(" *\t") for line in words.splitlines()]
    for line in reversed(lines):
        if (found := _LIFTED.match(line)) and found[1]:
            return found[1][:300]
    spoken = [line for line in lines if any(c.isalpha() for c in line)]
    return spoken[-1][:300] if spoken else "it said nothing"
