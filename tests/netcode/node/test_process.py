"""The node as a process: what its host sees of it, and what happens when it, or the gate, ends or dies."""

from __future__ import annotations

import asyncio
import inspect
import signal
import sys
import time
from pathlib import Path

import pytest

from roomscale.netcode.core.messages import GoodbyeCode, Role
from roomscale.netcode.core.simulation import Simulation
from roomscale.netcode.errors import NodeAway, NodeFailed
from roomscale.netcode.node import seam
from roomscale.netcode.node.config import NodeConfig
from roomscale.netcode.node.seam_client import SeamClient
from roomscale.netcode.node.service import serve
from tests.netcode.conftest import House
from tests.netcode.node.conftest import Houses

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_restarted_gate_finds_who_is_inside_and_nobody_noticed(houses: Houses) -> None:
    house = await houses()
    ada, bo = await house.enter("a", name="Ada", role=Role.OWNER), await house.enter("b")
    await house.gate.close()
    await bo.close()  # while nobody listens
    await ada.until(lambda: not ada.others)
    pushes: list[seam.Push] = []
    async with SeamClient(house.path, on_push=pushes.append) as gate:
        await gate.wait_up(5)
        assert await gate.sessions() == (
            seam.SessionInfo("a", "!plaza:x", "@a:x", "Ada", Role.OWNER, False, ada.peer or 0, present=True),
        )
        assert await gate.eject("a", GoodbyeCode.BANNED, "")
        await asyncio.wait_for(ada.closed.wait(), 1)
        assert pushes == [seam.Closed("a", GoodbyeCode.BANNED, "")]


async def test_metrics_tell_how_it_goes(house: House) -> None:
    ada = await house.enter("a")
    await ada.until(lambda: ada.talk.tally.snapshots > 8)
    metrics = await house.gate.metrics()
    assert metrics["worlds"] == {"!plaza:x": 1}
    assert (metrics["sessions"], metrics["participants"]) == (1, 1)
    assert metrics["ticks"]["ticks"] > 8
    assert metrics["frames"]["frames_in"] > 3  # HELLO, and a few of PING and HERE
    assert metrics["process"]["rss_max_bytes"] > 10_000_000


@pytest.mark.parametrize("how", ["stdin", "SIGTERM", "SIGINT"])
async def test_a_node_that_is_told_to_end_says_goodbye_and_ends_at_once(houses: Houses, how: str) -> None:
    house = await houses()
    ada = await house.enter("a")
    assert house.process is not None
    began = time.monotonic()
    if how != "stdin":
        house.process.send_signal(getattr(signal, how))
        await asyncio.wait_for(house.process.wait(), 3)
    code, logged = await house.end()
    assert time.monotonic() - began < 2
    assert code == 0
    assert "Traceback" not in logged
    assert not house.path.exists()
    assert not seam.websocket_path(house.path).exists()
    await asyncio.wait_for(ada.closed.wait(), 2)
    assert ada.talk.goodbye is not None
    assert ada.talk.goodbye.code == GoodbyeCode.SERVER_STOPPING


async def test_a_killed_node_is_away_at_once_and_its_successor_takes_over_the_socket(houses: Houses) -> None:
    house = await houses()
    await house.enter("a")
    assert house.process is not None
    house.process.kill()
    await house.process.wait()
    async with asyncio.timeout(1):
        while house.gate.up:
            await asyncio.sleep(0.005)
    with pytest.raises(NodeAway):
        await house.gate.sessions()
    assert house.path.exists()
    await house.start()
    assert await house.gate.sessions() == ()
    await house.enter("a")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (['bind_hosts=["203.0.113.77"]'], "cannot bind UDP on 203.0.113.77"),
        (['bind_hosts=["plaza"]'], "'plaza' is not an IP address to bind"),
        (["tick_rate=x"], "usage:"),
    ],
)
async def test_a_node_that_cannot_run_says_so_in_one_line(tmp_path: Path, settings: list[str], line: str) -> None:
    code, logged = await _run(str(tmp_path / "node.sock"), *settings)
    assert code in (1, 2)
    assert line in logged
    assert logged.count("\n") == 1


async def test_a_second_node_of_the_same_socket_says_so_in_one_line(house: House) -> None:
    code, logged = await _run(str(house.path))
    assert (code, logged) == (1, f"another node serves {house.path}\n")


@pytest.mark.skipif(not inspect.isfunction(Simulation.step), reason="a compiled class takes no other method")
async def test_a_tick_that_fails_ends_the_node_instead_of_leaving_it_half_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Simulation, "step", fail)
    config = NodeConfig(tmp_path / "node.sock", leash=False)
    with pytest.raises(NodeFailed, match="ours"):
        await asyncio.wait_for(serve(config), 5)
    assert not config.seam_path.exists()


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "roomscale.netcode.node", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        logged = await asyncio.wait_for(process.stderr.read(), 20)
        return await process.wait(), logged.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
