"""The codec: what was encoded comes back, and any bytes give a value or one ProtocolError."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.netcode.core import messages as m
from roomscale.netcode.core.messages import Channel
from roomscale.netcode.core.protocol import (
    channel_of,
    decode_client,
    decode_server,
    encode,
    newer,
    split_here,
    split_pose,
)
from roomscale.netcode.core.wire import pack_pose, unpack_pose
from roomscale.netcode.errors import ProtocolError
from tests.netcode import strategies


@settings(deadline=None)
@given(strategies.from_client)
def test_what_a_client_says_comes_back(message: m.ClientMessage) -> None:
    assert decode_client(channel_of(message), encode(message)) == message


@settings(deadline=None)
@given(strategies.from_server)
def test_what_the_server_says_comes_back(message: m.ServerMessage) -> None:
    frame = encode(message)
    assert decode_server(channel_of(message), frame) == message
    assert len(frame) <= m.MAX_MESSAGE


@settings(deadline=None)
@given(strategies.from_client, st.data())
def test_a_frame_cut_anywhere_or_with_more_behind_it_is_refused(message: m.ClientMessage, data: st.DataObject) -> None:
    frame = encode(message)
    cut = frame[: data.draw(st.integers(0, len(frame) - 1))]
    for wrong in (cut, frame + b"\0"):
        with pytest.raises(ProtocolError):
            decode_client(channel_of(message), wrong)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(list(Channel)), st.binary(max_size=1400))
def test_any_bytes_give_a_value_or_a_protocol_error(channel: Channel, data: bytes) -> None:
    for decode in (decode_client, decode_server):
        try:
            message: m.Message = decode(channel, data)
        except ProtocolError:
            continue
        assert encode(message) == data  # there is one encoding of each message, and no other


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([0x01, 0x04, 0x10, 0x11, 0x81, 0x82, 0x83, 0x88, 0x90, 0x91]), st.binary(max_size=1199))
def test_any_body_behind_a_known_type_gives_a_value_or_a_protocol_error(kind: int, body: bytes) -> None:
    test_any_bytes_give_a_value_or_a_protocol_error.hypothesis.inner_test(Channel.EVENTS, bytes((kind,)) + body)  # type: ignore[attr-defined]
    test_any_bytes_give_a_value_or_a_protocol_error.hypothesis.inner_test(Channel.POSES, bytes((kind,)) + body)  # type: ignore[attr-defined]


@settings(deadline=None)
@given(st.binary(min_size=14, max_size=14))
def test_every_14_bytes_are_a_pose(body: bytes) -> None:
    assert pack_pose(unpack_pose(body)) == body


def test_a_pose_frame_is_split_without_touching_its_body() -> None:
    body = bytes(range(14))
    assert split_pose(b"\x10\x02\x01\x04\x03\x02\x01" + body) == (0x0102, body)
    assert split_here(b"\x11\x02\x01\x04\x03\x75" + body) == (0x0102, 0x0304, 0x75, body)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x10", b"\x12" + bytes(20), b"\x10" + bytes(19), b"\x10" + bytes(21), bytes(1201)]
    + [b"\x11", b"\x11" + bytes(18), b"\x11" + bytes(20)],
)
def test_a_wrong_pose_frame_is_refused_by_the_short_way_too(data: bytes) -> None:
    for split in (split_pose, split_here):
        with pytest.raises(ProtocolError):
            split(data)


@pytest.mark.parametrize(("split", "data"), [(split_pose, b"\x11" + bytes(19)), (split_here, b"\x10" + bytes(20))])
def test_the_other_versions_pose_is_of_the_wrong_type(split: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        split(data)
    assert caught.value.reason == "type"


@pytest.mark.parametrize(
    "message",
    [
        m.Ping(-1),
        m.Ping(2**32),
        m.PoseUpdate(0, 0, m.Pose(x=2**23)),
        m.PoseUpdate(0, 0, m.Pose(pitch=128)),
        m.Hello(1, 1, "ä" * 128, "ada", m.Pose()),
        m.Hello(1, 1, "", "a b", m.Pose()),
        m.Notice(255, "\ud800"),
        m.Leave(tuple(range(1, 257))),
        m.Jump(1, 16, m.Pose()),
        m.Here(0, 65536, 0, 0, m.Pose()),
        m.Here(0, 0, 16, 0, m.Pose()),
        m.Correct(16, m.Pose()),
        m.Sight(1, 0, 0, 0, 0, (m.Delta(8192, 0, 0, 0, 0, 0, 0, 0),)),
        m.Sight(1, 0, 0, 0, 0, (m.Delta(1, 2048, 0, 0, 0, 0, 0, 0),)),
        m.Sight(1, 0, 0, 0, 0, (m.Delta(1, 0, 64, 0, 0, 0, 0, 0),)),
        m.Sight(1, 0, 0, 0, 0, (m.Delta(1, -1, 0, 0, 0, 0, 0, 0),)),
        m.Sight(1, 0, 0, 0, 0, (m.Keyframe(1, 0, 0, 0, 0, 0, 0, 16, 0),)),
        m.Enter(tuple(m.Entrant(i, 0, "u" * 250, "n" * 40, "ada") for i in range(1, 6))),
    ],
    ids=repr,
)
def test_what_does_not_fit_the_wire_is_our_mistake_and_said_so(message: m.Message) -> None:
    with pytest.raises(ValueError):
        encode(message)


def test_sequence_numbers_are_compared_around_their_wrap() -> None:
    assert newer(1, 0)
    assert newer(0, 65535)
    assert newer(10, 65500)
    assert not newer(5, 5)
    assert not newer(65535, 0)
    assert not newer(0, 0x8000)
