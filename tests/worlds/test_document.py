"""docs/matrix-events.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from roomscale.worlds.model import SERVER_EVENT, WORLD_EVENT, ServerRef, World
from roomscale.worlds.permissions import LEVELS, new_world_levels

DOCUMENT = Path(__file__).parents[2] / "docs" / "matrix-events.md"


def test_the_table_of_levels_is_the_map_that_is_written() -> None:
    section = DOCUMENT.read_text("utf-8").partition("The `events` map, whole:")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", section, re.MULTILINE)
    told = {name: int(level) for level, names in rows for name in re.findall(r"`([^`]+)`", names)}
    assert told == LEVELS
    levels = new_world_levels("@ada:localhost", room_version="12")
    assert levels["events"]["m.room.tombstone"] == 150
    assert (levels["state_default"], levels["kick"], levels["invite"]) == (100, 50, 50)


def test_the_examples_are_read_without_a_problem() -> None:
    text = re.findall(r"```json\n(.+?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[0]
    decoder, at, events = json.JSONDecoder(), 0, {}
    while at < len(text):
        event, end = decoder.raw_decode(text, at)
        events[event["type"]] = event["content"]
        at = end + len(text[end:]) - len(text[end:].lstrip())
    world, problems = World.read(events[WORLD_EVENT])
    assert problems == []
    assert world.unknown == {}
    assert ServerRef.read(events[SERVER_EVENT])[1] == []
