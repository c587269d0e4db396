"""In what order everything runs, and how hypothesis goes about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

# No test is about time: hypothesis's 200 ms for an example is what a busy machine takes for any.
settings.register_profile("roomscale", deadline=None)
settings.load_profile("roomscale")


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test takes from the user's cache folder, nor leaves anything in it; the commands that tests start neither."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROOMSCALE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from the first of them on, Playwright's event loop runs in this thread for good."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
