"""Figures of a scene as reports print them.

Its one rule: for people, in units that they compare at a glance; scripts take `--json`.
"""

from __future__ import annotations

COLUMNS = 80
"""Of a report."""


def amount(field: str, value: int | None) -> str:
    """A cost or a limit as people read it."""
    if value is None:
        return "–"
    if field.endswith("_bytes"):
        return size(value)
    return f"{value:,}{' px' if field == 'largest_edge' else ''}"


def size(count: int) -> str:
    """Bytes as people read them, in powers of a thousand, as `world.toml` has them."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            number = count / scale
            return f"{number:.0f} {unit}" if number >= 100 or number == int(number) else f"{number:.1f} {unit}"
    return f"{count} B"
