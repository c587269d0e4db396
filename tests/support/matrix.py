"""A plain matrix-nio client and the host's own account, for tests that look at a house from the Matrix side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import nio

from roomscale.cli.config import House as HouseFile
from roomscale.cli.publishing import host_client
from roomscale.worlds.matrix import MatrixClient
from tests.support.house import House

T = TypeVar("T")


def as_host(house: House, work: Callable[[MatrixClient], Coroutine[Any, Any, T]]) -> T:
    """Run `work` with the client of the account that owns the sample worlds."""

    async def run() -> T:
        async with host_client(HouseFile.read(house.data / "run" / "house.json")) as client:
            return await work(client)

    return apart(run)


def with_nio(house: House, work: Callable[[nio.AsyncClient], Awaitable[T]]) -> T:
    """Run `work` with matrix-nio as anybody uses it: a guest of the house's homeserver, through the gate."""

    async def run() -> T:
        async with await MatrixClient.guest(house.url) as guest:
            client = nio.AsyncClient(house.url, guest.user_id)
            client.restore_login(guest.user_id, guest.device_id, guest.token or "")
            try:
                return await work(client)
            finally:
                await client.close()

    return apart(run)


def apart(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end in a thread of its own: Playwright's synchronous interface occupies this thread's loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(run())).result()
