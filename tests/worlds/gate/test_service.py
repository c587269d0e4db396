"""A gate as a process: it starts whatever is there, and ends at once when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
from roomscale.worlds.errors import WorldError
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.service import serve
home, port = Path(sys.argv[1]), int(sys.argv[2])
config = GateConfig(
    server_name="localhost", homeserver_url="http://127.0.0.1:1", user_id="@roomscale:localhost", port=port,
    password_file=home / "password", seam_path=home / "node.sock", state_dir=home / "gate",
    avatars_dir=home, ready_file=home / "ready.json",
)
try:
    asyncio.run(serve(config))
except WorldError as error:
    sys.exit(f"error: {error}")
"""


@contextmanager
def gate(home: Path, port: int = 0) -> Iterator[subprocess.Popen[str]]:
    home.mkdir(exist_ok=True)
    (home / "password").write_text("secret")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home), str(port)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def listening(home: Path, process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 20
    while not (home / "ready.json").exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return f"http://127.0.0.1:{json.loads((home / 'ready.json').read_text())['port']}"


def test_without_homeserver_node_and_client_it_runs_and_says_what_is_missing(tmp_path: Path) -> None:
    with gate(tmp_path / "home") as process:
        url = listening(tmp_path / "home", process)
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            assert json.load(answer) == {"ok": True}
        with pytest.raises(urllib.error.HTTPError) as unready:
            urllib.request.urlopen(f"{url}/readyz", timeout=5)
        with unready.value as answer:
            assert answer.code == 503
            assert set(json.load(answer)["problems"]) == {"homeserver", "node", "client"}
        with pytest.raises(urllib.error.HTTPError) as page:
            urllib.request.urlopen(f"{url}/", timeout=5)
        with page.value as answer:
            assert b"make web" in answer.read()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stdin"])
def test_it_ends_at_once(tmp_path: Path, how: str) -> None:
    with gate(tmp_path / "home") as process:
        url = listening(tmp_path / "home", process)
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))):  # an idle connection does not hold it up
            started = time.monotonic()
            if how == "stdin":
                assert process.stdin is not None
                process.stdin.close()
                process.stdin = None
            else:
                process.send_signal(getattr(signal, how))
            assert process.wait(5) == 0
            assert time.monotonic() - started < 2.0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, gate(tmp_path / "home", taken.getsockname()[1]) as process:
        assert process.wait(20) == 1
        assert process.stderr is not None
        said = process.stderr.read().strip().splitlines()
        assert len(said) == 1
        assert str(taken.getsockname()[1]) in said[0]


@pytest.mark.skipif(os.name != "posix", reason="files that are folders")
def test_a_state_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "gate").write_text("not a folder")
    with gate(tmp_path / "home") as process:
        assert process.wait(20) == 1
        assert process.stderr is not None
        (said,) = process.stderr.read().strip().splitlines()
        assert "gate.db" in said
