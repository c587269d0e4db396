"""Budgets as a creator writes them in `world.toml`: `[budgets.mobile]`, `entry = "3 MB"`, `triangles = 50_000`.

Rule: a table changes only what it names; what nobody knows is an error with the nearest known word, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from roomscale.scenes.budgets import PROFILES, Budget
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Finding, Findings

WORDS = {
    "entry": "entry_bytes",
    "all": "file_bytes",
    "triangles": "triangles",
    "draws": "draws",
    "textures": "texture_bytes",
    "texture-size": "largest_edge",
    "lights": "lights",
    "materials": "materials",
    "bones": "bones",
}
"""Word in the table → field of `Budget`."""
BYTE_WORDS = frozenset({"entry", "all", "textures"})
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(B|kB|KB|MB|GB)?")
_UNITS = {None: 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_MOST = 1 << 50


def budgets_from(table: Mapping[str, Any], file: str = "world.toml") -> tuple[dict[str, Budget], list[Finding]]:
    """The profiles with what `table` (the section `budgets`) says changed, and errors for what it says wrongly.

    A profile of another name is a new one that bounds only what it names.
    """
    findings, budgets = Findings(), dict(PROFILES)
    for profile, wanted in table.items():
        where = f"{printable(file)}: budgets.{printable(profile)}"
        if not isinstance(wanted, Mapping):
            findings.error("WORLD_FILE_VALUE", "", f"{where} must be a table", hint=f"[budgets.{printable(profile)}]")
            continue
        changes: dict[str, int] = {}
        for key, value in wanted.items():
            word = key.replace("_", "-").lower()
            if word not in WORDS:
                near = get_close_matches(word, WORDS, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(WORDS)}"
                findings.error("WORLD_FILE_KEY", "", f"{where}: there is no {printable(key)}", hint=hint)
            elif (number := _number(value, is_bytes=word in BYTE_WORDS)) is None:
                example = '"3 MB"' if word in BYTE_WORDS else "100"
                findings.error(
                    "WORLD_FILE_VALUE",
                    "",
                    f"{where}.{word} cannot be {printable(repr(value), 40)}",
                    hint=f"such as {example}",
                )
            else:
                changes[WORDS[word]] = number
        budgets[profile] = replace(budgets.get(profile, Budget()), **changes)
    return budgets, findings.listed()


def _number(value: Any, *, is_bytes: bool) -> int | None:
    """A count, or bytes (`3_000_000`, `"3 MB"`); None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < _MOST else None
    size = _SIZE.fullmatch(value.strip()) if is_bytes and isinstance(value, str) else None
    return int(float(size[1]) * _UNITS[size[2]]) if size else None
