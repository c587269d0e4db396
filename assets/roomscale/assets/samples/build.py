"""Builds everything in `data/` anew: `python -m roomscale.assets.samples.build`.

Takes about half a minute. The thumbnails are renders (see assets/README.md) and stay as they are. Its one rule: the
same sources give the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from roomscale.assets import samples
from roomscale.assets.samples import gallery, plaza, world
from roomscale.assets.samples.figures import vrm, wardrobe


def files() -> dict[str, Callable[[], bytes]]:
    """Path under `data/` → what makes its bytes."""
    made: dict[str, Callable[[], bytes]] = {
        "plaza.glb": lambda: world.to_glb(plaza.make()),
        "gallery.glb": lambda: world.to_glb(gallery.make()),
        "avatars/index.json": _index,
    }
    for person in wardrobe.PEOPLE:
        made[f"avatars/{person.id}.glb"] = partial(vrm.to_glb, person)
    return made


def _index() -> bytes:
    entries = [{"id": a.id, "name": a.name, "url": f"/avatars/{a.id}.glb"} for a in samples.avatars()]
    return (json.dumps(entries, indent=2) + "\n").encode()


def main(wanted: list[str], data: Path = samples.DATA) -> None:
    """Writes the named files, or all."""
    for name, make in files().items():
        if wanted and not any(part in name for part in wanted):
            continue
        content = make()
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sys.stdout.write(f"{name}: {len(content):,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
