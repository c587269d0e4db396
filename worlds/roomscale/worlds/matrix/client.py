"""The calls of the client-server API that Roomscale makes, named by what they do.

Rule: content goes in and out as raw JSON; what it means is decided in `model`, `permissions` and the gate's
reducer, never here. Section names refer to the Matrix client-server specification v1.16.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from roomscale.worlds.errors import HomeserverError, MatrixError
from roomscale.worlds.ids import RoomAlias, RoomId, UserId, parse_room_id, parse_user_id
from roomscale.worlds.matrix.media import MatrixMedia
from roomscale.worlds.matrix.transport import ONCE, JsonObject, Patience, Transport, path_of

SYNC_SLACK_S: Final = 15.0  # seconds that a long poll may take beyond its own timeout
NOT_FOUND: Final = 404
V1: Final = "/_matrix/client/v1"


@dataclass(frozen=True, slots=True)
class StateEvent:
    """One state event as the homeserver gave it; `content` is whatever its sender wrote."""

    type: str
    state_key: str
    sender: str
    content: JsonObject
    event_id: str
    replaces_state: str | None
    timestamp_ms: int


class MatrixClient:
    """One user on one device. `async with` closes its sockets; the login outlives it.

    Arguments as `Transport`'s: give `token`, or `password`, or both (the token is used until it is refused).
    """

    def __init__(
        self,
        homeserver: str,
        user_id: str = "",
        *,
        device_id: str = "",
        token: str | None = None,
        password: str | None = None,
        device_name: str = "Roomscale",
        on_token: Callable[[str], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.transport = Transport(
            homeserver,
            user_id,
            device_id=device_id,
            token=token,
            password=password,
            device_name=device_name,
            on_token=on_token,
            patience=patience,
        )
        self.call = self.transport.call
        self.media = MatrixMedia(self.transport)

    @classmethod
    async def guest(cls, homeserver: str, *, patience: Patience | None = None) -> Self:
        """A new guest of `homeserver` (section "Guest access"). `patience` is for this call alone."""
        first = Transport(homeserver, patience=patience)
        try:
            answer = await first.call(
                "POST", "/_matrix/client/v3/register", query={"kind": "guest"}, body={}, auth=False
            )
        finally:
            await first.close()
        user, device, token = (_text(answer, key) for key in ("user_id", "device_id", "access_token"))
        return cls(homeserver, user, device_id=device, token=token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the sockets."""
        await self.transport.close()

    @property
    def user_id(self) -> UserId:
        """Who we are."""
        return UserId(self.transport.user_id)

    @property
    def device_id(self) -> str:
        """Which device of theirs we are."""
        return self.transport.device_id

    @property
    def token(self) -> str | None:
        """The access token, None before the first login."""
        return self.transport.token

    @property
    def homeserver(self) -> str:
        """Base URL without a slash at its end."""
        return self.transport.homeserver

    async def login(self) -> None:
        """Log in by password now (calls do it by themselves when they must)."""
        await self.transport.login()

    async def whoami(self) -> UserId:
        """Ask the homeserver whose token this is."""
        return parse_user_id((await self.call("GET", path_of("account", "whoami"))).get("user_id"))

    # --- sync and to-device

    async def sync(self, since: str | None, *, timeout_ms: int = 30_000, filter_json: str | None = None) -> JsonObject:
        """One `GET /sync`, raw: `next_batch`, `rooms`, `to_device`, … Tries once; the caller paces itself."""
        query: dict[str, str | int | list[str]] = {"timeout": timeout_ms, "set_presence": "offline"}
        if since is not None:
            query["since"] = since
        if filter_json is not None:
            query["filter"] = filter_json
        timeout_s = timeout_ms / 1000 + SYNC_SLACK_S if since is not None else 120.0
        return await self.call("GET", path_of("sync"), query=query, timeout_s=timeout_s, patience=ONCE)

    async def send_to_device(
        self, event_type: str, user_id: str, device_id: str, content: JsonObject, *, txn: str | None = None
    ) -> None:
        """Send `content` to one device. A device that does not exist swallows it without a word."""
        await self.call(
            "PUT",
            path_of("sendToDevice", event_type, txn or secrets.token_hex(12)),
            body={"messages": {user_id: {device_id: content}}},
        )

    # --- a room's state

    async def room_state(self, room_id: str) -> list[StateEvent]:
        """The whole current state. Events that are not even shaped like events are left out."""
        answer = await self.transport.call_list("GET", path_of("rooms", room_id, "state"))
        return [event for event in map(parse_state_event, answer) if event is not None]

    async def state_content(self, room_id: str, event_type: str, state_key: str = "") -> JsonObject | None:
        """The content of one state event, None when there is none."""
        try:
            return await self.call("GET", path_of("rooms", room_id, "state", event_type, state_key))
        except MatrixError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    async def put_state(self, room_id: str, event_type: str, content: JsonObject, state_key: str = "") -> str:
        """Write one state event; gives its event id."""
        path = path_of("rooms", room_id, "state", event_type, state_key)
        return _text(await self.call("PUT", path, body=content), "event_id")

    async def event(self, room_id: str, event_id: str) -> StateEvent | None:
        """One event by its id, None when it is no state event."""
        return parse_state_event(await self.call("GET", path_of("rooms", room_id, "event", event_id)))

    async def send(self, room_id: str, event_type: str, content: JsonObject) -> str:
        """Send one message event; gives its event id."""
        path = path_of("rooms", room_id, "send", event_type, secrets.token_hex(12))
        return _text(await self.call("PUT", path, body=content), "event_id")

    # --- rooms and membership

    async def create_room(self, body: JsonObject) -> RoomId:
        """`POST /createRoom` (section "Creation"). Not repeated when the answer was lost."""
        return parse_room_id((await self.call("POST", path_of("createRoom"), body=body)).get("room_id"))

    async def join(self, target: str, via: Sequence[str] = ()) -> RoomId:
        """Join a room id or alias. A second join is no error."""
        query: dict[str, str | int | list[str]] = {"server_name": list(via), "via": list(via)} if via else {}
        return parse_room_id((await self.call("POST", path_of("join", target), body={}, query=query)).get("room_id"))

    async def leave(self, room_id: str) -> None:
        """Leave, or reject an invitation."""
        await self.call("POST", path_of("rooms", room_id, "leave"), body={})

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invite; a 403 may mean that they are there already."""
        await self.call("POST", path_of("rooms", room_id, "invite"), body={"user_id": user_id})

    async def kick(self, room_id: str, user_id: str, reason: str = "") -> None:
        """Make somebody leave."""
        await self.call("POST", path_of("rooms", room_id, "kick"), body={"user_id": user_id, "reason": reason})

    async def ban(self, room_id: str, user_id: str, reason: str = "") -> None:
        """Make somebody leave, not to return."""
        await self.call("POST", path_of("rooms", room_id, "ban"), body={"user_id": user_id, "reason": reason})

    async def joined_rooms(self) -> list[RoomId]:
        """The rooms we are joined to."""
        rooms = (await self.call("GET", path_of("joined_rooms"))).get("joined_rooms")
        return [parse_room_id(room) for room in rooms] if isinstance(rooms, list) else []

    async def joined_members(self, room_id: str) -> dict[str, JsonObject]:
        """User id → profile of everybody joined."""
        joined = (await self.call("GET", path_of("rooms", room_id, "joined_members"))).get("joined")
        return joined if isinstance(joined, dict) else {}

    # --- directory, profile, server

    async def resolve_alias(self, alias: str) -> RoomId | None:
        """The room an alias stands for, None when nobody has it."""
        try:
            return parse_room_id((await self.call("GET", path_of("directory", "room", alias))).get("room_id"))
        except MatrixError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    async def put_alias(self, alias: str, room_id: str) -> None:
        """Make `alias` stand for the room. 409 when it is taken."""
        await self.call("PUT", path_of("directory", "room", alias), body={"room_id": room_id})

    async def aliases_of(self, room_id: str) -> list[RoomAlias]:
        """The local aliases of a room."""
        found = (await self.call("GET", path_of("rooms", room_id, "aliases"))).get("aliases")
        return [RoomAlias(a) for a in found if isinstance(a, str)] if isinstance(found, list) else []

    async def is_listed(self, room_id: str) -> bool:
        """Whether the server's public room list shows the room."""
        answer = await self.call("GET", path_of("directory", "list", "room", room_id))
        return answer.get("visibility") == "public"

    async def set_listed(self, room_id: str, listed: bool) -> None:
        """Show the room in the server's public room list, or take it out."""
        body = {"visibility": "public" if listed else "private"}
        await self.call("PUT", path_of("directory", "list", "room", room_id), body=body)

    async def public_rooms(
        self, *, room_type: str | None = None, server: str | None = None, limit: int = 100, since: str | None = None
    ) -> JsonObject:
        """One page of the public room list. Some homeservers ignore the type: filter again."""
        body: JsonObject = {"limit": limit}
        if room_type is not None:
            body["filter"] = {"room_types": [room_type]}
        if since is not None:
            body["since"] = since
        return await self.call("POST", path_of("publicRooms"), body=body, query={"server": server} if server else None)

    async def room_summary(self, target: str, via: Sequence[str] = ()) -> JsonObject:
        """`GET /v1/room_summary`: name, type, member count; for rooms that we are not in, too."""
        query: dict[str, str | int | list[str]] = {"via": list(via)} if via else {}
        return await self.call("GET", path_of("room_summary", target, base=V1), query=query)

    async def profile(self, user_id: str) -> JsonObject:
        """Display name and picture, {} when there are none."""
        try:
            return await self.call("GET", path_of("profile", user_id))
        except MatrixError as error:
            if error.status == NOT_FOUND:
                return {}
            raise

    async def set_display_name(self, name: str) -> None:
        """Change our own display name."""
        await self.call("PUT", path_of("profile", self.user_id, "displayname"), body={"displayname": name})

    async def default_room_version(self) -> str:
        """The room version that the homeserver makes new rooms with ("1" when it does not say)."""
        capabilities = (await self.call("GET", path_of("capabilities"))).get("capabilities")
        versions = capabilities.get("m.room_versions") if isinstance(capabilities, dict) else None
        default = versions.get("default") if isinstance(versions, dict) else None
        return default if isinstance(default, str) else "1"


def parse_state_event(raw: Any) -> StateEvent | None:
    """A state event of raw sync or state JSON; None unless it has the fields that every one has."""
    if not isinstance(raw, dict):
        return None
    kind, key, sender, content = (raw.get(k) for k in ("type", "state_key", "sender", "content"))
    if not (isinstance(kind, str) and isinstance(key, str) and isinstance(sender, str)):
        return None
    if not isinstance(content, dict):
        return None
    unsigned = raw.get("unsigned")
    replaces = unsigned.get("replaces_state") if isinstance(unsigned, dict) else None
    event_id, timestamp = raw.get("event_id"), raw.get("origin_server_ts")
    return StateEvent(
        type=kind,
        state_key=key,
        sender=sender,
        content=content,
        event_id=event_id if isinstance(event_id, str) else "",
        replaces_state=replaces if isinstance(replaces, str) else None,
        timestamp_ms=timestamp if isinstance(timestamp, int) else 0,
    )


def _text(answer: JsonObject, key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str):
        raise HomeserverError(f"the homeserver's answer has no {key}")
    return value
