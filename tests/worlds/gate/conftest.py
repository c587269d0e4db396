"""One gate and node for all tests of a file that need no other settings: each has rooms and people of its own.

Rule: a test that is given `built` says so in its file's `pytestmark`: all of the file runs on one event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.homeserver import RunningHomeserver
from tests.worlds.gate.harness import House, house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def built(synapse: RunningHomeserver, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house around the session's homeserver. It may be stopped, if it is started again."""
    async with house(synapse, tmp_path_factory.mktemp("house")) as built:
        yield built
