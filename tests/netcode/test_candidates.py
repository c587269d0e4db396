"""Where an answer leads: read, rewritten for a proxy, and held to the addresses that were allowed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.netcode.errors import BadAnswer
from roomscale.netcode.testing.candidates import advertise, candidates, only_at

ANSWER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "m=application 40000 DTLS/SCTP 5000",
        "c=IN IP4 192.0.2.7",
        "a=candidate:a 1 udp 2130706431 192.0.2.7 40000 typ host",
        "a=candidate:b 1 UDP 2130706430 2001:db8::7 40001 typ host",
        "a=candidate:c 1 tcp 2130706429 192.0.2.7 9 typ host tcptype active",
        "a=candidate:d 1 udp 2130706428 b1b6.local 40002 typ host",
        "a=candidate:e 1 udp 2130706427 127.0.0.1 40003 typ host",
        "a=candidate:f 1 udp 2130706427 127.0.0.1 70000 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:abcd",
        "",
    ]
)


def test_the_udp_candidates_are_read_in_their_order() -> None:
    assert candidates(ANSWER) == [("192.0.2.7", 40000), ("2001:db8::7", 40001), ("127.0.0.1", 40003)]
    assert candidates("v=0\r\n") == []


@pytest.mark.parametrize(("host", "version"), [("127.0.0.1", "IP4"), ("::1", "IP6")])
def test_a_proxy_becomes_the_one_candidate_and_the_rest_stays(host: str, version: str) -> None:
    changed = advertise(ANSWER, (host, 5555))
    assert candidates(changed) == [(host, 5555)]
    assert changed.count("a=candidate:") == 1
    assert f"a=candidate:a 1 udp 2130706431 {host} 5555 typ host\r\n" in changed
    assert f"c=IN {version} {host}\r\n" in changed
    assert "m=application 5555 DTLS/SCTP 5000\r\n" in changed
    assert changed.endswith("a=end-of-candidates\r\na=ice-ufrag:abcd\r\n")


def test_only_what_was_named_and_loopback_may_be_contacted() -> None:
    assert candidates(only_at(ANSWER, {"192.0.2.7"})) == [("192.0.2.7", 40000), ("127.0.0.1", 40003)]
    assert candidates(only_at(ANSWER, ())) == [("127.0.0.1", 40003)]
    elsewhere = "\r\n".join(line for line in ANSWER.splitlines() if "127.0.0.1" not in line)
    with pytest.raises(BadAnswer, match=r"192\.0\.2\.7, 2001:db8::7"):
        only_at(elsewhere, {"198.51.100.1"})
    with pytest.raises(BadAnswer, match="none"):
        only_at("v=0\r\n", ())


def test_an_answer_without_candidates_cannot_be_led_through_a_proxy() -> None:
    with pytest.raises(BadAnswer, match="no candidate"):
        advertise("v=0\r\na=candidate:c 1 tcp 1 192.0.2.7 9 typ host\r\n", ("127.0.0.1", 1))


LINES = st.text(alphabet=st.sampled_from("a=candidate:1 udp.:typ host\r\n₂٣"), max_size=60)


@given(st.lists(LINES | st.sampled_from(ANSWER.split("\r\n")), max_size=12).map("\r\n".join))
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    for host, port in candidates(text):
        assert host
        assert 0 < port < 65536
    with contextlib.suppress(BadAnswer):
        assert candidates(advertise(text, ("127.0.0.1", 1))) == [("127.0.0.1", 1)]
    with contextlib.suppress(BadAnswer):
        assert {host for host, _ in candidates(only_at(text, ()))} == {"127.0.0.1"}
