"""ICE-lite, one session: the stream goes on while its address consents, and no longer (RFC 7675)."""

from __future__ import annotations

from roomscale.netcode.webrtc.ice_events import ConsentLost, Proven
from roomscale.netcode.webrtc.ice_paths import CONSENT
from tests.netcode.webrtc.ice_peer import AWAY, HOME, Peer, run


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
