"""Parts as they are made: a row of the manifest, and the bytes that it speaks of.

Rule: what is equal is one part, however many things it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from roomscale.scenes.package.manifest import ENTRY_TYPE, Part
from roomscale.scenes.package.write import file_ref


@dataclass(frozen=True)
class MadePart:
    """A part's row of the manifest, without its priority yet, and its bytes."""

    row: Part
    data: bytes | memoryview


def made(
    data: bytes | memoryview, media_type: str, level: int, targets: Sequence[str], size: Sequence[int]
) -> MadePart:
    """A part from its bytes."""
    ref = file_ref(data)
    return MadePart(Part(ref.sha256, ref.bytes, media_type, level, tuple(targets), tuple(size)), data)


def merged(parts: Iterable[MadePart]) -> list[MadePart]:
    """Parts, with those of one content and level as one that names all that they name."""
    result: dict[tuple[str, int, str, str], MadePart] = {}
    for part in parts:
        key = (part.row.sha256, part.row.level, part.row.type, part.row.kind)
        known = result.get(key)
        if known is None or part.row.type == ENTRY_TYPE:  # what a .glb's targets stand for is their order
            result[key] = part
        else:
            row = replace(known.row, targets=known.row.targets + part.row.targets)
            result[key] = MadePart(row, known.data)
    return list(result.values())
