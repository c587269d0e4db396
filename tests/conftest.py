"""In what order everything runs, what runs beside what, and how hypothesis goes about it.

Rule: every file runs as well by itself, in any order and beside any other, as in this one. `pytest -n 2` runs two at a
time (see docs/decisions/0023-two-tests-at-a-time.md); plain `pytest` runs one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# No test is about time: hypothesis's 200 ms for an example is what a busy machine takes for any.
settings.register_profile("roomscale", deadline=None)
settings.load_profile("roomscale")

TOGETHER = ("tests/browser/", "tests/worlds/")
"""Folders that share something costly: a house and a browser, a homeserver. Each is one piece of work."""
FIRST = (*TOGETHER, "tests/cli/", "tests/netcode/")
"""What takes long, for it starts programs and waits for them; small pieces come last, so that both end together."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Hands out the tests file by file, but for those `TOGETHER`, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test takes from the user's cache folder, nor leaves anything in it; the commands that tests start neither."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROOMSCALE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((n for n, folder in enumerate(FIRST) if item.nodeid.startswith(folder)), len(FIRST))

    items.sort(key=place)
