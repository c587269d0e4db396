"""The homeserver, in the world server's name: the few calls that the gate makes itself.

The one rule: every call is bounded in time, and raises `HomeserverError`, nothing else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any

from roomscale.worlds.errors import HomeserverError, MatrixError
from roomscale.worlds.gate import facts
from roomscale.worlds.gate.config import GateConfig
from roomscale.worlds.gate.store import GateStore
from roomscale.worlds.ids import MxcUri, mxc_parts
from roomscale.worlds.matrix.client import V1, MatrixClient
from roomscale.worlds.matrix.transport import ONCE, Patience, path_of, read_bounded

SYNC_SLACK_S = 10.0
"""Beyond a long poll's own time."""
FIRST_SYNC_S = 120.0
"""A first sync of 300 worlds took 1.7 s; a slow disk may need far longer."""
STATE_S = 30.0
ANSWER_PATIENCE = Patience(attempts=3, longest_wait_s=5.0)
"""An answer that comes later than the client's next call is of no use."""
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})
"""What a thumbnail may be: pixels, never SVG, which is a document."""
PICTURE_SIZE = {"width": "800", "height": "450", "method": "scale"}
TIMELINE = 50

SYNC_FILTER = json.dumps(
    {
        "presence": {"types": []},
        "account_data": {"types": []},
        "room": {
            "account_data": {"types": []},
            "ephemeral": {"types": []},
            "state": {"types": ["m.room.member", *sorted(facts.TYPES)], "lazy_load_members": False},
            "timeline": {"types": ["m.room.member", *sorted(facts.TYPES)], "limit": TIMELINE},
        },
    },
    separators=(",", ":"),
)
"""Only what the reducer reads: one member can fill a room with state of other kinds (18 MB in 10 s were seen)."""


class Upstream:
    """A MatrixClient that logs in by the password file and remembers its token in gate.db."""

    def __init__(self, config: GateConfig, store: GateStore) -> None:
        self._config = config
        self._store = store
        self._client: MatrixClient | None = None

    async def close(self) -> None:
        """Close the sockets."""
        if self._client is not None:
            await self._client.close()

    async def forget_login(self) -> None:
        """Log in anew with the next call, by the password that the file holds by then."""
        self._store.put(access_token=None)
        await self.close()
        self._client = None

    async def sync(self, since: str | None, *, first: bool, wait: bool) -> dict[str, Any]:
        """One raw sync: the first since the start with the full state of all rooms, later ones as long polls.

        `wait` False: no long poll. After an outage: a homeserver that is back, and has no news, says so at once.
        """
        wait_ms = int(self._config.sync_timeout_s * 1000) if wait and not first else 0
        query: dict[str, str | int | list[str]] = {
            "filter": SYNC_FILTER,
            "set_presence": "offline",
            "timeout": wait_ms,
        }
        if since is not None:
            query["since"] = since
        if first:
            query["full_state"] = "true"
        timeout_s = FIRST_SYNC_S if first else self._config.sync_timeout_s + SYNC_SLACK_S
        return await self._me().call("GET", path_of("sync"), query=query, timeout_s=timeout_s, patience=ONCE)

    async def member(self, room_id: str, user_id: str) -> dict[str, Any] | None:
        """The raw `m.room.member` event; None when there is none, or the room is not ours to see."""
        try:
            raw = await self._me().call(
                "GET",
                path_of("rooms", room_id, "state", "m.room.member", user_id),
                query={"format": "event"},
                timeout_s=self._config.state_timeout_s,
                patience=ONCE,
            )
        except MatrixError as error:
            if error.status in (403, 404):
                return None
            raise
        if "type" in raw and "state_key" in raw:
            return raw
        # A homeserver that knows no `format` gives the content alone.
        return {"type": "m.room.member", "state_key": user_id, "sender": user_id, "content": raw}

    async def full_state(self, room_id: str) -> list[Any]:
        """The raw state of a room."""
        path = path_of("rooms", room_id, "state")
        return await self._me().transport.call_list("GET", path, timeout_s=STATE_S, patience=ONCE)

    async def to_device(self, user_id: str, device_id: str, event_type: str, content: dict[str, Any]) -> None:
        """Send one to-device message."""
        await self._me().call(
            "PUT",
            path_of("sendToDevice", event_type, secrets.token_hex(12)),
            body={"messages": {user_id: {device_id: content}}},
            timeout_s=self._config.state_timeout_s,
            patience=ANSWER_PATIENCE,
        )

    async def join(self, room_id: str, via: Sequence[str]) -> None:
        """Accept an invitation."""
        await self._me().join(room_id, via)

    async def leave(self, room_id: str) -> None:
        """Leave a room, or decline an invitation."""
        await self._me().leave(room_id)

    async def picture(self, mxc: MxcUri, most: int) -> tuple[bytes, str]:
        """A media file scaled down, and its type. Raises HomeserverError when it is no picture or too large."""
        server, media = mxc_parts(mxc)
        query = "&".join(f"{key}={value}" for key, value in PICTURE_SIZE.items())
        path = f"{path_of('media', 'thumbnail', server, media, base=V1)}?{query}"
        client = self._me()
        await client.whoami()  # logs in if need be: a stream does not
        async with client.transport.stream("GET", path, timeout_s=STATE_S) as answer:
            content_type = answer.content_type
            if content_type not in PICTURES:
                raise HomeserverError(f"{mxc} is no picture")
            return await read_bounded(answer, most), content_type

    def _me(self) -> MatrixClient:
        if self._client is None:
            try:
                password = self._config.password_file.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise HomeserverError(
                    f"the world server's password cannot be read: {self._config.password_file}"
                ) from error
            self._client = MatrixClient(
                self._config.homeserver_url,
                self._config.user_id,
                device_id=self._config.device_id,
                token=self._store.get("access_token"),
                password=password,
                device_name="Roomscale world server",
                on_token=lambda token: self._store.put(access_token=token),
            )
        return self._client
