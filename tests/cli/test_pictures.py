"""The creator's guide's pictures show what the commands say today."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.pictures import FOLDER, PICTURES

GUIDE = Path(__file__).parents[2] / "docs" / "creators-guide.md"
MOST_BYTES = 150_000
SIZES = re.compile(r"[\d.]+ (?:B|kB|MB|%)")
AGAIN = "python -m tests.cli.pictures draws them anew"


def texts(svg: str) -> list[str]:
    """What a picture says, without the bytes that an encoder's next version changes."""
    shown = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [re.sub(r" +", " ", SIZES.sub("N", "".join(text.itertext()))) for text in shown]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_what_is_said_today(name: str) -> None:
    assert texts(PICTURES[name]()) == texts((FOLDER / name).read_text("utf-8")), AGAIN


def test_the_guide_shows_them_all_and_they_are_small() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(images/([^)]+)\)", GUIDE.read_text("utf-8"))
    assert set(PICTURES) < set(shown)
    assert sum((FOLDER / name).stat().st_size for name in shown) < MOST_BYTES


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_fetches_nothing_and_runs_nothing(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"<script|<foreignObject|href|@import|url\(", text)
