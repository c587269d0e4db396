"""How the verdicts of `roomscale check` look: on a terminal, 80 columns wide, and as JSON.

Its one rule: pure, from `Checked` to text; findings of one code are one entry, for a scene with 50 bad vectors has one
problem.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from pathlib import Path

from roomscale.cli.checking import Checked, Measured, Verdict
from roomscale.cli.figures import COLUMNS, amount
from roomscale.cli.output import Styled
from roomscale.scenes.advice import advice_on
from roomscale.scenes.budgets import Budget, Costs, exceeds
from roomscale.scenes.findings import Finding, Severity

JSON_VERSION = 1
"""Of what `--json` prints; keys are only ever added, else this grows."""
INDENT = " " * 10
SHOWN_PLACES = 3
STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
NAMES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
VERDICT_STYLES = {Verdict.ACCEPTED: "green", Verdict.REJECTED: "bold red", Verdict.UNREADABLE: "bold red"}
ROWS = {
    "entry_bytes": "entry",
    "file_bytes": "all",
    "triangles": "triangles",
    "draws": "draws",
    "texture_bytes": "textures, GPU",
    "largest_edge": "largest image",
    "lights": "lights",
    "materials": "materials",
    "bones": "bones",
}
"""Field of `Budget` → how its row is called, in this order."""


def summary(checked: Checked) -> Styled:
    """One line for a file: its verdict, its name, how much there is to say."""
    parts: Styled = [(f"{checked.verdict:<10} ", VERDICT_STYLES[checked.verdict]), (str(checked.path), "bold")]
    if checked.verdict is Verdict.UNREADABLE:
        return [*parts, (f"  {checked.findings[0].message}", "")]
    counts = [(checked.count(severity), NAMES[severity]) for severity in (Severity.ERROR, Severity.WARNING)]
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in counts if count)
    if told:
        parts.append((f"  {told}", ""))
    if checked.mended:
        parts.append((f"  {len(checked.mended)} mended", ""))
    return parts


def details(checked: Checked, *, shows_notes: bool) -> Iterator[Styled]:
    """All lines about one file: findings, what was mended, costs beside budgets."""
    if checked.verdict is Verdict.UNREADABLE:
        return
    shown = [finding for finding in checked.findings if shows_notes or finding.severity is not Severity.INFO]
    for _, group in groupby(
        sorted(shown, key=lambda it: (it.severity, it.code)), key=lambda it: (it.severity, it.code)
    ):
        yield []
        yield from _entry(list(group))
    if (hidden := len(checked.findings) - len(shown)) > 0:
        yield []
        yield [(f"  {hidden} more {'notes' if hidden != 1 else 'note'}; --all shows them", "dim")]
    yield from _mended(checked)
    for measured in checked.measured:
        if measured.budgets:
            yield []
            yield from _table(measured)
    if any(costs_unknown(measured) for measured in checked.measured):
        yield [("  entry: what must be there before anything is seen; known once it is packed:", "dim")]
        yield [("  roomscale pack FILE -o DIR, then roomscale check DIR", "dim")]


def _entry(group: Sequence[Finding]) -> Iterator[Styled]:
    first, advice = group[0], advice_on(group[0])
    yield [(f"  {NAMES[first.severity]:<8}", STYLES[first.severity]), (first.code, "bold")]
    for finding in group[:SHOWN_PLACES]:
        if finding.pointer:
            yield [(f"{INDENT}at {finding.pointer}", "dim")]
        yield from _wrapped(finding.message)
    if len(group) > SHOWN_PLACES:
        yield [(f"{INDENT}… and at {len(group) - SHOWN_PLACES:,} more places (--json lists them)", "dim")]
    yield from _wrapped(advice.meaning, "meaning: ")
    yield from _wrapped(advice.mend, "mend: ")
    if advice.blender:
        yield from _wrapped(advice.blender, "Blender: ")


def _wrapped(text: str, label: str = "") -> Iterator[Styled]:
    """A paragraph, its label coloured, its other lines indented a little more."""
    indent = INDENT + "  " * bool(label)
    lines = textwrap.wrap(label + text, COLUMNS, initial_indent=INDENT, subsequent_indent=indent)
    for number, line in enumerate(lines):
        start = len(INDENT) + len(label) if number == 0 and label else 0
        yield [(line[:start], "cyan"), (line[start:], "")]


def _mended(checked: Checked) -> Iterator[Styled]:
    if checked.mended:
        yield []
        for code, group in groupby(sorted(checked.mended, key=lambda it: it.code), key=lambda it: it.code):
            notes = list(group)
            more = f" (and {len(notes) - 1:,} more)" if len(notes) > 1 else ""
            yield [("  mended  ", "green"), (code, "bold")]
            yield [(f"{INDENT}at {notes[0].pointer}", "dim")]
            yield from _wrapped(notes[0].message + more)
        if checked.written is not None:
            yield [(f"  written to {checked.written}", "green")]
        else:
            yield [("  not written: errors remain that only you can mend", "yellow")]
    elif any(finding.mendable for finding in checked.findings):
        count = sum(finding.mendable for finding in checked.findings)
        yield []
        yield [(f"  --fix mends {count} of these without a choice", "green")]


def costs_unknown(measured: Measured) -> bool:
    """Whether a budget bounds the entry of what has none yet."""
    bounded = any(budget.entry_bytes is not None for budget in measured.budgets.values())
    return measured.costs.entry_bytes is None and bounded


def _table(measured: Measured) -> Iterator[Styled]:
    """Costs in rows, the limits of each profile in columns; what exceeds one is marked."""
    costs, names = measured.costs, list(measured.budgets)
    yield [(f"  {'':<14}{measured.title:>12}" + "".join(f"{name[:11]:>13}" for name in names), "dim")]
    for field, title in ROWS.items():
        limits = [getattr(budget, field) for budget in measured.budgets.values()]
        if all(limit is None for limit in limits):
            continue
        actual = getattr(costs, field)
        row: Styled = [(f"  {title:<14}{amount(field, actual):>12}", "")]
        for limit in limits:
            over = exceeds(actual, limit)
            text = f"{'over ' if over else ''}{amount(field, limit)}"
            row.append((f"{text:>13}", "red" if over else "green"))
        yield row


def as_json(all_checked: Sequence[Checked]) -> str:
    """Everything, for scripts; the form is in `authoring-cli/README.md`."""
    verdicts = [checked.verdict for checked in all_checked]
    return json.dumps(
        {
            "version": JSON_VERSION,
            "files": [_file_json(checked) for checked in all_checked],
            "summary": {verdict.value: verdicts.count(verdict) for verdict in Verdict},
        },
        indent=2,
    )


def _file_json(checked: Checked) -> dict[str, object]:
    return {
        "file": str(checked.path),
        "verdict": checked.verdict.value,
        "findings": [finding_json(finding) for finding in checked.findings],
        "costs": None if checked.costs is None else asdict(checked.costs),
        "budgets": {name: _budget_json(budget, checked.costs_for(name)) for name, budget in checked.budgets.items()},
        "mended": [finding_json(finding) for finding in checked.mended],
        "written": _path(checked.written),
    }


def _budget_json(budget: Budget, costs: Costs | None) -> dict[str, object]:
    over = [
        item.name for item in fields(Budget) if exceeds(getattr(costs, item.name, None), getattr(budget, item.name))
    ]
    return {"limits": asdict(budget), "exceeded": over, "costs": None if costs is None else asdict(costs)}


def finding_json(finding: Finding) -> dict[str, object]:
    """A finding with the advice on it."""
    advice = advice_on(finding)
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "pointer": finding.pointer,
        "message": finding.message,
        "meaning": advice.meaning,
        "mend": advice.mend,
        "blender": advice.blender,
        "mendable": finding.mendable,
    }


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
