"""`roomscale visit` against a real house: what the visitors see, that all leave, and what goes wrong in one line."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roomscale.cli.errors import EnvironmentProblem
from roomscale.cli.visiting import addresses_of, check_permitted, sources_for
from tests.support.house import House, free_port
from tests.support.matrix import as_host

COMMAND = (sys.executable, "-m", "roomscale.cli.app", "visit")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all tests of this module."""
    with House(tmp_path_factory.mktemp("house") / "data") as running:
        running.wait_ready(seconds=30)
        yield running


def visit(*arguments: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def error_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that says what went wrong; there is no stack trace beside it."""
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("roomscale:")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def plaza_of(house: House) -> str:
    room_id: str = house.get("/api/worlds/plaza")["room_id"]
    return room_id


def guests_in(house: House) -> set[str]:
    """Who is in the Plaza, besides the house's own accounts."""
    room_id = plaza_of(house)
    members = as_host(house, lambda client: client.joined_members(room_id))
    return {user for user in members if not user.startswith("@roomscale")}


@pytest.mark.homeserver
def test_five_walk_see_each_other_and_leave(house: House) -> None:
    result = visit(f"{house.url}/w/plaza", "--count", "5", "--seconds", "4", "--json")
    assert result.returncode == 0, result.stderr
    seen: dict[str, Any] = json.loads(result.stdout)
    assert (seen["asked"], seen["inside"], seen["failed"], seen["lost"], seen["remaining"]) == (5, 5, {}, {}, 0)
    assert seen["room_id"] == plaza_of(house)
    assert seen["others_least"] == seen["others_most"] == 4
    assert seen["snapshots"] > 5
    assert seen["bytes_in"] > 5 * seen["snapshots"]
    assert seen["bytes_out"] > 0
    assert 0 <= seen["loss"] < 0.5
    assert seen["malformed"] == 0
    assert seen["rtt_ms"]["count"] >= 5
    latency = seen["latency_ms"]
    assert latency["count"] > 25
    assert 0 < latency["p50"] <= latency["p99"] <= latency["most"]
    assert seen["join_ms"]["count"] == 5
    assert guests_in(house) == set()


@pytest.mark.homeserver
def test_a_table_is_for_people_and_a_link_without_a_gate_is_looked_up_in_the_house(house: House) -> None:
    alias = house.get("/api/worlds/plaza")["alias"]
    result = visit(alias, "--data", str(house.data), "--count", "2", "--seconds", "1", "--stand")
    assert result.returncode == 0, result.stderr
    table = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert table["world"].startswith("Plaza (!")
    assert table["inside"] == "2 of 2"
    assert table["latency"].startswith("not measured")  # nobody walked
    assert table["others"].startswith("1 ")


@pytest.mark.homeserver
def test_ctrl_c_ends_it_early_and_all_leave(house: House) -> None:
    with subprocess.Popen(
        [*COMMAND, f"{house.url}/w/plaza", "--count", "3", "--seconds", "600", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            while "3 walk in Plaza" not in (line := process.stderr.readline()):
                assert line, "it ended"
            assert len(guests_in(house)) == 3
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert json.loads(out)["inside"] == 3
    assert guests_in(house) == set()


@pytest.mark.homeserver
def test_ctrl_c_while_they_come_leaves_nobody_behind(house: House) -> None:
    with subprocess.Popen(
        [*COMMAND, f"{house.url}/w/plaza", "--count", "50", "--rate", "1"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for_visitors(house, 2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert guests_in(house) == set()


@pytest.mark.homeserver
def test_a_world_that_is_not_served_is_one_line(house: House) -> None:
    result = visit(f"{house.url}/w/nowhere")
    assert result.returncode == 1
    assert "no world" in error_line(result)
    assert result.stdout == ""


def test_what_is_no_link_is_one_line(tmp_path: Path) -> None:
    result = visit("nonsense", "--data", str(tmp_path))
    assert result.returncode == 2
    assert "nonsense" in error_line(result)


def test_a_link_without_a_gate_needs_a_house(tmp_path: Path) -> None:
    result = visit("#plaza:localhost", "--data", str(tmp_path))
    assert result.returncode == 3
    assert "roomscale up" in error_line(result)


def test_a_gate_that_is_away_is_one_line() -> None:
    result = visit(f"http://127.0.0.1:{free_port()}/w/plaza")
    assert result.returncode == 3
    assert "gate" in error_line(result)


def test_what_is_no_gate_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with subprocess.Popen([*COMMAND, f"http://127.0.0.1:{port}/w/plaza"], stderr=subprocess.PIPE, text=True) as it:
            asked, _ = server.accept()
            with asked:
                asked.settimeout(20)
                asked.recv(4096)
                asked.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]")
            _, err = it.communicate(timeout=20)
    assert it.returncode == 3
    assert "no gate of Roomscale" in err


def test_a_homeserver_that_nobody_named_is_not_contacted() -> None:
    for allowed in ("http://localhost:8008", "http://127.0.0.1", "http://[::1]:1", "https://worlds.example/_"):
        check_permitted(allowed, ["worlds.example"])
    for refused in ("https://example.org", "http://worlds.example.evil", "http://127.0.0.1.example.org"):
        with pytest.raises(EnvironmentProblem, match="--allow"):
            check_permitted(refused, ["worlds.example"])


async def test_webrtc_binds_where_the_named_hosts_are_reached_from() -> None:
    assert await addresses_of(["127.0.0.1"]) == ["127.0.0.1"]
    assert sources_for(["127.0.0.1"]) == ["127.0.0.1"]
    assert sources_for([]) == ["127.0.0.1"]
    with pytest.raises(EnvironmentProblem, match="no host"):
        await addresses_of(["no.such.host.invalid"])


def wait_for_visitors(house: House, count: int) -> None:
    """Wait until the gate counts so many in the Plaza."""
    deadline = time.monotonic() + 60
    while house.get("/api/worlds/plaza")["visitors"] < count:
        assert time.monotonic() < deadline, f"no {count} visitors within 60 s"
        time.sleep(0.05)
