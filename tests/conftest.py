"""In what order everything runs, and how hypothesis goes about it."""

from __future__ import annotations

import pytest
from hypothesis import settings

# No test is about time: hypothesis's 200 ms for an example is what a busy machine takes for any.
settings.register_profile("roomscale", deadline=None)
settings.load_profile("roomscale")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from the first of them on, Playwright's event loop runs in this thread for good."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
