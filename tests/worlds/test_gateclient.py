"""Asking a gate where a link leads, when what answers is no gate, or a hostile one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from roomscale.worlds.errors import GateError, WorldRefused
from roomscale.worlds.gateclient import Entrance, find_entrance, gate_of, web_host

CONFIG = json.dumps({"homeserver": "http://127.0.0.1:8008/", "server_name": "localhost"}).encode()
ROOM = "!" + "a" * 43


@asynccontextmanager
async def server(answers: Callable[[str], bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP server that gives `answers(path)`, raw; its URL, and the paths asked so far."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        asked.append(path)
        writer.write(answers(path))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body


def gate(world: bytes, config: bytes = CONFIG) -> Callable[[str], bytes]:
    return lambda path: ok(config if path == "/api/config" else world)


async def test_a_world_is_found_and_its_servers_are_kept() -> None:
    world = json.dumps({"room_id": ROOM, "name": "Plaza", "visitors": 3}).encode()
    async with server(gate(world)) as (url, asked):
        found = await find_entrance(url, f"{url}/w/plaza")
        assert found == Entrance(found.room_id, "Plaza", "http://127.0.0.1:8008")
        assert found.room_id == ROOM
        assert asked == ["/api/config", "/api/worlds/%23plaza:localhost"]
        elsewhere = await find_entrance(url, f"matrix:roomid/{ROOM[1:]}?via=example.org")
        assert elsewhere.via == ("example.org",)


@pytest.mark.parametrize(
    "answers",
    [
        gate(b"[]"),
        gate(b"{}"),
        gate(b'{"room_id": "no id"}'),
        gate(b"[" * 100_000),
        gate(b"{}" + b" " * (1 << 20)),
        gate(b"{}", config=b"not JSON"),
        gate(b"{}", config=b"{}"),
        gate(b"{}", config=b'{"homeserver": "file:///etc/passwd", "server_name": "x"}'),
        gate(b"{}", config=b'{"homeserver": "http://x:99999/", "server_name": "x"}'),
        gate(b"{}", config=b'{"homeserver": "http://x/", "server_name": "two words"}'),
        lambda _: b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
        lambda _: b"SSH-2.0-OpenSSH_9.2\r\n",
        lambda _: b"",
    ],
)
async def test_what_is_no_gate_is_said_to_be_none(answers: Callable[[str], bytes]) -> None:
    async with server(answers) as (url, _):
        with pytest.raises(GateError):
            await find_entrance(url, "/w/plaza")


async def test_a_redirect_leads_nowhere() -> None:
    async with server(gate(b"{}")) as (elsewhere, asked):
        away = f"HTTP/1.1 302 Found\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n".encode()
        async with server(lambda _: away) as (url, _):
            with pytest.raises(GateError, match="302"):
                await find_entrance(url, "/w/plaza")
        assert asked == []


async def test_a_world_that_it_does_not_serve_is_our_mistake() -> None:
    missing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"
    async with server(lambda path: ok(CONFIG) if path == "/api/config" else missing) as (url, _):
        with pytest.raises(WorldRefused, match="no world"):
            await find_entrance(url, "/w/plaza")


def test_a_link_names_its_gate_or_none() -> None:
    assert gate_of("http://127.0.0.1:8080/w/plaza") == "http://127.0.0.1:8080"
    assert gate_of("https://ada:pw@worlds.example/w/%23a:b?via=c") == "https://worlds.example"
    assert gate_of("http://[::1]:8080/w/plaza") == "http://[::1]:8080"
    for other in (
        "#plaza:localhost",
        "matrix:r/plaza:localhost",
        "https://matrix.to/#/#a:b",
        "/w/plaza",
        "http://x:y/w/",
    ):
        assert gate_of(other) is None
    assert web_host("https://Worlds.Example:443/") == "worlds.example"
    assert web_host("ftp://x/") is None
