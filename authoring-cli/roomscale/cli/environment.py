"""What the environment says to every command.

Its one rule: no other module of the command reads the environment (where caches are is `scenes.cachefolder`'s, which
the library needs without a command). Every command starts with this one, so it is light to import.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from roomscale.cli.errors import UsageError


def debugging() -> bool:
    """Whether stack traces are wanted (`ROOMSCALE_DEBUG=1`)."""
    return os.environ.get("ROOMSCALE_DEBUG", "") not in ("", "0")


def wants_terminal(stream: TextIO) -> bool:
    """Whether to write as to a terminal: to one, or where rich's own variables say so (https://force-color.org)."""
    forced = any(os.environ.get(name, "") not in ("", "0") for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))
    return forced or stream.isatty()


def publishing_token(file: Path | None) -> str:
    """The access token to publish with: from `file`, else `ROOMSCALE_TOKEN`. Raises UsageError.

    There is no option that takes the token itself: the machine's process list would show it.
    """
    if file is None:
        token = os.environ.get("ROOMSCALE_TOKEN", "").strip()
        if not token:
            raise UsageError("publishing to a homeserver needs --token-file, or ROOMSCALE_TOKEN in the environment")
        return token
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"the token file {file} cannot be read ({error})") from error


def default_data() -> Path:
    """Where a house lives when `--data` does not say: `$XDG_DATA_HOME/roomscale`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "roomscale"
