"""In what order everything runs."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: from the first of them on, Playwright's event loop runs in this thread for good."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
