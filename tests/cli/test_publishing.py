"""What a world is called when nobody says."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomscale.cli.publishing import alias_of, name_of


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/models/Winter Garden.glb", "Winter Garden"),
        ("/models/chair.gltf.glb", "chair"),
        ("/models/JungleScene/scene.gltf", "JungleScene"),
        ("/models/Old Mill/Untitled.glb", "Old Mill"),
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
