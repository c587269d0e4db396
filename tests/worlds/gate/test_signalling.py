"""Calls by to-device: what is taken, what is named and refused, and which of several counts."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.worlds.gate.calls import CallLog
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.gate.signalling import ANSWER, HANGUP, CallRefused, Hangup, Invite, parse_call

LIMITS = GateLimits(offer_bytes=2_000)
OURS = "our-session"
SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"
GOOD: dict[str, Any] = {
    "call_id": "call",
    "party_id": "party",
    "version": "1",
    "conf_id": "!room:here",
    "device_id": "DEVICE",
    "sender_session_id": "tab-of-128-bits",
    "dest_session_id": "",
    "seq": 3,
    "lifetime": 10_000,
    "offer": {"type": "offer", "sdp": SDP},
}


def event(kind: str = "m.call.invite", sender: Any = "@ada:here", **changes: Any) -> dict[str, Any]:
    return {"type": kind, "sender": sender, "content": {**GOOD, **changes}}


def invite(**changes: Any) -> Invite:
    call = parse_call(event(**changes), OURS, LIMITS)
    assert isinstance(call, Invite)
    return call


def test_an_invite_is_read() -> None:
    call = invite()
    assert (call.caller.user_id, call.caller.room_id, call.caller.seq) == ("@ada:here", "!room:here", 3)
    assert call.sdp == SDP
    assert call.lifetime_s == 10
    assert isinstance(parse_call(event(HANGUP), OURS, LIMITS), Hangup)


def test_what_is_not_for_us_is_passed_over() -> None:
    assert parse_call(event("m.room.encrypted"), OURS, LIMITS) is None
    assert parse_call(event(dest_session_id="an earlier start of the gate"), OURS, LIMITS) is None
    assert parse_call(event(dest_session_id=OURS), OURS, LIMITS) is not None
    assert parse_call("no event", OURS, LIMITS) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"call_id": ""},
        {"call_id": "x" * 256},
        {"call_id": 7},
        {"call_id": "nul\0"},
        {"device_id": None},
        {"sender_session_id": "short"},
        {"sender_session_id": ["x"] * 9},
        {"conf_id": "#alias:here"},
        {"conf_id": "!" + "x" * 300 + ":here"},
        {"seq": -1},
        {"seq": True},
        {"seq": 1.5},
        {"seq": 2**60},
    ],
)
def test_who_cannot_be_answered_is_dropped(changes: dict[str, Any]) -> None:
    with pytest.raises(CallRefused) as refusal:
        parse_call(event(**changes), OURS, LIMITS)
    assert refusal.value.caller is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "0"},
        {"offer": None},
        {"offer": {"type": "answer", "sdp": SDP}},
        {"offer": {"type": "offer", "sdp": 5}},
        {"offer": {"type": "offer", "sdp": "hello"}},
        {"offer": {"type": "offer", "sdp": SDP + "ä"}},
        {"offer": {"type": "offer", "sdp": SDP + "x" * 2_000}},
    ],
)
def test_a_bad_offer_is_named_to_its_sender(changes: dict[str, Any]) -> None:
    with pytest.raises(CallRefused) as refusal:
        parse_call(event(**changes), OURS, LIMITS)
    assert refusal.value.caller is not None
    assert refusal.value.code == "bad_offer"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(GOOD)), values, values)
def test_no_content_raises_anything_else(key: str, value: Any, sender: Any) -> None:
    for hostile in (event(**{key: value}), event(sender=sender), {"type": "m.call.invite", "content": value}):
        with contextlib.suppress(CallRefused):
            parse_call(hostile, OURS, LIMITS)


def test_the_same_call_again_gets_the_same_answer_again() -> None:
    log = CallLog()
    assert log.judge(invite(), 0.0) == "fresh"
    assert log.judge(invite(seq=4), 1.0) == "waiting"
    log.answer(invite(), ANSWER, {"an": "answer"})
    assert log.judge(invite(seq=5), 2.0) == "again"
    assert log.judge(invite(seq=5), 2.0) == "again"
    assert log.answered(invite()) == (ANSWER, {"an": "answer"})


def test_of_two_calls_of_one_tab_the_newest_counts() -> None:
    log = CallLog()
    old, new = invite(), invite(call_id="newer", seq=4)
    assert log.judge(new, 0.0) == "fresh"
    assert log.judge(old, 0.1) == "stale"
    assert log.is_newest(new)
    assert not log.is_newest(old)
    assert log.judge(invite(seq=9, offer={"type": "offer", "sdp": SDP + "a=x\r\n"}), 1.0) == "fresh"


def test_tabs_and_users_are_told_apart() -> None:
    log = CallLog()
    assert log.judge(invite(), 0.0) == "fresh"
    assert log.judge(invite(sender_session_id="another-tab-here"), 0.0) == "fresh"
    assert log.judge(invite(sender="@bob:here"), 0.0) == "fresh"


def test_a_refused_call_may_be_repeated_and_a_void_answer_is_not_given_again() -> None:
    log = CallLog()
    log.judge(invite(), 0.0)
    log.answer(invite(), HANGUP, {"reason": "busy"})
    assert log.judge(invite(), 0.5) == "again"
    assert log.judge(invite(seq=4), 1.0) == "fresh"
    log.answer(invite(seq=4), ANSWER, {})
    log.forget(invite().caller.tab_key)
    assert log.judge(invite(seq=5), 2.0) == "fresh"
    assert log.judge(invite(seq=5), 2.0) in ("waiting", "stale")


def test_a_tab_that_was_silent_for_long_starts_anew() -> None:
    log = CallLog()
    log.judge(invite(seq=90), 0.0)
    assert log.judge(invite(seq=1), 5.0) == "stale"
    assert log.judge(invite(seq=1), 700.0) == "fresh"
