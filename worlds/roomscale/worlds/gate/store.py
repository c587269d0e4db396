"""gate.db: what the gate remembers over a restart. Sync token, access token, and tickets (only their hashes).

The one rule: nothing here lets anybody in by itself. A ticket row says that somebody *was* inside, not that they may
be.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from roomscale.worlds.errors import WorldError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tickets (
    hash BLOB PRIMARY KEY, user_id TEXT NOT NULL, room_id TEXT NOT NULL, session TEXT NOT NULL,
    name TEXT NOT NULL, role INTEGER NOT NULL, guest INTEGER NOT NULL, expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tickets_by_person ON tickets (user_id, room_id);
CREATE UNIQUE INDEX IF NOT EXISTS tickets_by_session ON tickets (session);
CREATE INDEX IF NOT EXISTS tickets_by_age ON tickets (expires_ms);
"""


class StoreError(WorldError):
    """gate.db cannot be opened or written."""


@dataclass(frozen=True)
class TicketRow:
    """A ticket as it is kept: everything but its value."""

    hash: bytes
    user_id: str
    room_id: str
    session: str
    name: str
    role: int
    guest: bool
    expires_ms: int


class GateStore:
    """The one owner of gate.db. Small synchronous statements: each is a fraction of a millisecond."""

    def __init__(self, directory: Path) -> None:
        """Open or make gate.db (0600) in `directory` (made with 0700).

        Raises:
            StoreError: the folder or file cannot be written, or the file is no database of ours.
        """
        path = directory / "gate.db"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the gate's database {path} cannot be used: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def get(self, key: str) -> str | None:
        """A remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, **values: str | None) -> None:
        """Remember values in one transaction; None forgets."""
        with self._transaction():
            for key, value in values.items():
                if value is None:
                    self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
                else:
                    self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def add_ticket(self, row: TicketRow) -> None:
        """Keep a ticket; the session's earlier one is void from now on."""
        with self._transaction():
            self._db.execute("DELETE FROM tickets WHERE session = ?", (row.session,))
            self._db.execute(
                "INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row.hash, row.user_id, row.room_id, row.session, row.name, row.role, row.guest, row.expires_ms),
            )

    def take_ticket(self, ticket_hash: bytes) -> TicketRow | None:
        """Remove and return a ticket in one statement: of two who come with it, one gets it."""
        row = self._db.execute("DELETE FROM tickets WHERE hash = ? RETURNING *", (ticket_hash,)).fetchone()
        if row is None:
            return None
        return TicketRow(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]), row[7])

    def drop_tickets(self, room_id: str, user_id: str | None = None) -> int:
        """Void the tickets of a person in a room, or of everybody in it; how many there were."""
        if user_id is None:
            cursor = self._db.execute("DELETE FROM tickets WHERE room_id = ?", (room_id,))
        else:
            cursor = self._db.execute("DELETE FROM tickets WHERE user_id = ? AND room_id = ?", (user_id, room_id))
        return cursor.rowcount

    def drop_expired(self, now_ms: int) -> int:
        """Forget tickets that are too old; how many there were."""
        return self._db.execute("DELETE FROM tickets WHERE expires_ms <= ?", (now_ms,)).rowcount

    def ticket_rooms(self) -> dict[str, set[str]]:
        """Room id → user ids that hold tickets: who was inside, as far as the gate remembers."""
        rooms: dict[str, set[str]] = {}
        for room_id, user_id in self._db.execute("SELECT DISTINCT room_id, user_id FROM tickets"):
            rooms.setdefault(room_id, set()).add(user_id)
        return rooms

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK if anything was raised."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
