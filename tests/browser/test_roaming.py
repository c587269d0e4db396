"""A phone that changes networks, with a real Chromium: each of its two ways is taken away while it is used."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roomscale.cli.layout import DataDirectory
from roomscale.netcode.node.seam_client import SeamClient
from tests.benchmarks.record import record
from tests.support.browser import Visitor, chromium, chromium_path
from tests.support.floor import floor_glb
from tests.support.house import House
from tests.support.matrix import apart
from tests.support.phone import OUTSIDE, Phone, phone

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.homeserver]

MOVES = 10
BACK_MS = 2_000
"""What a move may cost: the longest time without news from the server."""
REST_S = 4.0
"""Between two moves: the former way is back, and Chromium knows."""
COMMAND = "pytest -m proof tests/browser/test_roaming.py"
DOCUMENT = Path(__file__).parents[2] / "docs" / "interop.md"

#: Keeps the longest time between two ticks that were heard of; `window.gap()` gives it, and starts anew.
WATCH = """
() => {
  let [tick, at, longest] = [0, performance.now(), 0];
  setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - at);
    if (window.__roomscale.net.tick !== tick) [tick, at] = [window.__roomscale.net.tick, now];
  }, 5);
  window.gap = () => {
    const gap = longest;
    longest = 0;
    return gap;
  };
}
"""


@pytest.fixture
def own() -> Iterator[Phone]:
    with phone() as own:
        yield own


@pytest.mark.timeout(300)
def test_a_phone_that_changes_networks_goes_on_as_the_same_visitor(own: Phone, tmp_path: Path) -> None:
    (tmp_path / "floor.glb").write_bytes(floor_glb())
    with House(tmp_path / "data", str(tmp_path / "floor.glb"), "--host", OUTSIDE) as house:
        safe = f"--unsafely-treat-insecure-origin-as-secure=http://{OUTSIDE}:{house.port}"
        with chromium(safe, program=own.run(chromium_path(), tmp_path / "chromium")) as browser:
            visitor = Visitor.of(browser)
            visitor.page.goto(house.link)
            before = visitor.enter("Ada")
            assert before["net"]["path"] == "webrtc"
            visitor.page.evaluate(WATCH)
            known, gaps = seen_by_the_node(house), []
            for move in range(MOVES):
                time.sleep(REST_S)
                used = own.in_use()
                quiet = visitor.page.evaluate("window.gap()")
                own.take(used)
                time.sleep(REST_S)
                gaps.append(visitor.page.evaluate("window.gap()"))
                assert quiet < 1_000, f"no news for {quiet:.0f} ms with both ways there, before move {move}"
                assert own.in_use() != used
                own.give(used)
            after = visitor.hook()
            assert max(gaps) < BACK_MS, gaps
            assert after["self"]["peerId"] == before["self"]["peerId"]
            assert after["net"]["path"] == "webrtc"
            assert not [note for note in after["notes"] if note.startswith("connection:")]
            assert seen_by_the_node(house) == known
            quests = [note.removeprefix("path: ") for note in after["notes"] if note.startswith("path: ")]
            visitor.close()
            version = browser.version
    figures = f"{statistics.median(gaps):.0f} ms, most {max(gaps):.0f} ms"
    how = ", ".join(f"{quests.count(quest)} by {quest}" for quest in sorted(set(quests)))
    print(f"\n{MOVES} moves; without news for p50 {figures}; {how}")
    record(
        "roaming",
        COMMAND,
        f"Chromium {version}, {MOVES} moves from one way to the other: the same participant throughout, and nobody was"
        f" told otherwise; the longest time without a packet p50 {figures}. Found again: {how}.",
        DOCUMENT,
    )


def seen_by_the_node(house: House) -> Any:
    """Who is there, and how many have entered and left so far."""

    async def ask() -> Any:
        async with SeamClient(DataDirectory(house.data.resolve()).seam_socket) as node:
            await node.wait_up(5)
            metrics = await node.metrics()
            return await node.sessions(), metrics["frames"]["closed"]

    return apart(ask)
