"""Matrix identifiers and the links that lead to a world.

One rule: a `RoomId`, `UserId`, … that anybody holds went through its parser here, so it is bounded, has its
sigil and no control characters. Grammar: Matrix specification, appendices, "Identifier Grammar".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, NewType
from urllib.parse import parse_qs, quote, unquote, urlsplit

from roomscale.worlds.errors import BadContent

RoomId = NewType("RoomId", str)
UserId = NewType("UserId", str)
RoomAlias = NewType("RoomAlias", str)
MxcUri = NewType("MxcUri", str)
ServerName = NewType("ServerName", str)

MAX_ID_BYTES: Final = 255  # the specification's limit for every identifier
MAX_LINK: Final = 2048  # characters; longer links are cut by chat programs and browsers anyway
MAX_VIA: Final = 8  # servers in a link; more than a few help nobody join
DEVICE_ID_BYTES: Final = 255

_DNS: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
_OPAQUE_ROOM: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # room version 12: the create event's hash
_MEDIA_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LOCALPART: Final = re.compile(r"[a-z0-9._=/+-]+")  # of accounts that we make
_MATRIX_KINDS: Final = {"r": "#", "roomid": "!", "u": "@", "room": "#", "user": "@"}


def parse_server_name(text: object) -> ServerName:
    """`text` as a server name (DNS name or IP literal, with or without a port). Raises BadContent."""
    if not isinstance(text, str) or not 0 < len(text) <= MAX_ID_BYTES:
        raise BadContent("a server name is 1 to 255 characters of text")
    host, port = text, ""
    if text.startswith("["):
        end = text.find("]")
        host, rest = text[1:end], text[end + 1 :]
        if end < 0 or (rest and not rest.startswith(":")) or not _is_ipv6(host):
            raise BadContent(f"{text[:80]!r} is not a server name")
        port = rest[1:] if rest else "0"
    else:
        host, colon, port = text.partition(":")
        port = port if colon else "0"
        if not _DNS.fullmatch(host):
            raise BadContent(f"{text[:80]!r} is not a server name")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise BadContent(f"{text[:80]!r} has no valid port")
    return ServerName(text)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def parse_room_id(text: object) -> RoomId:
    """`text` as a room id: `!opaque:server`, or `!hash` as room version 12 has it. Raises BadContent."""
    body = _body(text, "!", "room id")
    if ":" not in body:
        if not _OPAQUE_ROOM.fullmatch(body):
            raise BadContent(f"{str(text)[:80]!r} is not a room id")
    else:
        _split(body, "room id")
    return RoomId(str(text))


def parse_user_id(text: object) -> UserId:
    """`text` as a user id, `@localpart:server`; historical localparts are allowed. Raises BadContent."""
    _split(_body(text, "@", "user id"), "user id")
    return UserId(str(text))


def parse_alias(text: object) -> RoomAlias:
    """`text` as a room alias, `#localpart:server`. Raises BadContent."""
    _split(_body(text, "#", "room alias"), "room alias")
    return RoomAlias(str(text))


def parse_mxc(text: object) -> MxcUri:
    """`text` as `mxc://server/media-id`; no path tricks pass. Raises BadContent."""
    if not isinstance(text, str) or len(text) > MAX_ID_BYTES + 140 or not text.startswith("mxc://"):
        raise BadContent("a media address looks like mxc://server/id")
    server, slash, media = text[len("mxc://") :].partition("/")
    if not slash or not _MEDIA_ID.fullmatch(media):
        raise BadContent(f"{text[:80]!r} has no valid media id")
    parse_server_name(server)
    return MxcUri(text)


def mxc_parts(mxc: MxcUri) -> tuple[str, str]:
    """Server name and media id of a parsed `mxc`."""
    server, _, media = mxc[len("mxc://") :].partition("/")
    return server, media


def server_of(identifier: str) -> ServerName | None:
    """The server part of a parsed id, None for a room id of version 12, which has none."""
    _, colon, server = identifier.partition(":")
    return ServerName(server) if colon else None


def localpart_of(identifier: str) -> str:
    """What stands between the sigil and the server."""
    return identifier[1:].partition(":")[0]


def account_localpart(name: str) -> str:
    """`name` as the localpart of an account or alias that we make (lower case). Raises BadContent."""
    local = name.strip().removeprefix("@").removeprefix("#").lower()
    if not _LOCALPART.fullmatch(local) or len(local) > 64:
        raise BadContent(f"{name[:80]!r} is no name for an account or alias: use a-z, 0-9 and . _ = - / +")
    return local


def is_guest_localpart(localpart: str) -> bool:
    """Synapse names its guests by number alone, and lets nobody else register such a name."""
    return localpart.isascii() and localpart.isdigit()


def _body(text: object, sigil: str, what: str) -> str:
    if not isinstance(text, str) or not text.startswith(sigil):
        raise BadContent(f"a {what} begins with {sigil}")
    if len(text) > MAX_ID_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        raise BadContent(f"a {what} is at most {MAX_ID_BYTES} bytes long")
    if any(ord(c) <= 0x20 or 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise BadContent(f"a {what} holds no spaces or control characters")
    return text[1:]


def _split(body: str, what: str) -> None:
    local, colon, server = body.partition(":")
    if not local or not colon:
        raise BadContent(f"a {what} has a name, a colon and a server")
    parse_server_name(server)


@dataclass(frozen=True, slots=True)
class WorldLink:
    """Where a link leads: `target` is a room id or alias, `via` the servers that know the room."""

    target: RoomId | RoomAlias
    via: tuple[ServerName, ...] = ()

    def matrix_uri(self) -> str:
        """`matrix:` URI (Matrix specification, appendices, "Matrix URI scheme")."""
        kind = "roomid" if self.target.startswith("!") else "r"
        return f"matrix:{kind}/{quote(self.target[1:], safe=':@!$&()*+,;=~')}{self._query('action=join')}"

    def matrix_to(self) -> str:
        """`https://matrix.to/#/…` link."""
        return f"https://matrix.to/#/{quote(self.target, safe='!:')}{self._query()}"

    def path(self, own_server: str | None = None) -> str:
        """The world server's own link, `/w/…`: the bare localpart for an alias of `own_server`."""
        name = self.target
        if own_server is not None and name.startswith("#") and server_of(name) == own_server:
            return f"/w/{quote(localpart_of(name), safe='')}"
        return f"/w/{quote(name, safe='!:')}{self._query()}"

    def _query(self, *also: str) -> str:
        parts = [f"via={quote(server, safe=':[]')}" for server in self.via[:MAX_VIA]]
        parts += [item for item in also if self.target.startswith("!") or parts]
        return "?" + "&".join(parts) if parts else ""


def parse_link(text: object, own_server: str | None = None) -> WorldLink:
    """Read a link to a world: `matrix:` URI, matrix.to, `/w/…` (whole URL or path), a bare id or alias.

    `own_server` completes a bare localpart (`/w/plaza`). Raises BadContent.
    """
    if not isinstance(text, str) or not 0 < len(text) <= MAX_LINK:
        raise BadContent(f"a link is 1 to {MAX_LINK} characters of text")
    if text[0] in "#!":
        return WorldLink(_target(text))
    try:
        parts = urlsplit(text)
    except ValueError:
        raise BadContent("this is no link") from None
    if parts.scheme == "matrix" and not parts.netloc:
        return _matrix_link(parts.path, parts.query)
    if parts.scheme in ("http", "https") and parts.netloc == "matrix.to":
        path, _, query = parts.fragment.partition("?")
        return WorldLink(_target(unquote(path.removeprefix("/").partition("/")[0])), _via(query))
    if parts.scheme in ("http", "https", "") and parts.path.startswith("/w/"):
        name = unquote(parts.path[len("/w/") :].rstrip("/"))
        if name[:1] not in ("#", "!") and own_server is not None:
            name = f"#{account_localpart(name)}:{own_server}"
        return WorldLink(_target(name), _via(parts.query))
    raise BadContent(f"{text[:80]!r} leads to no world")


def _matrix_link(path: str, query: str) -> WorldLink:
    kind, slash, rest = path.partition("/")
    sigil = _MATRIX_KINDS.get(kind, "@")
    if not slash or sigil == "@":
        raise BadContent("this matrix: link leads to no room")
    return WorldLink(_target(sigil + unquote(rest.partition("/")[0])), _via(query))


def _target(text: str) -> RoomId | RoomAlias:
    return parse_room_id(text) if text.startswith("!") else parse_alias(text)


def _via(query: str) -> tuple[ServerName, ...]:
    try:
        found = parse_qs(query, max_num_fields=64).get("via", [])
    except ValueError:
        raise BadContent("the link's query has too many fields") from None
    return tuple(parse_server_name(server) for server in found[:MAX_VIA])
