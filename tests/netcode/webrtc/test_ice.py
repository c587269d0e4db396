"""ICE-lite, one session: where its datagrams go, whoever wishes what."""

from __future__ import annotations

import itertools
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.webrtc import ice_paths, stun
from roomscale.netcode.webrtc.ice import FORGET, FRESH, MAX_PATHS, IceSession
from roomscale.netcode.webrtc.ice_events import Claimed, ConsentLost, Forgotten, Moved, Proven, Retired
from roomscale.netcode.webrtc.ice_paths import CHECK_LIFE, CONSENT, MAX_TRIES, Credentials
from roomscale.netcode.webrtc.stun import Address, Key
from tests.netcode.webrtc.ice_peer import AWAY, HOME, STRANGER, Peer


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def settled(peer: Peer) -> Peer:
    """A peer whose address is proven and in use at 0.0."""
    peer.settle(HOME, 0.0)
    peer.session.events()
    assert peer.session.proven
    return peer


def run(session: IceSession, until: float) -> list[tuple[bytes, Address]]:
    """Let time pass with nobody answering; what was sent."""
    sent: list[tuple[bytes, Address]] = []
    while (due := session.next_timer()) is not None and due <= until:
        session.on_timer(due)
        sent += session.outgoing()
        assert session.next_timer() != due
    return sent


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


# ---- the budget


def test_datagrams_that_are_not_stun_count_both_ways(peer: Peer) -> None:
    session = peer.session
    assert not session.received(HOME, 1000, 0.0)
    assert not session.admit(HOME, 1)
    check = peer.check()
    session.receive_request(check, HOME, 0.0)
    used = sum(len(d) for d, _ in session.outgoing())
    room = 3 * len(check.data) - used
    assert not session.admit(HOME, room + 1)
    assert session.admit(HOME, room)
    assert not session.admit(HOME, 1)
    assert session.received(HOME, 200, 0.0)
    assert session.admit(HOME, 600)
    assert not session.admit(HOME, 1)
    session.prove(HOME, 0.1)
    assert session.admit(HOME, 10**9)


def test_a_silent_address_is_left_alone_after_a_few_checks(peer: Peer) -> None:
    session = peer.session
    session.receive_request(peer.check(), HOME, 0.0)
    session.received(HOME, 10_000, 0.0)
    sent = session.outgoing() + run(session, 1000.0)
    assert len([d for d, _ in sent if d[:2] == b"\0\1"]) == MAX_TRIES
    assert session.next_timer() is None
    session.received(HOME, 1, 1000.0)
    assert len(session.outgoing()) == 1
    run(session, 2000.0)
    session.receive_request(peer.check(), HOME, 2000.0)
    assert len(session.outgoing()) == 2


ADDRESSES = (HOME, AWAY, STRANGER, ("203.0.113.1", 1), ("203.0.113.2", 2))
steps = st.tuples(
    st.sampled_from(["check", "nominate", "odd", "data", "send", "wait", "restart"]),
    st.sampled_from(ADDRESSES),
    st.integers(1, 1500),
)


@given(st.lists(steps, max_size=60), st.sets(st.sampled_from(ADDRESSES), max_size=2))
@settings(deadline=None, max_examples=200)
def test_whatever_happens_no_unproven_address_gets_more_than_three_times_its_bytes(
    story: list[tuple[str, Address, int]], honest: set[Address]
) -> None:
    peer = Peer()
    now = 0.0
    came, sent = dict.fromkeys(ADDRESSES, 0), dict.fromkeys(ADDRESSES, 0)
    for what, address, size in story:
        session, reply = peer.session, None
        if what in ("check", "nominate", "odd"):
            check = peer.check(nominate=what == "nominate", extra=stun.attribute(0x7777, b"") * (what == "odd"))
            reply = session.receive_request(check, address, now)
            came[address] += len(check.data)
        elif what == "data" and session.received(address, size, now):
            came[address] += size
        elif what == "send" and session.admit(address, size):
            sent[address] += size
        elif what == "wait":
            now += size / 50
            session.on_timer(now)
        elif what == "restart":
            peer.restart()
        sent[address] += len(reply or b"")
        out = session.outgoing()
        for datagram, to in out:
            sent[to] += len(datagram)
        for datagram, to in out:
            if to in honest and datagram[:2] == b"\0\1" and datagram[20:].startswith(says(peer)):
                session.receive_response(peer.answer(datagram), to, now)
        for each in set(ADDRESSES) - honest:
            assert sent[each] <= 3 * came[each]
        assert session.address is None or session.address in honest or not session.proven
        assert (due := session.next_timer()) is None or due > now or what != "wait"


def says(peer: Peer) -> bytes:
    return stun.attribute(stun.USERNAME, f"{peer.own.ufrag}:{peer.told.ufrag}".encode())


# ---- consent


def test_consent_lasts_while_the_address_answers(settled: Peer) -> None:
    session, asked = settled.session, 0
    for tenth in range(1, 6000):
        session.on_timer(tenth / 10)
        asked += settled.answer_all(HOME, tenth / 10)
        assert session.proven
    assert 600 / 6.1 <= asked <= 600 / 3.9
    assert session.events() == []


def test_a_lost_answer_is_asked_for_again_at_once(settled: Peer) -> None:
    due = settled.session.next_timer()
    assert due is not None
    assert 4.0 <= due <= 6.0
    sent = run(settled.session, due + 2.5)
    assert len(sent) == 7
    assert len({d[8:20] for d, _ in sent}) == 7
    assert settled.session.receive_response(settled.answer(sent[-1][0]), HOME, due + 2.6)


def test_checks_and_data_in_its_name_do_not_keep_the_consent_of_an_address_that_is_silent(settled: Peer) -> None:
    session = settled.session
    for tenth in range(1, int(CONSENT) * 10):
        now = tenth / 10
        assert session.receive_request(settled.check(nominate=True), HOME, now)
        assert session.received(HOME, 100, now)
        session.on_timer(now)
        session.outgoing()
        assert session.proven
    session.on_timer(CONSENT)
    assert not session.proven
    assert session.events() == [ConsentLost()]
    assert not session.admit(HOME, 1)


def test_a_stream_that_has_stopped_goes_on_when_its_address_answers_again(settled: Peer) -> None:
    session = settled.session
    run(session, 100.0)
    assert session.events() == [ConsentLost()]
    assert session.next_timer() is None
    settled.settle(HOME, 200.0)
    assert session.proven
    assert session.events() == [Proven(HOME)]


def test_another_address_takes_over_when_the_one_in_use_has_lost_its_consent(settled: Peer) -> None:
    run(settled.session, 100.0)
    settled.settle(AWAY, 100.0, nominate=False)
    assert settled.session.address == AWAY
    assert settled.session.proven


# ---- ICE restart


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
