"""A short run of the whole benchmark, for `make proof`: its table goes into docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.netcode.run import main

pytestmark = pytest.mark.proof


def test_ours_and_the_rivals_serve_the_same_crowd_and_nobody_is_lost(tmp_path: Path) -> None:
    arguments = ["--visitors", "50", "--seconds", "5", "--foreign", "4", "--record", "netcode-short"]
    assert main([*arguments, "--json", str(tmp_path / "figures.json")]) == 0
    seen = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert {figures["server"] for figures in seen} >= {"lean", "aiortc", "colyseus", "colyseus-views", "geckos"}
    assert [figures["title"] for figures in seen if figures["gone"] or not figures["snapshots"]] == []
