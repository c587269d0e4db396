"""What one packing costs, seen from outside: wall time, memory of the whole process tree, bytes that come out.

Memory is the resident set, added up over the process and all its descendants, looked at every 10 ms; and no less than
what the kernel says was the most of any one of them (Linux's VmHWM, which misses no peak but knows no sum; not wait4's
ru_maxrss, which begins with what *we* hold, since a child is us until it runs its program). Pages that processes share
count once for each: none of the packers forks after it has read anything.
Rule: a packing that takes too long is ended, with all its children, by their own ids.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

MOST_SECONDS: Final = 120.0
_EVERY: Final = 0.01
"""Seconds between two looks at memory."""
_TAIL: Final = 400
"""Characters of what a packer said that are shown when it failed."""


class PackingFailed(Exception):
    """A packer gave up, took too long, or left no file."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`seconds`: wall. `cpu`: seconds of processor, all processes. `memory`: bytes at the peak."""

    seconds: float
    cpu: float
    memory: int


def run(command: list[str], log: Path, *, codes: Collection[int] = (0,), most_seconds: float = MOST_SECONDS) -> Cost:
    """Run a packer to its end; what it prints goes to `log`. `codes`: what it may end with. Raises PackingFailed."""
    start = time.perf_counter()
    with log.open("wb") as said:
        # Popen's own wait would reap the child, and with it the only exact figures: so wait4 does.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        tree, peak = psutil.Process(process.pid), 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, *_resident(tree))
            if time.perf_counter() - start > most_seconds:
                _end(tree)
                os.wait4(process.pid, 0)
                process.returncode = -9
                raise PackingFailed(f"took more than {most_seconds:g} s")
            time.sleep(_EVERY)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise PackingFailed(f"ended with {process.returncode}: {_tail(log)}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak)


def _resident(tree: psutil.Process) -> tuple[int, int]:
    """Bytes that all processes hold together now, and the most that one of them ever did."""
    total = most = 0
    with contextlib.suppress(psutil.Error):
        for process in (tree, *tree.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
                most = max(most, _high_water(process.pid))
    return total, most


def _high_water(pid: int) -> int:
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
        return int(found[1]) * 1024 if found else 0
    return 0


def _end(tree: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        for process in (*tree.children(recursive=True), tree):
            with contextlib.suppress(psutil.Error):
                process.kill()


def _tail(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-_TAIL:].strip()
