"""Keeps the parts of a house running: starts them, starts them again, ends them.

Its one rule: a child never outlives the supervisor, and a part that keeps dying ends the whole house with one line
instead of flickering for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from roomscale.cli.errors import GaveUp
from roomscale.cli.leftovers import ProcessLedger

RESTART_PAUSES_S = (0.3, 0.6, 1.2, 2.4, 4.8)  # before restart 1…5; a sixth death in a row ends the house
STABLE_AFTER_S = 60.0  # a part that ran this long starts with a clean record
READY_POLL_S = 0.05
STOP_GRACE_S = 8.0  # Synapse and the node need well under 1 s; a hung one is killed after this
LOG_TAIL_BYTES = 4096


@dataclass(frozen=True)
class Part:
    """One child process of the house."""

    name: str
    """How the user is told of it: homeserver, gate, node."""
    command: Sequence[str]
    """The program and its arguments; no shell."""
    log: Path
    """Its standard output and error, appended."""
    is_ready: Callable[[], Awaitable[bool]]
    """Whether it can serve now; polled while starting."""
    ready_within_s: float = 60.0
    """After this many seconds without being ready the start counts as failed."""
    explain: Callable[[], str] | None = None
    """Why it ended, if the part's owner can tell better than the last line of its log."""


@dataclass
class _Running:
    """What the supervisor knows of a part that it keeps."""

    part: Part
    keeper: asyncio.Task[None] | None = None
    process: asyncio.subprocess.Process | None = None
    deaths: int = 0


@dataclass
class Supervisor:
    """Runs parts until `stop`; `tell` is called with one line for whatever the user should know."""

    ledger: ProcessLedger
    tell: Callable[[str], None]
    _parts: dict[str, _Running] = field(default_factory=dict)
    _stopping: bool = False

    def start(self, part: Part) -> None:
        """Begin to keep `part` running; returns at once."""
        running = _Running(part)
        self._parts[part.name] = running
        running.keeper = asyncio.create_task(self._keep(running), name=f"keep {part.name}")

    async def ready(self, name: str) -> None:
        """Wait until the part says that it is ready. Raises GaveUp when it dies too often or takes too long."""
        running = self._parts[name]
        deadline = time.monotonic() + running.part.ready_within_s
        while True:
            if running.keeper is not None and running.keeper.done():
                running.keeper.result()
            if running.process is not None and await running.part.is_ready():
                return
            if time.monotonic() > deadline:
                raise GaveUp(
                    f"the {name} was not ready within {running.part.ready_within_s:.0f} s; see {running.part.log}"
                )
            await asyncio.sleep(READY_POLL_S)

    async def watch(self) -> None:
        """Run until a part gives up; raises its GaveUp."""
        keepers = [running.keeper for running in self._parts.values() if running.keeper is not None]
        done, _ = await asyncio.wait(keepers, return_when=asyncio.FIRST_COMPLETED)
        for keeper in done:
            keeper.result()

    async def stop(self) -> None:
        """End every part, the last started first; returns when none is left."""
        self._stopping = True
        for running in reversed(self._parts.values()):
            await self._end(running)
        self.ledger.clear()

    async def _keep(self, running: _Running) -> None:
        part = running.part
        while not self._stopping:
            started = time.monotonic()
            running.process = await self._spawn(part)
            code = await running.process.wait()
            self.ledger.forget(part.name)
            running.process = None
            if self._stopping:
                return
            running.deaths = 1 if time.monotonic() - started > STABLE_AFTER_S else running.deaths + 1
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            if running.deaths > len(RESTART_PAUSES_S):
                why = part.explain() if part.explain else f"{last_line(part.log)}; see {part.log}"
                raise GaveUp(f"the {part.name} died {running.deaths} times in a row ({how}): {why}")
            pause = RESTART_PAUSES_S[running.deaths - 1]
            self.tell(
                f"the {part.name} died ({how}); starting it again in {pause:g} s "
                f"({running.deaths} of {len(RESTART_PAUSES_S)})"
            )
            await asyncio.sleep(pause)

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        leash = [sys.executable, "-m", "roomscale.cli.leash", str(os.getpid())]
        with part.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *leash,
                *part.command,
                stdin=asyncio.subprocess.PIPE,  # held open: its EOF tells a child of ours that we are gone
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            )
        self.ledger.note(part.name, process.pid)
        return process

    async def _end(self, running: _Running) -> None:
        process = running.process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_GRACE_S)
            except TimeoutError:
                self.tell(f"the {running.part.name} did not end within {STOP_GRACE_S:g} s; killing it")
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if running.keeper is not None:
            running.keeper.cancel()
            with suppress(asyncio.CancelledError, GaveUp):
                await running.keeper


def last_line(log: Path) -> str:
    """The last line that says something in a part's log, for the one line that the user sees."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return "it left no log"
    text = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return "".join(character for character in text if character.isprintable())[:200]
