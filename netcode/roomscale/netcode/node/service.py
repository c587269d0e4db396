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
from collections.abc import Coroutine
from typing import Any

from roomscale.netcode.node.config import NodeConfig
from roomscale.netcode.node.node import Node

log = logging.getLogger(__name__)


async def serve(config: NodeConfig) -> None:
    """Run a node until it is told to end. Raises NetcodeError when it cannot start, or cannot go on."""
    loop = asyncio.get_running_loop()
    _quieten(loop)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in this thread, or not on this system
            loop.add_signal_handler(number, ended.set)
    if config.leash:
        _watch_stdin(loop, ended)
    node = Node(config)
    try:
        await node.start()
        log.info("the netcode node is ready at %s", config.seam_path)
        await _first(ended.wait(), node.failed())
    finally:
        await node.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.remove_signal_handler(number)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of these, and raise what it raises."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


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
