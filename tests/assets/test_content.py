"""What a file is, told by its bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.assets.content import PIECE_BYTES, describe, media_type_of
from roomscale.assets.errors import UnreadableAsset

KNOWN = {
    b"glTF\2\0\0\0": "model/gltf-binary",
    b'{"asset": {"version": "2.0"}}': "model/gltf+json",
    b'{"hello": 1}': "application/json",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff\xe0": "image/jpeg",
    b"RIFF\0\0\0\0WEBPVP8 ": "image/webp",
    b"RIFF\0\0\0\0WAVEfmt ": "audio/wav",
    b"\0\0\0\x1cftypavif": "image/avif",
    b"\xabKTX 20\xbb\r\n\x1a\n": "image/ktx2",
    b"OggS\0": "audio/ogg",
    b"ID3\4": "audio/mpeg",
    b"\xff\xfb\x90\x64": "audio/mpeg",
    b"GIF89a": "image/gif",
    b"\xff\xff\xff\xff": "application/octet-stream",
    b"<svg onload=": "application/octet-stream",
    b"": "application/octet-stream",
}


@pytest.mark.parametrize(("head", "media_type"), KNOWN.items())
def test_the_type_is_that_of_the_first_bytes(head: bytes, media_type: str) -> None:
    assert media_type_of(head) == media_type


@given(st.binary(max_size=600))
def test_any_bytes_have_some_type(data: bytes) -> None:
    assert "/" in media_type_of(data)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"glTF" + bytes(20))
    assert describe(path).media_type == "model/gltf-binary"


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES * 2 + 7])
def test_a_file_and_its_bytes_have_one_hash(size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    path = tmp_path / "data"
    path.write_bytes(data)
    assert describe(path).sha256 == describe(data).sha256 == hashlib.sha256(data).hexdigest()
    assert describe(path).size == size


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.glb"
    with path.open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(UnreadableAsset, match=r"8,589,934,592 bytes"):
        describe(path)


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("/"), Path("/not/there.glb")])
def test_what_is_no_file_is_refused(path: Path) -> None:
    with pytest.raises(UnreadableAsset):
        describe(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableAsset, match="no regular file"):
        describe(tmp_path / "pipe")


def test_a_change_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.glb"
    path.write_bytes(b"glTF")
    content = describe(path)
    content.verify_unchanged()
    path.write_bytes(b"glTF!")
    with pytest.raises(UnreadableAsset, match="changed"):
        content.verify_unchanged()
