"""SDP: what browsers and libraries write is read, what we write they read, and anything else is one error."""

from __future__ import annotations

import re
import socket

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.errors import BadAnswer, BadOffer
from roomscale.netcode.webrtc import sdp
from roomscale.netcode.webrtc.ice_paths import Credentials
from roomscale.netcode.webrtc.sdp import Local, Media, parse_answer, parse_offer, write_answer, write_offer

DIGEST = bytes(range(0x60, 0x80))
FINGERPRINT = DIGEST.hex(":").upper()

# The shape of each, by hand; what counts in it is the same.
CHROMIUM = f"""v=0
o=- 7831394416010947306 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2113937151 27b9156f-eb9f-40a4-ba0a-1ebf90c33ba6.local 44743 typ host generation 0 network-cost 999
a=candidate:2 1 udp 1677729535 203.0.113.9 53111 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999
a=candidate:3 1 tcp 1518280447 203.0.113.9 9 typ host tcptype active generation 0 network-cost 999
a=ice-ufrag:4sNR
a=ice-pwd:Y2qn/5iVCBDK9PjcpkuxL5GL
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
"""
FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 5034284893209083497 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 {FINGERPRINT}
a=group:BUNDLE 0
a=ice-options:trickle
a=msid-semantic:WMS *
m=application 53111 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 203.0.113.9
a=candidate:0 1 UDP 2122187007 d6b5e4cc-3c5e-4b4a-8a7f-5d1e3f2a7c11.local 51503 typ host
a=candidate:1 1 UDP 1685987327 203.0.113.9 53111 typ srflx raddr 0.0.0.0 rport 0
a=sendrecv
a=end-of-candidates
a=ice-pwd:Y2qn/5iVCBDK9PjcpkuxL5GL
a=ice-ufrag:4sNR
a=mid:0
a=setup:actpass
a=sctp-port:5000
a=max-message-size:1073741823
"""
LIBDATACHANNEL = f"""v=0
o=rtc 1832462941 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=group:LS 0
a=msid-semantic:WMS *
a=ice-options:ice2,trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=ice-ufrag:4sNR
a=ice-pwd:Y2qn/5iVCBDK9PjcpkuxL5GL
a=setup:actpass
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:0
a=sendrecv
a=sctp-port:5000
a=max-message-size:262144
a=candidate:1 1 UDP 2122317823 203.0.113.9 53111 typ host
a=end-of-candidates
"""
WITH_VOICE = CHROMIUM.replace("BUNDLE 0", "BUNDLE 0 data 2").replace("a=mid:0", "a=mid:data").replace(
    "m=application",
    f"""m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:4sNR
a=ice-pwd:Y2qn/5iVCBDK9PjcpkuxL5GL
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=rtpmap:111 opus/48000/2
m=application""",
) + """m=video 0 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=bundle-only
a=mid:2
"""  # fmt: skip
OFFERS = {"chromium": CHROMIUM, "firefox": FIREFOX, "libdatachannel": LIBDATACHANNEL}
US = Local(
    ice=Credentials("ours", "0123456789abcdefghijkl+/"),
    fingerprint=DIGEST,
    candidates=(("192.0.2.1", 4000), ("2001:db8::1", 4000)),
    max_message_size=65_536,
    session_id=77,
    version=3,
)


@pytest.mark.parametrize("name", OFFERS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_offers_of_browsers_and_libraries_are_read(name: str, end: str) -> None:
    offer = parse_offer(OFFERS[name].replace("\n", end))
    assert offer.ice == Credentials("4sNR", "Y2qn/5iVCBDK9PjcpkuxL5GL")
    assert offer.fingerprints == (DIGEST,)
    assert offer.setup == "actpass"
    assert offer.sctp_port == 5000
    assert offer.max_message_size in (262_144, 1_073_741_823)
    assert offer.candidates == (("203.0.113.9", 53_111),)
    assert offer.media == (Media("application", "UDP/DTLS/SCTP", "webrtc-datachannel", "0"),)
    assert offer.bundled
    assert not offer.ice_lite


async def aiortc_offer() -> tuple[RTCPeerConnection, str]:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.createDataChannel("events", negotiated=True, id=0)
    await pc.setLocalDescription(await pc.createOffer())
    return pc, pc.localDescription.sdp


async def test_aiortcs_offer_is_read_and_our_answer_to_it_is_taken() -> None:
    pc, text = await aiortc_offer()
    try:
        offer = parse_offer(text)
        assert pc.sctp is not None
        ice = pc.sctp.transport.transport.iceGatherer.getLocalParameters()
        assert (offer.ice.ufrag, offer.ice.password) == (ice.usernameFragment, ice.password)
        fingerprint = pc.sctp.transport.getLocalParameters().fingerprints[0]
        assert fingerprint.algorithm == "sha-256"
        assert offer.fingerprints[0].hex(":").upper() == fingerprint.value
        assert offer.setup == "actpass"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind(("127.0.0.1", 0))
            us = Local(US.ice, DIGEST, (mute.getsockname(), ("::1", 9)))
            await pc.setRemoteDescription(RTCSessionDescription(sdp=write_answer(offer, us), type="answer"))
            remote = pc.sctp.transport.transport._connection
            assert (remote.remote_username, remote.remote_password) == (US.ice.ufrag, US.ice.password)
            assert [(c.host, c.port) for c in remote.remote_candidates] == list(us.candidates)
            assert remote.remote_is_lite
            assert remote.ice_controlling
            assert pc.sctp.transport._role == "client"
    finally:
        await pc.close()


async def test_aiortc_takes_our_offer_and_its_answer_is_read() -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        us = Local(US.ice, DIGEST)
        await pc.setRemoteDescription(RTCSessionDescription(sdp=write_offer(us), type="offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        answer = parse_answer(pc.localDescription.sdp)
        assert answer.setup == "active"
        assert answer.candidates
        assert pc.sctp is not None
        assert answer.ice.ufrag == pc.sctp.transport.transport._connection.local_username
    finally:
        await pc.close()


def test_our_answer_says_what_a_lite_server_is() -> None:
    text = write_answer(parse_offer(CHROMIUM), US)
    assert text.split("\r\n") == [
        "v=0",
        "o=- 77 3 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=ice-lite",
        "m=application 4000 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 192.0.2.1",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host",
        "a=candidate:2 1 udp 2130706175 2001:db8::1 4000 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:ours",
        "a=ice-pwd:0123456789abcdefghijkl+/",
        "a=ice-options:ice2",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:passive",
        "a=mid:0",
        "a=sctp-port:5000",
        "a=max-message-size:65536",
        "",
    ]
    answer = parse_answer(text)
    assert answer.ice == US.ice
    assert answer.fingerprints == (DIGEST,)
    assert answer.candidates == US.candidates
    assert answer.setup == "passive"
    assert answer.ice_lite
    assert answer.bundled


def test_our_offer_is_read_by_ourselves() -> None:
    offer = parse_offer(write_offer(US))
    assert offer.ice == US.ice
    assert offer.fingerprints == (DIGEST,)
    assert offer.candidates == US.candidates
    assert offer.setup == "actpass"
    assert offer.bundled
    bare = write_offer(Local(US.ice, DIGEST))
    assert "end-of-candidates" not in bare  # a full server would give up at once
    assert parse_offer(bare).candidates == ()


def test_sections_that_are_not_for_data_are_rejected_in_their_places() -> None:
    offer = parse_offer(WITH_VOICE)
    assert [m.kind for m in offer.media] == ["audio", "application", "video"]
    assert offer.index == 1
    text = write_answer(offer, US)
    assert re.findall("^m=.*$", text.replace("\r", ""), re.MULTILINE) == [
        "m=audio 0 UDP/TLS/RTP/SAVPF 111",
        "m=application 4000 UDP/DTLS/SCTP webrtc-datachannel",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
    ]
    assert re.findall("^a=mid:(.*)$", text.replace("\r", ""), re.MULTILINE) == ["0", "data", "2"]
    assert "a=group:BUNDLE data\r\n" in text
    assert parse_answer(text).media[1].mid == "data"


def test_a_bundle_only_section_is_open_and_another_one_of_port_0_is_not() -> None:
    closed = CHROMIUM.replace("m=application 9", "m=application 0")
    with pytest.raises(BadOffer):
        parse_offer(closed)
    assert parse_offer(closed + "a=bundle-only\n").sctp_port == 5000


def test_an_offer_without_mid_or_bundle_gets_an_answer_without_them() -> None:
    offer = parse_offer(CHROMIUM.replace("a=group:BUNDLE 0\n", "").replace("a=mid:0\n", ""))
    text = write_answer(offer, US)
    assert "BUNDLE" not in text
    assert "mid" not in text


def test_candidates_are_addresses_by_priority_and_nothing_else() -> None:
    lines = [
        "1 1 udp 100 192.0.2.1 1 typ host",
        "2 1 UDP 300 2001:DB8:0::2 2 typ srflx raddr :: rport 0",
        "3 2 udp 200 192.0.2.3 3 typ host",
        "4 1 tcp 200 192.0.2.4 4 typ host",
        "5 1 udp 200 192.0.2.5 5 typ relay",
        "6 1 udp 200 somewhere.local 6 typ host",
        "7 1 udp 200 192.0.2.7 0 typ host",
        "8 1 udp 200 192.0.2.8 99999 typ host",
        "9 1 udp 200 300.0.2.9 9 typ host",
        "10 1 udp 200 224.0.0.1 10 typ host",
        "11 1 udp 200 fe80::1%eth0 11 typ host",
        "12 1 udp 200 0.0.0.0 12 typ host",
        "13 1 udp 50 192.0.2.1 1 typ srflx",
        "nonsense",
        "",
    ]
    text = write_answer(parse_offer(CHROMIUM), US).replace("a=candidate", "a=x-candidate")
    answer = parse_answer(text + "".join(f"a=candidate:{line}\r\n" for line in lines))
    assert answer.candidates == (("2001:db8::2", 2), ("192.0.2.1", 1))


def test_fingerprints_other_than_sha_256_are_passed_over() -> None:
    both = CHROMIUM.replace(
        "a=setup", f"a=fingerprint:sha-1 AA:BB\na=fingerprint:SHA-256 {FINGERPRINT.lower()}\na=setup"
    )
    assert parse_offer(both).fingerprints == (DIGEST, DIGEST)
    with pytest.raises(BadOffer, match="fingerprint"):
        parse_offer(CHROMIUM.replace("sha-256", "sha-512"))


@pytest.mark.parametrize(
    ("of", "becomes"),
    [
        ("v=0\n", ""),
        ("v=0", "v=1"),
        ("m=application", "m=audio"),
        ("UDP/DTLS/SCTP", "DTLS/SCTP"),
        ("webrtc-datachannel", "5000"),
        ("m=application 9 ", "m=application "),
        ("m=application 9", "m=application -9"),
        ("a=mid:0", "a=mid:0 1"),
        ("a=mid:0", "a=mid:"),
        ("a=mid:0", "a=mid:" + "x" * 65),
        ("a=ice-ufrag:4sNR", "a=ice-ufrag:4sN"),
        ("a=ice-ufrag:4sNR", "a=ice-ufrag:4sNR:x"),
        ("a=ice-ufrag:4sNR\n", ""),
        ("a=ice-ufrag:4sNR\n", "a=ice-ufrag:4sNR\na=ice-ufrag:5sNR\n"),
        ("a=ice-pwd:Y2qn/5iVCBDK9PjcpkuxL5GL", "a=ice-pwd:short"),
        ("a=fingerprint:sha-256 60:", "a=fingerprint:sha-256 "),
        ("a=setup:actpass", "a=setup:passive"),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=setup:actpass\n", ""),
        ("a=sctp-port:5000", "a=sctp-port:0"),
        ("a=sctp-port:5000", "a=sctp-port:65536"),
        ("a=sctp-port:5000", "a=sctp-port:5_000"),
        ("a=sctp-port:5000", "a=sctp-port:٥٠٠٠"),
        ("a=sctp-port:5000\n", ""),
        ("a=max-message-size:262144", "a=max-message-size:-1"),
        ("a=max-message-size:262144", "a=max-message-size:1" + "0" * 30),
        ("a=group:BUNDLE 0\n", "a=group:BUNDLE 0\na=ice-lite\n"),
        ("a=group", "group"),
        ("t=0 0\n", "t=0 0\n\x00\n"),
        ("a=setup", "a=x:" + "y" * 17_000 + "\na=setup"),
        ("a=setup", "a=x:" + "é" * 8_000 + "\na=setup"),
        ("a=setup", "a=x\n" * 600 + "a=setup"),
        ("a=setup", "a=candidate:x\n" * 40 + "a=setup"),
        ("a=setup", "a=fingerprint:x\n" * 40 + "a=setup"),
        ("m=application", "m=audio 9 RTP/AVP 0\n" * 17 + "m=application"),
        ("a=mid:0\n", "a=mid:0\n" + CHROMIUM[CHROMIUM.index("m=app") :]),
    ],
)
def test_an_offer_that_cannot_be_used_is_bad(of: str, becomes: str) -> None:
    text = CHROMIUM.replace(of, becomes, 1)
    assert text != CHROMIUM
    with pytest.raises(BadOffer) as caught:
        parse_offer(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text", ["", "\n", "hello", "v=0", "\ud800", "v=0\n" * 9, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"]
)
def test_what_is_no_sdp_is_bad(text: str) -> None:
    with pytest.raises(BadOffer):
        parse_offer(text)
    with pytest.raises(BadAnswer):
        parse_answer(text)


def test_an_answer_must_have_chosen_its_part() -> None:
    with pytest.raises(BadAnswer, match="setup"):
        parse_answer(CHROMIUM)
    assert parse_answer(CHROMIUM.replace("actpass", "passive")).setup == "passive"


def test_a_public_address_takes_the_place_of_those_of_its_family() -> None:
    bound = [("10.0.0.2", 1), ("172.17.0.1", 1), ("10.0.0.2", 2), ("fd00::2", 1)]
    assert sdp.advertised(bound, None) == tuple(bound)
    assert sdp.advertised(bound, "203.0.113.7") == (("203.0.113.7", 1), ("203.0.113.7", 2), ("fd00::2", 1))
    assert sdp.advertised(bound, "2001:db8::7") == (*bound[:3], ("2001:db8::7", 1))


def answered(text: str) -> None:
    """Parse, and answer when it can be: the answer is one that we read ourselves, line by line ours."""
    try:
        offer = parse_offer(text)
    except BadOffer:
        return
    answer = write_answer(offer, US)
    again = parse_answer(answer)
    assert [(m.kind, m.mid) for m in again.media] == [(m.kind, m.mid) for m in offer.media]
    assert len(answer) < 4096
    assert all(re.fullmatch("[vostmca]=[ -~]+", line) for line in answer.split("\r\n")[:-1])


@given(st.text(max_size=100))
@settings(deadline=None)
def test_any_text_is_an_offer_or_bad(text: str) -> None:
    answered(text)
    answered("v=0\n" + text)
    try:
        parse_answer(text)
    except BadAnswer:
        return


changes = st.tuples(st.integers(0, 60), st.sampled_from(["drop", "double", "swap", "cut", "put"]), st.text(max_size=12))


@given(st.sampled_from([*OFFERS.values(), WITH_VOICE]), st.lists(changes, max_size=6))
@settings(deadline=None, max_examples=200)
def test_a_changed_offer_is_an_offer_or_bad(text: str, changed: list[tuple[int, str, str]]) -> None:
    lines = text.split("\n")
    for at, what, noise in changed:
        at %= len(lines)  # noqa: PLW2901 - the index of a line that exists
        line = lines[at]
        match what:
            case "drop":
                lines[at] = ""
            case "double":
                lines[at] = f"{line}\n{line}{noise}"
            case "swap":
                lines[at], lines[0] = lines[0], line
            case "cut":
                lines[at] = line[: len(noise)]
            case "put":
                lines[at] = line[: len(line) // 2] + noise + line[len(line) // 2 :]
    answered("\n".join(lines))


def test_lines_made_for_expressions_to_backtrack_over_are_refused_at_once() -> None:
    for line in ("m=" + "a" * 15_000, "a=candidate:1 1 udp 1 " + ":" * 15_000, "a=candidate:" + "1 " * 7_500):
        with pytest.raises(BadOffer):
            parse_offer("v=0\n" + line)
