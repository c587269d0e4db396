"""`roomscale inspect` as a creator meets it, and what every command shares: help with examples, completion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roomscale.cli.commandline import app_for
from roomscale.cli.errors import BadScene, Exit, UsageError
from roomscale.scenes import parse_scene
from roomscale.scenes.package import pack, write_package
from tests.scenes import solids, worlds
from tests.scenes.crafted import changed, glb, triangle


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app_for([]), [*map(str, arguments)], env={"COLUMNS": "80"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def forest(tmp_path: Path) -> Path:
    tree = triangle()
    tree["nodes"] = [{"name": f"Tree.{number:03}", "mesh": 0} for number in range(241)]
    tree["scenes"] = [{"nodes": list(range(241))}]
    tree["asset"]["copyright"] = "CC0 by nobody"
    tree["extensionsUsed"] = ["EXT_someone_elses"]
    path = tmp_path / "forest.glb"
    path.write_bytes(glb(tree))
    return path


def test_it_reads_well_in_80_columns(plaza: Path, forest: Path) -> None:
    for path in (plaza, forest):
        lines = run("inspect", path).splitlines()
        assert max(map(len, lines)) <= 80
        assert len(lines) < 130


def test_many_nodes_alike_are_one_line_unless_all_are_asked_for(forest: Path) -> None:
    assert "× 240 like it" in run("inspect", forest)
    assert sum("Tree." in line for line in run("inspect", forest, "--full").splitlines()) == 241


def test_licence_and_extensions_are_told(forest: Path) -> None:
    out = run("inspect", forest)
    assert "CC0 by nobody" in out
    assert "kept, without effect in the browser" in out


def test_depth_cuts_the_tree(plaza: Path) -> None:
    assert "below)" in run("inspect", plaza, "--depth", "1")


def test_packing_is_shown_beside_where_it_is_asked_for(forest: Path) -> None:
    assert "packed" not in run("inspect", forest)
    assert "packed" in run("inspect", forest, "--packed")


def test_json_tells_it_all(plaza: Path) -> None:
    told = json.loads(run("inspect", plaza, "--json"))
    assert told["version"] == 1
    assert told["world"]["spawn_points"][0]["form"] == "OMI_spawn_point"
    assert told["extensions"]["OMI_seat"] == "used"
    assert told["packed"] is None
    readme = (Path(__file__).parents[2] / "authoring-cli" / "README.md").read_text("utf-8")
    assert [key for key in told if f"`{key}`" not in readme] == []


def test_names_cannot_command_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(glb(changed("nodes", 0, "name", to="\x1b]0;owned\x07\u202e[bold]")))
    for extra in ([], ["--json"], ["--full"]):
        out = run("inspect", path, *extra)
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_what_cannot_be_looked_at_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(glb(changed("nodes", 0, "mesh", to=7)))
    with pytest.raises(BadScene, match=r"roomscale check \S*scene\.glb") as told:
        run("inspect", path)
    assert told.value.exit_code is Exit.REFUSED
    with pytest.raises(BadScene) as told:
        run("inspect", tmp_path / "absent.glb")
    assert told.value.exit_code is Exit.USAGE


@pytest.mark.parametrize("command", ["check", "inspect", "publish", "up", "account", "visit"])
def test_help_has_examples(command: str) -> None:
    out = run(command, "--help")
    assert "Examples" in out
    assert f"roomscale {command}" in out


def test_the_shell_can_complete_commands() -> None:
    environment = {"_ROOMSCALE_COMPLETE": "complete_bash", "COMP_WORDS": "roomscale in", "COMP_CWORD": "1"}
    result = CliRunner().invoke(app_for([]), [], env=environment, prog_name="roomscale")
    assert "inspect" in result.stdout.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("check --profile ", {"mobile", "desktop", "vr", "avatar"}),
        ("check --profile m", {"mobile"}),
        ("pack --preset ", {"fast", "default", "small"}),
    ],
)
def test_the_shell_can_complete_what_an_option_takes(typed: str, offered: set[str]) -> None:
    words = f"roomscale {typed}"
    environment = {
        "_ROOMSCALE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(app_for([]), [], env=environment, prog_name="roomscale")
    assert set(result.stdout.split()) == offered


def test_bytes_of_a_packed_folder_are_those_that_a_desktop_downloads(tmp_path: Path) -> None:
    """Not those of the scene that is put together of them, which holds what the parts replaced as well."""
    builder = solids.Builder()
    indices, parts = solids.globe(60, dents=0.4)
    builder.mesh(builder.primitive(indices, **parts))
    builder.node(mesh=0)
    package, report = pack(builder.scene())
    write_package(package, tmp_path / "globe")
    told = json.loads(run("inspect", tmp_path / "globe", "--json"))
    assert (
        told["costs"]["file_bytes"]
        == report.downloads["desktop"]
        == len(package.entry) + package.manifest.parts[0].bytes
    )
    assert told["costs"]["entry_bytes"] == report.entry
    assert report.downloads["desktop"] - sum(told["shares"].values()) in range(80)  # of two containers, and paddings
    assert 0 < told["meshes"][0]["bytes"] < package.manifest.parts[0].bytes


def test_a_packed_folder_is_shown_as_it_is_downloaded(tmp_path: Path) -> None:
    package, report = pack(parse_scene(worlds.garden()))
    write_package(package, tmp_path / "garden")
    lines = run("inspect", tmp_path / "garden").splitlines()
    assert max(map(len, lines)) <= 80
    for begins in ("  entry ", "  images, level 2 ", "  in all, phone ", "  in all, desktop "):
        assert any(line.startswith(begins) for line in lines), begins
    assert "  /images/0 grass" in [line[:17] for line in lines]
    told = json.loads(run("inspect", tmp_path / "garden", "--json"))
    assert told["package"]["downloads"] == report.downloads
    assert told["package"]["entry"] == report.entry == len(package.entry)
    assert told["images"][0]["width"] == 1500
    assert told["shares"]["images"] > sum(part["bytes"] for part in told["package"]["parts"] if part["level"] == 2)
    assert report.downloads["desktop"] - sum(told["shares"].values()) in range(1000)  # of containers, and paddings
    with pytest.raises(UsageError, match="packed already"):
        run("inspect", tmp_path / "garden", "--packed")
    next((tmp_path / "garden" / "parts").glob("*.glb")).write_bytes(b"other")
    with pytest.raises(BadScene, match=r"roomscale check \S*garden"):
        run("inspect", tmp_path / "garden")
