"""Tables, ratios and goals, and the document they are written into."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.netcode.bench import Figures, Plan
from tests.benchmarks.netcode.report import goals, sound, tables
from tests.benchmarks.netcode.run import MODULE, _options, _plans, median
from tests.benchmarks.record import DOCUMENT, NoSection, record


def figures(**changes: Any) -> Figures:
    """A sound measurement of the lean server at 400 visitors."""
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Figures)}
    values |= {"server": "lean", "title": "Roomscale, lean", "ours": True, "clients": "400 lean", "visitors": 400}
    values |= {"trace": Plan(1).trace, "cpu_us": 24.0, "cpu_percent": 19.0, "bytes_out": 12_000.0, "packets_out": 20.0}
    values |= {
        "latency_p50": 20.0,
        "latency_p99": 44.0,
        "join_ms": 1.4,
        "memory_kb": 80.0,
        "snapshots": 20.0,
        "poses": 20.0,
    }
    return Figures(**(values | changes))


GECKOS = figures(server="geckos", title="geckos.io", ours=False, cpu_us=84.0, bytes_out=25_000.0, join_ms=4.0)


def test_a_table_sets_a_rival_beside_ours_of_the_same_crowd() -> None:
    text = tables([figures(visitors=100, cpu_us=42.0), figures(), GECKOS])
    assert "| geckos.io | 400 | 84.0 | 3.5 | 19 | 25.0 | 2.1 | 20 | 20 / 44 | 4.0 | 80 | 20.0 / 20.0 |" in text
    assert "Roomscale, lean 400: 400 lean" in text
    assert "†" not in text


def test_what_was_not_measured_is_a_dash_and_what_proves_nothing_is_marked() -> None:
    text = tables([figures(latency_p50=None, latency_p99=None, bytes_out=None, packets_out=None, gone=2)])
    assert "| Roomscale, lean † | 400 | 24.0 | 1.0 | 19 | – | – | – | – / – | 1.4 | 80 | 20.0 / 20.0 |" in text


def test_traces_have_tables_of_their_own() -> None:
    text = tables([figures(), figures(trace=Plan(1, adaptive=True).trace)])
    assert text.count("| server |") == 2


def test_sound_means_that_everybody_was_there_and_was_served() -> None:
    assert sound(figures())
    assert not sound(figures(gone=1))
    assert not sound(figures(snapshots=17.0))
    assert not sound(figures(poses=17.0))
    assert sound(figures(snapshots=9.0, trace=Plan(1, adaptive=True).trace))


def test_goals_say_reached_or_by_how_much_they_were_missed() -> None:
    text = goals([figures(), GECKOS])
    assert "| CPU ≤ 25 µs per visitor-tick, 300 visitors and more | 24 | reached |" in text
    assert "| latency p99 ≤ 40 ms, 400 visitors | 44 | missed by 10% |" in text
    assert "| CPU ≥ 3.5 × below geckos.io, 400 visitors | 3.5 | reached |" in text
    assert "Colyseus" not in text
    assert "1,000" not in text


def test_a_measurement_that_proves_nothing_reaches_no_goal() -> None:
    assert goals([figures(gone=1)]) == ""


def test_of_several_measurements_the_median_counts_and_the_worst_loss() -> None:
    seen = median([figures(cpu_us=cpu, gone=gone) for cpu, gone in ((30.0, 0), (20.0, 1), (25.0, 0))])
    assert (seen.cpu_us, seen.gone) == (25.0, 1)


def test_rivals_meet_neither_a_thousand_visitors_nor_rates_that_adapt() -> None:
    options = _options(["--visitors", "50,1000", "--servers", "lean,geckos", "--traces", "all,third"])
    planned = [(server.name, plan.visitors, plan.adaptive, plan.foreign) for server, plan in _plans(options)]
    assert planned == [
        ("lean", 50, False, 0),
        ("geckos", 50, False, 0),
        ("lean", 1000, False, 20),
        ("lean", 50, True, 0),
        ("lean", 1000, True, 20),
    ]


def test_a_section_is_replaced_and_the_rest_of_the_document_stays(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("# A\n<!-- x: begin -->\nold\n<!-- x: end -->\n# B\n", "utf-8")
    record("x", f"{MODULE} --seconds 5", "| new \\1 |", document)
    record("x", f"{MODULE} --seconds 5", "| newer \\1 |", document)
    text = document.read_text("utf-8")
    assert text.startswith("# A\n<!-- x: begin -->\nSeen on 20")
    assert text.endswith(f"by `{MODULE} --seconds 5`:\n\n| newer \\1 |\n<!-- x: end -->\n# B\n")
    with pytest.raises(NoSection):
        record("y", "", "", document)


def test_the_document_has_a_place_for_each_benchmark() -> None:
    text = DOCUMENT.read_text("utf-8")
    for section in ("netcode", "netcode-short", "scenes"):
        assert text.count(f"<!-- {section}: begin -->") == text.count(f"<!-- {section}: end -->") == 1
