"""The levels of a package: what each means, and which parts somebody at a level downloads, in which order.

Rule: a level is a number that a client picks by its device; nothing here looks at a scene.
Follows PACKAGE.md, "Levels" and "Which parts a client takes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from roomscale.scenes.package.manifest import Manifest, Part

ENTRY, PHONE, DESKTOP = 0, 1, 2
"""The levels that `pack` makes. A reader takes any from 1 to `manifest.MOST_LEVEL`."""
EDGES: Mapping[int, int] = MappingProxyType({ENTRY: 256, PHONE: 1024, DESKTOP: 2048})
"""Level → pixels of an image's longest edge. 69 textures at 1,024 take 385 MB on a GPU: phones stop there."""
DEVICES: Mapping[str, int] = MappingProxyType({"phone": PHONE, "desktop": DESKTOP})
"""What a report calls the levels."""
_PHONES = frozenset({"mobile"})
"""Profiles of budgets whose devices stop at what phones download."""


def level_for(profile: str) -> int:
    """The level that a visitor with a device of this profile (`budgets.PROFILES`, or a creator's own) downloads."""
    return PHONE if profile in _PHONES else DESKTOP


def chosen(manifest: Manifest, level: int) -> list[Part]:
    """The parts to download for `level`, the most urgent first.

    Of the parts that replace the same thing the one with the highest level not above `level` counts; a part that
    counts for nothing is not downloaded.
    """
    best = _best(manifest.parts, level)
    wanted = {id(part) for part in best.values()}
    return sorted((part for part in manifest.parts if id(part) in wanted), key=lambda part: part.priority)


def replacements(manifest: Manifest, level: int) -> dict[str, Part]:
    """Pointer into the entry → the part that replaces what is there, at `level`."""
    return _best(manifest.parts, level)


def download_bytes(manifest: Manifest, level: int) -> int:
    """Bytes of the entry and of all that `chosen` names; a file that two parts name is downloaded once."""
    files = {part.sha256: part.bytes for part in chosen(manifest, level)}
    files[manifest.entry.sha256] = manifest.entry.bytes
    return sum(files.values())


def _best(parts: Iterable[Part], level: int) -> dict[str, Part]:
    best: dict[str, Part] = {}
    for part in parts:
        if part.level > level:
            continue
        for target in part.targets:
            if target not in best or best[target].level < part.level:
                best[target] = part
    return best
