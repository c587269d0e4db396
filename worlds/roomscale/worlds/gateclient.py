"""What a gate tells anybody who asks: where its homeserver is, and which room a link leads to.

Rule: one address is asked, the gate's own; no redirect is followed, and what comes is checked before it is believed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp

from roomscale.worlds.errors import BadContent, GateError, WorldRefused
from roomscale.worlds.ids import RoomId, ServerName, parse_link, parse_room_id, parse_server_name

TIMEOUT_S: Final = 10.0
MAX_ANSWER: Final = 1 << 20  # bytes; one world has some hundred
NAME_CHARS: Final = 255


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where one goes into a world."""

    room_id: RoomId
    name: str
    homeserver: str
    """Base URL of the homeserver's client API, as the gate says; no slash at its end."""
    via: tuple[ServerName, ...] = ()
    """Servers that know the room."""


def web_host(url: str) -> str | None:
    """The host of an http or https URL, lower case; None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is none
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def gate_of(link: str) -> str | None:
    """The gate that serves a link such as `http://host:8080/w/plaza`: its origin. None for links of other kinds."""
    if web_host(link) is None or not urlsplit(link).path.startswith("/w/"):
        return None
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


async def find_entrance(gate: str, link: str) -> Entrance:
    """Ask the gate (a base URL) where `link` leads. Raises GateError, WorldRefused (no such world), BadContent."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        config = await _get(session, gate, "/api/config")
        homeserver = _homeserver(config.get("homeserver"))
        try:
            own_server = parse_server_name(config.get("server_name"))
        except BadContent:
            raise GateError(f"what answers at {gate} is no gate of Roomscale") from None
        wanted = parse_link(link, own_server)
        world = await _get(session, gate, f"/api/worlds/{quote(wanted.target, safe='')}")
    try:
        room_id = parse_room_id(world.get("room_id"))
    except BadContent:
        raise GateError(f"the gate at {gate} describes no world") from None
    name = world.get("name")
    return Entrance(room_id, name[:NAME_CHARS] if isinstance(name, str) else str(room_id), homeserver, wanted.via)


async def _get(session: aiohttp.ClientSession, gate: str, path: str) -> dict[str, Any]:
    try:
        async with session.get(f"{gate}{path}", allow_redirects=False) as response:
            if response.status == HTTPStatus.NOT_FOUND and path.startswith("/api/worlds/"):
                raise WorldRefused(f"the gate at {gate} serves no world of that name")
            if response.status != HTTPStatus.OK:
                raise GateError(f"the gate at {gate} answers with status {response.status}")
            body = await response.content.read(MAX_ANSWER + 1)
            while len(body) <= MAX_ANSWER and (more := await response.content.read(MAX_ANSWER)):
                body += more
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise GateError(f"the gate at {gate} cannot be reached ({type(error).__name__})") from error
    try:
        answer = json.loads(body) if len(body) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise GateError(f"what answers at {gate} is no gate of Roomscale")
    return answer


def _homeserver(url: object) -> str:
    text = url.rstrip("/") if isinstance(url, str) else ""
    if web_host(text) is None:
        raise GateError("the gate names no homeserver that can be reached")
    return text
