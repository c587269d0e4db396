"""What the gate's parts need of the node and of the homeserver, as protocols. Its one rule: no behaviour lives here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from roomscale.worlds.gate.sessions import Session


class OfferRefused(Exception):
    """The node does not take an offer: `code` is `full`, `busy` or `bad_offer`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What the node answers an offer with."""

    sdp: str
    key: str
    """Lets the session come by WebSocket instead, once and soon."""


class Node(Protocol):
    """The netcode node. Every method raises `roomscale.netcode.errors.NodeAway` when it is not there."""

    async def offer(self, session: Session, sdp: str) -> Answer:
        """The node's answer. Raises OfferRefused."""

    async def eject(self, key: str, code: int, reason: str) -> None:
        """End a session; one that does not exist is no error."""

    async def notice(self, room_id: str | None, code: int, text: str) -> None:
        """Tell a world, or everybody."""

    async def update(self, session: Session) -> None:
        """Give a session the name and role that it has by now, and mute it or not."""

    async def sessions(self) -> Sequence[Session]:
        """What the node holds."""


class Homeserver(Protocol):
    """The homeserver, in the world server's name. Every method raises `HomeserverError`."""

    async def member(self, room_id: str, user_id: str) -> dict[str, Any] | None:
        """The raw `m.room.member` event; None when there is none, or the room is not ours to see."""

    async def full_state(self, room_id: str) -> list[Any]:
        """The raw state of a room."""

    async def to_device(self, user_id: str, device_id: str, event_type: str, content: dict[str, Any]) -> None:
        """Send one to-device message."""
