"""What one crafted file is, and what the lists beside share."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.scenes.crafted import Json

BOMB = zlib.compress(bytes(50_000_000))
"""50 MB of zeros in 50 kB."""


@dataclass(frozen=True)
class Case:
    """A crafted file. `code`: of the error that is expected first or among others, None if it is accepted."""

    name: str
    code: str | None
    make: Callable[[], bytes]


def without_none(item: Json) -> Json:
    """The object without the fields that are None, as a case says that there shall be none."""
    return {key: value for key, value in item.items() if value is not None}
