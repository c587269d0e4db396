"""The embedded homeserver: prepared, started, killed, restarted, explained."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from roomscale.worlds.errors import (
    AccountExists,
    DatabaseTooNew,
    DataUnusable,
    EmbeddedError,
    HomeserverError,
    NoSynapse,
    PortTaken,
    WorldError,
    WorldRefused,
)
from roomscale.worlds.homeserver import EmbeddedHomeserver, HomeserverConfig, Registrar
from roomscale.worlds.matrix import MatrixClient
from tests.support.homeserver import RunningHomeserver, running_homeserver, unique


def prepared(data: Path, **options: object) -> EmbeddedHomeserver:
    config = HomeserverConfig(data_dir=data, public_url="http://127.0.0.1:8080/", **options)  # type: ignore[arg-type]
    homeserver = EmbeddedHomeserver(config)
    homeserver.prepare()
    return homeserver


def test_preparing_makes_private_files_and_repeating_it_changes_nothing(tmp_path: Path) -> None:
    homeserver = prepared(tmp_path / "data")
    paths = homeserver.paths
    files = [path for path in paths.data.rglob("*") if path.is_file()]
    assert len(files) == 7
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o700 for p in paths.data.rglob("*") if p.is_dir())
    before = {path: path.read_bytes() for path in files}
    again = prepared(tmp_path / "data")
    assert {path: path.read_bytes() for path in files} == before
    assert (again.url, again.server_name) == (homeserver.url, "localhost")
    settings = json.loads(paths.settings.read_text())
    assert settings["public_baseurl"] == "http://127.0.0.1:8080/"
    assert settings["listeners"][0]["bind_addresses"] == ["127.0.0.1"]
    assert settings["federation_domain_whitelist"] == []


def test_a_directory_that_the_user_named_keeps_its_mode(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    prepared(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o755


def test_passwords_are_hashed_slowly_once_others_can_reach_the_host(tmp_path: Path) -> None:
    near, far = prepared(tmp_path / "a"), prepared(tmp_path / "b", reachable=True)
    rounds = [json.loads(h.paths.settings.read_text())["bcrypt_rounds"] for h in (near, far)]
    assert rounds == [4, 12]


def test_the_server_name_is_chosen_once(tmp_path: Path) -> None:
    assert prepared(tmp_path, server_name="localhost:8448").server_name == "localhost:8448"
    assert prepared(tmp_path).server_name == "localhost:8448"
    with pytest.raises(WorldRefused, match="can never change"):
        prepared(tmp_path, server_name="other.org")


def test_a_taken_port_is_left_for_another_unless_it_was_asked_for(tmp_path: Path) -> None:
    first = prepared(tmp_path)
    port = int(first.url.rpartition(":")[2])
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert prepared(tmp_path).url != first.url
        with pytest.raises(PortTaken, match=str(port)):
            prepared(tmp_path, port=port)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"server_name": 7}', b"\xff" * 10, b"x" * (2 << 20)])
def test_a_damaged_identity_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    paths = prepared(tmp_path).paths
    paths.identity.write_bytes(content)
    with pytest.raises(WorldError) as error:
        prepared(tmp_path)
    assert "\n" not in str(error.value)


def test_a_database_without_its_identity_is_not_given_another_name(tmp_path: Path) -> None:
    paths = prepared(tmp_path).paths
    paths.database.write_bytes(b"")
    paths.identity.unlink()
    with pytest.raises(DataUnusable, match="missing"):
        prepared(tmp_path)


def test_what_a_killed_write_left_behind_is_removed(tmp_path: Path) -> None:
    paths = prepared(tmp_path).paths
    partial = paths.root / ".homeserver.yaml.0a1b.part"
    partial.write_bytes(b"half")
    prepared(tmp_path)
    assert not partial.exists()


def test_a_data_directory_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataUnusable):
        prepared(tmp_path / "file")


def test_without_synapse_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    for platform, advice in (("linux", "pip install"), ("darwin", "homeserver of your own")):
        monkeypatch.setattr(sys, "platform", platform)
        with pytest.raises(NoSynapse, match=advice):
            prepared(tmp_path)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("ValueError: Cannot use this database as it is too new for the server to understand", DatabaseTooNew),
        ("CannotListenError: Couldn't listen on 127.0.0.1:8008: [Errno 98] Address already in use.", PortTaken),
        ("sqlite3.DatabaseError: database disk image is malformed", DataUnusable),
        ("sqlite3.OperationalError: unable to open database file", DataUnusable),
        ("sqlite3.OperationalError: database or disk is full", DataUnusable),
        ("/usr/bin/python: No module named synapse", NoSynapse),
        ("***\n Error in configuration:\n  Something odd\n***", EmbeddedError),
        ("\udcff\x00", EmbeddedError),
        ("", EmbeddedError),
    ],
)
def test_last_words_become_one_line(tmp_path: Path, words: str, error: type[EmbeddedError]) -> None:
    homeserver = prepared(tmp_path)
    homeserver.paths.output.write_text(words, "utf-8", "surrogateescape")
    explained = homeserver.explain_end()
    assert type(explained) is error
    assert "\n" not in str(explained)


def test_attaching_needs_a_homeserver_to_attach_to(tmp_path: Path) -> None:
    config = HomeserverConfig(data_dir=tmp_path, public_url="http://127.0.0.1:8080")
    with pytest.raises(DataUnusable, match="no homeserver yet"):
        EmbeddedHomeserver(config).attach()
    first = prepared(tmp_path)
    second = EmbeddedHomeserver(config)
    second.attach()
    assert (second.url, second.server_name) == (first.url, first.server_name)
    assert asyncio.run(second.is_running()) is False


@pytest.mark.homeserver
def test_after_a_kill_the_next_start_finds_everything(tmp_path: Path) -> None:
    async def make(homeserver: RunningHomeserver) -> tuple[str, str]:
        account = await homeserver.embedded.registrar.ensure("roomscale-host", admin=True)
        async with MatrixClient(homeserver.url, account.user_id, password=account.password) as client:
            return account.password, await client.create_room({"name": "kept"})

    async def find(homeserver: RunningHomeserver, room: str) -> str:
        account = await homeserver.embedded.registrar.ensure("roomscale-host", admin=True)
        async with MatrixClient(homeserver.url, account.user_id, password=account.password) as client:
            assert (await client.state_content(room, "m.room.name")) == {"name": "kept"}
        return account.password

    with running_homeserver(tmp_path) as homeserver:
        password, room = asyncio.run(make(homeserver))
        homeserver.kill()
        homeserver.start()
        assert asyncio.run(find(homeserver, room)) == password


@pytest.mark.homeserver
def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    with running_homeserver(tmp_path) as homeserver:
        homeserver.stop()
        database = homeserver.embedded.paths.database
        with sqlite3.connect(database) as connection:
            connection.execute("UPDATE schema_compat_version SET compat_version = 99999")
        connection.close()
        with pytest.raises(DatabaseTooNew, match="newer Synapse"):
            homeserver.start()
        homeserver.stop()
        database.write_bytes(b"this is no database, " * 1000)
        with pytest.raises(DataUnusable, match="damaged"):
            homeserver.start()


@pytest.mark.homeserver
def test_a_port_taken_after_preparing_is_said_so(tmp_path: Path) -> None:
    with running_homeserver(tmp_path) as homeserver:
        homeserver.stop()
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", int(homeserver.url.rpartition(":")[2])))
            other.listen()
            homeserver.process = subprocess.Popen(homeserver.embedded.command(), stdin=subprocess.DEVNULL)
            with pytest.raises(PortTaken):
                asyncio.run(homeserver.wait())


@pytest.mark.homeserver
def test_the_homeserver_never_outlives_who_started_it(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
from pathlib import Path
from tests.support.homeserver import EmbeddedHomeserver, HomeserverConfig
home = EmbeddedHomeserver(HomeserverConfig(data_dir=Path(sys.argv[1]), public_url="http://127.0.0.1:1"))
home.prepare()
print(subprocess.Popen(home.command()).pid, flush=True)
time.sleep(60)
"""
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    try:
        child = int(starter.stdout.readline())
        os.kill(child, 0)
        starter.kill()
        starter.wait()
        deadline = time.monotonic() + 10
        while is_alive(child) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_alive(child)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False


@pytest.mark.homeserver
def test_a_terminated_homeserver_ends_at_once(tmp_path: Path) -> None:
    with running_homeserver(tmp_path) as homeserver:
        assert homeserver.process is not None
        homeserver.process.send_signal(signal.SIGTERM)
        homeserver.process.wait(5)  # whoever stops a house kills what takes longer than 8 s


@pytest.mark.homeserver
async def test_registering_twice_is_an_error_and_ensuring_twice_is_not(synapse: RunningHomeserver) -> None:
    registrar, name = synapse.embedded.registrar, unique("twice")
    account = await registrar.register(name, "correct horse")
    with pytest.raises(AccountExists):
        await registrar.register(name, "another one")
    ours = unique("ours")
    first = await registrar.ensure(ours)
    assert await registrar.ensure(ours) == first
    assert account.password not in repr(account)


@pytest.mark.homeserver
async def test_a_lost_password_of_ours_is_replaced(synapse: RunningHomeserver) -> None:
    registrar, name = synapse.embedded.registrar, unique("lost")
    first = await registrar.ensure(name, admin=True)
    registrar.kept_password(name).unlink()
    second = await registrar.ensure(name, admin=True)
    assert second.password != first.password
    async with MatrixClient(synapse.url, second.user_id, password=second.password) as client:
        await client.whoami()
        users = await client.call("GET", "/_synapse/admin/v2/users", query={"name": "roomscale-repair"})
        assert users.get("users", []) == []  # the helper is deactivated, not left behind


@pytest.mark.homeserver
async def test_a_wrong_secret_makes_no_account(synapse: RunningHomeserver, tmp_path: Path) -> None:
    stranger = Registrar(synapse.url, synapse.server_name, "wrong", tmp_path)
    with pytest.raises(HomeserverError, match="another homeserver"):
        await stranger.register(unique("x"), "correct horse")
    with pytest.raises(WorldRefused, match="password"):
        await synapse.embedded.registrar.register(unique("x"), "with\0nul")
