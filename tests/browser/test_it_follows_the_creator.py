"""Save in Blender, see it in the browser: `roomscale up --watch` with everything real, save Blender itself."""

from __future__ import annotations

import math
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from roomscale.scenes import jsonio, open_scene, write_glb
from roomscale.scenes.khronos.runner import SCRIPT
from tests.support.browser import Visitor
from tests.support.house import House

pytestmark = [pytest.mark.browser, pytest.mark.homeserver, pytest.mark.timeout(300)]
BLENDER = Path(__file__).parents[1] / "scenes" / "blender" / "room.glb"
BOX = 12  # triangles of a box
SEEN_WITHIN_S = 20  # by far; about a second on a quiet machine
MARK = "window.__same_page"


def save_without(scene: Path, *names: str) -> None:
    """Save the scene as its creator would who has taken the collider's suffix off some names."""
    opened = open_scene(BLENDER)
    json = jsonio.copy(opened.json)
    for node in json["nodes"]:
        if node["name"] in names:
            node["name"] = node["name"].partition("-")[0]
    write_glb(opened.changed(json), scene)


def save_turned_too_far(scene: Path) -> None:
    """Save what Khronos's validator alone rejects (see `tests/cli/test_same_verdict.py`)."""
    opened = open_scene(BLENDER)
    json = jsonio.copy(opened.json)
    json["nodes"][0]["rotation"] = [0, 0, 0, 1.0003]
    write_glb(opened.changed(json), scene)


def wait_for_line(house: House, text: str) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while not any(text in line for line in house.lines):
        assert time.monotonic() < deadline, f"{text!r} was not said:\n{''.join(house.lines)}"
        time.sleep(0.02)


def at_rest(visitor: Visitor) -> Any:
    """Where somebody stands, once nothing moves them: not their feet, nor the server that takes a step back."""
    before: Any = None
    while (now := visitor.hook()["self"]["position"]) != before:
        before = now
        time.sleep(0.3)
    return visitor.hook()["self"]


def test_a_save_is_seen_by_whoever_is_inside(browser: Browser, tmp_path: Path, artefacts: Path) -> None:
    folder = tmp_path / "room"
    folder.mkdir()
    scene = folder / "room.glb"
    shutil.copy(BLENDER, scene)
    (folder / "water.mp3").write_bytes(b"ID3\x03" + bytes(60))
    with House(tmp_path / "data", str(scene), "--watch") as house:
        ada = Visitor.of(browser, (640, 360), sharpness=1)
        ada.page.goto(house.link)
        before = ada.enter("Ada")["colliders"]
        ada.page.evaluate(f"{MARK} = true")
        ada.walk("KeyW", 1.0)
        stood = at_rest(ada)

        save_without(scene, "Rock-convcol")
        after = ada.wait_for(f"r.colliders === {before - BOX}", seconds=SEEN_WITHIN_S)
        assert math.dist(after["self"]["position"], stood["position"]) < 0.1, "one stays where one was"
        assert after["self"]["yaw"] == pytest.approx(stood["yaw"], abs=0.01)
        assert after["phase"] == "inside"
        ada.page.get_by_text("The world has changed around you").wait_for(timeout=5_000)
        ada.page.screenshot(path=artefacts / "the-world-changed.png")

        scene.write_bytes(scene.read_bytes()[:5_000])
        wait_for_line(house, "the world stays as it was")
        assert ada.hook()["colliders"] == before - BOX
        if SCRIPT.exists():
            save_turned_too_far(scene)
            wait_for_line(house, "/nodes/0/rotation")

        save_without(scene, "Rock-convcol", "Wall-col")
        ada.wait_for(f"r.colliders === {before - 2 * BOX}", seconds=SEEN_WITHIN_S)
        (folder / "world.toml").write_text('[node."Crate"]\ncollider = "none"\n')
        ada.wait_for(f"r.colliders === {before - 3 * BOX}", seconds=SEEN_WITHIN_S)
        (folder / "world.toml").write_text('[node."Crate"]\ncolider = "none"\n')
        wait_for_line(house, "did you mean collider?")

        ada.walk("KeyS", 0.5)  # and one still walks
        assert ada.page.evaluate(MARK) is True, "the page was not loaded again"
        ada.close()
