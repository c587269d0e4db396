"""The GLB container: what is built is parsed back, what is damaged is refused by name, whatever the bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import UnreadableScene
from roomscale.scenes.container import build_glb, parse_glb
from tests.scenes.crafted import glb

JSONS = st.binary(max_size=64)
OTHERS = st.lists(st.tuples(st.sampled_from([b"NOTE", b"\0\1\2\3", b"json"]), st.binary(max_size=20)), max_size=4)


@given(JSONS, st.none() | st.lists(st.binary(max_size=40), max_size=4), OTHERS)
def test_what_is_built_is_parsed_back(
    json: bytes, binary: list[bytes] | None, others: list[tuple[bytes, bytes]]
) -> None:
    parsed = parse_glb(build_glb(json, binary, others))
    assert bytes(parsed.json) == json + b" " * (-len(json) % 4)
    if binary is None:
        assert parsed.binary is None
    else:
        whole = b"".join(binary)
        assert parsed.binary is not None and bytes(parsed.binary) == whole + bytes(-len(whole) % 4)
    assert [kind for kind, _ in parsed.others] == [kind for kind, _ in others]


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    for candidate in (data, b"glTF" + data, struct.pack("<4sII", b"glTF", 2, 12 + len(data)) + data):
        try:
            parsed = parse_glb(candidate)
        except UnreadableScene as error:
            assert error.code
        else:
            assert parsed.json.nbytes <= len(candidate)


@given(st.data())
def test_one_flipped_byte_parses_or_is_refused(data: st.DataObject) -> None:
    whole = bytearray(glb())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    try:
        parse_glb(bytes(whole))
    except UnreadableScene as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("length", range(len(glb())))
def test_every_truncation_is_refused(length: int) -> None:
    with pytest.raises(UnreadableScene):
        parse_glb(glb()[:length])


def test_nothing_is_copied() -> None:
    data = bytearray(glb())
    parsed = parse_glb(memoryview(data))
    assert parsed.binary is not None
    data[-1] = 77
    assert parsed.binary[-1] == 77
