"""What a world is called when nobody says, and which scenes are published at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.cli.commands.publish import running_house
from roomscale.cli.errors import BadScene, EnvironmentProblem, UsageError
from roomscale.cli.output import Output
from roomscale.cli.publishing import alias_of, name_of, prepare_scene
from roomscale.scenes import check, errors_of, parse_scene
from roomscale.scenes.image_store import ImageStore
from roomscale.scenes.kept import IMAGES
from roomscale.scenes.package import PackOptions, pack, write_package
from tests.scenes import worlds
from tests.scenes.crafted import changed, glb, with_extension


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/models/Winter Garden.glb", "Winter Garden"),
        ("/models/chair.gltf.glb", "chair"),
        ("/models/JungleScene/scene.gltf", "JungleScene"),
        ("/models/Old Mill/Untitled.glb", "Old Mill"),
        ("/worlds/Winter Garden/entry-0123456789abcdef.glb", "Winter Garden"),
        ("/scene.glb", "scene"),
    ],
)
def test_a_world_is_called_as_its_file_or_as_its_folder(path: str, name: str) -> None:
    assert name_of(Path(path)) == name


@pytest.mark.parametrize(
    ("name", "alias"), [("Winter Garden (final)", "winter-garden-final"), ("庭", "world"), ("a" * 100, "a" * 64)]
)
def test_an_alias_is_what_every_homeserver_takes(name: str, alias: str) -> None:
    assert alias_of(name) == alias


def test_where_no_house_runs_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="start `roomscale up` first"):
        running_house(tmp_path)


def test_what_check_rejects_is_published_only_mended_and_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(glb(with_extension("OMI_spawn_point", node={}, declared=False)))
    with pytest.raises(BadScene, match="--fix mends it"):
        prepare_scene(path, Output(), fixes=False)
    ready = prepare_scene(path, Output(), fixes=True)
    assert errors_of(check(parse_scene(ready.glb))) == []


def test_nothing_is_mended_unasked(tmp_path: Path) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(glb(with_extension("OMI_spawn_point", node={}, declared=False)))
    with pytest.raises(BadScene, match="--fix mends it"):
        prepare_scene(path, Output())


@pytest.mark.parametrize("table", ["[budgets.mobile]\ntriangels = 3", '[budgets.mobile]\ntriangles = "many"'])
@pytest.mark.parametrize("is_packed", [True, False])
def test_budgets_that_check_rejects_are_refused_too(tmp_path: Path, table: str, is_packed: bool) -> None:
    path = tmp_path / "garden.glb"
    path.write_bytes(worlds.garden())
    if is_packed:
        path = tmp_path / "garden"
        write_package(pack(parse_scene(worlds.garden()))[0], path)
    (tmp_path / "world.toml").write_text(table)
    for fixes in (True, False):
        with pytest.raises(BadScene, match=r"budgets\.mobile.*roomscale check \S*garden") as told:
            prepare_scene(path, Output(), fixes=fixes)
        assert "--fix" not in str(told.value)
    (tmp_path / "world.toml").write_text("[budgets.mobile]\ntriangles = 3")
    assert prepare_scene(path, Output()).name == "garden"  # one that is exceeded is no error


def test_what_nobody_can_mend_for_the_creator_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "scene.glb"
    path.write_bytes(glb(changed("nodes", 0, "mesh", to=7)))
    for fixes in (True, False):
        with pytest.raises(BadScene, match=r"roomscale check \S*scene\.glb"):
            prepare_scene(path, Output(), fixes=fixes)


def test_a_packed_folder_is_published_as_it_is(tmp_path: Path) -> None:
    package, _ = pack(parse_scene(worlds.garden().replace(b'"bench"', b'"spawn"')))  # a name that authoring understands
    folder = tmp_path / "Winter Garden"
    write_package(package, folder)
    (folder / "world.toml").write_text('[node."spawn"]\nseat = false\n')  # was for the scene; the entry stays
    ready = prepare_scene(folder, Output())
    assert (ready.name, ready.glb) == ("Winter Garden", package.entry)
    assert ready.package is not None
    assert ready.package.manifest == package.manifest
    assert {sha256: Path(str(path)).read_bytes() for sha256, path in ready.package.parts.items()} == package.parts
    assert ready.files == {folder / "manifest.json"}
    with pytest.raises(UsageError, match="give --world-file to `roomscale pack`"):
        prepare_scene(folder, Output(), folder / "world.toml")


def test_a_scene_may_be_packed_on_the_way_and_is_the_same_as_its_folder(tmp_path: Path) -> None:
    scene = tmp_path / "garden.glb"
    scene.write_bytes(worlds.garden())
    package, _ = pack(parse_scene(worlds.garden()))
    write_package(package, tmp_path / "packed")
    for found in (0, 1):
        store = ImageStore(tmp_path / "images")
        ready = prepare_scene(scene, Output(), options=PackOptions(), store=store)
        assert ready.shows_what(prepare_scene(tmp_path / "packed", Output()))
        assert (store.asked[IMAGES] > 0, store.found[IMAGES]) == (True, found * store.asked[IMAGES])
    assert not ready.shows_what(prepare_scene(scene, Output()))


def test_a_folder_that_is_no_package_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadScene, match="is a folder; name a file in it"):
        prepare_scene(tmp_path, Output())
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(BadScene, match=r"manifest\.json"):
        prepare_scene(tmp_path, Output())
