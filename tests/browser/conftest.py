"""One house and one Chromium for all browser tests; each test brings visitors of its own.

Rule: the world is a bare floor, and who `visit`s it draws nothing unless the test is about what is seen: without a GPU
two pages that draw the Plaza take ten times as long to open. Both end with the last of these tests, and with them
Playwright's event loop, which occupies the thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import BLURRED, SMALL, Visitor, chromium
from tests.support.floor import floor_glb
from tests.support.house import House


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """`roomscale up floor.glb`."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "floor.glb").write_bytes(floor_glb())
    with House(folder / "data", str(folder / "floor.glb")) as house:
        yield house


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Callable[..., Visitor]]:
    """`visit("Ada")` opens a world in a profile of its own and enters as Ada; all are closed after the test."""
    visitors: list[Visitor] = []

    def enter(
        name: str,
        *,
        link: str = house.link,
        avatar: str | None = None,
        size: tuple[int, int] = SMALL,
        sharpness: float = BLURRED,
        seen: bool = False,
    ) -> Visitor:
        visitor = Visitor.of(browser, size, sharpness=sharpness, seen=seen)
        visitors.append(visitor)
        visitor.page.goto(link)
        visitor.enter(name, avatar=avatar)
        return visitor

    yield enter
    for visitor in visitors:
        visitor.close()


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where screenshots go; not in git."""
    folder = Path(__file__).parents[2] / "artefacts"
    folder.mkdir(exist_ok=True)
    return folder
