"""The report says what was seen, and misses are told with their cause."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.scenes.outcome import Weights
from tests.benchmarks.scenes.report import Packing, again, goals, pairs, table


def packing(tool: str, total: int, seconds: float, memory: int, *, asset: str = "hall", kept: int = 4) -> Packing:
    weights = Weights(total, total // 10, total // 2)
    return Packing(asset, tool, 1_000_000, seconds, seconds, memory, weights, kept, 4, 9)


GOOD = [packing("roomscale", 100_000, 0.5, 90_000_000), packing("keeping", 120_000, 2.0, 200_000_000, kept=0)]


def test_a_run_that_reaches_everything_names_no_file() -> None:
    text = goals(GOOD)
    assert text.count("| reached |") == 8
    assert "missed" not in text
    assert "fall short" not in text


def test_each_miss_is_told_with_what_it_is_made_of() -> None:
    bad = [packing("roomscale", 130_000, 4.0, 150_000_000, kept=3), GOOD[1]]
    text = goals(bad)
    assert text.count("| missed |") == 8
    assert "+8.3%: JSON 13 against 12 kB, images 65 against 60 kB" in text
    assert "theirs lost 3 extension objects" in text
    assert "4.00 against 2.00 s" in text
    assert "150 against 200 MB" in text
    assert "3 of 4" in text


def test_what_theirs_dropped_is_told_and_counts_like_for_like() -> None:
    singing = replace(packing("roomscale", 900_000, 0.5, 90_000_000), like=102_000)
    lines = goals([singing, GOOD[1]]).splitlines()
    assert lines[2:6] == [
        "| fewer bytes on ≥ 80% of files | 0 | missed |",
        "| the same like for like: without what theirs dropped | 1 | reached |",
        "| on none more than 5% above (the largest multiple) | 7.5 | missed |",
        "| the same like for like (the largest multiple) | 0.85 | reached |",
    ]
    assert "798.0 kB of ours are what theirs dropped, else -15.0%" in "".join(lines)


def test_what_only_one_packed_counts_for_no_goal() -> None:
    alone = packing("roomscale", 900_000, 9.0, 900_000_000, asset="odd")
    assert [pair.ours.asset for pair in pairs([*GOOD, alone])] == ["hall"]
    assert goals([alone]) == ""


def test_what_is_packed_again_is_told_by_itself_and_counts_for_no_goal() -> None:
    second = packing("again", 100_000, 0.1, 60_000_000)
    assert "(1 files, outside of the goals): 5 × faster" in again([*GOOD, second])
    assert goals([*GOOD, second]) == goals(GOOD)
    assert again(GOOD) == again([second]) == ""


def test_the_table_has_a_cell_for_each_tool_and_shows_what_failed() -> None:
    titles = {"roomscale": "ours", "keeping": "theirs", "gltfpack": "gltfpack"}
    lines = table(GOOD, titles, {("hall", "gltfpack"): "ended with 1"}).splitlines()
    assert lines[2] == "| hall | 1.00 | 10.0 / 0.50 / 90 / 4 of 4 | 12.0 / 2.00 / 200 / 0 of 4 | failed |"
