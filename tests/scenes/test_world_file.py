"""world.toml: read strictly, with a word on what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.scenes import Severity, UnreadableScene
from roomscale.scenes.authoring import WorldFile, beside, parse_world_file, read_world_file
from roomscale.scenes.authoring.world_file import MOST_BYTES, SECTIONS

FULL = b"""
[scene]
sky = { top = "#3366cc", horizon = "#dde6ee" }
gravity = 9.81

[node."Fountain"]
audio = { file = "water.mp3", gain = 0.5, radius = 12 }

[node."Big door"]
portal = "#plaza:example.org"
title = "The Plaza"

[author]
names = false

[budgets.mobile]
entry = "3 MB"
"""


def test_all_of_it() -> None:
    world = parse_world_file(FULL)
    assert world.findings == ()
    assert world.scene["gravity"] == 9.81
    assert world.nodes["Big door"] == {"portal": "#plaza:example.org", "title": "The Plaza"}
    assert world.budgets == {"mobile": {"entry": "3 MB"}}
    assert not world.uses_names


def test_an_empty_one_says_nothing() -> None:
    assert parse_world_file(b"") == WorldFile()


@pytest.mark.parametrize(
    ("toml", "place", "hint"),
    [
        ("[nodes.A]", "no section nodes", "did you mean node?"),
        ("[xyz]", "no section xyz", f"known are {', '.join(sorted(SECTIONS))}"),
        ("[scene]\ngravty = 1", "scene: there is no key gravty", "did you mean gravity?"),
        ('[node."A"]\ncolider = "box"', 'node."A": there is no key colider', "did you mean collider?"),
        ('[node."A"]\naudio = { fil = "a.mp3" }', 'node."A".audio: there is no key fil', "did you mean file?"),
        ("[author]\nname = false", "author: there is no key name", "did you mean names?"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(toml: str, place: str, hint: str) -> None:
    [found] = parse_world_file(toml.encode()).findings
    assert found.severity is Severity.ERROR
    assert place in found.message
    assert found.hint == hint


@pytest.mark.parametrize("toml", ["scene = 1", "node = []", "[node]\nA = 1", "budgets = true", "[author]\nnames = 1"])
def test_a_value_in_place_of_a_table_is_told(toml: str) -> None:
    [found] = parse_world_file(toml.encode()).findings
    assert found.code == "WORLD_FILE_VALUE"


@pytest.mark.parametrize(
    "data",
    [b"[scene", b"\xff\xfe", b"a = 1\na = 2", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000, b"#" * (MOST_BYTES + 1)],
    ids=["cut", "no UTF-8", "twice", "deep", "endless number", "too large"],
)
def test_what_is_no_toml_is_one_line(data: bytes) -> None:
    with pytest.raises(UnreadableScene) as caught:
        parse_world_file(data)
    assert str(caught.value).startswith("world.toml")
    assert str(caught.value).isprintable()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='[]{}=."#\n aé1node', max_size=60).map(str.encode))
def test_whatever_the_bytes_it_is_a_value_or_one_error(data: bytes) -> None:
    try:
        parse_world_file(data)
    except UnreadableScene as error:
        assert str(error)


def test_it_is_found_beside_the_scene(tmp_path: Path) -> None:
    assert beside(tmp_path / "a.glb") is None
    (tmp_path / "world.toml").write_text("[scene]\ngravity = 1")
    found = beside(tmp_path / "a.glb")
    assert found is not None
    assert read_world_file(found).scene == {"gravity": 1}


def test_one_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableScene, match=r"other\.toml"):
        read_world_file(tmp_path / "other.toml")
