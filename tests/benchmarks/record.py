"""Writes what benchmarks saw into docs/benchmarks.md: a section each, between two comments that name it.

Rule: what stands between the comments is written by a run and by nobody else; it says when, on what machine, and by
which command.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"


class NoSection(Exception):
    """The document has no place for this."""


def record(section: str, command: str, body: str, document: Path = DOCUMENT) -> None:
    """Replace a section's content by `body`, with the date, the machine and the command before it. Raises NoSection."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    text = document.read_text("utf-8")
    place = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
    if len(place.findall(text)) != 1:
        raise NoSection(f"{document} does not have {begin} and {end} once")
    head = f"Seen on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {machine()}, by `{command}`:"
    document.write_text(place.sub(lambda _: f"{begin}\n{head}\n\n{body.strip()}\n{end}", text), "utf-8")


def machine() -> str:
    """This machine in half a line."""
    return f"{os.cpu_count()} cores ({_processor()}), {platform.system()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    return found[1] if found else platform.machine()
