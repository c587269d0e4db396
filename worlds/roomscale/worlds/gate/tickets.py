"""Tickets: how somebody who is inside comes back when their path breaks, also while the homeserver is down.

A ticket is 256 random bits, shown once, kept only as a SHA-256 hash, good for one redemption by the session that it was
made for. The one rule: redeeming answers "who were you?"; whether that person may still be here is asked elsewhere,
every time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from roomscale.worlds.gate.sessions import Session, session_key
from roomscale.worlds.gate.store import GateStore, TicketRow

RESUME_PATH = "/api/session/resume"
TICKET_CHARS = 43
"""256 bits in unpadded URL-safe base64."""


class Tickets:
    """Makes and redeems tickets."""

    def __init__(self, store: GateStore, life_s: float) -> None:
        self._store = store
        self._life_ms = int(life_s * 1000)

    def issue(self, session: Session, now: float) -> dict[str, object]:
        """A fresh ticket as it goes to the client; the session's earlier one is void. `now`: Unix seconds."""
        value = secrets.token_urlsafe(32)
        self._store.add_ticket(
            TicketRow(
                hash=_digest(value),
                user_id=session.user_id,
                room_id=session.room_id,
                session=session.key,
                name=session.name,
                role=session.role,
                guest=session.guest,
                expires_ms=int(now * 1000) + self._life_ms,
            )
        )
        return {"value": value, "url": RESUME_PATH, "expires_in_ms": self._life_ms}

    def redeem(self, value: str, tab: str, now: float) -> TicketRow | None:
        """Use up a ticket; None when it is unknown, used, too old, or another session's.

        `tab` is the client's `sender_session_id`. A ticket that comes from another session is void from then on: one
        of the two stole it.
        """
        if len(value) != TICKET_CHARS:
            return None
        row = self._store.take_ticket(_digest(value))
        if row is None or row.expires_ms <= now * 1000:
            return None
        if not hmac.compare_digest(row.session, session_key(row.user_id, row.room_id, tab)):
            return None
        return row

    def give_back(self, row: TicketRow) -> None:
        """Undo a redemption that came to nothing through no fault of the visitor's (the node was away)."""
        self._store.add_ticket(row)

    def void(self, room_id: str, user_id: str | None = None) -> int:
        """Void a person's tickets for a room (or everybody's): they left, were kicked, banned."""
        return self._store.drop_tickets(room_id, user_id)

    def holders(self) -> dict[str, set[str]]:
        """Room id → users who hold tickets for it."""
        return self._store.ticket_rooms()

    def sweep(self, now: float) -> int:
        """Forget tickets that are too old."""
        return self._store.drop_expired(int(now * 1000))


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
