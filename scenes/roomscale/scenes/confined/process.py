"""Starts a process for work on hostile or heavy data, asks it, and ends it when it takes too long.

Rule: `Confined.ask` always comes back: with what the worker answered, within the sizes allowed, or with `Gone` and why.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from roomscale.scenes.files import give_back
from roomscale.scenes.jsonio import JsonObject

CHILD = Path(__file__).with_name("child.py")
LENGTH_BYTES = 4
MOST_HEADER = 64 << 20
"""Bytes of the header of an answer; a validator's report of a thousand issues takes less than one."""
GRACE_SECONDS = 1.0
"""How long a process that has closed its output may take to end."""
PATIENCE = 3.0
"""How many times as long by the clock, where other programs want the processor too."""


class Gone(Exception):
    """The process ended, or was ended, before it had answered; the text says why."""


class Confined:
    """A worker (see `child`) in a process with limits: started at the first question, and anew after a failure.

    `arguments`: the worker's. `data_bytes`: of memory that it may write to. Use it as a context manager, or `close` it.
    Not for several threads at a time.
    """

    def __init__(self, worker: Path, arguments: Sequence[str] = (), *, data_bytes: int) -> None:
        # -P: what lies beside the child must not stand in for what it imports.
        self._command = [sys.executable, "-P", str(CHILD), str(worker), str(data_bytes), *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> subprocess.Popen[bytes]:
        """The process, started if it was not, so that it loads its worker meanwhile. Raises `OSError`."""
        if self._process is None:
            # One thread: the libraries beneath numpy would reserve memory for each core, which the limit counts.
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                self._command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
            process.wait()

    def ask(
        self,
        said: JsonObject,
        files: Sequence[bytes | memoryview],
        *,
        seconds: float,
        patience: float = PATIENCE,
        most_bytes: int = 0,
    ) -> tuple[JsonObject, list[bytes]]:
        """The worker's answer, and the files that came with it.

        `seconds`: of processor time, and `patience` times as long by the clock. `most_bytes`: of all files together.
        Raises `Gone`, and `OSError` if there can be no process.
        """
        process = self.start()
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds * patience, end)
        timer.start()
        try:
            _send(process.stdin, {"said": said, "seconds": seconds}, files)
            return _receive(process.stdout, most_bytes)
        except (OSError, ValueError, KeyError, TypeError) as error:  # it is gone, or it talks nonsense
            timer.cancel()
            code = _ended(process)
            self.close()
            raise Gone(_why(code, is_late=late.is_set(), seconds=seconds)) from error
        finally:
            timer.cancel()


def _send(stream: IO[bytes] | None, header: JsonObject, files: Sequence[bytes | memoryview]) -> None:
    if stream is None:
        raise ValueError("no stream")
    told = json.dumps({**header, "files": [len(data) for data in files]}).encode()
    stream.write(len(told).to_bytes(LENGTH_BYTES, "big") + told)
    for data in files:
        stream.write(data)
        if isinstance(data, memoryview):
            give_back(data)  # a mapped file is with the worker now
    stream.flush()


def _receive(stream: IO[bytes] | None, most_bytes: int) -> tuple[JsonObject, list[bytes]]:
    """Raises `OSError` and others for a process that is gone, or whose answer is none."""
    if stream is None:
        raise ValueError("no stream")
    length = int.from_bytes(stream.read(LENGTH_BYTES), "big")
    told = json.loads(stream.read(min(length, MOST_HEADER)))
    said, sizes = told["said"], [int(size) for size in told["files"]]
    if not isinstance(said, dict) or min(sizes, default=0) < 0 or sum(sizes) > most_bytes:
        raise ValueError("not an answer to what was asked")
    files = [stream.read(size) for size in sizes]
    if [len(data) for data in files] != sizes:
        raise ValueError("cut off")
    return said, files


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a process that has stopped answering; V8's threads may keep a broken one from ending."""
    try:
        return process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _why(code: int, *, is_late: bool, seconds: float) -> str:
    if is_late or code == -getattr(signal, "SIGXCPU", 0):
        return f"it took longer than {seconds:.0f} s"
    return f"it crashed, or needed too much memory (exit code {code})"
