"""`roomscale up` as its user runs it: what it says, what it leaves behind, what it finds again."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from roomscale.cli.commands.up import up
from roomscale.cli.errors import UsageError
from tests.scenes.crafted import glb, with_extension
from tests.support.house import House, free_port

COMMAND = (sys.executable, "-m", "roomscale.cli.app")


def roomscale(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def only_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that says what went wrong; there is no stack trace beside it."""
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("roomscale:")]
    assert len(lines) == 1, result.stderr
    assert result.stdout == ""
    return lines[0]


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = roomscale("up", "--data", str(tmp_path / "data"), "--port", str(port))
    assert result.returncode == 3
    assert f"port {port}" in only_line(result)
    assert "--port" in only_line(result)


def test_a_data_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    result = roomscale("up", "--data", str(tmp_path / "file" / "data"), "--port", str(free_port()))
    assert result.returncode == 3
    assert "--data" in only_line(result)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.glb", b"", 2),
        ("cut.glb", b"glTF\x02\x00\x00\x00\xff\xff\x00\x00", 2),
        ("text.gltf", b"this is no scene", 2),
        ("twice.gltf", b'{"asset": {"version": "2.0"}, "asset": {"version": "2.0"}}', 2),
    ],
)
def test_a_broken_scene_is_one_line_before_anything_starts(
    tmp_path: Path, name: str, content: bytes, code: int
) -> None:
    (tmp_path / name).write_bytes(content)
    result = roomscale("up", str(tmp_path / name), "--data", str(tmp_path / "data"), "--port", str(free_port()))
    assert result.returncode == code
    assert name in only_line(result)
    assert not (tmp_path / "data").exists()


def test_what_check_rejects_is_not_shown_unless_mending_is_asked_for(tmp_path: Path) -> None:
    scene = tmp_path / "scene.glb"
    scene.write_bytes(glb(with_extension("OMI_spawn_point", node={}, declared=False)))
    with socket.socket() as taken:  # the scene is looked at before the port: then nothing need be started here
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told = ("up", str(scene), "--data", str(tmp_path / "data"), "--port", str(taken.getsockname()[1]))
        refused, mended = roomscale(*told), roomscale(*told, "--fix")
    assert (refused.returncode, mended.returncode) == (1, 3)
    assert "; --fix mends it" in only_line(refused)
    assert "mended: " in mended.stderr
    with pytest.raises(UsageError, match="need a scene"):
        up(fix=True)


def test_a_scene_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = roomscale("up", str(tmp_path / "none.glb"), "--data", str(tmp_path / "data"))
    assert result.returncode == 2
    assert "none.glb" in only_line(result)


def test_publishing_to_a_homeserver_that_is_away_is_one_line(tmp_path: Path, plaza: Path) -> None:
    token = tmp_path / "token"
    token.write_text("syt_nothing")
    token.chmod(0o600)
    result = roomscale(
        "publish", str(plaza), "--homeserver", f"http://127.0.0.1:{free_port()}", "--token-file", str(token)
    )
    assert result.returncode == 3
    assert "homeserver" in only_line(result)


@pytest.mark.homeserver
def test_a_house_is_found_again_as_it_was_left(tmp_path: Path) -> None:
    with House(tmp_path / "data") as house:
        first = house.get("/api/worlds")["worlds"]
        assert {world["name"] for world in first} >= {"Plaza", "Gallery"}
        link = house.link
        assert_private(tmp_path / "data")
        second = roomscale("up", "--data", str(tmp_path / "data"), "--port", str(free_port()))
        assert second.returncode == 3
        assert "already runs" in only_line(second)
    again = House(tmp_path / "data", port=house.port)
    with again:
        assert again.link == link
        assert [w["room_id"] for w in again.get("/api/worlds")["worlds"]] == [w["room_id"] for w in first]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", house.port))


@pytest.mark.homeserver
def test_a_house_that_was_killed_whole_is_repaired_by_the_next_start(tmp_path: Path) -> None:
    house = House(tmp_path / "data")
    with house:
        worlds = [world["room_id"] for world in house.get("/api/worlds")["worlds"]]
        assert house.process is not None
        children = psutil.Process(house.process.pid).children(recursive=True)
        house.kill_all()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == [], "the leash did not hold"
    with House(tmp_path / "data", port=house.port) as again:
        assert [world["room_id"] for world in again.get("/api/worlds")["worlds"]] == worlds


def assert_private(data: Path) -> None:
    """Nobody else may look: folders 0700, files that hold secrets 0600."""
    for path in (data / "secrets", data / "homeserver", data / "gate", data / "run"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    secret = [*(data / "secrets").iterdir(), *(data / "homeserver").glob("*.key"), *(data / "gate").glob("*.db*")]
    assert len(secret) >= 4
    for path in secret:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert os.path.commonpath([data, *secret]) == str(data)


def test_help_and_version_are_there() -> None:
    assert "up" in roomscale("--help").stdout
    assert roomscale("--version").stdout.startswith("roomscale 0.")
    assert "roomscale up room.glb" in roomscale("up", "--help").stdout
