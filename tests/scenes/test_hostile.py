"""Every crafted file gets its verdict: named, quickly, in little memory, and nothing outside is touched."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.scenes import SceneError, UnreadableScene, check, errors_of, mend, open_scene, parse_scene, to_glb
from tests.scenes.crafted import gltf, triangle
from tests.scenes.hostile import CASES, Case

SHARED = Path(__file__).parents[3] / "shared"
SECONDS = 5.0
MEGABYTES = 400


def codes_of(data: bytes, path: Path) -> list[str]:
    """The codes of all errors; whatever the bytes are, nothing but a SceneError may come out."""
    path.write_bytes(data)
    try:
        return [finding.code for finding in errors_of(check(open_scene(path)))]
    except UnreadableScene as error:
        return [error.code]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_crafted_file_is_judged_by_name(case: Case, tmp_path: Path) -> None:
    codes = codes_of(case.make(), tmp_path / "scene.bin")
    if case.code is None:
        assert codes == []
    else:
        assert case.code in codes


@pytest.mark.parametrize("case", [case for case in CASES if case.code is not None], ids=lambda case: case.name)
def test_a_refused_file_is_never_embedded_into_something_accepted(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "scene.bin"
    path.write_bytes(case.make())
    try:
        scene = open_scene(path)
        packed = parse_scene(to_glb(mend(scene)[0]))
    except SceneError as error:
        assert "\n" not in str(error)
        return
    settled = {finding.code for finding in errors_of(check(scene)) if finding.mendable}
    settled.add("BUFFER_TOO_LONG")  # the cargo behind byteLength stays behind
    if case.code not in settled:
        assert errors_of(check(packed)), f"{case.name} lost its error on the way"


def test_errors_say_one_line_without_control_characters(tmp_path: Path) -> None:
    for case in CASES:
        path = tmp_path / "scene\x1b[31m.bin"
        path.write_bytes(case.make())
        try:
            lines = [str(finding) for finding in check(open_scene(path))]
        except SceneError as error:
            lines = [str(error)]
        assert all(line.isprintable() for line in lines), case.name


def test_a_symlink_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(bytes(48))
    folder = tmp_path / "scene"
    folder.mkdir()
    (folder / "link.bin").symlink_to(outside)
    (folder / "dir").symlink_to(tmp_path)
    for uri in ("link.bin", "dir/outside.bin"):
        tree = triangle()
        tree["buffers"][0]["uri"] = uri
        (folder / "scene.gltf").write_bytes(gltf(tree))
        scene = open_scene(folder / "scene.gltf")
        assert "UNSAFE_URI" in [finding.code for finding in errors_of(check(scene))]
        with pytest.raises(SceneError):
            to_glb(scene)


def test_a_symlink_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(gltf(triangle()))
    (tmp_path / "link.gltf").symlink_to("real.bin")
    assert errors_of(check(open_scene(tmp_path / "link.gltf"))) == []


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.glb")
    with pytest.raises(UnreadableScene, match="no regular file"):
        open_scene(tmp_path / "pipe.glb")
    with pytest.raises(UnreadableScene, match="is a folder"):
        open_scene(tmp_path)


MEASURE = """
import csv, json, resource, sys, time
from pathlib import Path
import numpy
from roomscale.scenes import SceneError, check, errors_of, meshopt, open_scene

meshopt.decode(meshopt.encode_indices(numpy.arange(3, dtype="u4")), 3, 4, "INDICES")  # loads its WebAssembly

def most_memory():
    # Linux hands ru_maxrss down from the process that forked this one; VmHWM is its own.
    try:
        line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"".encode("unicode_escape")  # Python loads codecs from files of its own when they are used first
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" and watching else None)
opened, watching, results = [], False, []
for line in sys.stdin:
    path = Path(line.strip())
    opened.clear()
    start = time.process_time()  # of work: on a busy machine the clock tells of the others
    watching = True
    try:
        verdict = "reject" if errors_of(check(open_scene(path))) else "accept"
    except SceneError:
        verdict = "reject"
    finally:
        watching = False
    results.append({
        "verdict": verdict,
        "seconds": time.process_time() - start,
        "outside": [name for name in opened if name.startswith("/") and not Path(name).is_relative_to(path.parent)],
        "megabytes": most_memory(),
    })
print(json.dumps(results))
"""


def measured(paths: list[Path]) -> list[dict[str, object]]:
    """Judge files in a process of its own, with its time, the most memory so far, and what it opened elsewhere."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: list[dict[str, object]] = json.loads(done.stdout)
    return results


def assert_harmless(name: str, result: dict[str, object]) -> None:
    assert isinstance(result["seconds"], float) and result["seconds"] < SECONDS, name
    assert isinstance(result["megabytes"], float) and result["megabytes"] < MEGABYTES, name
    assert result["outside"] == [], name


def test_crafted_files_cost_little_and_touch_nothing_outside(tmp_path: Path) -> None:
    paths = []
    for number, case in enumerate(CASES):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(case.make())
    for case, result in zip(CASES, measured(paths), strict=True):
        assert_harmless(case.name, result)
        assert result["verdict"] == ("accept" if case.code is None else "reject"), case.name


@pytest.mark.skipif(not (SHARED / "hostile").is_dir(), reason="../shared/hostile is not there")
def test_every_file_of_the_manifest_gets_its_verdict() -> None:
    with (SHARED / "hostile" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    results = measured([SHARED / "hostile" / row["file"] for row in rows])
    for row, result in zip(rows, results, strict=True):
        assert result["verdict"] == ("reject" if row["verdict"] == "reject" else "accept"), row["file"]
        assert_harmless(row["file"], result)
    assert len(rows) >= 99
