"""What the command's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.assets import samples


@pytest.fixture(scope="session")
def plaza() -> Path:
    """The Plaza's .glb."""
    return next(world.path for world in samples.worlds() if world.key == "plaza")
