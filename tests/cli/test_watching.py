"""What `roomscale up --watch` takes for a save, and what a prepared scene is made of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roomscale.cli.errors import BadScene
from roomscale.cli.output import Output
from roomscale.cli.publishing import prepare_scene
from roomscale.cli.watching import Settled, signature
from roomscale.scenes import parse_scene
from roomscale.scenes.view import view
from tests.scenes.crafted import glb, gltf, png, triangle

A, B, C = ((1, 1, 1),), ((2, 1, 1),), ((3, 1, 1),)


@pytest.mark.parametrize(
    ("looks", "news"),
    [
        ([A, A, A], []),
        ([B, B, B], [1]),  # at the second look: it stands still
        ([B, C, C, C], [2]),  # still being written at the first
        ([B, A, A], []),  # an editor that writes and takes back
        ([B, B, C, C], [1, 3]),
    ],
)
def test_a_save_counts_once_it_has_settled(looks: list[tuple[tuple[int, int, int]]], news: list[int]) -> None:
    settled = Settled(A)
    assert [at for at, look in enumerate(looks) if settled.look(look)] == news


def test_a_file_that_comes_goes_or_changes_is_another_signature(tmp_path: Path) -> None:
    files = {tmp_path / "a.glb", tmp_path / "world.toml"}
    (tmp_path / "a.glb").write_bytes(b"1")
    seen = [signature(files)]
    (tmp_path / "world.toml").write_text("")
    seen.append(signature(files))
    os.utime(tmp_path / "a.glb", ns=(1, 1))
    seen.append(signature(files))
    (tmp_path / "a.glb").unlink()
    seen.append(signature(files))
    assert len(set(seen)) == 4


def test_a_scene_is_prepared_with_the_world_toml_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = triangle()
    tree["images"] = [{"uri": "textures/wall%20paper.png"}]
    tree["nodes"][0]["name"] = "spawn"
    (tmp_path / "textures").mkdir()
    (tmp_path / "textures" / "wall paper.png").write_bytes(png())
    (tmp_path / "room.gltf").write_bytes(gltf(tree))
    (tmp_path / "world.toml").write_text('[scene]\nsky = "#ffffff"')
    ready = prepare_scene(tmp_path / "room.gltf", Output())
    seen = view(parse_scene(ready.glb))
    assert (len(seen.spawn_points), len(seen.skies)) == (1, 1)
    named = {"room.gltf", "world.toml", "textures/wall paper.png"}
    assert ready.files == {tmp_path / name for name in named}
    assert 'made: spawn points: "spawn"' in capsys.readouterr().err
    other = tmp_path / "other.toml"
    other.write_text("[author]\nnames = false")
    assert view(parse_scene(prepare_scene(tmp_path / "room.gltf", Output(), other).glb)).spawn_points == []


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("[scene", "world.toml is no valid TOML"),
        ("[scene]\nsky = 1", "sky must be a colour"),
        ('[scene]\nsky = "../../etc/passwd"', "cannot lead out of it"),
        ('[scene]\nsky = "sky.hdr"', "sky.hdr is no .jpg or .png"),
        ('[scene]\nsky = "blue"', "sky must be a colour"),
        ('[scene]\nsky = "../sky.png"', "cannot lead out of it"),
        ("[scene]\ngravty = 1", "did you mean gravity?"),
        ('[node."Trii"]\nseat = true', "did you mean tri?"),
    ],
)
def test_a_mistake_in_world_toml_is_one_line_that_says_what_to_do(tmp_path: Path, toml: str, line: str) -> None:
    (tmp_path / "room.glb").write_bytes(glb())
    (tmp_path / "world.toml").write_text(toml)
    with pytest.raises(BadScene) as caught:
        prepare_scene(tmp_path / "room.glb", Output())
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
