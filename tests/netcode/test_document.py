"""PROTOCOL.md is normative: its tables alone decode every vector, and agree with the codec on any bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from roomscale.netcode.core.messages import Channel
from roomscale.netcode.core.protocol import decode_client, decode_server
from roomscale.netcode.errors import ProtocolError
from tests.netcode import document
from tests.netcode.test_vectors import as_json
from tests.netcode.vectors import BAD, GOOD

DOCUMENT = document.read()
SEEDS = [bytes.fromhex(v["hex"]) for v in GOOD]


def test_the_document_names_every_message() -> None:
    assert len(DOCUMENT.messages) == 10
    assert set(DOCUMENT.structs) == {"Pose", "Entrant", "Record"}


@pytest.mark.parametrize("vector", GOOD, ids=lambda v: v["name"])
def test_the_tables_decode_what_the_vectors_hold(vector: dict[str, Any]) -> None:
    assert DOCUMENT.decode(vector["from"], vector["channel"], bytes.fromhex(vector["hex"])) == vector["message"]


@pytest.mark.parametrize("vector", BAD, ids=lambda v: v["name"])
def test_the_tables_refuse_what_the_vectors_call_malformed(vector: dict[str, Any]) -> None:
    with pytest.raises(document.Malformed, match=f"^{vector['error']}$"):
        DOCUMENT.decode(vector["from"], vector["channel"], bytes.fromhex(vector["hex"]))


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
