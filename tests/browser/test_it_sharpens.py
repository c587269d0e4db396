"""A packed world in a real browser: inside by the entry, then the parts come; a new version brings what is new."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from roomscale.scenes.package.levels import chosen
from tests.browser.packed import GROUND_EDGE, SIDE, packed_world
from tests.support.browser import Visitor
from tests.support.house import House

pytestmark = [pytest.mark.browser, pytest.mark.homeserver, pytest.mark.timeout(300)]
MEDIA = "/media/download/"
ENTRY_EDGE = 256
MOVING = 2  # triangles of the wings
_ENTRIES = 'performance.getEntriesByType("resource")'
FETCHED = f'{_ENTRIES}.filter((e) => e.name.includes("{MEDIA}") && e.transferSize > 0).length'
"""How many media the browser has asked a server for; those that its cache had are not counted."""

KEPT = """async (hashes) => {
    const cache = await caches.open("roomscale.parts");
    for (;;) {
        const names = (await cache.keys()).map(({ url }) => url).join();
        if (hashes.every((hash) => names.includes(hash))) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}"""
"""Resolves when the browser has put these parts by: it does so while others come."""


def test_one_enters_by_the_entry_and_the_parts_sharpen_it(browser: Browser, tmp_path: Path, artefacts: Path) -> None:
    folder = tmp_path / "garden"
    manifest = packed_world(folder)
    wanted = len(chosen(manifest, 2))
    with House(tmp_path / "data", str(folder), "--watch") as house:
        ada = Visitor.of(browser, (640, 360), sharpness=1)
        held: list[Route] = []
        entries: list[str] = []
        released: list[bool] = []

        def hold(route: Route) -> None:
            """The first medium is the entry; all else waits."""
            entries.append(route.request.url)
            route.continue_() if len(entries) == 1 or released else held.append(route)

        ada.page.route(f"**{MEDIA}**", hold)
        ada.page.goto(house.link)
        coarse = ada.enter("Ada")
        assert coarse["sharpest"] == ENTRY_EDGE
        assert coarse["parts"]["loaded"] == 0
        assert coarse["animations"] == 0
        coarse = ada.walk("KeyW", 0.5)
        ada.page.screenshot(path=artefacts / "parts-before.png")
        assert held, "the manifest is asked for once one is inside"

        released.append(True)
        for route in held:
            route.continue_()
        sharp = ada.wait_for(f"r.parts.loaded === {wanted} && r.sharpest === {GROUND_EDGE}", seconds=15)
        assert sharp["parts"] == {**sharp["parts"], "level": 2, "wanted": wanted, "failed": 0}
        sharp = ada.wait_for(f"r.triangles >= {coarse['triangles']} + {SIDE * SIDE}", seconds=15)
        assert sharp["animations"] == 1
        assert sharp["colliders"] == coarse["colliders"] - MOVING, "what one walks on stays, but for what moves"
        ada.wait_for("r.sound > 1.9", seconds=15)
        both = f"r.textures === {coarse['textures']} && r.geometries === {coarse['geometries']}"
        ada.wait_for(both, seconds=15)  # what was replaced is freed
        ada.page.screenshot(path=artefacts / "parts-after.png")

        ada.page.unroute_all()
        ada.page.evaluate("window.__same_page = true")
        before = ada.page.evaluate(FETCHED)
        kept = {part.sha256 for part in manifest.parts}
        again = packed_world(folder, wall=2)
        new = [part for part in chosen(again, 2) if part.sha256 not in kept]
        assert 0 < len(new) < wanted
        ada.page.get_by_text("The world has changed around you").wait_for(timeout=10_000)
        ada.wait_for(f"r.parts.loaded === {len(chosen(again, 2))}", seconds=15)
        assert ada.page.evaluate(FETCHED) - before == 2 + len(new), "entry, manifest, and what is new"
        fetched = ada.page.evaluate(FETCHED)
        said = uploads(house)
        assert said[0].startswith(f"{2 + len(kept)} of {2 + len(kept)} files were new, ")
        assert said[-1].startswith(f"{2 + len({part.sha256 for part in again.parts} - kept)} of ")

        again = packed_world(tmp_path / "new" / "garden", wall=3)
        told = publish(tmp_path / "new" / "garden", house)
        assert (told["files"], told["files_new"]) == (2 + len({part.sha256 for part in again.parts}), 3)
        ada.wait_for(f"{FETCHED} === {fetched + 3} && r.parts.loaded === {len(chosen(again, 2))}", seconds=20)
        assert ada.page.evaluate("window.__same_page") is True
        ada.page.evaluate(KEPT, [part.sha256 for part in chosen(again, 2)])
        ada.page.close()

        back = ada.another_tab("about:blank")
        sizes: set[int] = set()  # of the media that come: the entry, the manifest, avatars
        back.page.on("response", lambda r: sizes.add(int(r.headers["content-length"])) if MEDIA in r.url else None)
        back.page.goto(house.link)
        back.enter("Ada")
        back.wait_for(f"r.parts.loaded === {len(chosen(again, 2))}", seconds=20)
        assert again.entry.bytes in sizes
        assert not sizes & {part.bytes for part in again.parts}, "parts are kept"
        back.close()


def publish(folder: Path, house: House) -> Any:
    """What `roomscale publish --json` says."""
    command = [sys.executable, "-m", "roomscale.cli.app", "publish", str(folder), "--data", str(house.data), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)


def uploads(house: House) -> list[Any]:
    """What the house said about each publish."""
    return [line.strip(" ·\n") for line in house.lines if "files were" in line]
