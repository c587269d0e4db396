"""Children of the benchmark: started, spoken to line by line, and ended by their own handle whatever happens.

Rule: a child ends when its standard input does, so even a benchmark that is killed leaves none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
"""The repository."""
_GRACE: Final = 5.0
"""Seconds from the end of a child's input to its being killed."""
_LINE: Final = 1 << 20
_TAIL: Final = 2000
"""Characters of a child's log that are shown when it fails."""


class ChildFailed(Exception):
    """A child ended, or said nothing in time; the text ends with what it logged last."""


class Child:
    """`async with Child("server", [...], log) as child:`; what it prints on standard error goes to the log."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name = name
        self._command = command
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Child:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "NODE_ENV": "production"},
                limit=_LINE,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._running.pid

    async def ask(self, line: str, key: str, within: float) -> dict[str, Any]:
        """Say a line and wait for the answer that has `key`. Raises ChildFailed after `within` seconds."""
        process = self._running
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it ended: `hear` says why
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
        return await self.hear(key, within)

    async def hear(self, key: str, within: float) -> dict[str, Any]:
        """The next JSON object with `key` that it prints. Raises ChildFailed after `within` seconds."""
        process = self._running
        assert process.stdout is not None
        try:
            async with asyncio.timeout(within):
                while line := await process.stdout.readline():
                    with contextlib.suppress(ValueError):  # libraries print what they like
                        value = json.loads(line)
                        if isinstance(value, dict) and key in value:
                            return value
        except TimeoutError:
            raise ChildFailed(f"{self.name} did not say {key!r} within {within:g} s{self._tail()}") from None
        raise ChildFailed(f"{self.name} ended before it said {key!r}{self._tail()}")

    def alive(self) -> None:
        """Raises ChildFailed when it has ended."""
        if self._running.returncode is not None:
            raise ChildFailed(f"{self.name} ended with {self._running.returncode}{self._tail()}")

    def _tail(self) -> str:
        text = self._log.read_text("utf-8", "replace")[-_TAIL:].strip()
        return f":\n{text}" if text else ""
