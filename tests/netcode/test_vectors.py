"""The codec against the golden vectors, both ways."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from roomscale.netcode.core import messages, units
from roomscale.netcode.core.messages import Channel, Message
from roomscale.netcode.core.protocol import channel_of, decode_client, decode_server, encode
from roomscale.netcode.core.records import pose_of
from roomscale.netcode.errors import ProtocolError
from tests.netcode.vectors import BAD, GOOD, load

KINDS: dict[str, type[Any]] = {
    "HELLO": messages.Hello,
    "PING": messages.Ping,
    "POSE": messages.PoseUpdate,
    "WELCOME": messages.Welcome,
    "ENTER": messages.Enter,
    "LEAVE": messages.Leave,
    "PONG": messages.Pong,
    "NOTICE": messages.Notice,
    "GOODBYE": messages.Goodbye,
    "SNAPSHOT": messages.Snapshot,
    "JUMP": messages.Jump,
    "HERE": messages.Here,
    "CORRECT": messages.Correct,
    "SIGHT": messages.Sight,
}


def decode(vector: dict[str, Any]) -> Message:
    decoder = {"client": decode_client, "server": decode_server}[vector["from"]]
    return decoder(Channel[vector["channel"].upper()], bytes.fromhex(vector["hex"]))


def as_json(message: Message) -> dict[str, Any]:
    kind = next(name for name, cls in KINDS.items() if isinstance(message, cls))
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in dataclasses.asdict(message).items()}
    return {"type": kind, **plain}


def test_there_is_a_vector_for_every_message_and_every_reason() -> None:
    assert {v["message"]["type"] for v in GOOD} == set(KINDS)
    assert {v["error"] for v in BAD} == {"empty", "size", "type", "short", "long", "text", "value"}
    names = [v["name"] for v in GOOD + BAD]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("vector", GOOD, ids=lambda v: v["name"])
def test_bytes_decode_to_the_message_and_the_message_encodes_to_the_bytes(vector: dict[str, Any]) -> None:
    message = decode(vector)
    assert as_json(message) == vector["message"]
    assert encode(message).hex() == vector["hex"]
    assert channel_of(message).name.lower() == vector["channel"]


@pytest.mark.parametrize("vector", BAD, ids=lambda v: v["name"])
def test_malformed_bytes_are_refused_for_the_reason_named(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(vector)
    assert caught.value.reason == vector["error"]


@pytest.mark.parametrize("vector", load("units/*.json"), ids=lambda v: v["name"])
def test_metres_and_radians_round_as_the_vectors_say(vector: dict[str, Any]) -> None:
    x, y, z = vector["metres"]
    pose = units.pose(x, y, z, vector["yaw"], vector["pitch"])
    assert {key: getattr(pose, key) for key in vector["wire"]} == vector["wire"]


@pytest.mark.parametrize("vector", load("references/*.json"), ids=lambda v: v["name"])
def test_a_delta_is_read_against_what_is_known_as_the_vectors_say(vector: dict[str, Any]) -> None:
    known = messages.Pose(**vector["known"]) if vector["known"] else None
    pose = pose_of(messages.Delta(**vector["delta"]), known)
    assert (dataclasses.asdict(pose) if pose else None) == vector["pose"]
