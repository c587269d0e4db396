"""Parts die, and those inside hardly notice: each test kills one with -9 while two people are inside."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable

import psutil
import pytest

from roomscale.cli.layout import DataDirectory
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.worlds.matrix import MatrixClient
from tests.support.browser import Visitor, once_in_three
from tests.support.house import House
from tests.support.matrix import apart, as_host

pytestmark = [pytest.mark.browser, pytest.mark.homeserver]
Visit = Callable[..., Visitor]
LARGE_BYTES = 100 * 1024 * 1024
BACK_S = 20  # how long both may take to be back: some 3 s, more where another test runs beside this one
SEES = "r.phase === 'inside' && Object.values(r.peers).some((p) => p.name === {name!r})"


def sees(visitor: Visitor, name: str, *, seconds: float = 30) -> None:
    visitor.wait_for(SEES.format(name=name), seconds=seconds)


def kill(process: psutil.Process) -> None:
    process.kill()
    process.wait(5)


def test_both_are_back_after_the_node_was_killed(visit: Visit, house: House) -> None:
    ada, grace = visit("Ada"), visit("Grace")
    sees(ada, "Grace")
    ticks = ada.wait_for("r.net.tick > 100")["net"]["tick"]
    kill(house.part("node"))
    ada.wait_for(f"r.net.tick < {ticks}", seconds=BACK_S)  # of another node, which counts from its own start
    sees(ada, "Grace", seconds=BACK_S)
    sees(grace, "Ada", seconds=BACK_S)


def test_nobody_leaves_when_the_gate_is_killed(visit: Visit, house: House) -> None:
    ada, grace = visit("Ada"), visit("Grace")
    sees(ada, "Grace")
    ticks = ada.hook()["net"]["tick"]
    kill(house.part("gate"))
    ada.wait_for(f"r.net.tick > {ticks} + 60", seconds=BACK_S)
    sees(grace, "Ada", seconds=BACK_S)
    house.wait_ready(seconds=BACK_S)
    ada.say("still here")
    grace.wait_for("r.chat.some((m) => m.body === 'still here')", seconds=BACK_S)


def test_nobody_leaves_when_the_homeserver_is_killed(visit: Visit, house: House) -> None:
    ada, grace = visit("Ada"), visit("Grace")
    sees(ada, "Grace")
    kill(house.part("homeserver"))
    grace.walk("KeyW", 1.0)
    x, _, z = grace.hook()["self"]["position"]
    ada.wait_for(
        f"Object.values(r.peers).some((p) => Math.hypot(p.position[0] - {x}, p.position[2] - {z}) < 0.1)", seconds=5
    )
    assert ada.hook()["phase"] == "inside"
    house.wait_ready(seconds=18)  # less than the gate's long poll: it asks at once whether it is back
    ada.say("chat is back")
    grace.wait_for("r.chat.some((m) => m.body === 'chat is back')", seconds=30)


def test_a_large_upload_through_the_gate_delays_no_tick(visit: Visit, house: House) -> None:
    ada = visit("Ada")

    def attempt() -> bool:
        before = node_ticks(house)
        assert upload(house, os.urandom(LARGE_BYTES)).startswith("mxc://")
        after = node_ticks(house)
        assert after["ticks"] > before["ticks"]
        assert ada.hook()["phase"] == "inside"
        return after["dropped"] == before["dropped"]

    once_in_three(attempt)


def node_ticks(house: House) -> dict[str, float]:
    """What the node measured of its own ticks."""

    async def ask() -> dict[str, float]:
        async with SeamClient(DataDirectory(house.data.resolve()).seam_socket) as node:
            await node.wait_up(5)
            ticks: dict[str, float] = (await node.metrics())["ticks"]
            return ticks

    return apart(ask)


def upload(house: House, content: bytes) -> str:
    """Upload through the gate, as the host."""

    async def token(client: MatrixClient) -> str:
        await client.login()
        return client.token or ""

    headers = {"Authorization": f"Bearer {as_host(house, token)}", "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(house.url + "/_matrix/media/v3/upload", content, headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(json.load(response)["content_uri"])
