"""PROTOCOL.md is normative: its tables alone decode every vector, and agree with the codec on any bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roomscale.netcode.core import interest, motion, sight, sightings
from roomscale.netcode.core.frames import FULL
from roomscale.netcode.core.messages import REFERENCE_TICKS, Channel
from roomscale.netcode.core.names import MAX_NAME
from roomscale.netcode.core.protocol import decode_client, decode_server
from roomscale.netcode.core.records import AGE_MS
from roomscale.netcode.core.settings import MOST_SESSIONS, SimulationConfig
from roomscale.netcode.core.world import FIRST_FRAMES
from roomscale.netcode.errors import ProtocolError
from roomscale.netcode.node import flow, framing
from roomscale.netcode.node.config import NodeConfig
from roomscale.netcode.node.websocket import WebSocketConfig
from tests.netcode import document
from tests.netcode.test_vectors import KINDS, as_json
from tests.netcode.vectors import BAD, GOOD, NETCODE, load

DOCUMENT = document.read()
SEEDS = [bytes.fromhex(v["hex"]) for v in GOOD]


def test_the_document_names_every_message() -> None:
    assert {name for name, _ in DOCUMENT.messages.values()} == set(KINDS)
    assert set(DOCUMENT.structs) == {"Pose", "Entrant", "Record", "Keyframe", "Delta"}
    assert DOCUMENT.variants == {"Sighting": (13, ["Delta", "Keyframe"])}


@pytest.mark.parametrize("vector", GOOD, ids=lambda v: v["name"])
def test_the_tables_decode_what_the_vectors_hold(vector: dict[str, Any]) -> None:
    assert DOCUMENT.decode(vector["from"], vector["channel"], bytes.fromhex(vector["hex"])) == vector["message"]


@pytest.mark.parametrize("vector", BAD, ids=lambda v: v["name"])
def test_the_tables_refuse_what_the_vectors_call_malformed(vector: dict[str, Any]) -> None:
    with pytest.raises(document.Malformed, match=f"^{vector['error']}$"):
        DOCUMENT.decode(vector["from"], vector["channel"], bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", [v for v in load("references/*.json") if v["known"]], ids=lambda v: v["name"])
def test_the_formula_of_the_document_reads_a_delta_as_the_vectors_do(vector: dict[str, Any]) -> None:
    assert DOCUMENT.windows == {"x": 2048, "y": 256, "z": 2048}
    assert DOCUMENT.reference(vector["delta"], vector["known"]) == vector["pose"]


def test_the_limits_of_the_document_are_those_that_a_node_keeps() -> None:
    text = " ".join((NETCODE / "PROTOCOL.md").read_text().split())
    for c in (SimulationConfig(), NodeConfig(Path("node.sock"))):
        assert f"| malformed frames of a client | {c.malformed_limit} in a session |" in text
        assert f"nothing (PING, POSE or HERE) for {c.silence:g} s is gone" in text
        assert f"has not said HELLO {c.hello_timeout:g} s after" in text
        assert f"steps {c.tick_rate} times a second" in text
    c = SimulationConfig()
    assert f"| frames on `events` from a client | {c.events_rate:g} a second, {c.events_burst:g} at once |" in text
    assert f"| frames on `poses` from a client | {c.poses_rate:g} a second, {c.poses_burst:g} at once |" in text
    assert f"| {NodeConfig(Path()).backlog // 1024} kB waiting |" in text
    assert f"at most {MAX_NAME} code points" in text
    assert f"{c.max_speed:g} m/s over the ground and {c.max_climb:g} m/s up or down" in text
    assert f"of which {c.speed_burst:g} s may come at once" in text
    assert f"| JUMPs of a client | {c.jumps_rate:g} a second, {c.jumps_burst:g} at once |" in text
    assert f"reaches {c.reach / 1000:g} km from its origin" in text
    assert f"at most {MOST_SESSIONS:,} |" in text


def test_the_figures_of_the_document_are_those_that_the_crowd_is_told_by() -> None:
    text = " ".join((NETCODE / "PROTOCOL.md").read_text().split())
    assert f"at most **{REFERENCE_TICKS} ticks** before it" in text
    assert f"for {motion.LATELY} ticks after a gesture, or a flag that a Delta does not tell, has changed" in text
    assert f"for {motion.SHORTLY} ticks after somebody began to move" in text
    assert f"and for {motion.SHORTLY} ticks after (at 5 Hz: {motion.LATELY})" in text
    assert f"each {sight.BEAT}th tick one comes" in text
    assert f"chosen anew each {sight.RESELECT * sight.BEAT / 20:g} s" in text
    assert f"(each second when {20 // sight.BEAT * sight.PER_BEAT:,} are on a node)" in text
    assert f"worlds of more than {interest.SMALL} they are sought" in text
    assert f"in up to {FIRST_FRAMES} frames of {FULL:,} bytes at once" in text
    assert f"told for {sightings.OUT_OF_SIGHT} ticks" in text
    assert "16 ms × `age`" in text and AGE_MS == 16


def test_the_numbers_of_the_websocket_section_are_those_of_the_code() -> None:
    text = " ".join((NETCODE / "PROTOCOL.md").read_text().split())
    c = WebSocketConfig(Path("node.net"))
    assert f"**key**: {framing.KEY_CHARS} characters, good once, within {c.key_life:g} s" in text
    assert f"have at most {framing.MAX_MESSAGE:,} bytes" in text
    assert f"its key, within {c.key_timeout:g} s" in text
    assert f"HELLO within {c.open_timeout:g} s" in text
    assert f"under way for {flow.QUEUEING * 1000:g} ms longer" in text
    assert f"or {flow.FIRST} are while nothing was acknowledged ever" in text
    for kind in framing.Kind:
        assert f"| {kind:d} | " in text


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good frame with some bytes changed, cut off or added."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(data)))
    return bytes(data[: len(data) - cut if draw(st.booleans()) else None]) + draw(st.binary(max_size=3))


@settings(max_examples=400, deadline=None)
@given(data=damaged(), sender=st.sampled_from(["client", "server"]), channel=st.sampled_from(list(Channel)))
@example(data=b"\x01\x01\x00\x02\x00", sender="client", channel=Channel.EVENTS)
def test_code_and_document_agree_on_any_bytes(data: bytes, sender: str, channel: Channel) -> None:
    def by_code() -> object:
        try:
            return as_json({"client": decode_client, "server": decode_server}[sender](channel, data))
        except ProtocolError as error:
            return error.reason

    def by_document() -> object:
        try:
            return DOCUMENT.decode(sender, channel.name.lower(), data)
        except document.Malformed as error:
            return str(error)

    assert by_code() == by_document()
