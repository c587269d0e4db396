"""uvicorn's WebSocket, with the bounds that it leaves to others.

The one rule: this file alone holds uvicorn by its WebSocket protocol, and a change here only ever refuses. Four things:
what it answers by itself (pongs) is bounded when its peer does not read; what it queues while its application is busy
is bounded; a connection that is over ends, whether or not its peer reads; and it logs nothing of its own (it would
write addresses and queries). Tested by `tests/worlds/gate/test_websocket.py`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from roomscale.netcode.node.framing import MAX_MESSAGE

PING_S = 20.0
"""Seconds between our pings, and what each may take to be answered."""
OPTIONS: dict[str, Any] = {
    "ws_max_size": MAX_MESSAGE,
    "ws_per_message_deflate": False,
    "ws_ping_interval": PING_S,
    "ws_ping_timeout": PING_S,
}
"""What `uvicorn.Config` is told of it."""
CLOSE_S = 2.0
"""Seconds that a visitor may take to answer our closing."""
_BUFFER = 16_384
"""Bytes that wait for a visitor before we stop reading what is for them."""
_KERNEL = 65_536
"""Bytes that the kernel may hold for a visitor: two seconds of a full world, not the megabytes it would take."""
_MOST_UNREAD = 65_536
"""Bytes that wait for a visitor who still makes us write: cut."""
_MOST_QUEUED = 512
"""Messages of a visitor that may wait for us: ten seconds of a client whose network held them back."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket of the gate."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = logging.getLogger(f"{__name__}.uvicorn")
        self.logger.setLevel(logging.ERROR)
        self.close_timeout = CLOSE_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_BUFFER)
        if (own := transport.get_extra_info("socket")) is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL)

    async def run_asgi(self) -> None:
        """Run the application, and see to it that the connection ends soon after it: its peer may never read."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(CLOSE_S, self.transport.abort)

    def handle_ping(self) -> None:
        """Answer a ping, unless the answers pile up."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > _MOST_UNREAD:
            self.transport.abort()

    def send_receive_event_to_app(self) -> None:
        """Queue a message, unless they pile up."""
        if self.queue.qsize() >= _MOST_QUEUED:
            self.transport.abort()
        elif not self.transport.is_closing():
            super().send_receive_event_to_app()
