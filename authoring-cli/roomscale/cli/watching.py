"""`roomscale up --watch`: when a creator saves, the world that runs here shows it.

The files are looked at a few times a second: that costs nothing for the handful that make a scene, works on network
folders and in containers, where notifications of the file system do not arrive, and needs no library.
Its one rule: a save is taken up once it has settled, and one that cannot be shown leaves the world as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from roomscale.assets.errors import AssetError
from roomscale.cli.config import House
from roomscale.cli.errors import CommandError
from roomscale.cli.output import Output
from roomscale.cli.publishing import ReadyScene, host_client, prepare_scene, publish_as_host
from roomscale.scenes.khronos import Validator, ValidatorLimits
from roomscale.worlds.errors import WorldError

POLL_S = 0.25
"""How often the files are looked at. A save is seen when two looks in a row agree, so after half a second at most."""

WATCHED = ValidatorLimits(file_bytes=10_000_000)
"""What Khronos's validator is asked of while somebody waits for a save: its process, kept, takes 0.05 s for a megabyte.
A larger scene was judged by it when the house opened, and is by `check`, `pack` and `publish`."""

Signature = tuple[tuple[int, int, int] | None, ...]
"""Of each file: time of change in ns, bytes, inode; None for one that is not there."""


class Settled:
    """Tells when something has changed and stands still again: exporters write for a second or more."""

    def __init__(self, now: Signature) -> None:
        self._taken = self._seen = now

    def look(self, now: Signature) -> bool:
        """Whether `now` is news that was the same at the last look."""
        is_still, self._seen = now == self._seen, now
        if not is_still or now == self._taken:
            return False
        self._taken = now
        return True


def signature(files: Iterable[Path]) -> Signature:
    """What tells one state of the files from another, without reading them."""
    return tuple(_of_file(file) for file in sorted(files))


def _of_file(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


async def watch_scene(
    house: House, path: Path, world_file: Path | None, shown: ReadyScene, output: Output, *, fixes: bool = False
) -> None:
    """Publish the scene again each time one of its files has changed, until cancelled. `fixes`: as `prepare_scene`."""
    output.note(f"watching {path.name}: save it, and whoever is inside sees it")
    async with host_client(house) as client, AsyncExitStack() as stack:
        validator = stack.enter_context(Validator(WATCHED))
        settled = Settled(signature(shown.files))
        while True:
            await asyncio.sleep(POLL_S)
            if not settled.look(signature(shown.files)):
                continue
            try:
                ready = await asyncio.to_thread(
                    prepare_scene, path, output, world_file, fixes=fixes, validator=validator
                )
                if ready.shows_what(shown):
                    output.note("nothing has changed in the world")
                else:
                    await publish_as_host(client, house, ready, output)
            except (CommandError, WorldError, AssetError) as error:
                output.error(f"{error} - the world stays as it was; save again when it is mended")
                continue
            if ready.files != shown.files:
                settled = Settled(signature(ready.files))
            shown = ready
