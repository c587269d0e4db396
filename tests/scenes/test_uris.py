"""Which URIs are followed, and that none that is leads out of the folder."""

from __future__ import annotations

import base64
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.scenes import UnsafeUri
from roomscale.scenes.uris import DataUri, RelativePath, link_refusal, parse_resource

FRAGMENTS = [
    "..",
    ".",
    "/",
    "\\",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "%00",
    ":",
    "C:",
    "a",
    "b.bin",
    "?",
    "#",
    "%25",
    "//",
    "~",
    "\0",
    " ",
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join) | st.text(max_size=30))
def test_what_is_accepted_stays_in_the_folder(uri: str) -> None:
    try:
        target = parse_resource(uri)
    except UnsafeUri as error:
        assert "\n" not in str(error)
        return
    if isinstance(target, RelativePath):
        assert target.parts and ".." not in target.parts
        path = Path("/scene").joinpath(*target.parts)
        assert path.is_relative_to("/scene") and path != Path("/scene")
        windows = PureWindowsPath("C:/scene").joinpath(*target.parts)
        assert windows.is_relative_to("C:/scene")


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:"), min_size=1),
        min_size=1,
        max_size=4,
    )
)
def test_names_are_decoded_exactly_once(parts: list[str]) -> None:
    if any(part in (".", "..") for part in parts):
        return
    uri = "/".join(quote(part, safe="") for part in parts)
    if len(uri) < 2000:
        assert parse_resource(uri) == RelativePath(tuple(parts))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a.bin", "a.bin"),
        ("./a.bin", "a.bin"),
        ("textures/../a.bin", "a.bin"),
        ("two words.png", "two words.png"),
        ("two%20words.png", "two words.png"),
        ("100%25.png", "100%.png"),
        ("%2525.png", "%25.png"),
        ("größe.bin", "größe.bin"),
        ("a//b.bin", "a/b.bin"),
    ],
)
def test_relative_ones_are_followed(uri: str, path: str) -> None:
    assert parse_resource(uri) == RelativePath(PurePosixPath(path).parts)


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("https://x/a", "another server"),
        ("FILE:///etc/passwd", "file:"),
        ("javascript:alert(1)", "javascript:"),
        ("mxc://a/b", "mxc:"),
        ("C:/a", "Windows"),
        ("a\\b", "backslash"),
        ("/etc/passwd", "absolute"),
        ("//host/a", "another host"),
        ("a/../../b", "out of the scene's folder"),
        ("%2e%2e/b", "out of the scene's folder"),
        ("..%2fb", "hides a path separator"),
        ("a%00", "control"),
        ("", "empty"),
        ("a/", "names no file"),
        ("a" * 3000, "3,000 characters"),
    ],
)
def test_the_refused_form_is_named(uri: str, named: str) -> None:
    with pytest.raises(UnsafeUri, match=named):
        parse_resource(uri)


@given(st.binary(max_size=100))
def test_data_uris_give_their_bytes(data: bytes) -> None:
    for uri in (
        "data:image/png;base64," + base64.b64encode(data).decode(),
        "data:;base64," + base64.b64encode(data).decode(),
        "DATA:application/x," + "".join(f"%{byte:02X}" for byte in data),
        "data:text/plain;charset=utf-8;BASE64," + quote(base64.b64encode(data).decode(), safe=""),
    ):
        target = parse_resource(uri)
        assert isinstance(target, DataUri)
        assert target.decode() == data
        assert len(data) <= target.most_bytes


@pytest.mark.parametrize(
    "uri",
    ["data:", "data:image/png", "data:;;base64,AA==", "data:image;base64,AA==", "data:a/b;base64,A", "data:a/b,ä"],
)
def test_broken_data_uris_are_refused(uri: str) -> None:
    with pytest.raises(UnsafeUri):
        target = parse_resource(uri)
        assert isinstance(target, DataUri)
        target.decode()


@pytest.mark.parametrize(
    "uri", ["https://example.com/", "http://example.com", "matrix:r/plaza:localhost", "#gallery", "MATRIX:u/a:b"]
)
def test_links_to_people_and_places_pass(uri: str) -> None:
    assert link_refusal(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///a",
        " javascript:x",
        "java\nscript:x",
        "\tjavascript:x",
        "//evil.example",
        "vbscript:x",
        "blob:https://x/1",
    ],
)
def test_links_that_a_browser_would_run_do_not(uri: str) -> None:
    assert link_refusal(uri) is not None
