"""What a house that was killed left behind: processes that must end before the next start.

Its one rule: a process is ended only if its id *and* its start time are those written down; an id alone may by now
belong to somebody else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

END_GRACE_S = 5.0
START_TIME_TOLERANCE_S = 0.02  # create_time is derived from the boot time, which has its own rounding


@dataclass
class ProcessLedger:
    """The running children, written down in `path` as `{name: [pid, start time]}` at each change."""

    path: Path

    def note(self, name: str, pid: int) -> None:
        """Write down a child that was just started."""
        try:
            started = psutil.Process(pid).create_time()
        except psutil.Error:
            return  # it is gone already
        self._write({**self._read(), name: (pid, started)})

    def forget(self, name: str) -> None:
        """Strike out a child that has ended."""
        self._write({key: entry for key, entry in self._read().items() if key != name})

    def clear(self) -> None:
        """Nothing runs any more."""
        self.path.unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End every process that is written down and still the same one; returns their names."""
        left = [(name, process) for name, entry in self._read().items() if (process := _same(*entry)) is not None]
        for _, process in left:
            _signal(process.terminate)
        _, alive = psutil.wait_procs([process for _, process in left], timeout=END_GRACE_S)
        for process in alive:
            _signal(process.kill)
        psutil.wait_procs(alive, timeout=END_GRACE_S)
        self.clear()
        return [name for name, _ in left]

    def _read(self) -> dict[str, tuple[int, float]]:
        try:
            entries = json.loads(self.path.read_text("utf-8"))
            return {str(name): (int(pid), float(started)) for name, (pid, started) in entries.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # never written, or cut off by the crash that this repairs

    def _write(self, entries: dict[str, tuple[int, float]]) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(entries), "utf-8")
        fresh.replace(self.path)


def _same(pid: int, started: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - started) < START_TIME_TOLERANCE_S else None
    except psutil.Error:
        return None


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.Error):
        send()
