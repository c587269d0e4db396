"""What is passed on to the homeserver, byte for byte, and what is not."""

from __future__ import annotations

import contextlib
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomscale.worlds.gate import addresses, headers
from roomscale.worlds.gate.paths import PathRefused, target

FORBIDDEN = [
    b"/_synapse/admin/v1/register",
    b"/_matrix/federation/v1/version",
    b"/_matrix/key/v2/server",
    b"/_matrix/clientx/versions",
    b"/_matrix/static/client/login/",
    b"/_matrix",
    b"/.well-known/matrix/server",
    b"/.well-known/matrix/client/",
    b"/_matrix/client/../../_synapse/admin/v1/register",
    b"/_matrix/client/..%2f..%2f_synapse/admin/v1/register",
    b"/_matrix/client/%2e%2e/%2e%2e/_synapse/admin/v1/register",
    b"/_matrix/client/%252e%252e/%252e%252e/_synapse",
    b"/_matrix/client/%25252e%25252e/x",
    b"/_matrix/client/v3/..;/..;/_synapse",
    b"/_matrix/client/.%2e/v3",
    b"/_matrix/client/v3\\..\\..\\_synapse",
    b"/_matrix/client/%5c..%5c..%5c_synapse",
    b"/_matrix/client//v3/versions",
    b"/_matrix//client/versions",
    b"//_matrix/client/versions",
    b"/_matrix/%63lient/versions",
    b"/%5fmatrix/client/versions",
    b"/_matrix/client/v3/%00",
    b"/_matrix/client/v3/%0d%0aHost:x",
    b"/_matrix/client/v3/%zz",
    b"/_matrix/client/v3/ x",
    b"/_matrix/client/v3/\xff",
    b"/_matrix/client/" + b"x" * 5_000,
    b"http://elsewhere/_matrix/client/versions",
]


@pytest.mark.parametrize("raw", FORBIDDEN)
def test_what_is_not_the_client_api_is_not_passed_on(raw: bytes) -> None:
    with pytest.raises(PathRefused) as refusal:
        target(raw)
    assert refusal.value.status in (400, 404)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"/_matrix/client/versions", "api"),
        (b"/.well-known/matrix/client", "api"),
        (b"/_matrix/client/v3/rooms/%21room%3Ahere/state/m.room.name/", "api"),
        (b"/_matrix/client/v3/directory/room/%23a%2Fb%3Ahere", "api"),
        (b"/_matrix/client/v3/rooms/!a:b/state/org.example.x/%2e.x", "api"),
        (b"/_matrix/media/v3/upload", "media"),
        (b"/_matrix/client/v1/media/download/here/abc", "media"),
        (b"/_matrix/client/v3/sendToDevice/m.call.invite/1", "to_device"),
        (b"/_matrix/client/unstable/org.x/sendToDevice/m.call.invite/1", "to_device"),
        (b"/_matrix/client/r0/sendToDevic%65/m.call%2einvite/1", "to_device"),
    ],
)
def test_the_client_api_is_passed_on_as_it_came(raw: bytes, kind: str) -> None:
    found = target(raw)
    assert found.path.encode() == raw
    assert found.kind == kind
    assert found.event_type == ("m.call.invite" if kind == "to_device" else "")


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(["..", ".", "%2e", "%2F", "/", "\\", "%5c", "_synapse", "v3", "%25", "2e", ";", "a", "%"]),
        max_size=10,
    )
)
def test_no_path_that_is_passed_on_can_be_folded_out_of_the_client_api(parts: list[str]) -> None:
    with contextlib.suppress(PathRefused):
        path = target(("/_matrix/client/" + "".join(parts)).encode()).path
        for _ in range(6):
            stack: list[str] = []
            for segment in path.replace("\\", "/").split("/"):
                if segment == "..":
                    stack = stack[:-1]
                elif segment not in ("", "."):
                    stack.append(segment)
            assert stack[:2] == ["_matrix", "client"]
            path = unquote(path)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    for prefix in (b"", b"/_matrix/client/", b"/_matrix/media/"):
        with contextlib.suppress(PathRefused):
            target(prefix + raw)


def test_only_our_own_proxies_are_believed() -> None:
    proxies = addresses.parse_networks(["10.0.0.0/8", "::1"])
    assert addresses.visitor_address("203.0.113.9", ["1.2.3.4"], proxies) == "203.0.113.9"
    assert addresses.visitor_address("10.0.0.1", ["6.6.6.6, 198.51.100.7"], proxies) == "198.51.100.7"
    assert addresses.visitor_address("10.0.0.1", ["6.6.6.6", "198.51.100.7, 10.9.9.9"], proxies) == "198.51.100.7"
    assert addresses.visitor_address("::1", ["[2001:db8::7]:443"], proxies) == "2001:db8::7"
    assert addresses.visitor_address("10.0.0.1", ["unknown"], proxies) == "10.0.0.1"
    assert addresses.visitor_address("::ffff:10.0.0.1", ["198.51.100.7:80"], proxies) == "198.51.100.7"
    assert addresses.budget_key("2001:db8::7") == addresses.budget_key("2001:db8::ffff:1")
    assert addresses.budget_key("::ffff:1.2.3.4") == "1.2.3.4"


def test_headers_about_the_connection_or_the_visitor_stay_here() -> None:
    lines = [
        (b"Host", b"evil"),
        (b"X-Forwarded-For", b"6.6.6.6"),
        (b"X-Forwarded-Host", b"evil"),
        (b"Forwarded", b"for=6.6.6.6"),
        (b"X-Real-IP", b"6.6.6.6"),
        (b"Connection", b"close, X-Secret"),
        (b"X-Secret", b"1"),
        (b"Upgrade", b"websocket"),
        (b"Authorization", b"Bearer token"),
        (b"Content-Length", b"5"),
        (b"X-Odd", b"\xff"),
    ]
    sent = headers.to_homeserver(lines, "198.51.100.7", "https")
    assert dict(sent) == {
        "Authorization": "Bearer token",
        "Content-Length": "5",
        "X-Forwarded-For": "198.51.100.7",
        "X-Forwarded-Proto": "https",
    }
    answer = dict(headers.to_visitor([(b"Server", b"Synapse"), (b"Transfer-Encoding", b"chunked")], media=True))
    assert answer == {b"x-content-type-options": b"nosniff", b"content-security-policy": headers.MEDIA_POLICY}


def test_chunks_win_over_a_length() -> None:
    both = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    assert headers.content_length(both) is None
    assert headers.has_body(both)
    assert headers.access_token([(b"authorization", b"bearer abc")], b"") == "abc"
    assert headers.access_token([], b"x=1&access_token=a%62c") == "abc"
    assert headers.access_token([], b"&".join([b"access_token=a"] * 100)) is None
