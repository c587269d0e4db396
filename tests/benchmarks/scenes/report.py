"""Figures as text: a table of all packings, the goals beside what was seen, and each file that misses one, with why.

Rule: pure, and honest: what could not be packed is shown as such and counts for no goal, the goals are judged over all
files that both packers packed, and fixed costs are a row of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.scenes.outcome import Weights

OURS, KEEPING, AGAIN = "roomscale", "keeping", "again"
"""The two that the goals compare: ours, and gltf-transform told to keep the structure; and ours with its store warm,
which no goal is judged by."""
_MORE_BYTES: Final = 1.05
_FEWER_SHARE: Final = 0.8
_FASTER: Final = 3.0
_MEMORY: Final = 0.5
_MADE_OF: Final = ("JSON", "images", "geometry and animations")


@dataclass(frozen=True, slots=True)
class Packing:
    """One file by one tool. `seconds`: wall. `cpu`: seconds. `memory`: bytes, see `measure`. `kept`, `extensions`:
    extension objects that survived, and that there were. `is_asset`: False for what only shows fixed costs.
    `like`: bytes without what gltf-transform dropped (`outcome.like_bytes`), None where that is not known."""

    asset: str
    tool: str
    source: int
    seconds: float
    cpu: float
    memory: int
    weights: Weights
    kept: int
    extensions: int
    nodes: int
    is_asset: bool = True
    like: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One file by ours and by gltf-transform with the structure kept."""

    ours: Packing
    theirs: Packing

    @property
    def bytes(self) -> float:
        """Ours as a multiple of theirs."""
        return self.ours.weights.total / self.theirs.weights.total

    @property
    def like(self) -> int:
        """Bytes of ours without what theirs dropped."""
        return self.ours.weights.total if self.ours.like is None else self.ours.like

    @property
    def like_bytes(self) -> float:
        """That as a multiple of theirs."""
        return self.like / self.theirs.weights.total

    @property
    def speed(self) -> float:
        """How many times faster ours is."""
        return self.theirs.seconds / self.ours.seconds

    @property
    def memory(self) -> float:
        """Ours as a share of theirs."""
        return self.ours.memory / self.theirs.memory


def pairs(results: Sequence[Packing]) -> list[Pair]:
    """The files that both packed."""
    by = {(packing.asset, packing.tool): packing for packing in results if packing.is_asset}
    names = dict.fromkeys(packing.asset for packing in results)
    return [Pair(by[name, OURS], by[name, KEEPING]) for name in names if {(name, OURS), (name, KEEPING)} <= by.keys()]


def table(results: Sequence[Packing], titles: dict[str, str], failures: dict[tuple[str, str], str]) -> str:
    """Markdown: a row for each file; in each tool's cell its bytes (% of the source), seconds, peak memory and the
    share of extension objects kept."""
    cell = "% of bytes / s / MB / extensions"
    lines = [_row(["file", "MB", *(f"{title}<br>{cell}" for title in titles.values())])]
    lines.append(_row(["---", "---:", *("---:" for _ in titles)]))
    by = {(packing.asset, packing.tool): packing for packing in results}
    for asset in dict.fromkeys([packing.asset for packing in results] + [asset for asset, _ in failures]):
        known = [packing for packing in results if packing.asset == asset]
        size = f"{known[0].source / 1e6:.2f}" if known else "–"
        lines.append(
            _row([asset, size, *(_cell(by.get((asset, tool)), failures.get((asset, tool))) for tool in titles)])
        )
    return "\n".join(lines)


def _cell(packing: Packing | None, failure: str | None) -> str:
    if packing is None:
        return "failed" if failure else "–"
    kept = f"{packing.kept} of {packing.extensions}" if packing.extensions else "–"
    share = 100 * packing.weights.total / packing.source
    return f"{share:.1f} / {packing.seconds:.2f} / {packing.memory / 1e6:.0f} / {kept}"


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to reach. `seen`: the figure over all pairs. `misses`: whether a file by itself falls short of it."""

    text: str
    seen: Callable[[Sequence[Pair]], float]
    reached: Callable[[float], bool]
    misses: Callable[[Pair], bool]
    why: Callable[[Pair], str]


def goals(results: Sequence[Packing]) -> str:
    """Markdown: the goals with what was seen, then the files that miss them; empty when nothing can be compared."""
    both = pairs(results)
    if not both:
        return ""
    lines = [_row(["goal, against gltf-transform with the structure kept", "seen", ""]), _row(["---", "---:", "---"])]
    for goal in GOALS:
        seen = goal.seen(both)
        lines.append(_row([goal.text, f"{seen:.3g}", "reached" if goal.reached(seen) else "missed"]))
    missing = [
        f"- {pair.ours.asset}, {goal.text}: {goal.why(pair)}" for goal in GOALS for pair in both if goal.misses(pair)
    ]
    told = "\n".join(["Files that fall short, and where it comes from:", "", *missing]) if missing else ""
    return "\n\n".join(filter(None, ["\n".join(lines), told]))


def again(results: Sequence[Packing]) -> str:
    """A sentence on packing the same files a second time; empty when none was."""
    by = {(packing.asset, packing.tool): packing for packing in results if packing.is_asset}
    both = [
        (by[asset, OURS], packing) for (asset, tool), packing in by.items() if tool == AGAIN and (asset, OURS) in by
    ]
    if not both:
        return ""
    faster = [first.seconds / second.seconds for first, second in both]
    return (
        f"Packed again with nothing changed ({len(both)} files, outside of the goals): {_mean(faster):.3g} × faster "
        f"than at first in the geometric mean, {max(faster):.3g} × at most, {min(faster):.3g} × at least."
    )


def _mean(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def _bytes_differ(pair: Pair) -> str:
    """Which bytes ours has more of."""
    ours, theirs = pair.ours.weights, pair.theirs.weights
    values = zip(
        _MADE_OF, (ours.json, ours.images, ours.geometry), (theirs.json, theirs.images, theirs.geometry), strict=True
    )
    parts = [f"{what} {mine / 1e3:,.0f} against {other / 1e3:,.0f} kB" for what, mine, other in values if mine or other]
    gone = pair.ours.weights.total - pair.like
    like = f"; {gone / 1e3:,.1f} kB of ours are what theirs dropped, else {_more(pair.like_bytes)}" if gone else ""
    return f"{_more(pair.bytes)}: {', '.join(parts)}{like}{_nodes(pair)}"


def _told_before(_: Pair) -> bool:
    """Of a goal whose files another one before it has named: it names none again."""
    return False


def _more(multiple: float) -> str:
    return f"{multiple - 1:+.1%}"


def _nodes(pair: Pair) -> str:
    ours, theirs = pair.ours, pair.theirs
    nodes = f"; theirs has {theirs.nodes} of {ours.nodes} nodes" if theirs.nodes != ours.nodes else ""
    lost = ours.kept - theirs.kept
    return nodes + (f"; theirs lost {lost} extension objects" if lost > 0 else "")


def _seconds(pair: Pair) -> str:
    return (
        f"{pair.ours.seconds:.2f} against {pair.theirs.seconds:.2f} s "
        f"({pair.ours.cpu:.2f} against {pair.theirs.cpu:.2f} s of processor)"
    )


def _megabytes(pair: Pair) -> str:
    return f"{pair.ours.memory / 1e6:.0f} against {pair.theirs.memory / 1e6:.0f} MB"


GOALS: Final = (
    Goal(
        f"fewer bytes on ≥ {_FEWER_SHARE:.0%} of files",
        lambda both: sum(pair.bytes < 1 for pair in both) / len(both),
        lambda seen: seen >= _FEWER_SHARE,
        lambda pair: pair.bytes >= 1,
        _bytes_differ,
    ),
    Goal(
        "the same like for like: without what theirs dropped",
        lambda both: sum(pair.like_bytes < 1 for pair in both) / len(both),
        lambda seen: seen >= _FEWER_SHARE,
        _told_before,
        _bytes_differ,
    ),
    Goal(
        "on none more than 5% above (the largest multiple)",
        lambda both: max(pair.bytes for pair in both),
        lambda seen: seen <= _MORE_BYTES,
        _told_before,
        _bytes_differ,
    ),
    Goal(
        "the same like for like (the largest multiple)",
        lambda both: max(pair.like_bytes for pair in both),
        lambda seen: seen <= _MORE_BYTES,
        _told_before,
        _bytes_differ,
    ),
    Goal(
        "≥ 3 × faster in the geometric mean",
        lambda both: _mean([pair.speed for pair in both]),
        lambda seen: seen >= _FASTER,
        lambda pair: pair.speed < 1,
        _seconds,
    ),
    Goal(
        "none slower (the least multiple)",
        lambda both: min(pair.speed for pair in both),
        lambda seen: seen >= 1,
        _told_before,
        _seconds,
    ),
    Goal(
        "at most half its memory (the largest share)",
        lambda both: max(pair.memory for pair in both),
        lambda seen: seen <= _MEMORY,
        lambda pair: pair.memory > _MEMORY,
        _megabytes,
    ),
    Goal(
        "all extension objects kept (share, all files)",
        lambda both: sum(pair.ours.kept for pair in both) / max(1, sum(pair.ours.extensions for pair in both)),
        lambda seen: seen == 1,
        lambda pair: pair.ours.kept < pair.ours.extensions,
        lambda pair: f"{pair.ours.kept} of {pair.ours.extensions}",
    ),
)
"""Issue 4's; bytes both ways: of all that is in the files, and of what both have kept."""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
