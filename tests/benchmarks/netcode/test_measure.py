"""The instruments read what they claim to read."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.netcode import measure
from tests.benchmarks.netcode.processes import Child, ChildFailed

ECHO = "import sys\nfor line in sys.stdin: print(line.strip(), flush=True)"


def test_the_cpu_of_another_process_is_read_threads_included() -> None:
    script = """
import hashlib, threading, time
def work():
    while time.thread_time() < 0.1: hashlib.sha256(b"x" * 1000)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(time.process_time(), flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = float(child.stdout.readline())
        read = measure.cpu(child.pid)
        child.communicate(b"\n", timeout=10)
    assert said >= 0.2
    assert said <= read < said + 0.05


def test_packets_are_counted_by_direction_with_their_headers() -> None:
    if not measure.may_capture():
        pytest.skip("this user may not listen to interfaces")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        for end in (ours, peer):
            end.bind(("127.0.0.1", 0))
        ports = frozenset({ours.getsockname()[1]})
        capture = measure.Capture(os.getpid())
        capture._ports = ports  # both ends are of this process, one is the server's
        with capture:
            for _ in range(30):
                ours.sendto(b"x" * 100, peer.getsockname())
            peer.sendto(b"x" * 10, ours.getsockname())
            time.sleep(0.3)
    assert capture.traffic == measure.Traffic(30, 30 * 128, 1, 38, 0)


def test_a_large_tcp_write_counts_as_the_segments_of_an_ethernet() -> None:
    if not measure.may_capture():
        pytest.skip("this user may not listen to interfaces")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as served,
    ):
        capture = measure.Capture(os.getpid())
        capture._ports = frozenset({listener.getsockname()[1]})
        with capture:
            served.sendall(b"x" * 14_480)
            received = 0
            while received < 14_480:
                received += len(client.recv(65_536))
            time.sleep(0.3)
    assert capture.traffic.packets_out == 10
    assert capture.traffic.bytes_out == 14_480 + 10 * 52


async def test_a_child_answers_and_ends_with_the_block(tmp_path: Path) -> None:
    async with Child("echo", [sys.executable, "-c", ECHO], tmp_path / "log") as child:
        assert await child.ask('{"hello": 1}', "hello", 10) == {"hello": 1}
        child.alive()
    assert child._running.returncode == 0


async def test_a_child_that_hangs_is_killed_and_one_that_fails_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.benchmarks.netcode.processes._GRACE", 0.2)
    async with Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log") as child:
        with pytest.raises(ChildFailed, match=r"sleeper did not say 'ready' within 0\.3 s"):
            await child.hear("ready", 0.3)
    assert child._running.returncode == -9
    async with Child("failing", [sys.executable, "-c", "1 / 0"], tmp_path / "log") as child:
        with pytest.raises(ChildFailed, match=r"(?s)failing ended before.*ZeroDivisionError"):
            await child.hear("ready", 10)
