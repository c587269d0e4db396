"""ICE-lite, one session: where its datagrams go, whoever wishes what."""

from __future__ import annotations

import itertools
import secrets

import pytest

from roomscale.netcode.webrtc import ice_paths, stun
from roomscale.netcode.webrtc.ice import FORGET, FRESH, MAX_PATHS, IceSession
from roomscale.netcode.webrtc.ice_events import Claimed, Forgotten, Moved, Proven
from roomscale.netcode.webrtc.ice_paths import CHECK_LIFE, CONSENT, Credentials
from roomscale.netcode.webrtc.stun import Key
from tests.netcode.webrtc.ice_peer import AWAY, HOME, STRANGER, Peer, run

# ---- the first address


def test_the_first_check_is_asked_for_proof_before_it_is_answered(peer: Peer) -> None:
    check = peer.check()
    assert peer.session.receive_request(check, HOME, 0.0) is None
    (ours, to), (reply, back) = peer.session.outgoing()
    assert to == back == HOME
    response = stun.parse(reply)
    assert response.kind == stun.BINDING_SUCCESS
    assert response.transaction == check.transaction
    assert response.authentic(Key(peer.told.password.encode()))
    assert response.mapped_address() == HOME
    assert ours[8:12] == b"tag!"
    assert peer.session.address == HOME
    assert not peer.session.proven
    assert peer.session.events() == [Claimed(HOME), Moved(HOME)]
    assert peer.session.receive_response(peer.answer(ours), HOME, 0.05)
    assert peer.session.proven
    assert peer.session.events() == [Proven(HOME)]


def test_a_check_from_the_proven_address_is_answered_and_nothing_else(settled: Peer) -> None:
    reply = settled.session.receive_request(settled.check(nominate=True), HOME, 1.0)
    assert reply is not None
    assert settled.session.outgoing() == []
    assert settled.session.events() == []


def test_who_cannot_sign_for_the_session_changes_nothing_and_hears_nothing(peer: Peer) -> None:
    check = peer.check()
    other = Peer()
    other.told = Credentials(peer.told.ufrag, other.told.password)
    other.own = peer.own
    unsigned = stun.parse(b"\0\1\0\0" + check.data[4:20])
    indication = stun.seal(stun.BINDING_INDICATION, bytes(12), check.data[20:-32], Key(peer.told.password.encode()))
    backwards = stun.parse(stun.seal(1, bytes(12), stun.attribute(stun.USERNAME, b"a:b"), Key(b"")))
    for message in (other.check(), unsigned, stun.parse(indication), backwards, Peer().check()):
        assert peer.session.receive_request(message, HOME, 0.0) is None
    assert peer.session.outgoing() == []
    assert peer.session.events() == []
    assert peer.session.address is None
    assert peer.session.next_timer() is None


def test_what_it_does_not_understand_is_refused_to_who_signed_it(settled: Peer) -> None:
    reply = settled.session.receive_request(settled.check(extra=stun.attribute(0x7777, b"")), HOME, 1.0)
    assert reply is not None
    assert stun.parse(reply).error_code() == 420
    assert stun.parse(reply).attributes[stun.UNKNOWN_ATTRIBUTES] == b"\x77\x77"
    assert stun.parse(reply).authentic(Key(settled.told.password.encode()))
    refused = settled.check(nominate=True, extra=stun.attribute(0x7777, b""))
    settled.session.receive_request(refused, AWAY, 1.0)
    assert {d[:2] for d, _ in settled.session.outgoing()} <= {b"\1\x11"}


# ---- what proves an address, and what does not


def test_only_the_right_answer_from_the_right_address_in_time_is_a_proof(peer: Peer) -> None:
    session = peer.session
    session.receive_request(peer.check(nominate=True), HOME, 0.0)
    (check, _), _ = session.outgoing()
    good = peer.answer(check)
    transaction, key = good.transaction, Key(peer.own.password.encode())
    mapped = stun.MappedAddress(HOME)
    wrong = [
        stun.success(secrets.token_bytes(12), mapped, key),
        stun.success(transaction, mapped, Key(peer.told.password.encode())),
        stun.success(transaction, mapped, Key(b"guess")),
        stun.error(transaction, 487, "Role Conflict", key),
        stun.seal(stun.BINDING_SUCCESS, transaction, stun.attribute(0x7777, b""), key),
        stun.seal(stun.BINDING_REQUEST, transaction, b"", key),
    ]
    for data in wrong:
        assert not session.receive_response(stun.parse(data), HOME, 0.1)
    for address in (STRANGER, (HOME[0], HOME[1] + 1), ("192.0.2.2", HOME[1])):
        assert not session.receive_response(good, address, 0.1)
    assert not session.receive_response(good, HOME, CHECK_LIFE + 0.1)
    assert not session.proven
    assert session.receive_response(good, HOME, CHECK_LIFE - 0.1)
    assert session.proven
    assert not session.receive_response(good, HOME, CHECK_LIFE - 0.1)


def test_each_check_has_a_nonce_of_its_own_and_the_late_answer_to_an_earlier_one_counts(peer: Peer) -> None:
    peer.session.receive_request(peer.check(), HOME, 0.0)
    peer.session.receive_request(peer.check(), HOME, 0.1)
    checks = [d for d, _ in peer.session.outgoing() + run(peer.session, 1.0) if d[:2] == b"\0\1"]
    assert len({d[8:20] for d in checks}) == len(checks) >= 3
    assert peer.session.receive_response(peer.answer(checks[0]), HOME, 1.0)


def test_a_finished_handshake_proves_the_address_in_use_and_no_other(peer: Peer) -> None:
    peer.session.receive_request(peer.check(), HOME, 0.0)
    peer.session.receive_request(peer.check(), STRANGER, 0.0)
    assert not peer.session.prove(STRANGER, 0.1)
    assert not peer.session.prove(("198.51.100.1", 1), 0.1)
    assert not peer.session.proven
    assert peer.session.prove(HOME, 0.1)
    assert peer.session.proven
    assert Proven(HOME) in peer.session.events()


def test_before_any_proof_the_address_does_not_follow_wishes(peer: Peer) -> None:
    """Or a handshake begun with one address could be finished in the name of another."""
    peer.session.receive_request(peer.check(), HOME, 0.0)
    peer.session.receive_request(peer.check(nominate=True), STRANGER, 0.1)
    assert peer.session.address == HOME
    assert not peer.session.prove(STRANGER, 0.2)


def test_a_proven_address_takes_over_from_a_first_one_that_does_not_answer(peer: Peer) -> None:
    peer.session.receive_request(peer.check(), STRANGER, 0.0)
    peer.session.outgoing()
    peer.settle(HOME, 0.1, nominate=False)
    assert peer.session.address == HOME
    assert peer.session.proven


# ---- moving


def test_a_forged_source_never_turns_the_stream_and_gets_three_times_its_bytes_at_most(settled: Peer) -> None:
    session, came, sent = settled.session, 0, 0
    for tenth in range(1, 600):
        now = tenth / 10
        check = settled.check(nominate=True)
        came += len(check.data)
        if reply := session.receive_request(check, STRANGER, now):
            sent += len(reply)
        session.on_timer(now)
        for datagram, to in session.outgoing():
            if to == STRANGER:
                sent += len(datagram)
            elif datagram[:2] == b"\0\1":
                assert session.receive_response(settled.answer(datagram), HOME, now)
        if session.admit(STRANGER, 1000):
            sent += 1000
        assert sent <= 3 * came
        assert session.address == HOME
        assert session.proven
    assert Proven(STRANGER) not in session.events()


def test_the_session_moves_once_the_new_address_has_answered(settled: Peer) -> None:
    session = settled.session
    session.receive_request(settled.check(nominate=True), AWAY, 1.0)
    assert session.address == HOME
    assert settled.answer_all(AWAY, 1.05) == 1
    assert session.address == AWAY
    assert session.events() == [Claimed(AWAY), Proven(AWAY), Moved(AWAY)]


def test_an_address_that_is_not_nominated_is_proven_and_waits(settled: Peer) -> None:
    session = settled.session
    settled.settle(AWAY, 1.0, nominate=False)
    assert session.address == HOME
    assert session.receive_request(settled.check(nominate=True), AWAY, 1.5) is not None
    assert session.address == AWAY


def test_a_proof_of_long_ago_is_asked_for_again(settled: Peer) -> None:
    session = settled.session
    settled.settle(AWAY, 0.0, nominate=False)
    session.receive_request(settled.check(nominate=True), AWAY, FRESH + 0.1)
    assert session.address == HOME
    assert settled.answer_all(AWAY, FRESH + 0.2) == 1
    assert session.address == AWAY


def test_the_last_of_two_wishes_counts(settled: Peer) -> None:
    session = settled.session
    session.receive_request(settled.check(nominate=True), AWAY, 1.0)
    session.receive_request(settled.check(nominate=True), HOME, 1.1)
    settled.answer_all(AWAY, 1.2)
    assert session.address == HOME
    assert session.receive_request(settled.check(nominate=True), AWAY, 1.3)
    assert session.address == AWAY
    assert session.receive_request(settled.check(nominate=True), HOME, 1.4)
    assert session.address == HOME


def test_a_flood_of_forged_sources_is_bounded_and_evicts_nobody_who_matters(settled: Peer) -> None:
    session = settled.session
    session.receive_request(settled.check(nominate=True), AWAY, 1.0)
    (check, _), _ = session.outgoing()
    known = {HOME, AWAY}
    for port in range(1000):
        session.receive_request(settled.check(), ("203.0.113.5", port), 1.1)
        session.outgoing()
        for event in session.events():
            match event:
                case Claimed(address):
                    known.add(address)
                case Forgotten(address):
                    known.remove(address)
        assert len(known) <= MAX_PATHS
    assert {HOME, AWAY} <= known
    assert session.receive_response(settled.answer(check), AWAY, 1.2)
    assert session.address == AWAY


def test_a_flood_of_forged_sources_leaves_a_proven_address_alone(settled: Peer) -> None:
    session = settled.session
    settled.settle(AWAY, 1.0, nominate=False)
    for port in range(100):
        session.receive_request(settled.check(), ("203.0.113.5", port), 2.0)
        session.outgoing()
    assert Forgotten(AWAY) not in session.events()
    assert session.receive_request(settled.check(nominate=True), AWAY, 2.1)
    assert session.address == AWAY


def test_when_it_has_too_many_addresses_the_one_silent_for_longest_goes(settled: Peer) -> None:
    session = settled.session
    for port, at in ((1, 1.0), (2, 2.0), (3, 3.0), (1, 4.0), (4, 5.0)):
        session.receive_request(settled.check(), ("203.0.113.5", port), at)
    assert [event for event in session.events() if isinstance(event, Forgotten)] == [Forgotten(("203.0.113.5", 2))]


def test_an_address_that_the_session_has_left_is_asked_nothing_more(settled: Peer) -> None:
    settled.settle(AWAY, 1.0)
    assert settled.session.address == AWAY
    assert {to for _, to in run(settled.session, 29.0)} == {AWAY}


def test_an_address_not_in_use_is_forgotten_when_it_falls_silent(settled: Peer) -> None:
    session = settled.session
    settled.settle(AWAY, 1.0, nominate=False)
    session.events()
    for now in range(1, 60):
        session.on_timer(now)
        settled.answer_all(HOME, now)
    assert session.events() == [Forgotten(AWAY)]
    assert not session.received(AWAY, 1, 60.0)
    assert not session.admit(AWAY, 1)
    assert session.address == HOME


# ---- names and timers


def test_credentials_and_nonces_do_not_repeat() -> None:
    peers = [Peer() for _ in range(50)]
    assert len({p.told.ufrag for p in peers}) == len({p.told.password for p in peers}) == 50
    for peer in peers:
        assert len(peer.told.password) >= 22
        Credentials(peer.told.ufrag, peer.told.password)


@pytest.mark.parametrize(
    ("ufrag", "password"),
    [("abc", "p" * 22), ("abcd", "p" * 21), ("ab d", "p" * 22), ("a" * 257, "p" * 22), ("abcd", "p" * 22 + "\n")],
)
def test_credentials_are_of_ices_characters(ufrag: str, password: str) -> None:
    with pytest.raises(ValueError, match="ICE"):
        Credentials(ufrag, password)


def test_a_tag_leaves_most_of_a_nonce_to_chance() -> None:
    with pytest.raises(ValueError, match="tag"):
        IceSession(Credentials.fresh(), tag=bytes(ice_paths.TAG + 1))


def test_timers_end_where_nothing_is_left_to_do(settled: Peer) -> None:
    settled.settle(AWAY, 0.0, nominate=False)
    for _ in itertools.repeat(None, 200):
        due = settled.session.next_timer()
        if due is None:
            break
        settled.session.on_timer(due)
    assert settled.session.next_timer() is None
    assert FORGET <= CONSENT
