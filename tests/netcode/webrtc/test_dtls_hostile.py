"""Arbitrary and altered datagrams at every stage of a session: nothing raised, little said, what is sealed stands."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.webrtc import dtls
from roomscale.netcode.webrtc.dtls import DtlsSession, DtlsState
from tests.netcode.webrtc.dtls_peers import client, joined, server

STAGES: Final = range(4)
Change = tuple[str, int, bytes]
CHANGES = st.tuples(
    st.sampled_from(["flip", "overwrite", "cut", "insert", "double", "alone"]),
    st.integers(0, 1500),
    st.binary(min_size=1, max_size=60),
)
HEADERS = st.builds(
    lambda kind, version, epoch, number, length, rest: (
        bytes([kind]) + version + epoch.to_bytes(2) + number.to_bytes(6) + length.to_bytes(2) + rest
    ),
    st.sampled_from([20, 21, 22, 23, 24]),
    st.sampled_from([b"\xfe\xfd", b"\xfe\xff", b"\x03\x03"]),
    st.sampled_from([0, 1, 2]),
    st.integers(0, 2**48 - 1),
    st.integers(0, 90),
    st.binary(max_size=90),
)


def altered(datagram: bytes, change: Change) -> bytes:
    how, at, patch = change
    at %= len(datagram)
    match how:
        case "flip":
            return datagram[:at] + bytes([datagram[at] ^ (patch[0] or 1)]) + datagram[at + 1 :]
        case "overwrite":
            return datagram[:at] + patch + datagram[at + len(patch) :]
        case "cut":
            return datagram[:at]
        case "insert":
            return datagram[:at] + patch + datagram[at:]
        case "double":
            return datagram + datagram[:at]
    return patch


def sound(session: DtlsSession) -> int:
    """Check that a session is in one of its states, and give the bytes that it says."""
    out = session.outgoing()
    assert all(0 < len(datagram) <= 1200 for datagram in out)
    assert (session.state is DtlsState.FAILED) == (session.failure is not None)
    waits = session.state is DtlsState.CONNECTING or (session.state is DtlsState.ESTABLISHED and bool(session._flight))
    assert waits == (session.next_timer() is not None)
    assert len(session._held) <= 2 * dtls.MAX_HELD
    return sum(map(len, out))


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(STAGES), st.lists(CHANGES, min_size=1, max_size=6), st.lists(HEADERS, max_size=3), st.booleans())
def test_a_handshake_with_altered_datagrams_ends_in_a_state_and_never_in_an_error(
    stage: int, changes: list[Change], junk: list[bytes], also: bool
) -> None:
    """One of the four flights comes altered, in several ways one after the other, and then perhaps as it was."""
    s, c = server(), client()
    c.start(0.0)
    for flight in STAGES:
        sender, receiver = (c, s) if flight % 2 == 0 else (s, c)
        datagrams = sender.outgoing()
        for datagram in datagrams:
            if flight == stage:
                said = 0
                for bad in [*(altered(datagram, change) for change in changes), *junk]:
                    assert receiver.receive(bad, 0.0) == []
                    said += sound(receiver)
                assert said <= 3 * 1200
            if flight != stage or also:
                assert receiver.receive(datagram, 0.0) == []
    for session in (s, c):
        sound(session)
        session.on_timer(dtls.PATIENCE)
        assert session.state is not DtlsState.CONNECTING


S, C = joined()


@settings(max_examples=250, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.lists(CHANGES, max_size=5), st.lists(HEADERS | st.binary(), max_size=5))
def test_an_established_session_takes_nothing_but_what_its_peer_sealed(
    payload: bytes, changes: list[Change], junk: list[bytes]
) -> None:
    for sender, receiver in ((C, S), (S, C)):
        record = sender.protect(payload)
        for bad in junk:
            assert receiver.receive(bad, 0.0) == []
        got = [p for change in changes for p in receiver.receive(altered(record, change), 0.0)]
        assert got + receiver.receive(record, 0.0) == [payload]  # a record with a tail is a record, once
        assert receiver.outgoing() == []
        assert receiver.state is DtlsState.ESTABLISHED
        assert receiver._layer
        assert receiver._layer.sealed < 10**6


def test_a_flood_of_junk_at_a_handshake_is_answered_by_nothing_and_ends_it() -> None:
    s, c = server(), client()
    c.start(0.0)
    hello = c.outgoing()[0]
    s.receive(hello, 0.0)
    s.outgoing()
    certificate = b"\x0b\x00\x1f\xff\x00\x01\x00\x00\x00\x00\x00\x20" + bytes(32)
    for i in range(1000):
        body = certificate[:4] + (1 + i % 12).to_bytes(2) + certificate[6:]
        s.receive(b"\x16\xfe\xfd\0\0" + (100 + i).to_bytes(6) + len(body).to_bytes(2) + body, 0.0)
        s.receive(b"\x16\xfe\xfd\0\1" + i.to_bytes(6) + b"\x00\x40" + bytes(64), 0.0)
    assert s.outgoing() == []
    assert s.failure
    assert s.failure.reason == "flood"
