"""The gate's use of the seam: sessions out, pushes in.

The one rule: what comes from the node is turned into the gate's own terms here, and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from roomscale.netcode.errors import NodeAway, SeamError
from roomscale.netcode.node import seam
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.worlds.gate.ports import Answer, OfferRefused
from roomscale.worlds.gate.sessions import Session

log = logging.getLogger(__name__)

T = TypeVar("T")

OFFER_TIMEOUT_S = 8.0
"""A node that needs longer for an answer is of no use to the caller any more."""


class NodeLink:
    """`ports.Node` over a `SeamClient`. `on_up`: the node is (again) there; `on_closed`: it ended a session."""

    def __init__(self, path: Path, on_up: Callable[[], None], on_closed: Callable[[str], None]) -> None:
        self._on_closed = on_closed
        self._client = SeamClient(path, on_push=self._pushed, on_up=on_up, on_down=self._down, timeout=OFFER_TIMEOUT_S)
        self.opened = 0
        """Sessions that became participants since the start."""

    @property
    def up(self) -> bool:
        """Whether the node is connected now."""
        return self._client.up

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._client.start()

    async def close(self) -> None:
        """End; what is under way raises NodeAway."""
        await self._client.close()

    async def offer(self, session: Session, sdp: str) -> Answer:
        """The node's answer. Raises OfferRefused, NodeAway."""
        s = session
        offer = seam.Offer(s.key, s.room_id, s.user_id, s.name, s.role, s.muted, sdp)
        reply = await _mended(self._client.offer(offer))
        if isinstance(reply, seam.Refused):
            raise OfferRefused(reply.code, reply.reason)
        return Answer(reply.sdp, reply.key)

    async def eject(self, key: str, code: int, reason: str) -> None:
        """End a session; one that does not exist is no error. Raises NodeAway."""
        await _mended(self._client.eject(key, code, reason))

    async def notice(self, room_id: str | None, code: int, text: str) -> None:
        """Tell a world, or everybody. Raises NodeAway."""
        await _mended(self._client.notice(room_id, code, text))

    async def update(self, session: Session) -> None:
        """Give a session the name and role that it has by now, and mute it or not. Raises NodeAway."""
        await _mended(self._client.rename(session.key, session.name))
        await _mended(self._client.set_role(session.key, session.role))
        await _mended(self._client.mute(session.key, muted=session.muted))

    async def sessions(self) -> Sequence[Session]:
        """What the node holds. Raises NodeAway."""
        return [
            Session(s.session, s.user_id, s.world, s.name, s.role, s.role == 0, s.muted, inside=True)
            for s in await _mended(self._client.sessions())
        ]

    def _pushed(self, push: seam.Push) -> None:
        if isinstance(push, seam.Opened):
            self.opened += 1
        else:
            log.info("session %s ended: %s", push.session[:8], push.reason)
            self._on_closed(push.session)

    def _down(self) -> None:
        log.warning("the node is away")


async def _mended(request: Awaitable[T]) -> T:
    """A request whose every failure is NodeAway: a node that breaks the seam's rules is of no more use than none."""
    try:
        return await request
    except SeamError as error:
        raise NodeAway(f"the node failed: {error}") from error
