"""Tickets and gate.db: one use, one session, nothing readable in the file."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from roomscale.worlds.gate.sessions import Session, session_key
from roomscale.worlds.gate.store import GateStore, StoreError
from roomscale.worlds.gate.tickets import Tickets

ADA, ROOM, TAB = "@ada:here", "!room:here", "a-tab-of-ada"
NOW = 1_800_000_000.0


def session(tab: str = TAB, user: str = ADA) -> Session:
    return Session(session_key(user, ROOM, tab), user, ROOM, "Ada", 1, guest=False)


def value(ticket: dict[str, object]) -> str:
    text = ticket["value"]
    assert isinstance(text, str)
    return text


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = GateStore(tmp_path / "gate")
    yield opened
    opened.close()


def test_a_ticket_is_good_once_and_only_for_its_session(store: GateStore) -> None:
    tickets = Tickets(store, 3600)
    first = value(tickets.issue(session(), NOW))
    row = tickets.redeem(first, TAB, NOW)
    assert row is not None
    assert (row.user_id, row.room_id, row.name, row.guest) == (ADA, ROOM, "Ada", False)
    assert tickets.redeem(first, TAB, NOW) is None
    stolen = value(tickets.issue(session(), NOW))
    assert tickets.redeem(stolen, "another-tab", NOW) is None
    assert tickets.redeem(stolen, TAB, NOW) is None  # void: one of the two stole it


def test_a_newer_ticket_voids_the_sessions_older_one(store: GateStore) -> None:
    tickets = Tickets(store, 3600)
    older, newer = (value(tickets.issue(session(), NOW)) for _ in range(2))
    other = value(tickets.issue(session("another-tab"), NOW))
    assert tickets.redeem(older, TAB, NOW) is None
    assert tickets.redeem(newer, TAB, NOW) is not None
    assert tickets.redeem(other, "another-tab", NOW) is not None


def test_a_ticket_ages_and_is_void_when_its_person_leaves(store: GateStore) -> None:
    tickets = Tickets(store, 60)
    old, kicked = value(tickets.issue(session(), NOW)), value(tickets.issue(session("tab-2", "@bob:here"), NOW))
    assert tickets.holders() == {ROOM: {ADA, "@bob:here"}}
    assert tickets.void(ROOM, "@bob:here") == 1
    assert tickets.redeem(kicked, "tab-2", NOW) is None
    assert tickets.redeem(old, TAB, NOW + 61) is None
    tickets.issue(session(), NOW)
    assert tickets.sweep(NOW + 61) == 1


def test_a_redemption_that_came_to_nothing_can_be_undone(store: GateStore) -> None:
    tickets = Tickets(store, 60)
    ticket = value(tickets.issue(session(), NOW))
    row = tickets.redeem(ticket, TAB, NOW)
    assert row is not None
    tickets.give_back(row)
    assert tickets.redeem(ticket, TAB, NOW) == row


@pytest.mark.parametrize("ticket", ["", "x", "é" * 43, "\ud800" * 43, "a" * 43, "a" * 100_000])
def test_what_is_no_ticket_opens_nothing(store: GateStore, ticket: str) -> None:
    assert Tickets(store, 60).redeem(ticket, TAB, NOW) is None


def test_the_file_is_ours_alone_and_holds_no_ticket(tmp_path: Path) -> None:
    store = GateStore(tmp_path / "gate")
    ticket = value(Tickets(store, 60).issue(session(), NOW))
    store.put(since="s1", access_token=None)
    files = list((tmp_path / "gate").iterdir())
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in files)
    assert stat.S_IMODE((tmp_path / "gate").stat().st_mode) == 0o700
    assert not any(ticket.encode() in f.read_bytes() for f in files)
    store.close()
    again = GateStore(tmp_path / "gate")
    assert again.get("since") == "s1"
    assert Tickets(again, 60).redeem(ticket, TAB, NOW) is not None
    again.close()


def test_a_file_that_is_no_database_is_one_named_error(tmp_path: Path) -> None:
    (tmp_path / "gate.db").write_bytes(b"not a database, but long enough to look like one" * 50)
    with pytest.raises(StoreError, match=r"gate\.db"):
        GateStore(tmp_path)
    with pytest.raises(StoreError):
        GateStore(tmp_path / "gate.db" / "below")


def test_nobody_can_name_another_users_session() -> None:
    assert session_key(ADA, ROOM, TAB) != session_key("@bob:here", ROOM, TAB)
    assert session_key("@a:h", "!r:h\0x", "y") != session_key("@a:h", "!r:h", "x\0yy")
