"""STUN: the vectors of RFC 5769, another implementation's messages, and whatever bytes there are."""

from __future__ import annotations

import hmac
import os
import struct
import zlib
from ipaddress import IPv4Address, IPv6Address

import aioice.stun
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from roomscale.netcode.errors import BadStun
from roomscale.netcode.webrtc import stun
from roomscale.netcode.webrtc.stun import Key, MappedAddress

# RFC 5769 section 2.1 to 2.3. All under one password, and of one transaction.
PASSWORD = Key(b"VOkJxbRl1RmTxUk/WvJxBt")
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
RESPONSE_4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RESPONSE_6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)
VECTORS = [REQUEST, RESPONSE_4, RESPONSE_6]


def test_the_request_of_rfc_5769_reads_as_it_says() -> None:
    message = stun.parse(REQUEST)
    assert message.kind == stun.BINDING_REQUEST
    assert message.transaction == TRANSACTION
    assert message.attributes == {
        stun.SOFTWARE: b"STUN test client",
        stun.PRIORITY: bytes.fromhex("6e0001ff"),
        stun.ICE_CONTROLLED: bytes.fromhex("932ff9b151263b36"),
        stun.USERNAME: b"evtj:h6vY",
    }
    assert message.local_ufrag() == b"evtj"
    assert message.authentic(PASSWORD)
    assert not message.authentic(Key(b"VOkJxbRl1RmTxUk/WvJxBT"))


@pytest.mark.parametrize(
    ("data", "address"),
    [(RESPONSE_4, ("192.0.2.1", 32853)), (RESPONSE_6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))],
)
def test_the_responses_of_rfc_5769_read_as_they_say(data: bytes, address: tuple[str, int]) -> None:
    message = stun.parse(data)
    assert message.kind == stun.BINDING_SUCCESS
    assert message.authentic(PASSWORD)
    assert message.mapped_address() == address
    ours = stun.attribute(stun.SOFTWARE, b"test vector")
    mine = stun.parse(
        stun.seal(message.kind, TRANSACTION, ours + MappedAddress(address).attribute(TRANSACTION), PASSWORD)
    )
    assert mine.attributes == message.attributes
    assert len(mine.data) == len(data)  # which differ in what pads SOFTWARE: spaces there, zeros here


@pytest.mark.parametrize("data", VECTORS)
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_a_byte_changed_anywhere_is_noticed(data: bytes, flip: int) -> None:
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= flip
        try:
            message = stun.parse(bytes(changed))
        except BadStun:
            continue
        # What FINGERPRINT does not notice, for it has become another attribute, MESSAGE-INTEGRITY ends before.
        assert at in range(len(data) - 8, len(data) - 6)
        assert message.authentic(PASSWORD)


@pytest.mark.parametrize("data", VECTORS)
def test_a_message_cut_short_or_made_longer_is_refused(data: bytes) -> None:
    for size in range(len(data)):
        with pytest.raises(BadStun):
            stun.parse(data[:size])
    with pytest.raises(BadStun):
        stun.parse(data + bytes(4))


def without_fingerprint(data: bytes) -> bytes:
    return data[:2] + struct.pack("!H", len(data) - 28) + data[4:-8]


def test_integrity_is_checked_over_the_right_span_whether_or_not_something_follows() -> None:
    bare = without_fingerprint(REQUEST)
    assert stun.parse(bare).authentic(PASSWORD)
    followed = bare[:2] + struct.pack("!H", len(bare) - 12) + bare[4:] + stun.attribute(stun.SOFTWARE, b"word")
    message = stun.parse(followed)
    assert message.authentic(PASSWORD)
    assert message.attributes[stun.SOFTWARE] == b"STUN test client"
    unsigned = bare[:2] + struct.pack("!H", len(bare) - 44) + bare[4:-24]
    assert not stun.parse(unsigned).authentic(PASSWORD)


def test_what_follows_the_integrity_is_nobodys_word() -> None:
    bare = without_fingerprint(REQUEST)
    nomination = stun.attribute(stun.USE_CANDIDATE, b"")
    forged = bare[:2] + struct.pack("!H", len(bare) - 20 + len(nomination)) + bare[4:] + nomination
    message = stun.parse(forged)
    assert message.authentic(PASSWORD)
    assert stun.USE_CANDIDATE not in message.attributes


@pytest.mark.parametrize("length", [0, 16, 19, 24])
def test_an_integrity_of_another_length_is_refused(length: int) -> None:
    body = stun.attribute(stun.MESSAGE_INTEGRITY, bytes(length))
    with pytest.raises(BadStun, match="INTEGRITY"):
        stun.parse(struct.pack("!HHL", 1, len(body), 0x2112A442) + TRANSACTION + body)


def test_a_fingerprint_that_is_not_the_last_attribute_is_refused() -> None:
    more = stun.attribute(stun.SOFTWARE, b"word")
    longer = REQUEST[:2] + struct.pack("!H", len(REQUEST) - 20 + len(more)) + REQUEST[4:-8]
    crc = zlib.crc32(longer) ^ 0x5354554E
    with pytest.raises(BadStun, match="FINGERPRINT"):
        stun.parse(longer + struct.pack("!HHL", stun.FINGERPRINT, 4, crc) + more)


def test_the_first_of_two_attributes_of_a_type_counts() -> None:
    names = stun.attribute(stun.USERNAME, b"first") + stun.attribute(stun.USERNAME, b"second")
    assert stun.parse(stun.seal(1, TRANSACTION, names, PASSWORD)).attributes[stun.USERNAME] == b"first"


def test_the_work_is_bounded_by_the_number_of_attributes() -> None:
    def sealed(count: int) -> bytes:
        return stun.seal(1, TRANSACTION, stun.attribute(stun.SOFTWARE, b"") * count, PASSWORD)

    stun.parse(sealed(stun.MAX_ATTRIBUTES - 2))
    with pytest.raises(BadStun):
        stun.parse(sealed(stun.MAX_ATTRIBUTES - 1))
    with pytest.raises(BadStun):
        stun.parse(stun.seal(1, TRANSACTION, stun.attribute(stun.SOFTWARE, bytes(stun.MAX_SIZE)), PASSWORD))


@given(st.binary(max_size=256), st.binary(max_size=300))
@example(b"p" * 64, b"message")
@example(b"p" * 65, b"message")
@example(b"p" * 256, b"")
@settings(deadline=None)
def test_the_integrity_is_hmac_sha1(password: bytes, message: bytes) -> None:
    assert Key(password).mac(message) == hmac.digest(password, message, "sha1")


addresses = st.tuples(
    st.one_of(st.integers(0, 2**32 - 1).map(lambda i: str(IPv4Address(i))), st.ip_addresses(v=6).map(str)),
    st.integers(0, 65_535),
)
transactions = st.binary(min_size=12, max_size=12)


@given(addresses, transactions)
@settings(deadline=None)
def test_every_address_is_told_as_another_implementation_reads_it(address: tuple[str, int], transaction: bytes) -> None:
    data = stun.success(transaction, MappedAddress(address), PASSWORD)
    host, port = aioice.stun.parse_message(data).attributes["XOR-MAPPED-ADDRESS"]
    ip = IPv6Address(address[0]) if ":" in address[0] else None
    if ip and ip.ipv4_mapped:
        assert (host, port) == (str(ip.ipv4_mapped), address[1])
    else:
        assert (host, port) == address
    assert stun.parse(data).mapped_address() == (host, port)


def test_an_ipv4_peer_of_a_dual_stack_socket_is_told_its_ipv4_address() -> None:
    data = stun.success(TRANSACTION, MappedAddress(("::ffff:192.0.2.7", 9, 0, 0)), PASSWORD)
    assert stun.parse(data).mapped_address() == ("192.0.2.7", 9)
    data = stun.success(TRANSACTION, MappedAddress(("fe80::1%eth0", 9, 0, 2)), PASSWORD)
    assert stun.parse(data).mapped_address() == ("fe80::1", 9)


def test_another_implementation_reads_our_checks_and_errors() -> None:
    says = stun.check_attributes(b"them:us", 7, stun.ICE_CONTROLLING, 2**64 - 1, nominate=True)
    check = aioice.stun.parse_message(stun.seal(stun.BINDING_REQUEST, TRANSACTION, says, Key(b"secret")))
    assert check.check_message_integrity(b"secret")
    assert check.message_class == aioice.stun.Class.REQUEST
    assert check.attributes["USERNAME"] == "them:us"
    assert check.attributes["PRIORITY"] == 7
    assert check.attributes["ICE-CONTROLLING"] == 2**64 - 1
    assert "USE-CANDIDATE" in check.attributes
    refusal = stun.error(TRANSACTION, 420, "Unknown Attribute", Key(b"secret"), [0x7777, 0x1234])
    error = aioice.stun.parse_message(refusal)
    assert error.check_message_integrity(b"secret")
    assert error.attributes["ERROR-CODE"] == (420, "Unknown Attribute")
    assert stun.parse(refusal).error_code() == 420
    assert stun.parse(refusal).attributes[stun.UNKNOWN_ATTRIBUTES] == b"\x77\x77\x12\x34"


@pytest.mark.parametrize("host", ["203.0.113.9", "2001:db8::9"])
def test_we_read_another_implementations_messages(host: str) -> None:
    request = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, TRANSACTION)
    request.attributes |= {"USERNAME": "us:them", "PRIORITY": 7, "USE-CANDIDATE": None}
    request.add_message_integrity(b"secret")
    message = stun.parse(bytes(request))
    assert message.kind == stun.BINDING_REQUEST
    assert message.authentic(Key(b"secret"))
    assert message.local_ufrag() == b"us"
    assert message.unknown() == []
    assert stun.USE_CANDIDATE in message.attributes
    response = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.RESPONSE, TRANSACTION)
    response.attributes["XOR-MAPPED-ADDRESS"] = (host, 4000)
    response.add_message_integrity(b"secret")
    assert stun.parse(bytes(response)).mapped_address() == (host, 4000)


def test_what_must_be_understood_and_is_not_is_named() -> None:
    odd = stun.attribute(0x7777, b"?") + stun.attribute(0x8777, b"?") + stun.attribute(stun.PRIORITY, bytes(4))
    assert stun.parse(stun.seal(1, TRANSACTION, odd, PASSWORD)).unknown() == [0x7777]


def test_a_port_is_shared_by_the_first_byte() -> None:
    assert all(map(stun.is_stun, VECTORS))
    assert not any(stun.is_stun(data) for data in (b"", REQUEST[:19], b"\4" + REQUEST[1:], REQUEST[:4] + bytes(20)))
    assert [b for b in range(256) if stun.is_dtls(bytes((b, 0)))] == list(range(20, 64))
    assert not stun.is_dtls(b"")


def looked_at(data: bytes) -> bool:
    """Do all that can be done with a datagram; whether it is a message. Raises BadStun at most inside."""
    try:
        message = stun.parse(data)
    except BadStun:
        return False
    message.authentic(PASSWORD)
    message.unknown()
    message.local_ufrag()
    for look in (message.mapped_address, message.error_code):
        try:
            look()
        except BadStun:
            continue
    return True


@given(st.binary(max_size=1600))
@settings(deadline=None)
def test_any_bytes_are_a_message_or_bad_stun(data: bytes) -> None:
    looked_at(data)
    size = len(data) & ~3
    looked_at(struct.pack("!HHL", 0x0101, size, 0x2112A442) + TRANSACTION + data[:size])


attributes = st.lists(
    st.tuples(st.sampled_from([1, 6, 8, 9, 0xA, 0x20, 0x24, 0x25, 0x8022, 0x8028, 0x777]), st.binary(max_size=24)),
    max_size=12,
).map(lambda each: b"".join(stun.attribute(*one) for one in each))


@given(st.sampled_from([1, 0x11, 0x101, 0x111, 3, 0x4001]), attributes, st.booleans(), st.integers(-8, 8))
@settings(deadline=None)
def test_any_attributes_are_a_message_or_bad_stun(kind: int, body: bytes, fingerprint: bool, lie: int) -> None:
    size = len(body) + 8 * fingerprint + lie
    assume(size >= 0)
    data = struct.pack("!HHL", kind, size, 0x2112A442) + TRANSACTION + body
    if fingerprint:
        data += struct.pack("!HHL", stun.FINGERPRINT, 4, zlib.crc32(data) ^ 0x5354554E)
    assert not (looked_at(data) and (lie or kind > 0x3FFF))


@given(st.sampled_from(VECTORS), st.lists(st.tuples(st.integers(0, 107), st.integers(0, 255)), max_size=4))
@settings(deadline=None)
def test_changed_vectors_are_messages_or_bad_stun(data: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(without_fingerprint(data))
    for at, value in changes:
        changed[at % len(changed)] = value
    looked_at(bytes(changed))


def test_two_sessions_keys_do_not_mix() -> None:
    one, other = Key(os.urandom(24)), Key(os.urandom(24))
    message = stun.parse(stun.seal(1, TRANSACTION, b"", one))
    assert message.authentic(one)
    assert message.authentic(one)
    assert not message.authentic(other)
