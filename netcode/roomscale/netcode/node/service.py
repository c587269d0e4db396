"""Runs one node as a process: until SIGTERM, SIGINT, or the end of standard input.

Rule: it ends by itself when nobody holds it any more, and never with a stack trace.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from typing import Any

from roomscale.netcode.node.config import NodeConfig
from roomscale.netcode.node.node import Node

log = logging.getLogger(__name__)


async def serve(config: NodeConfig) -> None:
    """Run a node until it is told to end. Raises NetcodeError when it cannot start."""
    loop = asyncio.get_running_loop()
    _quieten(loop)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in this thread, or not on this system
            loop.add_signal_handler(number, ended.set)
    if config.leash:
        _watch_stdin(loop, ended)
    node = Node(config)
    await node.start()
    log.info("the netcode node is ready at %s", config.seam_path)
    try:
        await ended.wait()
    finally:
        await node.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)


def _quieten(loop: asyncio.AbstractEventLoop) -> None:
    """What hostile packets make aiortc's tasks raise ends their session; it is one line in the log, not a trace."""

    def handler(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        log.warning("%s: %r", context.get("message"), context.get("exception"))

    loop.set_exception_handler(handler)
    logging.getLogger("aiortc").setLevel(logging.ERROR)
    logging.getLogger("aioice").setLevel(logging.ERROR)


def _watch_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    def wait() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(sys.stdin.fileno(), 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="leash", daemon=True).start()
