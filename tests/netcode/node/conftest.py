"""One node for all tests of a file and transport: a process for each test would cost more than what is tested.

Rule: what a test leaves behind is gone before the next; a test that needs a node of other settings, or that ends it,
starts one of its own by `houses`. All of a file runs on one event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from tests.netcode.conftest import House

Houses: TypeAlias = Callable[..., Awaitable[House]]


@pytest.fixture(scope="module")
def transport() -> str:
    """Which transport the nodes of a file have; a file may say otherwise."""
    return "lean"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, transport: str) -> AsyncIterator[House]:
    """The file's node; whatever was done to it, it logged no mistake and ended as told."""
    house = House(tmp_path_factory.mktemp("node") / "node.sock", {"transport": transport})
    try:
        await house.start()
        yield house
        code, logged = await house.end()
        assert (code, "Traceback" in logged) == (0, False), logged
    finally:
        await house.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def house(node: House) -> AsyncIterator[House]:
    """The file's node, with nobody on it."""
    yield node
    await node.clear()


@pytest_asyncio.fixture(loop_scope="module")
async def houses(tmp_path: Path, transport: str) -> AsyncIterator[Houses]:
    """Starts nodes with settings of `NodeConfig`."""
    started: list[House] = []

    async def start(**settings: Any) -> House:
        house = House(tmp_path / f"{len(started)}.sock", {"transport": transport, **settings})
        started.append(house)
        await house.start()
        return house

    yield start
    for house in started:
        await house.stop()
