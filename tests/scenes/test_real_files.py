"""Real scenes are accepted or mended; Khronos's fixtures get the verdict of Khronos's validator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roomscale.scenes import SceneError, check, errors_of, mend, open_scene, parse_scene, to_glb

SHARED = Path(__file__).parents[3] / "shared" / "gltf"
FIXTURES = SHARED / "ValidatorFixtures"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/gltf is not there")

BROKEN = {"MeshoptCubeTest.gltf": "its images are not there"}


def real_files() -> list[Path]:
    endings = {".glb", ".gltf", ".vrm"}
    return sorted(path for path in SHARED.rglob("*") if path.suffix in endings and FIXTURES not in path.parents)


def test_real_scenes_are_accepted_or_mended() -> None:
    paths = real_files()
    assert len(paths) > 100
    for path in paths:
        scene, _ = mend(open_scene(path))
        errors = errors_of(check(scene))
        assert bool(errors) == (path.name in BROKEN), f"{path.name}: {errors[:2]}"
        if not errors:
            again = parse_scene(to_glb(scene))
            assert errors_of(check(again)) == [], path.name
            assert again.json.get("nodes") == scene.json.get("nodes"), path.name


def test_the_jungle_has_its_one_vector_mended() -> None:
    _, notes = mend(open_scene(SHARED / "JungleScene" / "scene.gltf"))
    assert [(note.code, "1 vector(s)" in note.message) for note in notes] == [("MENDED_VECTOR", True)]


def is_refused(path: Path) -> bool:
    try:
        return bool(errors_of(check(open_scene(path))))
    except SceneError:
        return True


def test_khronos_fixtures_get_khronos_verdict() -> None:
    """None that is clean is refused; at least 99% of the erroneous ones are caught by our own checks alone."""
    reports = sorted(FIXTURES.rglob("*.report.json"))
    missed: list[str] = []
    refused: list[str] = []
    erroneous = 0
    for report in reports:
        path = report.with_name(report.name.removesuffix(".report.json"))
        expected = json.loads(report.read_text(encoding="utf-8"))["issues"]["numErrors"] > 0
        erroneous += expected
        if is_refused(path) != expected:
            (missed if expected else refused).append(path.name)
    assert len(reports) > 150
    assert refused == []
    assert len(missed) <= 0.01 * erroneous, missed
