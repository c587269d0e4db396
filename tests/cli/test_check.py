"""`roomscale check` as a creator meets it: verdicts, exit codes, what is written, what is never overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roomscale.cli.errors import UsageError
from roomscale.scenes import check, errors_of, open_scene
from tests.cli.checked import run
from tests.scenes.crafted import changed, data_uri, glb, gltf, jpeg, png, triangle, with_extension, with_image


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


def test_a_picture_of_another_type_than_told_is_mended_by_fix(tmp_path: Path) -> None:
    tree = {**triangle(), "images": [{"uri": data_uri(png(), "image/png"), "mimeType": "image/jpeg"}]}
    (tmp_path / "scene.gltf").write_bytes(gltf(tree))
    file = run(tmp_path / "scene.gltf", "--fix", "--json").files[0]
    assert [note["code"] for note in file["mended"]] == ["MENDED_MIME_TYPE"]
