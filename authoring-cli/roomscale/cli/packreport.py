"""What `roomscale pack` prints when it is done: a table that fits 80 columns.

Its one rule: numbers in units that a person compares at a glance; scripts take `--json`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from roomscale.cli.sizes import shown_size
from roomscale.scenes.pack_report import PackReport

COLUMNS = 80
SHOWN_NOTES = 8
_WIDTH = 28  # of the first column: the longest step's name, and room to breathe


def lines(report: PackReport) -> Iterator[str]:
    """The lines of the table."""
    yield f"{'step':<{_WIDTH}}{'bytes':>10}{'of the source':>16}"
    for step in report.steps:
        yield _line(step.name, step.bytes, report.source)
    if report.downloads:
        yield ""
        yield f"{'download':<{_WIDTH}}{'bytes':>10}{'of the source':>16}"
        yield _line("first sight (entry)", report.entry, report.source)
        for device, size in report.downloads.items():
            yield _line(f"everything, {device}", size, report.source)
    if report.parts:
        yield ""
        yield f"{'parts':<{_WIDTH}}{'bytes':>10}{'files':>16}"
        for line in report.parts:
            yield f"{f'{line.kind}, level {line.level}':<{_WIDTH}}{shown_size(line.bytes):>10}{line.count:>16,}"
    yield ""
    yield f"kept: all {report.nodes:,} nodes and their names"
    before, after = report.draws
    yield f"draws: {before:,} in the source, {after:,} now" if before != after else f"draws: {before:,}"
    if report.kept:
        yield "kept, though other optimisers drop them:"
        for name, count in report.kept.items():
            yield f"  {name} × {count:,}"
    for note in report.notes[:SHOWN_NOTES]:
        yield from textwrap.wrap(f"note: {note}", COLUMNS, subsequent_indent="      ")
    if len(report.notes) > SHOWN_NOTES:
        yield f"note: and {len(report.notes) - SHOWN_NOTES:,} more of this kind (--json lists them)"


def _line(name: str, size: int, source: int) -> str:
    share = f"{100 * size / source:.1f} %" if source else ""
    return f"{name:<{_WIDTH}}{shown_size(size):>10}{share:>16}"
