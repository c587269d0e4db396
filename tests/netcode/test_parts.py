"""The node's small parts: SDP as text, addresses, the tick loop, token buckets, frames."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.bounds import Bucket
from roomscale.netcode.core.frames import FULL, enter_frames, fit, leave_frames
from roomscale.netcode.core.messages import Channel, Enter, Entrant, Leave
from roomscale.netcode.core.protocol import decode_server, encode_entrant
from roomscale.netcode.errors import BadOffer, TransportError
from roomscale.netcode.node import addresses, sdp
from roomscale.netcode.node.loop import TickLoop
from tests.netcode import strategies

OFFER = """v=0
o=- 7831394416010947306 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 27b9156f-eb9f-40a4-ba0a-1ebf90c33ba6.local 44743 typ host
a=candidate:2 1 udp 2113937151 203.0.113.9 53 typ host
a=end-of-candidates
a=ice-ufrag:4sNR
a=ice-pwd:Y2qn/5iVCBDK9PjcpkuxL5GL
a=fingerprint:sha-256 64:C5:ED:D1:D1:A5:EA:68:02:B9:3B:4C:F4:85:82:D8:A2:85:CD:38:3E:22:A4:AF:7A:01:F6:70:85:EC:87:22
a=setup:actpass
a=mid:0
a=sctp-port:5000
"""


def test_an_offer_loses_its_candidates_and_nothing_else() -> None:
    kept = sdp.clean_offer(OFFER).split("\r\n")
    assert kept == [line for line in OFFER.split("\n") if "candidate" not in line]


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "hello",
        OFFER.replace("m=application", "m=audio"),
        OFFER + OFFER[OFFER.index("m=") :],
        OFFER.replace("a=ice-pwd", "a=ice-pwt"),
        OFFER.replace("a=fingerprint", "a=finger"),
        OFFER + "a=x:" + "y" * 17_000,
        "\ud800",
    ],
)
def test_what_is_no_offer_for_data_channels_is_refused(offer: str) -> None:
    with pytest.raises(BadOffer):
        sdp.clean_offer(offer)


def test_a_public_address_takes_the_place_of_those_bound() -> None:
    answer = (
        "m=application 5 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 10.0.0.2\r\n"
        "a=candidate:1 1 udp 21 10.0.0.2 5 typ host\r\na=candidate:2 1 udp 20 fd00::2 6 typ host\r\n"
    )
    told = sdp.advertise(answer, "203.0.113.7")
    assert "c=IN IP4 203.0.113.7\r\n" in told
    assert "a=candidate:1 1 udp 21 203.0.113.7 5 typ host\r\n" in told
    assert "fd00::2 6" in told
    assert "fd00::2" not in sdp.advertise(answer, "2001:db8::1")
    assert sdp.advertise(answer, None) == answer


def test_addresses_are_what_was_asked_for() -> None:
    assert addresses.candidates(["127.0.0.1", "127.0.0.1"]) == ["127.0.0.1"]


def test_a_wildcard_leaves_loopback_out_unless_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_check", lambda _: None)
    monkeypatch.setattr(addresses, "_interfaces", lambda: ["127.0.0.1", "192.0.2.2", "169.254.1.1", "::1", "fd00::2"])
    assert addresses.candidates(["0.0.0.0"]) == ["192.0.2.2"]
    assert addresses.candidates(["::", "127.0.0.1"]) == ["fd00::2", "127.0.0.1"]
    monkeypatch.setattr(addresses, "_interfaces", lambda: ["127.0.0.1"])
    assert addresses.candidates(["0.0.0.0"]) == ["127.0.0.1"]
    with pytest.raises(TransportError, match="no address"):
        addresses.candidates(["::"])


@pytest.mark.parametrize("host", ["localhost", "", "203.0.113.77", "300.1.1.1"])
def test_an_address_that_cannot_be_bound_is_one_clear_error(host: str) -> None:
    with pytest.raises(TransportError, match=r"not an IP address|cannot bind"):
        addresses.candidates([host])


async def test_the_tick_keeps_its_rate_and_drops_what_it_cannot_do_in_time() -> None:
    called: list[float] = []

    def step(now: float) -> None:
        called.append(now)
        if len(called) == 5:
            time.sleep(0.175)

    loop = TickLoop(50, step)
    began = time.monotonic()
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0.8)
    task.cancel()
    stats = loop.stats()
    expected = (time.monotonic() - began) * 50
    assert loop.dropped >= 7  # more where the machine itself was late
    assert abs(len(called) + loop.dropped - expected) <= 3
    assert stats["work_ms_max"] >= 170
    gaps = [b - a for a, b in itertools.pairwise(called[5:])]
    # The 7 ticks that were missed are not made up for in a rush; after one that the machine made late, one is soon due.
    assert sum(gap < 0.001 for gap in gaps) <= 3
    assert stats["ticks"] == len(called)


async def test_lateness_is_measured() -> None:
    loop = TickLoop(50, lambda _: None)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0.05)
    time.sleep(0.1)  # noqa: ASYNC251 - somebody else holds the event loop
    await asyncio.sleep(0.05)
    task.cancel()
    assert 60 <= loop.stats()["late_ms_max"] <= 200
    assert loop.dropped >= 3


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(10, 5, 0.0)
    assert [bucket.take(0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [bucket.take(0.1) for _ in range(2)] == [True, False]
    assert sum(bucket.take(1 + i / 100) for i in range(100)) == pytest.approx(5 + 10, abs=1)
    assert not bucket.take(-5.0)


@settings(deadline=None)
@given(st.lists(strategies.entrants, max_size=20))
def test_any_number_of_entrants_goes_into_frames_that_fit(entrants: list[Entrant]) -> None:
    told: list[Entrant] = []
    for frame in enter_frames(map(encode_entrant, entrants)):
        assert len(frame) <= FULL
        message = decode_server(Channel.EVENTS, frame)
        assert isinstance(message, Enter)
        told += message.entrants
    assert told == entrants


def test_any_number_of_leavers_goes_into_frames_that_fit() -> None:
    told: list[int] = []
    for frame in leave_frames(range(1, 601)):
        message = decode_server(Channel.EVENTS, frame)
        assert isinstance(message, Leave)
        told += message.peers
    assert told == list(range(1, 601))


@settings(deadline=None)
@given(st.text(max_size=400), st.integers(0, 255))
def test_a_text_is_cut_at_a_character(text: str, limit: int) -> None:
    assert len(fit(text, limit).encode()) <= limit
    assert text.encode("utf-8", "replace").decode().startswith(fit(text, limit))
