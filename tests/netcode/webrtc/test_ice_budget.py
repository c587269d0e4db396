"""ICE-lite, one session: what an address that has proven nothing may be sent."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.ice_paths import MAX_TRIES
from roomscale.netcode.webrtc.stun import Address
from tests.netcode.webrtc.ice_peer import AWAY, HOME, STRANGER, Peer, run


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
