"""Figures as text: one table per trace, ratios to ours, and the goals beside what was seen.

Rule: pure, and honest: a measurement in which visitors were lost or not served is marked, and proves no goal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.netcode.bench import Figures

SERVED: Final = 0.9
"""Share of 20 snapshots a second (and of 20 poses) below which a measurement at a fixed rate says nothing. Colyseus
sends 19.6: JavaScript's interval timers run a millisecond late."""
_VOID: Final = "†"
_RANK: Final = {"compiled": 0, "lean": 1}
"""Which of ours the others are compared with, and the goals are judged by: the first of these that was measured."""

Cell = Callable[[Figures, Figures | None], str]
"""A column's text for one measurement, beside ours of the same crowd."""


def sound(figures: Figures) -> bool:
    """Whether everybody was there and was served at the rate that was asked for."""
    if figures.gone or not figures.snapshots:
        return False
    return "adaptive" in figures.trace or min(figures.snapshots, figures.poses) >= SERVED * 20


def tables(results: Sequence[Figures]) -> str:
    """Markdown: a table for each trace, in the order of the measurements."""
    parts = []
    for trace in dict.fromkeys(figures.trace for figures in results):
        rows = [figures for figures in results if figures.trace == trace]
        lines = [f"**Trace: {trace}**", "", _line(_COLUMNS), _line(["---"] * 2 + ["---:"] * (len(_COLUMNS) - 2))]
        lines += [_line(cell(figures, _ours(rows, figures)) for cell in _COLUMNS.values()) for figures in rows]
        parts.append("\n".join(lines))
    if not all(map(sound, results)):
        parts.append(
            f"{_VOID} visitors were lost, or fewer than 18 of 20 snapshots or poses went through: proves nothing."
        )
    players = dict.fromkeys(f"{f.title} {f.visitors}: {f.clients}" for f in results if f.ours)
    if players:
        parts.append(f"Visitors of ours were played by: {'; '.join(players)}.")
    return "\n\n".join(parts)


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to reach: the value that was seen, or None when this run cannot tell."""

    text: str
    limit: float
    at_most: bool
    seen: Callable[[Sequence[Figures]], float | None]


def goals(results: Sequence[Figures]) -> str:
    """Markdown: a table of the goals that these measurements say something about; empty when about none."""
    lines = []
    for goal in GOALS:
        seen = goal.seen(results)
        if seen is not None:
            reached = seen <= goal.limit if goal.at_most else seen >= goal.limit
            lines.append(_line([goal.text, f"{seen:.3g}", "reached" if reached else f"missed by {_miss(goal, seen)}"]))
    return "\n".join([_line(["goal", "seen", ""]), _line(["---", "---:", "---"]), *lines]) if lines else ""


def _miss(goal: Goal, seen: float) -> str:
    return f"{abs(seen - goal.limit) / goal.limit:.0%}"


def _ours(rows: Sequence[Figures], figures: Figures) -> Figures | None:
    """Ours in the same crowd, as a host who cares for CPU runs it."""
    own = [other for other in rows if other.ours and other.visitors == figures.visitors]
    return min(own, key=lambda other: _RANK.get(other.server, len(_RANK)), default=None)


def _line(cells: Sequence[str] | object) -> str:
    return f"| {' | '.join(cells)} |"  # type: ignore[arg-type]


def _number(value: float | None, digits: int = 0, scale: float = 1.0) -> str:
    return "–" if value is None else f"{value / scale:,.{digits}f}"


def _ratio(value: Callable[[Figures], float | None]) -> Cell:
    def cell(figures: Figures, ours: Figures | None) -> str:
        mine, theirs = value(ours) if ours else None, value(figures)
        return f"{theirs / mine:.1f}" if mine and theirs else "–"

    return cell


_COLUMNS: Final[dict[str, Cell]] = {
    "server": lambda f, _: f.title + ("" if sound(f) else f" {_VOID}"),
    "visitors": lambda f, _: _number(f.visitors),
    "CPU, µs per visitor-tick": lambda f, _: _number(f.cpu_us, 1),
    "× ours": _ratio(lambda f: f.cpu_us),
    "% of a core": lambda f, _: _number(f.cpu_percent),
    "IP kB/s out": lambda f, _: _number(f.bytes_out, 1, 1e3),
    "× ours ": _ratio(lambda f: f.bytes_out),
    "packets/s out": lambda f, _: _number(f.packets_out),
    "latency p50 / p99, ms": lambda f, _: f"{_number(f.latency_p50)} / {_number(f.latency_p99)}",
    "join, ms CPU": lambda f, _: _number(f.join_ms, 1),
    "memory, kB": lambda f, _: _number(f.memory_kb),
    "poses in / snapshots out, /s": lambda f, _: f"{_number(f.poses, 1)} / {_number(f.snapshots, 1)}",
}
"""Bytes, packets, memory, poses and snapshots are per visitor."""


def _worst(
    visitors: Callable[[int], bool], value: Callable[[Figures], float | None], adaptive: bool = False
) -> Callable[[Sequence[Figures]], float | None]:
    """The worst that was seen of our server, in crowds of such a size."""

    def seen(results: Sequence[Figures]) -> float | None:
        rows = [f for f in results if ("adaptive" in f.trace) is adaptive]
        values = [value(f) for f in rows if f is _ours(rows, f) and sound(f) and visitors(f.visitors)]
        known = [v for v in values if v is not None]
        return max(known) if known else None

    return seen


def _times(
    rival: str, visitors: int, value: Callable[[Figures], float | None]
) -> Callable[[Sequence[Figures]], float | None]:
    """How many times more a rival takes than our server in the same crowd."""

    def seen(results: Sequence[Figures]) -> float | None:
        both = {
            f.server: value(f) for f in results if f.visitors == visitors and sound(f) and "adaptive" not in f.trace
        }
        ours, theirs = next((both[own] for own in _RANK if own in both), None), both.get(rival)
        return theirs / ours if ours and theirs else None

    return seen


GOALS: Final = (
    Goal(
        "CPU ≤ 25 µs per visitor-tick, 300 visitors and more", 25, True, _worst(lambda n: n >= 300, lambda f: f.cpu_us)
    ),
    Goal("1,000 visitors on ≤ 50% of a core", 50, True, _worst(lambda n: n == 1000, lambda f: f.cpu_percent)),
    Goal("≤ 12.5 kB/s out, all moving", 12_500, True, _worst(lambda n: n >= 65, lambda f: f.bytes_out)),
    Goal("≤ 5 kB/s out, 30% moving", 5_000, True, _worst(lambda n: n >= 65, lambda f: f.bytes_out, adaptive=True)),
    Goal("latency p99 ≤ 40 ms, 400 visitors", 40, True, _worst(lambda n: n == 400, lambda f: f.latency_p99)),
    Goal(
        "latency p99 ≤ 25 ms, 400 visitors (clients send when asked)",
        25,
        True,
        _worst(lambda n: n == 400, lambda f: f.latency_p99),
    ),
    Goal("join ≤ 1.5 ms CPU", 1.5, True, _worst(lambda n: True, lambda f: f.join_ms)),
    Goal("memory ≤ 100 kB a visitor", 100, True, _worst(lambda n: n >= 100, lambda f: f.memory_kb)),
    Goal("CPU ≥ 2.5 × below geckos.io, 100 visitors", 2.5, False, _times("geckos", 100, lambda f: f.cpu_us)),
    Goal("CPU ≥ 3.5 × below geckos.io, 400 visitors", 3.5, False, _times("geckos", 400, lambda f: f.cpu_us)),
    Goal("bytes ≥ 4 × below Colyseus, 100 visitors", 4, False, _times("colyseus", 100, lambda f: f.bytes_out)),
    Goal("bytes ≥ 15 × below Colyseus, 400 visitors", 15, False, _times("colyseus", 400, lambda f: f.bytes_out)),
)
"""Issue 3's, as far as this benchmark can tell; offer → open in Chromium is measured by the browser tests."""
