"""One real homeserver for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.homeserver import RunningHomeserver, running_homeserver


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHomeserver]:
    """A homeserver named `localhost` on a free port, with its rate limits out of the way."""
    with running_homeserver(tmp_path_factory.mktemp("synapse")) as homeserver:
        yield homeserver
