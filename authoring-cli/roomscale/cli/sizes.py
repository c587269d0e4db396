"""Sizes of files, as people write and read them: `50M`, `1.2 MB`.

Its one rule: k, M and G are thousands, the strictest reading of a homeserver's limit; Ki, Mi and Gi are 1,024s.
"""

from __future__ import annotations

import re

from roomscale.cli.errors import UsageError

_SIZE = re.compile(r"(?i)\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kmg]?)(i?)b?\s*")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}


def parse_size(text: str) -> int:
    """Bytes of `50M`, `1.5 GB`, `512KiB` or a plain number. Raises UsageError for all else, and for nothing."""
    match = _SIZE.fullmatch(text)
    if match is None or (match[3] and not match[2]):
        raise UsageError(f"{text!r} is no size; write it like 50M, 1.5G or 512Ki")
    size = int(float(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()])
    if size < 1:
        raise UsageError(f"{text!r} is less than a byte")
    return size


def shown_size(size: int) -> str:
    """Bytes for people: `312 B`, `4.5 kB`, `1.2 MB`."""
    if size < 1000:
        return f"{size} B"
    value, unit = size / 1000, "kB"
    for larger in ("MB", "GB"):
        if value < 999.95:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}"
