"""`roomscale check` on files made to hurt, and beside Khronos's verdicts: right, quick, in little memory."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roomscale.scenes import errors_of, open_scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator
from tests.scenes.crafted import changed, glb, gltf
from tests.scenes.hostile import CASES

SHARED = Path(__file__).parents[3] / "shared"
SECONDS = 5.0
"""Of work: by the clock it depends on what else the machine does."""
MEGABYTES = 400


def command(*paths: Path) -> dict[str, Any]:
    """`roomscale check` as a process of its own: its code, its seconds of work, the most memory of its processes."""
    code = (
        "import json, resource, subprocess, sys;"
        "done = subprocess.run([sys.executable, '-m', 'roomscale.cli.app', 'check', *sys.argv[1:]],"
        " capture_output=True, text=True, timeout=60);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024,"
        " done.stdout, done.stderr]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, timeout=90, check=True
    )
    return dict(zip(("code", "seconds", "megabytes", "out", "err"), json.loads(ran.stdout), strict=True))


def assert_harmless(name: str, told: dict[str, Any]) -> None:
    assert told["code"] in (0, 1, 2), f"{name}: {told['err']}"
    assert "Traceback" not in told["out"] + told["err"], name
    assert "\x1b" not in told["out"] + told["err"], name
    assert told["seconds"] < SECONDS, name
    assert told["megabytes"] < MEGABYTES, name


@pytest.mark.parametrize("name", ["a good triangle", "cyclic nodes", "zero bomb", "path traversal", "cut off"])
def test_the_command_judges_hostile_files_quickly_and_in_little_memory(name: str, tmp_path: Path) -> None:
    data, code = {
        "a good triangle": (glb(), 0),
        "cyclic nodes": (gltf(changed("nodes", to=[{"children": [1]}, {"children": [0]}])), 1),
        "zero bomb": (
            gltf(changed("accessors", 0, to={"componentType": 5126, "count": 2_000_000_000, "type": "VEC3"})),
            1,
        ),
        "path traversal": (gltf(changed("buffers", 0, "uri", to="../../../../etc/passwd")), 1),
        "cut off": (glb()[:100], 2),
    }[name]
    (tmp_path / "scene.bin").write_bytes(data)
    told = command(tmp_path / "scene.bin")
    assert_harmless(name, told)
    assert told["code"] == code, told["out"]


@pytest.mark.proof
@pytest.mark.timeout(900)  # a hundred processes, each of a second or so, on a machine that may do other things
@pytest.mark.skipif(not (SHARED / "hostile").is_dir(), reason="../shared/hostile is not there")
def test_every_hostile_file_gets_its_verdict_from_the_command() -> None:
    with (SHARED / "hostile" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    before = sorted(path.stat().st_mtime_ns for path in (SHARED / "hostile").rglob("*"))
    for row in rows:
        told = command(SHARED / "hostile" / row["file"])
        assert_harmless(row["file"], told)
        assert (told["code"] != 0) == (row["verdict"] == "reject"), f"{row['file']}: {told['out']}"
    assert sorted(path.stat().st_mtime_ns for path in (SHARED / "hostile").rglob("*")) == before
    assert len(rows) >= 99


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_every_crafted_file_gets_its_verdict_from_the_command(tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(case.make())
        told = command(path)
        assert_harmless(case.name, told)
        assert (told["code"] == 0) == (case.code is None), f"{case.name}: {told['out']}"


FIXTURES = SHARED / "gltf" / "ValidatorFixtures"


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="../shared/gltf is not there")
def test_the_merged_verdict_is_khronos_verdict() -> None:
    """At least 99%; with the validator off no clean one is refused, and what our own checks catch is said."""
    agreed = caught = erroneous = 0
    reports = sorted(FIXTURES.rglob("*.report.json"))
    refused_clean = []
    with Validator() as validator:
        for report in reports:
            path = report.with_name(report.name.removesuffix(".report.json"))
            expected = json.loads(report.read_text(encoding="utf-8"))["issues"]["numErrors"] > 0
            try:
                scene = open_scene(path)
                alone, merged = bool(errors_of(judge(scene))), bool(errors_of(judge(scene, validator)))
            except SceneError:
                alone = merged = True
            erroneous, agreed = erroneous + expected, agreed + (merged == expected)
            caught += expected and alone
            refused_clean += [path.name] if alone and not expected else []
    print(f"merged verdict: {agreed} of {len(reports)}; our checks alone catch {caught} of {erroneous}")
    assert len(reports) > 150
    assert refused_clean == []
    assert agreed >= 0.99 * len(reports)
    assert caught >= 0.99 * erroneous
