"""What a manifest comes to: its parts added up, and what devices download.

Rule: told from the manifest alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from roomscale.scenes.package.levels import DEVICES, download_bytes
from roomscale.scenes.package.manifest import Manifest


@dataclass(frozen=True, slots=True)
class PartsLine:
    """The parts of one kind and level: how many, how many bytes."""

    kind: str
    level: int
    count: int
    bytes: int


def parts_lines(manifest: Manifest) -> tuple[PartsLine, ...]:
    """The manifest's parts, added up."""
    counts: Counter[tuple[str, int]] = Counter()
    sizes: Counter[tuple[str, int]] = Counter()
    for part in manifest.parts:
        counts[part.kind, part.level] += 1
        sizes[part.kind, part.level] += part.bytes
    return tuple(PartsLine(kind, level, counts[kind, level], sizes[kind, level]) for kind, level in sorted(counts))


def downloads(manifest: Manifest) -> dict[str, int]:
    """Device → bytes that it downloads."""
    return {device: download_bytes(manifest, level) for device, level in DEVICES.items()}
