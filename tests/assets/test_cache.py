"""The record of uploads survives what processes suffer."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from roomscale.assets.cache import UploadCache
from roomscale.assets.errors import CacheError

HASH = "0" * 64


def test_entries_belong_to_their_server(tmp_path: Path) -> None:
    with UploadCache(tmp_path / "c.db") as cache:
        cache.record("one", HASH, "mxc://one/a", size=1, media_type="x/y")
        assert cache.find("one", HASH) == "mxc://one/a"
        assert cache.find("two", HASH) is None
        cache.forget("one", HASH)
        assert cache.find("one", HASH) is None


def test_entries_are_there_after_closing(tmp_path: Path) -> None:
    with UploadCache(tmp_path / "deep" / "c.db") as cache:
        cache.record("one", HASH, "mxc://one/a", size=1, media_type="x/y")
    with UploadCache(tmp_path / "deep" / "c.db") as cache:
        assert cache.find("one", HASH) == "mxc://one/a"


def test_an_arrival_ends_its_reservation(tmp_path: Path) -> None:
    with UploadCache(tmp_path / "c.db") as cache:
        cache.reserve("one", "mxc://one/a", None)
        cache.reserve("one", "mxc://one/b", 10.0)
        cache.sending("one", "mxc://one/a", HASH)
        assert [(p.mxc, p.sha256) for p in cache.pending("one", 5.0)] == [("mxc://one/a", HASH), ("mxc://one/b", None)]
        cache.record("one", HASH, "mxc://one/a", size=1, media_type="x/y")
        assert [p.mxc for p in cache.pending("one", 5.0)] == ["mxc://one/b"]
        assert cache.pending("one", 11.0) == []


KILLED = """
import os, sys
from pathlib import Path
from roomscale.assets.cache import UploadCache
cache = UploadCache(Path(sys.argv[1]))
cache.reserve("one", "mxc://one/a", None)
cache.sending("one", "mxc://one/a", "f" * 64)
os.kill(os.getpid(), 9)
"""


def test_a_reservation_outlives_a_killed_process(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "c.db")], check=False, timeout=60)
    assert done.returncode == -9
    with UploadCache(tmp_path / "c.db") as cache:
        assert [(p.mxc, p.sha256) for p in cache.pending("one", 0.0)] == [("mxc://one/a", "f" * 64)]


HOLDING = """
import asyncio, sys
from pathlib import Path
from roomscale.assets.cache import UploadCache
async def main():
    async with UploadCache(Path(sys.argv[1])).sole_sender():
        print("held", flush=True)
        sys.stdin.read()
asyncio.run(main())
"""


async def test_another_process_is_waited_for_and_a_killed_one_is_not(tmp_path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    path = tmp_path / "c.db"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDING, str(path), stdin=pipe, stdout=pipe)
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        with UploadCache(path) as cache:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5), cache.sole_sender():
                    pytest.fail("two senders at once")
            holder.kill()
            async with asyncio.timeout(10), cache.sole_sender():
                pass
    finally:
        if holder.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                holder.kill()
        await holder.communicate()


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CacheError, match=r"c\.db"):
        UploadCache(tmp_path / "c.db")
    with pytest.raises(CacheError):
        UploadCache(tmp_path)


def test_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with UploadCache(tmp_path / "c.db"):
        pass
    raw = sqlite3.connect(tmp_path / "c.db")
    raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(CacheError, match="newer version"):
        UploadCache(tmp_path / "c.db")


def test_two_processes_may_share_it(tmp_path: Path) -> None:
    with UploadCache(tmp_path / "c.db") as one, UploadCache(tmp_path / "c.db") as other:
        one.record("s", HASH, "mxc://s/a", size=1, media_type="x/y")
        assert other.find("s", HASH) == "mxc://s/a"
        other.reserve("s", "mxc://s/b", None)
        assert [p.mxc for p in one.pending("s", 0.0)] == ["mxc://s/b"]
