"""What each homeserver already has: SHA-256 → mxc, and the media ids reserved there but not yet known to be filled.

Rule: a reserved id is written down, and committed, before the first byte is sent to it. A process that is killed
in between therefore neither loses an id (Synapse answers 429 for a day after five unused ones) nor sends twice.

One SQLite file that several processes may share: every change is one transaction, and `sole_sender` lets one of
them at a time send, so that no two put different bytes under one reserved id. Its statements take milliseconds and
are called from the event loop as they are.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from roomscale.assets.errors import CacheError

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS uploaded (
    server TEXT NOT NULL, sha256 TEXT NOT NULL, mxc TEXT NOT NULL,
    size INTEGER NOT NULL, media_type TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (server, sha256)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    server TEXT NOT NULL, mxc TEXT NOT NULL, sha256 TEXT, expires REAL,
    PRIMARY KEY (server, mxc)
) WITHOUT ROWID;
"""
_BUSY_SECONDS = 10.0
"""How long to wait for another process's transaction; each takes milliseconds."""
_LOCK_POLL_SECONDS = 0.2
"""How often a second sender asks whether the first is done."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A reserved media id. `sha256`: what was last being sent to it, None if nothing was.

    `expires`: Unix seconds after which the store forgets it, None if the store did not say.
    """

    mxc: str
    sha256: str | None
    expires: float | None


class UploadCache:
    """The record of uploads in one SQLite file. Use as a context manager, or `close()` it.

    Raises `CacheError` when the file cannot be opened, is no database, or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._lock_path = path.with_name(path.name + "-sender")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise CacheError(f"the upload cache {self._name} cannot be opened: {error}") from error
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        version = self._run("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise CacheError(f"the upload cache {self._name} was written by a newer version of Roomscale")
        self._run("PRAGMA journal_mode=WAL")
        for statement in _SCHEMA.split(";"):
            self._run(statement)
        self._run(f"PRAGMA user_version={_SCHEMA_VERSION}")

    def _run(self, sql: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.Error as error:
            raise CacheError(f"the upload cache {self._name} cannot be used: {error}") from error

    def find(self, server: str, sha256: str) -> str | None:
        """The mxc under which `server` has these bytes, if it is known to."""
        row = self._run("SELECT mxc FROM uploaded WHERE server=? AND sha256=?", (server, sha256)).fetchone()
        return None if row is None else str(row[0])

    def forget(self, server: str, sha256: str) -> None:
        """Drop an entry whose media turned out to be gone from the server (quarantined, deleted)."""
        self._run("DELETE FROM uploaded WHERE server=? AND sha256=?", (server, sha256))

    def record(self, server: str, sha256: str, mxc: str, *, size: int, media_type: str) -> None:
        """Note that the bytes have arrived; the reservation, if there was one, ends in the same transaction."""
        self._run("BEGIN IMMEDIATE")
        try:
            self._run(
                "INSERT OR REPLACE INTO uploaded VALUES (?,?,?,?,?,?)",
                (server, sha256, mxc, size, media_type, time.time()),
            )
            self._run("DELETE FROM pending WHERE server=? AND mxc=?", (server, mxc))
            self._run("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def reserve(self, server: str, mxc: str, expires: float | None) -> None:
        """Write a reserved id down, before anything is sent to it."""
        self._run("INSERT OR IGNORE INTO pending VALUES (?,?,NULL,?)", (server, mxc, expires))

    def sending(self, server: str, mxc: str, sha256: str) -> None:
        """Note which bytes are about to be sent to a reserved id."""
        self._run("UPDATE pending SET sha256=? WHERE server=? AND mxc=?", (sha256, server, mxc))

    def drop(self, server: str, mxc: str) -> None:
        """Forget a reservation that the store no longer knows."""
        self._run("DELETE FROM pending WHERE server=? AND mxc=?", (server, mxc))

    def pending(self, server: str, now: float) -> list[Pending]:
        """Reservations of `server` that are still good at `now` (Unix seconds); expired ones are dropped."""
        self._run("DELETE FROM pending WHERE server=? AND expires<=?", (server, now))
        rows = self._run("SELECT mxc, sha256, expires FROM pending WHERE server=? ORDER BY mxc", (server,))
        return [Pending(mxc, sha256, expires) for mxc, sha256, expires in rows]

    @asynccontextmanager
    async def sole_sender(self) -> AsyncIterator[None]:
        """Hold the right to send with this cache, waiting for whoever has it.

        The lock is SQLite's own on a file beside the cache: it works on every system, and the system ends it
        when its holder is killed.
        """
        try:
            lock = sqlite3.connect(self._lock_path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise CacheError(f"the upload cache {self._name} cannot be locked: {error}") from error
        try:
            while not _try_lock(lock):
                await asyncio.sleep(_LOCK_POLL_SECONDS)
            yield
        finally:
            lock.close()

    def close(self) -> None:
        """Close the file; the cache cannot be used afterwards."""
        self._db.close()

    def __enter__(self) -> UploadCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _try_lock(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        raise CacheError(f"the upload cache cannot be locked: {error}") from error
    except sqlite3.Error as error:
        raise CacheError(f"the upload cache cannot be locked: {error}") from error
    return True
