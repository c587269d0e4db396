"""Identifiers and links: a parsed value, or BadContent, whatever the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomscale.worlds.errors import BadContent
from roomscale.worlds.ids import (
    MAX_ID_BYTES,
    RoomAlias,
    RoomId,
    ServerName,
    WorldLink,
    account_localpart,
    is_guest_localpart,
    localpart_of,
    mxc_parts,
    parse_alias,
    parse_link,
    parse_mxc,
    parse_room_id,
    parse_server_name,
    parse_user_id,
    server_of,
)

PARSERS: list[Callable[[Any], str]] = [
    parse_room_id,
    parse_user_id,
    parse_alias,
    parse_mxc,
    parse_server_name,
]
ANYTHING = st.one_of(
    st.none(),
    st.integers(),
    st.binary(max_size=20),
    st.text(max_size=400),
    st.from_regex(r"[!@#]?[ -~]{0,20}:?[a-z0-9.:\[\]]{0,20}", fullmatch=True),
    st.from_regex(r"mxc://[a-z.:/%0-9]{0,30}", fullmatch=True),
    st.lists(st.text(max_size=3), max_size=3),
)
V12 = "!" + "a_-Z0" * 8 + "abc"


@given(ANYTHING)
def test_every_parser_gives_the_text_back_or_raises_bad_content(value: object) -> None:
    for parse in PARSERS:
        try:
            parsed = parse(value)
        except BadContent:
            continue
        assert parsed == value
        assert len(parsed) <= MAX_ID_BYTES + 140
        assert not any(ord(c) < 0x21 or 0x7F <= ord(c) <= 0x9F for c in parsed)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_room_id, "!opaque:example.org"),
        (parse_room_id, V12),
        (parse_room_id, "!a:[2001:db8::1]:8448"),
        (parse_user_id, "@ada:localhost:8448"),
        (parse_user_id, "@Old/Name!:example.org"),
        (parse_user_id, "@1:localhost"),
        (parse_alias, "#plaza:example.org"),
        (parse_alias, "#plätze:example.org"),
        (parse_mxc, "mxc://example.org:8448/Abc_-9"),
        (parse_server_name, "127.0.0.1:80"),
    ],
)
def test_good_identifiers_are_taken(parse: Callable[[Any], str], text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_room_id, "!"),
        (parse_room_id, "!short"),
        (parse_room_id, "!a:"),
        (parse_room_id, "!a b:example.org"),
        (parse_room_id, "#a:example.org"),
        (parse_user_id, "@a:exa mple.org"),
        (parse_user_id, "@a\0:example.org"),
        (parse_user_id, "@" + "a" * 300 + ":example.org"),
        (parse_user_id, "@" + "ü" * 130 + ":example.org"),
        (parse_alias, "#\ud800:example.org"),
        (parse_mxc, "mxc://example.org/../../etc"),
        (parse_mxc, "mxc://example.org/a/b"),
        (parse_mxc, "mxc://example.org/a?x"),
        (parse_mxc, "mxc:///id"),
        (parse_mxc, "https://example.org/id"),
        (parse_server_name, "example.org:99999"),
        (parse_server_name, "example.org:"),
        (parse_server_name, "exa_mple/.org"),
        (parse_server_name, "[::1"),
        (parse_server_name, "[nonsense]"),
        (parse_server_name, "example.org:٣"),
    ],
)
def test_bad_identifiers_are_refused_in_one_line(parse: Callable[[Any], str], text: str) -> None:
    with pytest.raises(BadContent) as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_parts_of_identifiers() -> None:
    assert server_of("@a:b.org:1") == "b.org:1"
    assert server_of(V12) is None
    assert localpart_of("#plaza:b.org") == "plaza"
    assert mxc_parts(parse_mxc("mxc://b.org:1/x")) == ("b.org:1", "x")
    assert is_guest_localpart("17")
    assert not is_guest_localpart("a17")
    assert not is_guest_localpart("١٧")
    assert account_localpart(" @Ada ") == "ada"
    for name in ("", "a b", "ä", "x" * 65, "a:b"):
        with pytest.raises(BadContent):
            account_localpart(name)


SERVERS = st.sampled_from(["example.org", "localhost:8448", "[::1]:1", "a.b.c"]).map(ServerName)
ALIASES = st.builds(
    lambda local, server: f"#{local}:{server}",
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zs"), exclude_characters=":"), min_size=1, max_size=20),
    SERVERS,
)
TARGETS = st.one_of(
    ALIASES,
    st.from_regex(r"\A![A-Za-z0-9_-]{43}\Z"),
    st.builds(lambda name, server: f"!{name}:{server}", st.from_regex(r"\A[A-Za-z]{1,18}\Z"), SERVERS),
)


@given(TARGETS, st.lists(SERVERS, max_size=3))
def test_a_link_reads_back_in_each_of_its_forms(target: str, via: list[ServerName]) -> None:
    try:
        known: RoomId | RoomAlias = parse_alias(target) if target.startswith("#") else parse_room_id(target)
    except BadContent:
        return
    link = WorldLink(known, tuple(via))
    assert parse_link(link.matrix_uri()) == link
    assert parse_link(link.matrix_to()) == link
    assert parse_link(link.path()) == link
    assert parse_link("https://worlds.example" + link.path()) == link


def test_links_of_our_own_server_are_short() -> None:
    link = WorldLink(parse_alias("#plaza:localhost"))
    assert link.path("localhost") == "/w/plaza"
    assert parse_link("/w/plaza", "localhost") == link
    assert parse_link("http://127.0.0.1:8080/w/plaza/", "localhost") == link
    assert link.path("elsewhere.org") == "/w/%23plaza:localhost"
    assert link.matrix_uri() == "matrix:r/plaza:localhost"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "javascript:alert(1)",
        "matrix:u/ada:example.org",
        "matrix:r/",
        "matrix:r/plaza",
        "matrix://host/r/plaza:example.org",
        "https://matrix.to/#/@ada:example.org",
        "https://matrix.to/",
        "/w/",
        "/w/plaza",
        "https://example.org/elsewhere",
        "http://[::1",
        "#a:example.org?via=" + "x" * 3000,
        "matrix:r/plaza:example.org?via=bad host",
        "matrix:r/plaza:example.org?" + "&".join(["a=1"] * 100),
    ],
)
def test_what_leads_to_no_world_is_refused(text: str) -> None:
    with pytest.raises(BadContent):
        parse_link(text)


@given(ANYTHING)
def test_any_text_is_a_link_or_bad_content(value: object) -> None:
    try:
        link = parse_link(value, "localhost")
    except BadContent:
        return
    assert link.target[0] in "#!"
