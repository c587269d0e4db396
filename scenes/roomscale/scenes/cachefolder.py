"""Where what may be lost at any time is kept between runs: machine code of WebAssembly, encoded images.

Rule: one folder for all of it, the user's own, as each platform has one; nobody else says where it is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

OVERRIDE = "ROOMSCALE_CACHE"
"""Of the environment: the folder itself, such as one that a CI service keeps from run to run."""


def cache_folder() -> Path | None:
    """The folder; it need not be there. None where there is no home, or only a relative path to it."""
    if told := os.environ.get(OVERRIDE):
        return _absolute(Path(told).expanduser())
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return _absolute(Path(base) / "roomscale" / "cache") if base else None
    # What is relative is to be ignored (XDG Base Directory Specification 0.8); on macOS too, who sets it means it.
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "roomscale"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return _absolute(home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "roomscale")


def _absolute(path: Path) -> Path | None:
    return path if path.is_absolute() else None
