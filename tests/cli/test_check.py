"""`roomscale check` as a creator meets it: verdicts, exit codes, what is written, what is never overwritten."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roomscale.cli.commandline import app_for
from roomscale.cli.errors import UsageError
from roomscale.scenes import check, errors_of, jsonio, open_scene, parse_scene, to_glb
from roomscale.scenes.errors import SceneError
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator
from roomscale.scenes.package import Package, pack, read_package, write_package
from roomscale.scenes.package.write import file_ref
from tests.scenes import worlds
from tests.scenes.crafted import changed, data_uri, glb, gltf, jpeg, png, triangle, with_extension, with_image
from tests.scenes.hostile import CASES

SHARED = Path(__file__).parents[3] / "shared"
SECONDS = 5.0
"""Of work: by the clock it depends on what else the machine does."""
MEGABYTES = 400


@dataclass(frozen=True)
class Result:
    code: int
    out: str

    @property
    def files(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = json.loads(self.out)["files"]
        return files


def run(*arguments: object) -> Result:
    """The command in this process, without Khronos's unless it is asked for; raises what `main` would show."""
    asks = "--khronos" not in arguments
    result = CliRunner().invoke(
        app_for(["check"]), ["check", *(["--no-khronos"] if asks else []), *map(str, arguments)]
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Result(result.exit_code, result.stdout)


def mendable() -> bytes:
    """A scene whose one error --fix mends."""
    return glb(with_extension("OMI_spawn_point", node={}, declared=False))


def hopeless() -> bytes:
    return glb(changed("nodes", 0, "mesh", to=7))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.glb").write_bytes(glb(with_extension("OMI_spawn_point", node={})))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad.gltf").write_bytes(gltf(changed("nodes", 0, "mesh", to=7)))
    (tmp_path / "deep" / "notes.txt").write_text("no scene")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "worse.glb").write_bytes(b"nothing")
    return tmp_path


def test_a_finding_says_what_where_what_it_means_and_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(mendable())
    result = run(tmp_path / "scene.glb")
    assert result.code == 1
    for part in (
        "rejected",
        "UNDECLARED_EXTENSION",
        "/nodes/0/extensions/OMI_spawn_point",
        "meaning:",
        "mend:",
        "--fix",
    ):
        assert part in result.out


def test_the_exit_code_is_that_of_the_worst_file(folder: Path) -> None:
    assert run(folder / "good.glb").code == 0
    assert run(folder).code == 1
    (folder / "unreadable.glb").write_bytes(b"glTF")
    assert run(folder).code == 2
    assert run(folder / "absent.glb").code == 2


def test_folders_are_walked_for_scenes_alone(folder: Path) -> None:
    told = run(folder, "--json").files
    assert [Path(file["file"]).name for file in told] == ["good.glb", "bad.gltf"]
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no \.glb"):
        run(folder / "empty")


def test_many_files_get_a_line_each_and_details_only_where_something_is_wrong(folder: Path) -> None:
    lines = run(folder).out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["accepted", "rejected"]
    assert sum("UNRESOLVED_REFERENCE" in line for line in lines) == 1
    assert not any("good.glb" in line for line in lines[2:])


def test_warnings_reject_only_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(glb())  # it has no spawn point
    assert run(tmp_path / "scene.glb").code == 0
    assert run(tmp_path / "scene.glb", "--strict").code == 1


def test_budgets_are_shown_and_count_only_where_one_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "scene.gltf").write_bytes(with_image(jpeg(4000, 3000), "image/jpeg"))
    shown = run(tmp_path / "scene.gltf").out
    assert all(name in shown for name in ("mobile", "desktop", "vr", "over 2,048 px"))
    assert "BUDGET_" not in shown
    counted = run(tmp_path / "scene.gltf", "--profile", "mobile", "--json").files[0]
    assert [finding["code"] for finding in counted["findings"] if "BUDGET" in finding["code"]] == [
        "BUDGET_LARGEST_EDGE"
    ]
    assert counted["budgets"]["mobile"]["exceeded"] == ["largest_edge"]
    with pytest.raises(UsageError, match="no profile phone"):
        run(tmp_path / "scene.gltf", "--profile", "phone")


def test_an_avatar_is_measured_as_one(tmp_path: Path) -> None:
    (tmp_path / "me.vrm").write_bytes(glb())
    assert list(run(tmp_path / "me.vrm", "--json").files[0]["budgets"]) == ["avatar"]


def test_world_toml_beside_a_scene_changes_budgets_and_is_checked(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(glb())
    (tmp_path / "world.toml").write_text('[budgets.mobile]\nall = "100 B"\n')
    file = run(tmp_path / "scene.glb", "--profile", "mobile", "--json").files[0]
    assert file["budgets"]["mobile"]["exceeded"] == ["file_bytes"]
    (tmp_path / "world.toml").write_text("[budgets.mobile]\nal = 3\n")
    result = run(tmp_path / "scene.glb")
    assert result.code == 1
    assert "all" in result.out
    (tmp_path / "world.toml").write_text("[budgets")
    assert run(tmp_path / "scene.glb").code == 2


def test_names_that_mean_something_are_understood_before_the_scene_is_judged(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(glb(changed("nodes", 0, "name", to="spawn")))
    assert "NO_SPAWN_POINT" not in run(tmp_path / "scene.glb").out


def test_fix_writes_beside_the_source_and_leaves_the_source(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(mendable())
    assert run(tmp_path / "scene.glb", "--fix").code == 0
    assert (tmp_path / "scene.glb").read_bytes() == mendable()
    assert errors_of(check(open_scene(tmp_path / "scene.fixed.glb"))) == []
    assert run(tmp_path / "scene.fixed.glb", "--fix", "--json").files[0]["written"] is None


def test_fix_writes_where_it_is_told_or_in_place_if_that_is_asked_for(tmp_path: Path) -> None:
    source = tmp_path / "scene.glb"
    source.write_bytes(mendable())
    run(source, "--fix", "-o", tmp_path / "other.glb")
    assert (tmp_path / "other.glb").exists()
    with pytest.raises(UsageError, match="--in-place"):
        run(source, "--fix", "-o", source)
    assert source.read_bytes() == mendable()
    run(source, "--fix", "--in-place")
    assert errors_of(check(open_scene(source))) == []


def test_a_gltf_of_several_files_is_not_overwritten_by_a_glb(tmp_path: Path) -> None:
    (tmp_path / "scene.gltf").write_bytes(gltf(with_extension("OMI_spawn_point", node={}, declared=False)))
    with pytest.raises(UsageError, match="-o"):
        run(tmp_path / "scene.gltf", "--fix", "--in-place")


def test_what_cannot_be_mended_is_not_written(tmp_path: Path) -> None:
    tree = with_extension("OMI_link", node={"uri": "javascript:alert(1)"}, declared=False)
    (tmp_path / "scene.glb").write_bytes(glb(tree))
    result = run(tmp_path / "scene.glb", "--fix")
    assert result.code == 1
    assert "not written" in result.out
    assert [path.name for path in tmp_path.iterdir()] == ["scene.glb"]


@pytest.mark.parametrize("options", [["-o", "x.glb"], ["--in-place"], ["--fix", "-o", "x.glb", "--in-place"]])
def test_options_that_contradict_are_refused(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "scene.glb").write_bytes(glb())
    with pytest.raises(UsageError):
        run(tmp_path / "scene.glb", *options)


def test_names_cannot_command_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\u202eb.glb"
    path.write_bytes(glb({**hostile_names(), "\x1b[2J": 1}))
    for extra in ([], ["--json"]):
        out = run(path, "--all", *extra).out
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a\naccepted   b.glb"
    path.write_bytes(b"no scene")
    lines = run(path, tmp_path / "b.glb").out.splitlines()
    assert [line[:11] for line in lines] == ["unreadable "] * 2
    assert "a\\naccepted   b.glb" in lines[0]


def hostile_names() -> dict[str, Any]:
    tree = triangle()
    tree["nodes"][0] |= {"name": "\x1b]0;owned\x07", "mesh\x1b": 1, "[bold]x": 2}
    return tree


def test_json_has_every_key_that_is_documented(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(mendable())
    told = json.loads(run(tmp_path / "scene.glb", "--json").out)
    assert set(told) == {"version", "files", "summary"}
    assert set(told["files"][0]) == {"file", "verdict", "findings", "costs", "budgets", "mended", "written"}
    readme = (Path(__file__).parents[2] / "authoring-cli" / "README.md").read_text("utf-8")
    keys = [*told, *told["files"][0], *told["files"][0]["findings"][0], *told["files"][0]["costs"]]
    assert [key for key in keys if f"`{key}`" not in readme] == []


def test_lines_fit_a_terminal_of_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.glb").write_bytes(hopeless())
    monkeypatch.chdir(tmp_path)
    assert [line for line in run("s.glb", "--all").out.splitlines() if len(line) > 80] == []


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


def test_a_picture_of_another_type_than_told_is_mended_by_fix(tmp_path: Path) -> None:
    tree = {**triangle(), "images": [{"uri": data_uri(png(), "image/png"), "mimeType": "image/jpeg"}]}
    (tmp_path / "scene.gltf").write_bytes(gltf(tree))
    file = run(tmp_path / "scene.gltf", "--fix", "--json").files[0]
    assert [note["code"] for note in file["mended"]] == ["MENDED_MIME_TYPE"]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A packed folder: an entry of 34 kB, of 117 kB for a phone and 211 kB for a desktop."""
    write_package(pack(parse_scene(worlds.garden()))[0], tmp_path / "scenes" / "garden")
    return tmp_path / "scenes" / "garden"


def test_a_packed_folder_is_one_thing_wherever_it_is_found(packed: Path) -> None:
    (packed.parent / "other.glb").write_bytes(glb())
    assert [Path(file["file"]).name for file in run(packed.parent, "--json").files] == ["other.glb", "garden"]
    file = run(packed, "--json").files[0]
    assert (file["file"], file["verdict"]) == (str(packed), "accepted")
    next((packed / "parts").iterdir()).unlink()
    result = run(packed)
    assert result.code == 1
    assert "PACKAGE_FILE_MISSING" in result.out
    assert "roomscale pack" in result.out


def test_each_profile_is_measured_by_what_it_downloads(packed: Path) -> None:
    told = run(packed, "--json").files[0]["budgets"]
    phone, desktop = told["mobile"]["costs"], told["desktop"]["costs"]
    entry = next(packed.glob("entry-*.glb")).stat().st_size
    assert phone["entry_bytes"] == desktop["entry_bytes"] == entry
    assert entry < phone["file_bytes"] < desktop["file_bytes"]
    assert (phone["largest_edge"], desktop["largest_edge"]) == (1024, 1500)
    assert "on a phone       mobile\n" in run(packed).out
    assert "on a desktop      desktop           vr\n" in run(packed).out
    (packed.parent / "world.toml").write_text(
        f"[budgets.mobile]\nentry = {entry - 1}\nall = {phone['file_bytes']}\n"
        f"[budgets.desktop]\nentry = {entry}\nall = {phone['file_bytes']}\n"
    )
    told = run(packed, "--json", "--profile", "mobile", "--profile", "desktop", "--strict").files[0]
    assert told["budgets"]["mobile"]["exceeded"] == ["entry_bytes"]
    assert told["budgets"]["desktop"]["exceeded"] == ["file_bytes"]
    assert told["verdict"] == "rejected"
    codes = [finding["code"] for finding in told["findings"] if finding["code"].startswith("BUDGET")]
    assert codes == ["BUDGET_ENTRY_BYTES", "BUDGET_FILE_BYTES"]


def test_of_what_is_not_packed_the_entry_is_not_known_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "scene.glb").write_bytes(glb(with_extension("OMI_spawn_point", node={})))
    found = run(tmp_path / "scene.glb", "--profile", "mobile", "--json").files[0]["findings"]
    assert [(it["code"], it["severity"]) for it in found if "ENTRY" in it["code"]] == [("ENTRY_NOT_KNOWN", "info")]
    assert "roomscale pack" in run(tmp_path / "scene.glb").out


@pytest.mark.proof
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not there")
@pytest.mark.parametrize("name", ["FlightHelmet", "RobotExpressive", "WebXR_Garage", "OMI_examples"])
def test_what_is_packed_of_real_scenes_is_accepted_by_khronos_too(name: str, tmp_path: Path) -> None:
    for path in sorted([*(SHARED / "gltf" / name).glob("*.glb"), *(SHARED / "gltf" / name).glob("*.gltf")])[:3]:
        if errors_of(judge(open_scene(path))):
            continue
        write_package(pack(open_scene(path))[0], tmp_path / path.stem)
        assert run(tmp_path / path.stem, "--khronos").code == 0


def wronged(packed: Path) -> Path:
    """The package as another packer might have made it: honest of its bytes, with bounds and an extension untold."""
    package = read_package(packed)
    entry = parse_scene(package.entry)
    tree = jsonio.copy(entry.json)
    bounded = next(accessor for accessor in tree["accessors"] if "min" in accessor)
    bounded["min"] = [value - 1 for value in bounded["min"]]
    tree["extensionsUsed"] = [name for name in tree.get("extensionsUsed", ()) if name != "OMI_spawn_point"]
    data = to_glb(entry.changed(tree))
    rows = tuple(replace(part, size=(1, *part.size[1:])) if part.size else part for part in package.manifest.parts)
    manifest = replace(package.manifest, entry=file_ref(data), parts=rows)
    write_package(Package(data, manifest, package.parts), packed)
    return packed


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_fix_mends_a_package_beside_it_and_leaves_it(packed: Path) -> None:
    before = state(wronged(packed))
    assert run(packed).code == 1
    result = run(packed, "--fix")
    assert result.code == 0, result.out
    fixed = packed.with_name("garden.fixed")
    assert f"written to {fixed}" in result.out
    assert state(packed) == before
    again = run(fixed, "--json", "--strict")
    assert (again.code, again.files[0]["mended"]) == (0, [])
    assert [name for name in state(fixed) if name.startswith("parts/")] == [n for n in before if n.startswith("parts/")]


def test_fix_mends_a_package_in_place_whole_or_not_at_all(packed: Path) -> None:
    whole = state(packed)
    wronged(packed)
    (packed / "notes.txt").write_text("mine")
    assert run(packed, "--fix", "--in-place").code == 0
    mended = state(packed)
    assert mended.pop("notes.txt") == b"mine"
    assert len(mended) == len(whole)
    assert run(packed, "--fix", "--in-place").code == 0
    assert state(packed) == mended | {"notes.txt": b"mine"}


def test_fix_invents_no_part_of_a_package_and_says_what_to_do(packed: Path) -> None:
    wronged(packed)
    next((packed / "parts").iterdir()).unlink()
    before = state(packed)
    result = run(packed, "--fix", "--in-place")
    assert result.code == 1
    assert "pack the scene again" in " ".join(result.out.split())
    assert "not written" in result.out
    assert state(packed) == before
    assert not packed.with_name("garden.fixed").exists()


def test_a_mended_package_does_not_overwrite_a_file_nor_itself_unasked(packed: Path) -> None:
    before = state(wronged(packed))
    (packed.parent / "other").write_text("mine")
    for target in (packed.parent / "other", packed):
        with pytest.raises(UsageError):
            run(packed, "--fix", "-o", target)
    assert state(packed) == before
