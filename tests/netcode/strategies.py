"""Hypothesis strategies for messages: everything that the wire can carry."""

from __future__ import annotations

from hypothesis import strategies as st

from roomscale.netcode.core import messages as m
from roomscale.netcode.core.messages import MAX_MESSAGE
from roomscale.netcode.core.protocol import encode

u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
i24 = st.integers(-(2**23), 2**23 - 1)
peers = st.integers(1, 0xFFFF)
str8 = st.text(st.characters(exclude_categories=["Cs"]), max_size=255).filter(lambda t: len(t.encode()) <= 255)
ascii8 = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=255)
poses = st.builds(m.Pose, i24, i24, i24, u16, st.integers(-128, 127), u8, u8)
u4 = st.integers(0, 15)
small_peers = st.integers(1, m.MAX_PEER)
keyframes = st.builds(m.Keyframe, small_peers, i24, i24, i24, u16, st.integers(-128, 127), u8, u4, u4)
window, bit = st.integers(0, 2047), st.integers(0, 1)
deltas = st.builds(m.Delta, small_peers, window, st.integers(-64, 63), window, u8, bit, u8, u4)
versions = st.tuples(u16, u16).filter(lambda v: v[0] >= v[1] >= 1)
entrants = st.builds(m.Entrant, peers, st.integers(0, 4), str8, str8, str8)


def fits(message: m.Message) -> bool:
    """Whether a message of variable length fits one frame."""
    try:
        return len(encode(message)) <= MAX_MESSAGE
    except ValueError:
        return False


from_client = st.one_of(
    st.builds(lambda v, c, a, p: m.Hello(v[0], v[1], c, a, p), versions, str8, ascii8, poses),
    st.builds(m.Ping, u32),
    st.builds(m.PoseUpdate, u16, u32, poses),
    st.builds(m.Jump, st.integers(1, 3), u4, poses),
    st.builds(m.Here, u16, u16, u4, u4, poses),
)
from_server = st.one_of(
    st.builds(m.Welcome, u16, peers, u32, st.integers(1, 255), u32, u16, str8),
    st.builds(m.Enter, st.lists(entrants, min_size=1, max_size=3).map(tuple)).filter(fits),
    st.builds(m.Leave, st.lists(peers, min_size=1, max_size=255).map(tuple)),
    st.builds(m.Pong, u32, u32, u32),
    st.builds(m.Notice, u8, str8),
    st.builds(m.Goodbye, u8, str8),
    st.builds(m.Correct, u4, poses),
    st.builds(m.Sight, st.integers(1, 255), u8, u16, u32, u32, st.lists(keyframes | deltas, max_size=64).map(tuple)),
    st.builds(m.Snapshot, u32, u32, u16, st.lists(st.builds(m.Record, peers, poses), max_size=64).map(tuple)),
)
