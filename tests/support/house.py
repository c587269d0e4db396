"""A whole house for tests: `roomscale up` as its user starts it, on free loopback ports, ended by its own handle."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class House:
    """One running `roomscale up`. Use as a context manager."""

    def __init__(self, data: Path, *arguments: str, port: int | None = None, python: str = sys.executable) -> None:
        self.data = data
        self.python = python
        self.port = port or free_port()
        self.arguments = arguments
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The gate's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> House:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, ready_within_s: float = 90) -> float:
        """Start, and wait for the link; returns the seconds it took."""
        began = time.monotonic()
        command = [self.python, "-m", "roomscale.cli.app", "up", *self.arguments]
        self.process = subprocess.Popen(
            [*command, "--data", str(self.data), "--port", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        while not any(line.startswith("http://") for line in self.lines):
            assert self.process.poll() is None, "`roomscale up` ended:\n" + "".join(self.lines)
            assert time.monotonic() - began < ready_within_s, "no link:\n" + "".join(self.lines)
            time.sleep(0.02)
        return time.monotonic() - began

    @property
    def link(self) -> str:
        """The link that was printed last."""
        return next(line.strip() for line in reversed(self.lines) if line.startswith("http://"))

    def stop(self) -> None:
        """End it as Ctrl-C would; a house that does not end is killed, and that is a failure."""
        try:
            self._stop()
        finally:
            self._close()

    def _close(self) -> None:
        """Close our end of its output."""
        if self.process is not None and self.process.stdout is not None:
            if self._reader is not None:
                self._reader.join(5)
            self.process.stdout.close()

    def _stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("`roomscale up` did not end within 20 s:\n" + "".join(self.lines)) from None
        _, alive = psutil.wait_procs(children, timeout=2)
        for child in alive:
            child.kill()
        assert not alive, f"orphans: {alive}"

    def kill_all(self) -> None:
        """kill -9 of the supervisor; its children are left to their leash."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def part(self, name: str) -> psutil.Process:
        """The running process of a part: homeserver, gate or node."""
        pids: dict[str, Any] = json.loads((self.data / "run" / "pids.json").read_text())
        return psutil.Process(int(pids[name][0]))

    def get(self, path: str) -> Any:
        """The JSON that the gate answers on `path`; an error status too."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def page(self, path: str) -> str:
        """The text that the gate answers on `path`."""
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return str(response.read().decode())

    def wait_ready(self, *, seconds: float) -> None:
        """Wait until the gate says that all parts are there."""
        deadline = time.monotonic() + seconds
        problems: Any = "no answer"
        while time.monotonic() < deadline:
            try:
                answer = self.get("/readyz")
                if answer.get("ready"):
                    return
                problems = answer
            except OSError as error:
                problems = error
            time.sleep(0.05)
        raise AssertionError(f"not ready within {seconds:g} s: {problems}")

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
