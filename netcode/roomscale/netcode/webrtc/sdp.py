"""SDP (RFC 8866) of a peer connection that carries data channels and nothing else: offers and answers.

Owns what a text must say (RFC 8829, 8839, 8841, 8842) and how ours says it.

Rule: `parse_offer` gives a `Description` or raises `BadOffer`, `parse_answer` one or `BadAnswer`, whatever the text;
what they give is checked, so that the writer may repeat it. Nothing is read that is not used.

An offer may have sections other than the data channels': the answer rejects them. Left out: trickled candidates and
those of relays, of TCP and with names instead of addresses (passed over), bundle-only sections that leave ICE and
DTLS to another one, and the sections of before 2017 (`DTLS/SCTP` with `sctpmap`).
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from roomscale.netcode.errors import BadAnswer, BadOffer
from roomscale.netcode.webrtc.ice_paths import Credentials

MAX_SDP: Final = 16_384
"""Bytes of a text. A browser's for data channels has 500 to 2,500."""
MAX_LINES: Final = 512
MAX_SECTIONS: Final = 16
"""m-sections; data channels need one."""
MAX_ORIGIN: Final = 20
"""Digits of a session id that are told apart: 64 bits (RFC 8829 section 5.2.1)."""
MAX_REPEATS: Final = 32
"""Candidates or fingerprints of one section."""
SCTP_PORT: Final = 5000
"""Ours. It is a name within DTLS; every implementation uses this one."""
DEFAULT_MESSAGE_SIZE: Final = 65_536
"""max-message-size of who does not say it (RFC 8841 section 6)."""

Setup = Literal["actpass", "active", "passive"]
_OFFERED: Final[dict[str, Setup]] = {"actpass": "actpass", "active": "active"}
_ANSWERED: Final[dict[str, Setup]] = {"active": "active", "passive": "passive"}

_ONCE: Final = frozenset(("ice-ufrag", "ice-pwd", "setup", "mid", "sctp-port", "max-message-size"))
_OFTEN: Final = frozenset(("fingerprint", "candidate", "group"))
_FLAGS: Final = frozenset(("ice-lite", "bundle-only"))
_LINE = re.compile(r"[a-z]=[^\0\n]*")
_TOKEN = re.compile(r"[\w!#$%&'*+.^`{|}~-]{1,64}", re.ASCII)
_MEDIA = re.compile(
    r"m=(\w{1,32}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([\w/]{1,32}) ([\w!#$%&'*+.^`{|}~-]{1,64})(?: .*)?", re.ASCII
)
_SHA256 = re.compile(r"sha-256 ([0-9a-f]{2}(?::[0-9a-f]{2}){31})", re.IGNORECASE | re.ASCII)
_CANDIDATE = re.compile(
    r"\S{1,32} 1 udp ([0-9]{1,10}) ([0-9A-Fa-f.:]{2,45}) ([0-9]{1,5}) typ (?:host|srflx)(?: .*)?", re.I | re.A
)


@dataclass(frozen=True, slots=True)
class Media:
    """One m-section, as far as an answer must repeat it."""

    kind: str
    protocol: str
    format: str
    """The first one."""
    mid: str | None


@dataclass(frozen=True, slots=True)
class Description:
    """What the other side's text says of its data channels."""

    origin: str
    """Session id of the `o=` line: another text with the same one is of the same peer connection."""
    ice: Credentials
    fingerprints: tuple[bytes, ...]
    """SHA-256 of the DTLS certificate, 32 bytes; it must be one of these."""
    setup: Setup
    """Its part in DTLS: `active` is the client."""
    sctp_port: int
    max_message_size: int
    """Bytes of a message that it takes; 0 for any number."""
    candidates: tuple[tuple[str, int], ...]
    """UDP addresses of type host or srflx, the best first."""
    ice_lite: bool
    media: tuple[Media, ...]
    """All sections, in their order."""
    index: int
    """Which of them is the data channels'."""
    bundled: bool
    """Whether that section is in a BUNDLE group."""


@dataclass(frozen=True, slots=True)
class Local:
    """What our text says of us."""

    ice: Credentials
    fingerprint: bytes
    """SHA-256 of our DTLS certificate."""
    candidates: tuple[tuple[str, int], ...] = ()
    """UDP addresses, the best first. A client needs none: the server learns it from the checks."""
    max_message_size: int = DEFAULT_MESSAGE_SIZE
    """Bytes of a message that we take."""
    session_id: int = field(default_factory=lambda: secrets.randbits(62))
    version: int = 1
    """One more with each further text of the same session (RFC 8829 section 5.2.2)."""


@dataclass(slots=True)
class _Section:
    """The lines of one section, or of the session above them."""

    media: re.Match[str] | None = None
    origin: str = ""
    """Of the session: the second field of `o=`."""
    once: dict[str, str] = field(default_factory=dict)
    often: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _OFTEN})
    flags: set[str] = field(default_factory=set)

    def attribute(self, text: str) -> None:
        name, _, value = text.partition(":")
        if name in _FLAGS:
            self.flags.add(name)
        elif name in _ONCE:
            if self.once.setdefault(name, value) != value:
                raise ValueError(f"two values of a={name}")
        elif name in _OFTEN:
            if len(self.often[name]) >= MAX_REPEATS:
                raise ValueError(f"more than {MAX_REPEATS} of a={name}")
            self.often[name].append(value)

    def mid(self) -> str | None:
        mid = self.once.get("mid")
        if mid is not None and not _TOKEN.fullmatch(mid):
            raise ValueError("an a=mid that is no token")
        return mid

    def is_data(self) -> bool:
        """Whether it offers data channels; a bundle-only section does with port 0 (RFC 9143 section 6)."""
        assert self.media is not None  # noqa: S101 - only the session has none
        kind, port, protocol, first = self.media.groups()
        wanted = kind == "application" and protocol.endswith("/DTLS/SCTP") and first == "webrtc-datachannel"
        return wanted and (int(port) > 0 or "bundle-only" in self.flags)


def parse_offer(text: str) -> Description:
    """What an offer says. Raises BadOffer."""
    try:
        description = _parse(text, _OFFERED)
    except ValueError as error:
        raise BadOffer(f"the offer cannot be used: {error}") from None
    if description.ice_lite:
        raise BadOffer("an offer of a lite agent, to a lite one: nobody would check")
    return description


def parse_answer(text: str) -> Description:
    """What an answer to one of our offers says. Raises BadAnswer."""
    try:
        return _parse(text, _ANSWERED)
    except ValueError as error:
        raise BadAnswer(f"the answer cannot be used: {error}") from None


def _parse(text: str, roles: dict[str, Setup]) -> Description:
    session, *sections = _split(text)
    indices = [index for index, section in enumerate(sections) if section.is_data()]
    if len(indices) != 1:
        raise ValueError(f"{len(indices)} sections for data channels, not one")
    section = sections[indices[0]]

    def value(name: str) -> str:
        found = section.once.get(name, session.once.get(name))
        if found is None:
            raise ValueError(f"no a={name}")
        return found

    if value("setup") not in roles:
        raise ValueError("a=setup has none of the values " + ", ".join(roles))
    mid = section.mid()
    groups = (group.split() for group in session.often["group"])
    return Description(
        origin=session.origin,
        ice=Credentials(value("ice-ufrag"), value("ice-pwd")),
        fingerprints=_fingerprints(section.often["fingerprint"] or session.often["fingerprint"]),
        setup=roles[value("setup")],
        sctp_port=_number(value("sctp-port"), 1, 65_535),
        max_message_size=_number(section.once.get("max-message-size", str(DEFAULT_MESSAGE_SIZE)), 0, 2**64),
        candidates=_candidates(section.often["candidate"]),
        ice_lite="ice-lite" in session.flags,
        media=tuple(_media(section) for section in sections),
        index=indices[0],
        bundled=any(group[:1] == ["BUNDLE"] and mid in group[1:] for group in groups),
    )


def _split(text: str) -> list[_Section]:
    if len(text) > MAX_SDP or len(text.encode("utf-8", "replace")) > MAX_SDP:
        raise ValueError(f"larger than {MAX_SDP} bytes")
    lines = [line for line in (line.strip() for line in text.split("\n")) if line]
    if len(lines) > MAX_LINES or lines[:1] != ["v=0"]:
        raise ValueError(f"not v=0 and at most {MAX_LINES} lines")
    sections = [_Section()]
    for line in lines:
        if not _LINE.fullmatch(line):
            raise ValueError("a line without a type")
        if line.startswith("m="):
            media = _MEDIA.fullmatch(line)
            if media is None or len(sections) > MAX_SECTIONS:
                raise ValueError(f"a section that cannot be read, or more than {MAX_SECTIONS}")
            sections.append(_Section(media))
        elif line.startswith("a="):
            sections[-1].attribute(line[2:])
        elif line.startswith("o="):
            sections[0].origin = line.split(" ")[1][:MAX_ORIGIN] if " " in line else ""
    return sections


def _media(section: _Section) -> Media:
    assert section.media is not None  # noqa: S101 - only the session has none
    kind, _, protocol, first = section.media.groups()
    return Media(kind, protocol, first, section.mid())


def _number(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", text) or not least <= int(text) <= most:
        raise ValueError(f"a number that is not one of {least} to {most}")
    return int(text)


def _fingerprints(values: list[str]) -> tuple[bytes, ...]:
    """Those by SHA-256. Others are passed over: ours is a certificate of today, and so is every browser's."""
    found = [match[1] for match in map(_SHA256.fullmatch, values) if match]
    if not found:
        raise ValueError("no a=fingerprint by sha-256")
    return tuple(bytes.fromhex(value.replace(":", "")) for value in found)


def _candidates(values: list[str]) -> tuple[tuple[str, int], ...]:
    """Those that can be used, by their priority. (To resolve a browser's `.local` name would take a second of mDNS.)"""
    found = []
    for match in filter(None, map(_CANDIDATE.fullmatch, values)):
        priority, host, port = int(match[1]), match[2], int(match[3])
        try:
            ip = ipaddress.ip_address(host)
        except ValueError:
            continue
        if 0 < port < 65_536 and not (ip.is_multicast or ip.is_unspecified):
            found.append((priority, (str(ip), port)))
    return tuple(dict.fromkeys(address for _, address in sorted(found, key=lambda each: -each[0])))


def advertised(bound: Sequence[tuple[str, int]], public: str | None) -> tuple[tuple[str, int], ...]:
    """The addresses to offer: `public` in place of those bound of its family (1:1 NAT, containers)."""
    if public is None:
        return tuple(bound)
    version = ipaddress.ip_address(public).version
    told = ((public if ipaddress.ip_address(host).version == version else host, port) for host, port in bound)
    return tuple(dict.fromkeys(told))


def write_answer(offer: Description, local: Local) -> str:
    """A lite server's answer: the data channels' section accepted, all others rejected (RFC 8829 section 5.3.1).

    `local` must have a candidate.
    """
    lines = _session(local)
    mid = offer.media[offer.index].mid
    if offer.bundled:
        lines.append(f"a=group:BUNDLE {mid}")
    lines.append("a=ice-lite")
    for index, media in enumerate(offer.media):
        if index == offer.index:
            lines += _data_section(local, media, "passive")
        else:
            lines += [f"m={media.kind} 0 {media.protocol} {media.format}", "c=IN IP4 0.0.0.0", "a=inactive"]
            lines += [f"a=mid:{media.mid}"] if media.mid is not None else []
    return "\r\n".join(lines) + "\r\n"


def write_offer(local: Local) -> str:
    """A client's offer of data channels alone."""
    media = Media("application", "UDP/DTLS/SCTP", "webrtc-datachannel", "0")
    lines = [*_session(local), "a=group:BUNDLE 0", *_data_section(local, media, "actpass")]
    return "\r\n".join(lines) + "\r\n"


def _session(local: Local) -> list[str]:
    return ["v=0", f"o=- {local.session_id} {local.version} IN IP4 127.0.0.1", "s=-", "t=0 0"]


def _data_section(local: Local, media: Media, setup: Setup) -> list[str]:
    # Without a candidate RFC 8839 section 4.3.1 has these stand for the default one.
    host, port = local.candidates[0] if local.candidates else ("0.0.0.0", 9)  # noqa: S104 - binds nothing
    lines = [
        f"m=application {port} {media.protocol} webrtc-datachannel",
        f"c=IN IP{ipaddress.ip_address(host).version} {host}",
    ]
    for index, (host, port) in enumerate(local.candidates):
        priority = (126 << 24) | ((65_535 - index) << 8) | 255  # RFC 8445 section 5.1.2.1, of a host candidate
        lines.append(f"a=candidate:{index + 1} 1 udp {priority} {host} {port} typ host")
    if local.candidates:
        lines.append("a=end-of-candidates")
    lines += [
        f"a=ice-ufrag:{local.ice.ufrag}",
        f"a=ice-pwd:{local.ice.password}",
        "a=ice-options:ice2",
        "a=fingerprint:sha-256 " + local.fingerprint.hex(":").upper(),
        f"a=setup:{setup}",
        *([f"a=mid:{media.mid}"] if media.mid is not None else []),
        f"a=sctp-port:{SCTP_PORT}",
        f"a=max-message-size:{local.max_message_size}",
    ]
    return lines
