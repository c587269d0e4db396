"""The supervisor over real child processes: nothing outlives it, and nothing flickers for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from roomscale.cli import supervisor as supervising
from roomscale.cli.errors import GaveUp
from roomscale.cli.leftovers import ProcessLedger
from roomscale.cli.supervisor import Part, Supervisor

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
DIES = "import sys; print('cannot open the thing'); sys.exit(3)"


class House:
    """A supervisor whose lines are kept, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.ledger = ProcessLedger(folder / "pids.json")
        self.supervisor = Supervisor(self.ledger, self.told.append)

    def part(self, name: str, code: str) -> Part:
        log = self.folder / f"{name}.log"

        async def ready() -> bool:
            return log.exists() and b"up" in log.read_bytes()

        return Part(name, (sys.executable, "-c", code), log, ready, ready_within_s=20)

    def pid(self, name: str) -> int:
        process = self.supervisor._parts[name].process
        assert process is not None
        return process.pid


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.supervisor.stop()


async def test_a_part_that_is_killed_comes_back(house: House) -> None:
    house.supervisor.start(house.part("node", SLEEPER))
    await house.supervisor.ready("node")
    first = house.pid("node")
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        while not house.told or house.supervisor._parts["node"].process is None:
            await asyncio.sleep(0.02)
    assert house.pid("node") != first
    assert "SIGKILL" in house.told[0]
    assert "1 of 5" in house.told[0]


async def test_a_part_that_keeps_dying_ends_the_house_with_its_last_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "RESTART_PAUSES_S", (0.01,) * 5)
    house.supervisor.start(house.part("gate", DIES))
    with pytest.raises(GaveUp, match=r"gate died 6 times in a row \(exit code 3\): cannot open the thing"):
        await house.supervisor.watch()
    assert len(house.told) == 5


async def test_pauses_between_restarts_grow() -> None:
    assert list(supervising.RESTART_PAUSES_S) == sorted(set(supervising.RESTART_PAUSES_S))
    assert len(supervising.RESTART_PAUSES_S) == 5


async def test_waiting_for_a_part_that_gave_up_says_why(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "RESTART_PAUSES_S", (0.01,))
    house.supervisor.start(house.part("gate", DIES))
    with pytest.raises(GaveUp, match="cannot open the thing"):
        await house.supervisor.ready("gate")


async def test_stop_leaves_no_process_and_no_ledger(house: House) -> None:
    for name in ("homeserver", "node", "gate"):
        house.supervisor.start(house.part(name, SLEEPER))
        await house.supervisor.ready(name)
    pids = [house.pid(name) for name in ("homeserver", "node", "gate")]
    await house.supervisor.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not house.ledger.path.exists()


async def test_a_part_that_ignores_sigterm_is_killed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "STOP_GRACE_S", 0.3)
    house.supervisor.start(house.part("node", STUBBORN))
    await house.supervisor.ready("node")
    pid = house.pid("node")
    await house.supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert "killing it" in house.told[-1]


SUPERVISE = """
import asyncio, sys
from pathlib import Path
from roomscale.cli.leftovers import ProcessLedger
from roomscale.cli.supervisor import Part, Supervisor

folder = Path(sys.argv[1])

async def ready():
    return (folder / "child.log").exists() and b"up" in (folder / "child.log").read_bytes()

async def main():
    supervisor = Supervisor(ProcessLedger(folder / "pids.json"), print)
    supervisor.start(Part("child", (sys.executable, "-c", sys.argv[2]), folder / "child.log", ready))
    await supervisor.ready("child")
    print("ready", flush=True)
    await supervisor.watch()

asyncio.run(main())
"""


def supervise(folder: Path, child: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SUPERVISE, str(folder), child], stdout=subprocess.PIPE)


def wait_gone(pid: int, seconds: float) -> bool:
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(seconds)
    return not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere parts watch their stdin")
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with supervise(tmp_path, SLEEPER) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            (child,) = psutil.Process(process.pid).children()
        finally:
            process.kill()
    assert wait_gone(child.pid, 5)


def test_what_survived_a_crash_is_ended_at_the_next_start(tmp_path: Path) -> None:
    ledger = ProcessLedger(tmp_path / "pids.json")
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as left:
        try:
            assert left.stdout is not None
            left.stdout.readline()
            ledger.note("homeserver", left.pid)
            assert ProcessLedger(ledger.path).end_leftovers() == ["homeserver"]
            assert not psutil.pid_exists(left.pid)
        finally:
            left.kill()


def test_a_process_that_took_over_an_old_id_is_left_alone(tmp_path: Path) -> None:
    ledger = ProcessLedger(tmp_path / "pids.json")
    ledger.path.write_text(f'{{"gate": [{os.getpid()}, 12345.0]}}')
    assert ledger.end_leftovers() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"gate": 3}', '{"gate": ["x", 1]}', "null"])
def test_a_torn_ledger_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "pids.json").write_text(text)
    assert ProcessLedger(tmp_path / "pids.json").end_leftovers() == []
