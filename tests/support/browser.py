"""A real Chromium for tests: finding it, starting it as web pages need it here, and reading the client's hook.

Its one rule: a test asserts on `window.__roomscale`, never on a sleep.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

Json = Any  # what the hook holds is whatever the client put there

#: Software rendering through Mesa is twice as fast as the browser's own; frame limits stay on.
_MESA = ("--use-gl=angle", "--use-angle=gl-egl", "--ignore-gpu-blocklist")
_SWIFTSHADER = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",  # the node listens on loopback only
)
SMALL = (480, 270)  # width and height in CSS pixels: room for what the tests click
UNHURRIED = """
(() => {
  const draw = requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (frame) => setTimeout(() => draw(frame), 50);
  window.cancelAnimationFrame = clearTimeout;
})()
"""  # 15 frames a second at most: without a GPU the pages of a test would take each other's time
UNSEEN = """
window.requestAnimationFrame = (frame) => setTimeout(() => frame(performance.now()), 60);
window.cancelAnimationFrame = clearTimeout;
for (const name of ["clear", "drawArrays", "drawArraysInstanced", "drawElements", "drawElementsInstanced"]) {
  WebGL2RenderingContext.prototype[name] = () => {};
}
"""
"""All of the page runs, as often as by `UNHURRIED`, but draws nothing: where there is no GPU, the CPU would do it."""
BLURRED = 0.5  # real pixels to a CSS pixel: several pages render smoothly without a GPU


def chromium_path() -> str:
    """The browser that tests/setup/chromium.py found; without one the test is skipped, but never in CI."""
    script = Path(__file__).parents[1] / "setup" / "chromium.py"
    spec = importlib.util.spec_from_file_location("setup_chromium", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path: str | None = module.find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium in CI: tests/setup/chromium.py should have installed one")
        pytest.skip("no Chromium or Chrome on this machine; `make test` says how to get one")
    return path


@contextmanager
def chromium(*flags: str, program: Path | None = None) -> Iterator[Browser]:
    """A headless Chromium that ends with the block. `program`: what is started in its place, to start it otherwise."""
    renderer = _MESA if ctypes.util.find_library("EGL") else _SWIFTSHADER
    with sync_playwright() as playwright:
        path = program or chromium_path()
        browser = playwright.chromium.launch(executable_path=path, args=[*renderer, *FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def once_in_three(attempt: Callable[[], bool]) -> None:
    """For what is to be quick: a machine that is busy with something else may spoil it twice."""
    assert any(attempt() for _ in range(3))


class Visitor:
    """One page of the client, in a browser profile of its own, and what its hook says."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.console: list[str] = []
        self.page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"pageerror: {error}"))

    @classmethod
    def of(
        cls, browser: Browser, size: tuple[int, int] = SMALL, *, sharpness: float = BLURRED, seen: bool = True
    ) -> Visitor:
        """Somebody with a browser profile of their own; `size` in CSS pixels, `sharpness` in real ones for each.

        seen: whether anybody looks at the page; else it draws nothing.
        """
        viewport: ViewportSize = {"width": size[0], "height": size[1]}
        visitor = cls(browser.new_context(viewport=viewport, device_scale_factor=sharpness))
        visitor.context.add_init_script(UNHURRIED if seen else UNSEEN)
        return visitor

    def another_tab(self, url: str) -> Visitor:
        """A second tab in the same profile."""
        tab = Visitor(self.context)
        tab.page.goto(url)
        return tab

    def hook(self) -> Json:
        """The client's numeric hook as it is now, {} before the client runs."""
        return json.loads(self.page.evaluate("JSON.stringify(window.__roomscale ?? {})"))

    def wait_for(self, condition: str, *, seconds: float = 30) -> Json:
        """Wait until a JavaScript `condition` over the hook (named `r`) holds; returns the hook then."""
        script = f"(() => {{ const r = window.__roomscale; return Boolean(r && ({condition})); }})()"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.page.evaluate(script):
                return self.hook()
            time.sleep(0.02)
        tail = "\n".join(self.console[-12:])
        pytest.fail(f"`{condition}` did not hold within {seconds:g} s; hook: {self.hook()}\nconsole:\n{tail}")

    def enter(self, name: str, *, avatar: str | None = None, seconds: float = 60) -> Json:
        """Give a name, choose a look, press Enter, and wait until the ground is under the feet."""
        self.page.get_by_label("Your name").fill(name)
        if avatar is not None:
            self.page.get_by_role("radio", name=avatar).check(force=True)  # its picture lies above it
        self.page.get_by_role("button", name="Enter", exact=False).click()
        return self.wait_for("r.phase === 'inside' && r.self.grounded", seconds=seconds)

    def say(self, text: str) -> None:
        """Write into the chat."""
        field = self.page.get_by_role("textbox", name="Message")
        if not field.is_visible():
            self.page.get_by_role("button", name="Chat", exact=True).click()
        field.fill(text)
        field.press("Enter")

    def walk(self, key: str, metres: float) -> Json:
        """Hold a key until that far from here; returns the hook when standing again."""
        x, _, z = self.hook()["self"]["position"]
        self.page.locator("canvas").focus()
        self.page.keyboard.down(key)
        self.wait_for(f"Math.hypot(r.self.position[0] - {x}, r.self.position[2] - {z}) >= {metres}")
        self.page.keyboard.up(key)
        return self.wait_for("r.self.speed < 0.01 && r.self.grounded")

    def close(self) -> None:
        """Close the page as a person does (its `pagehide` runs), then the profile."""
        self.page.close(run_before_unload=False)
        self.context.close()
