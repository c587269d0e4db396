"""A short run of the whole benchmark, for `make proof`: its table goes into docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.scenes.run import main

pytestmark = pytest.mark.proof


def test_ours_and_the_rivals_pack_the_same_scene_and_ours_keeps_every_extension(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    assert main(["--only", "20000-nodes", "--record", "scenes-pack-short", "--json", str(figures)]) == 0
    seen = {packing["tool"]: packing for packing in json.loads(figures.read_text("utf-8"))}
    assert seen.keys() == {"roomscale", "again", "keeping", "gltf-transform", "gltfpack"}
    assert seen["roomscale"]["kept"] == seen["roomscale"]["extensions"] > 0
    assert seen["roomscale"]["nodes"] == 20_000
