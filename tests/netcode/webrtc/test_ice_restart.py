"""ICE-lite, one session: an ICE restart moves it to new credentials and keeps what is in use until then."""

from __future__ import annotations

from roomscale.netcode.webrtc.ice import FRESH
from roomscale.netcode.webrtc.ice_events import Claimed, Moved, Proven, Retired
from tests.netcode.webrtc.ice_peer import AWAY, HOME, STRANGER, Peer, run


def test_a_restart_keeps_both_credentials_until_the_new_address_is_proven_and_nominated(settled: Peer) -> None:
    session, old = settled.session, settled.told
    before = Peer(own=settled.own)
    before.told, before.session = old, session
    settled.restart()
    assert settled.told == session.local
    assert settled.told.ufrag != old.ufrag
    assert settled.told.password != old.password
    assert session.receive_request(before.check(nominate=True), HOME, 1.0)
    assert session.receive_request(settled.check(), HOME, 1.0)

    session.receive_request(settled.check(nominate=True), AWAY, 1.1)
    session.receive_request(before.check(nominate=True), HOME, 1.2)  # the old network's last words
    assert session.address == HOME
    assert session.events() == [Claimed(AWAY)]
    assert settled.answer_all(AWAY, 1.3) == 1
    assert session.address == AWAY
    assert session.events() == [Proven(AWAY), Retired(old.ufrag), Moved(AWAY)]

    assert session.receive_request(before.check(nominate=True), HOME, 1.4) is None
    assert session.receive_request(settled.check(), HOME, 1.5)
    assert session.address == AWAY


def test_a_restart_moves_to_the_first_address_that_proves_itself_though_none_is_nominated_yet(settled: Peer) -> None:
    session, old = settled.session, settled.told.ufrag
    settled.restart()
    session.receive_request(settled.check(), AWAY, 1.0)
    assert session.address == HOME
    assert settled.answer_all(AWAY, 1.1) == 1
    assert session.address == AWAY
    assert session.events() == [Claimed(AWAY), Proven(AWAY), Retired(old), Moved(AWAY)]
    settled.settle(STRANGER, 1.2)  # what is nominated then counts
    assert session.address == STRANGER

    settled.restart()
    session.receive_request(settled.check(), AWAY, 2.0)  # proven a second ago
    assert session.address == AWAY


def test_a_restart_on_the_same_address_needs_no_new_proof_while_the_old_one_is_fresh(settled: Peer) -> None:
    old = settled.told.ufrag
    settled.restart()
    assert settled.session.receive_request(settled.check(nominate=True), HOME, 1.0)
    assert settled.session.events() == [Retired(old)]
    assert settled.session.proven
    run(settled.session, 4.0)
    settled.session.on_timer(7.0)
    assert settled.answer_all(HOME, 7.0)


def test_a_restart_that_another_one_overtakes_is_over(settled: Peer) -> None:
    session, first = settled.session, settled.told.ufrag
    settled.restart()
    second, stale = settled.told.ufrag, settled.check(nominate=True)
    session.receive_request(stale, AWAY, 1.0)
    session.outgoing()
    settled.restart()
    assert session.receive_request(stale, AWAY, 1.1) is None
    settled.settle(AWAY, 1.2)  # though a check is under way, with the password of before
    assert session.address == AWAY
    assert session.events() == [Claimed(AWAY), Retired(second), Proven(AWAY), Retired(first), Moved(AWAY)]


def test_after_a_restart_that_came_to_nothing_the_address_in_use_is_asked_as_before(settled: Peer) -> None:
    session = settled.session
    before = Peer(own=settled.own)
    before.told, before.session = settled.told, session
    settled.restart()
    assert session.receive_request(settled.check(), HOME, 1.0)
    session.receive_request(settled.check(nominate=True), STRANGER, 1.0)
    session.outgoing()
    settled.restart()
    session.on_timer(7.0)
    assert before.answer_all(HOME, 7.0) == 1
    before.settle(AWAY, 7.1)
    assert session.address == AWAY


def test_after_a_restart_the_address_is_asked_in_the_new_name_whatever_came_last(settled: Peer) -> None:
    session = settled.session
    before = Peer(own=settled.own)
    before.told, before.session = settled.told, session
    settled.restart()
    late = FRESH + 1
    assert session.receive_request(settled.check(nominate=True), HOME, late) is None
    (check, _), _ = session.outgoing()
    session.receive_request(before.check(), HOME, late)
    session.outgoing()
    assert session.receive_response(settled.answer(check), HOME, late)
    assert session.events() == [Retired(before.told.ufrag)]
    session.on_timer(late + 6.0)
    assert settled.answer_all(HOME, late + 6.0) == 1
