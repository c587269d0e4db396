"""The foreign clients: how each is found, started and ended. One that cannot be had skips its tests, and says why.

Rule: a program does nothing but open the booth's page, or run the same script; it ends with its `async with`.
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import aiortc
import pytest
from playwright.async_api import async_playwright

from roomscale.netcode.testing.lean_visitor import LeanVisitor
from roomscale.netcode.testing.visitor import Visitor
from tests.benchmarks.netcode import servers
from tests.benchmarks.rivals import NotAvailable, install
from tests.netcode.interop.booth import booth
from tests.netcode.interop.client import Client, Headless
from tests.support.browser import FLAGS, chromium_path

_FIREFOX: Final = ("firefox-esr", "firefox")
_PREFERENCES: Final = {
    "browser.shell.checkDefaultBrowser": "false",
    "browser.startup.homepage_override.mstone": '"ignore"',
    "datareporting.policy.dataSubmissionEnabled": "false",
    "app.update.enabled": "false",
    "network.captive-portal-service.enabled": "false",
    "network.connectivity-service.enabled": "false",
    "media.peerconnection.ice.loopback": "true",  # the node listens on loopback only
    "permissions.default.camera": "1",  # else Firefox tells pages of its default address alone
}
"""Firefox is to stay by itself, and to use the address that everything here is on."""
_GRACE: Final = 10.0
"""Seconds that a program may take to end."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Client]:
    """The Chromium of all browser tests."""
    path = chromium_path()
    async with booth() as own, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            page = await browser.new_page()
            await page.goto(own.url)
            yield own
        finally:
            await browser.close()


@asynccontextmanager
async def firefox() -> AsyncIterator[Client]:
    """Debian's Firefox, or whichever is on PATH. (Playwright drives only one that it has patched.)"""
    path = next(filter(None, map(shutil.which, _FIREFOX)), None)
    if path is None:
        pytest.skip("no Firefox on this machine (on Debian: apt install firefox-esr)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = (f'user_pref("{name}", {value});\n' for name, value in _PREFERENCES.items())
        Path(profile, "user.js").write_text("".join(lines), "utf-8")
        async with booth() as own, _process(path, "--headless", "--no-remote", "--profile", profile, own.url):
            yield own


@asynccontextmanager
async def libdatachannel() -> AsyncIterator[Client]:
    """libdatachannel under Node, as the benchmarks' rivals install it."""
    try:
        install(servers.RIVALS)
        node = servers.node()
    except NotAvailable as reason:
        pytest.skip(str(reason))
    script = Path(__file__).with_suffix("").with_name("libdatachannel.mjs")
    async with booth() as own, _process(node, str(script), str(servers.RIVALS), own.url):
        yield own


def version(name: str) -> str:
    """A client's name and version, for people; to be asked after it ran."""
    match name:
        case "lean":
            return "ours, `netcode/webrtc`"
        case "aiortc":
            return f"aiortc {aiortc.__version__}"
        case "libdatachannel":
            package = servers.RIVALS / "node_modules" / "node-datachannel" / "package.json"
            return f"libdatachannel, node-datachannel {json.loads(package.read_text('utf-8'))['version']}"
        case "firefox":
            program = next(filter(None, map(shutil.which, _FIREFOX)))
        case _:
            program = chromium_path()
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@asynccontextmanager
async def _headless(kind: type[Visitor] | type[LeanVisitor]) -> AsyncIterator[Client]:
    yield Headless(kind)


@asynccontextmanager
async def _process(*command: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE)
        except TimeoutError:
            process.kill()
            await process.wait()


CLIENTS: Final[dict[str, Callable[[], AbstractAsyncContextManager[Client]]]] = {
    "lean": functools.partial(_headless, LeanVisitor),
    "aiortc": functools.partial(_headless, Visitor),
    "chromium": chromium,
    "firefox": firefox,
    "libdatachannel": libdatachannel,
}
"""All of them, by name."""
