"""Which URIs of a scene may be followed: `data:` and relative ones, decoded once. All others are refused by name.

glTF 2.0 §2.8 ("URIs") allows data: URIs and relative references; a scene that fetches anything else would tell
strangers who visits, or read what is not its own.
Rule: pure functions; nothing here touches the disk (`files` refuses symlinks there).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from roomscale.scenes.errors import MalformedUri, UnsafeUri, printable
from roomscale.scenes.limits import DEFAULT_LIMITS

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+\-]+/[A-Za-z0-9!#$&^_.+\-]+")
_PARAMETER = re.compile(r"[A-Za-z0-9!#$&^_.+\-]+=[^;,]*")

LINK_SCHEMES = frozenset({"https", "matrix"})
"""Where a portal may lead. http leads on as well, with a warning: the browser shows it as not secure."""


class DataUri(NamedTuple):
    """A `data:` URI (RFC 2397), not decoded yet. `media_type`: lower case, "" if it names none."""

    media_type: str
    is_base64: bool
    payload: str

    @property
    def most_bytes(self) -> int:
        """No more than this comes out of `decode`."""
        return len(self.payload) * 3 // 4 if self.is_base64 else len(self.payload) * 4

    def decode(self) -> bytes:
        """The bytes. Raises `MalformedUri` for text that is not what it says."""
        try:
            if self.is_base64:
                return base64.b64decode(_unquoted(self.payload), validate=True)
            return unquote_to_bytes(self.payload)
        except (binascii.Error, ValueError) as error:
            raise MalformedUri(f"the data: URI holds no valid base64 ({error})") from error


def _unquoted(payload: str) -> bytes:
    return unquote_to_bytes(payload) if "%" in payload else payload.encode("ascii")


class RelativePath(NamedTuple):
    """A file in the scene's folder or below: its path, part by part, none of them `.` or `..`."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.parts)


def parse_resource(uri: str) -> DataUri | RelativePath:
    """What a buffer's, image's or sound's `uri` means.

    Percent escapes are decoded once. Raises `UnsafeUri`, naming the form, for everything that is refused,
    and `MalformedUri` for data: URIs that mean nothing.
    """
    if uri[:5].lower() == "data:":
        return _parse_data(uri)
    shown = printable(uri)
    if not uri:
        raise UnsafeUri("the URI is empty")
    if len(uri) > DEFAULT_LIMITS.uri_chars:
        raise UnsafeUri(f"the URI {shown} has {len(uri):,} characters")
    if _CONTROL.search(uri):
        raise UnsafeUri(f"the URI {shown} holds control characters")
    if "\\" in uri:
        raise UnsafeUri(f"the URI {shown} holds a backslash; paths in glTF are separated by /")
    if scheme := _SCHEME.match(uri):
        raise UnsafeUri(_scheme_refusal(scheme[1], shown))
    if uri.startswith("/"):
        what = "names another host" if uri.startswith("//") else "is an absolute path"
        raise UnsafeUri(f"the URI {shown} {what}; a scene may use only files of its own folder")
    if "?" in uri or "#" in uri:
        raise UnsafeUri(f"the URI {shown} has a query or a fragment; in a file's name write %3F or %23")
    return _parse_relative(uri, shown)


def _scheme_refusal(scheme: str, shown: str) -> str:
    if len(scheme) == 1:
        return f"the URI {shown} is an absolute Windows path"
    if scheme.lower() in ("http", "https"):
        return f"the URI {shown} is on another server, which is never fetched; put the file beside the scene"
    return f"the URI {shown} has the scheme {scheme.lower()}:, which is refused; only data: and relative ones are read"


def _parse_data(uri: str) -> DataUri:
    header, comma, payload = uri[5:].partition(",")
    if not comma:
        raise MalformedUri("the data: URI has no comma")
    media_type, *parameters = header.split(";")
    is_base64 = bool(parameters) and parameters[-1].strip().lower() == "base64"
    if is_base64:
        parameters.pop()
    if media_type and not _MEDIA_TYPE.fullmatch(media_type):
        raise MalformedUri(f"the data: URI has the malformed media type {printable(media_type)}")
    if not all(_PARAMETER.fullmatch(parameter) for parameter in parameters):
        raise MalformedUri("the data: URI has malformed parameters")
    if not payload.isascii():
        raise MalformedUri("the data: URI holds characters outside ASCII")
    return DataUri(media_type.lower(), is_base64, payload)


def _parse_relative(uri: str, shown: str) -> RelativePath:
    parts: list[str] = []
    for quoted in uri.split("/"):
        try:
            part = unquote_to_bytes(quoted).decode("utf-8")
        except UnicodeError as error:
            raise UnsafeUri(f"the URI {shown} is not UTF-8 once decoded") from error
        if _CONTROL.search(part):
            raise UnsafeUri(f"the URI {shown} holds control characters")
        if "/" in part or "\\" in part:
            raise UnsafeUri(f"the URI {shown} hides a path separator in an escape")
        if ":" in part:  # a Windows drive, or the other stream of a file there
            raise UnsafeUri(f"the URI {shown} holds a colon")
        if part == "..":
            if not parts:
                raise UnsafeUri(f"the URI {shown} leads out of the scene's folder")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if not parts or uri.endswith("/"):
        raise UnsafeUri(f"the URI {shown} names no file")
    return RelativePath(tuple(parts))


def link_refusal(uri: str) -> str | None:
    """Why a portal or link may not lead there, or None if it may.

    Allowed: https, http, matrix: and fragments (`#spawn`). Never what a browser would run (javascript:, data:).
    """
    shown = printable(uri)
    if len(uri) > DEFAULT_LIMITS.uri_chars:
        return f"the link {shown} has {len(uri):,} characters"
    if _CONTROL.search(uri) or uri != uri.strip():
        return f"the link {shown} holds control characters or blanks at its ends"
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return f"the link {shown} names another host without a scheme" if uri[:2] in ("//", "\\\\") else None
    if scheme[1].lower() not in LINK_SCHEMES | {"http"}:
        return f"the link {shown} has the scheme {scheme[1].lower()}:, which is refused"
    return None
