"""What a world's state events say, as frozen values, and back to content. Pure.

One rule: any JSON is read without raising; a field of the wrong type or size is refused by itself and named in a
list of problems, the rest stays good, and keys that are not ours survive a rewrite. Content that we write holds
no floats (Matrix refuses them) and fits into an event.
Formats: MSC3815 (`org.matrix.msc3815.world`), Third Room's spelling of it, docs/matrix-events.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from roomscale.worlds.errors import BadContent, WorldRefused
from roomscale.worlds.ids import DEVICE_ID_BYTES, MxcUri, UserId, parse_mxc, parse_user_id

Content: TypeAlias = dict[str, Any]

ROOM_TYPE: Final = "org.matrix.msc3815.world"
WORLD_EVENT: Final = "org.matrix.msc3815.world"
SERVER_EVENT: Final = "org.roomscale.server"
DEFAULT_DEVICE: Final = "ROOMSCALE"

MAX_CONTENT: Final = 60_000  # bytes; the event around it must stay below 65,535
MAX_NAME: Final = 255  # characters
MAX_DESCRIPTION: Final = 4_000  # characters
MAX_DEPTH: Final = 32  # of unknown keys that we keep
MAX_PIXELS: Final = 16_384  # on one side of a thumbnail
SHOWN_FIELD: Final = 100  # characters of a field's path in a line of a log
MAX_SIZE: Final = 1 << 40  # bytes of a scene; only to refuse nonsense
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MIME: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_INFO: Final = frozenset({"size", "mimetype", "w", "h"})
_OBJECT: Final = frozenset({"url", "sha256", "size", "mimetype"})
_OURS: Final = frozenset(
    {
        "scene_name",
        "scene_description",
        "scene_url",
        "thumbnail_url",
        "thumbnail_info",
        "scene_preview_url",
        "org.roomscale.scene",
        "org.roomscale.package",
        "org.roomscale.thumbnail",
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one field was refused: `field` is its path in the content, whose keys are whatever somebody sent."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field[:SHOWN_FIELD].encode('unicode_escape').decode('ascii')}: {self.message}"


@dataclass(frozen=True, slots=True)
class Media:
    """A file in a media repository. What is not known of it is None; `sha256` is lower-case hex.

    `more` holds what other tools wrote into a thumbnail's info, such as a blurhash.
    """

    url: MxcUri
    sha256: str | None = None
    size: int | None = None
    mimetype: str | None = None
    width: int | None = None
    height: int | None = None
    more: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class World:
    """`org.matrix.msc3815.world`, state key "": what visitors see.

    `scene` is the glTF binary (.glb) to enter, None for a room that is not furnished yet. `package` is the manifest
    whose entry it is, None for a scene that has no parts. `unknown` holds the keys of other tools, which a rewrite
    keeps.
    """

    name: str | None = None
    description: str | None = None
    scene: Media | None = None
    package: Media | None = None
    thumbnail: Media | None = None
    unknown: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, content: object) -> tuple[World, list[Problem]]:
        """The world in an event's content, and what was refused of it."""
        if not isinstance(content, Mapping):
            return cls(), [Problem("", "the content is no object")]
        read = _Reader(content)
        spelling = "thumbnail_url" if "thumbnail_url" in content else "scene_preview_url"
        world = cls(
            name=read.text("scene_name", MAX_NAME),
            description=read.text("scene_description", MAX_DESCRIPTION),
            scene=read.media("scene_url", "org.roomscale.scene", ""),
            package=read.object_media("org.roomscale.package"),
            thumbnail=read.media(spelling, "org.roomscale.thumbnail", "thumbnail_info"),
            unknown=read.unknown(_OURS),
        )
        return world, read.problems

    def content(self) -> Content:
        """The event's content, both spellings of the thumbnail. Raises WorldRefused when it is too large."""
        content: Content = {}
        if self.name is not None:
            content["scene_name"] = self.name
        if self.description is not None:
            content["scene_description"] = self.description
        if self.scene is not None:
            content["scene_url"] = self.scene.url
            content["org.roomscale.scene"] = _details(self.scene, "sha256", "size", "mimetype")
        if self.package is not None:
            details = _details(self.package, "sha256", "size", "mimetype")
            content["org.roomscale.package"] = {**self.package.more, "url": self.package.url, **details}
        if self.thumbnail is not None:
            content["thumbnail_url"] = content["scene_preview_url"] = self.thumbnail.url
            info = _details(self.thumbnail, "size", "mimetype", w=self.thumbnail.width, h=self.thumbnail.height)
            content["thumbnail_info"] = {**self.thumbnail.more, **info}
            content["org.roomscale.thumbnail"] = _details(self.thumbnail, "sha256")
        return fitting({**self.unknown, **{key: value for key, value in content.items() if value != {}}})


@dataclass(frozen=True, slots=True)
class ServerRef:
    """`org.roomscale.server`, state key "": the Matrix user and device that visitors call."""

    user_id: UserId
    device_id: str = DEFAULT_DEVICE

    @classmethod
    def read(cls, content: object) -> tuple[ServerRef | None, list[Problem]]:
        """The server that the content names; None unless both fields are good."""
        if not isinstance(content, Mapping):
            return None, [Problem("", "the content is no object")]
        read = _Reader(content)
        device = read.text("device_id", DEVICE_ID_BYTES)
        try:
            user = parse_user_id(content.get("user_id"))
        except BadContent as error:
            return None, [*read.problems, Problem("user_id", str(error))]
        if not device or not device.isprintable():
            return None, [*read.problems, Problem("device_id", "no device is named")]
        return cls(user, device), read.problems

    def content(self) -> Content:
        """The event's content."""
        return {"user_id": self.user_id, "device_id": self.device_id}


def fitting(content: Content) -> Content:
    """`content` itself, if it may be an event's: no floats, not too large. Raises WorldRefused."""
    if not is_plain(content):
        raise WorldRefused("the room's state can hold neither fractions nor values nested so deeply")
    size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
    if size > MAX_CONTENT:
        raise WorldRefused(f"the world's state would have {size} bytes; {MAX_CONTENT} fit into an event")
    return content


def is_plain(value: object, depth: int = MAX_DEPTH) -> bool:
    """Whether Matrix takes this JSON: no floats, integers below 2^53, text without surrogates, not too deep."""
    match value:
        case bool() | None:
            return True
        case int():
            return abs(value) < 1 << 53
        case str():
            return not any("\ud800" <= c <= "\udfff" for c in value)
        case Mapping():
            return depth > 0 and all(is_plain(k) and is_plain(v, depth - 1) for k, v in value.items())
        case list() | tuple():
            return depth > 0 and all(is_plain(item, depth - 1) for item in value)
    return False


def _details(media: Media, *names: str, **more: int | None) -> Content:
    details = {name: getattr(media, name) for name in names} | more
    return {key: value for key, value in details.items() if value is not None}


class _Reader:
    """Takes fields out of one content and collects why some were refused."""

    def __init__(self, content: Mapping[Any, Any]) -> None:
        self._content = content
        self.problems: list[Problem] = []

    def refuse(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def text(self, key: str, longest: int) -> str | None:
        value = self._content.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > longest or not is_plain(value):
            self.refuse(key, f"not a text of at most {longest} characters")
            return None
        return value

    def media(self, url_key: str, details_key: str, info_key: str) -> Media | None:
        raw = self._content.get(url_key)
        if raw is None or raw == "":  # Third Room writes "" for none
            return None
        try:
            url = parse_mxc(raw)
        except BadContent as error:
            self.refuse(url_key, str(error))
            return None
        details, info = self._object(details_key), self._object(info_key)
        both = {**info, **details}
        return Media(
            url,
            sha256=self._matching(details_key, details, "sha256", _SHA256),
            size=self._number(details_key or info_key, both, "size", MAX_SIZE),
            mimetype=self._matching(details_key or info_key, both, "mimetype", _MIME),
            width=self._number(info_key, info, "w", MAX_PIXELS),
            height=self._number(info_key, info, "h", MAX_PIXELS),
            more=self._others(info_key, info, _INFO),
        )

    def object_media(self, key: str) -> Media | None:
        """Media whose address stands beside its details, in one object."""
        details = self._object(key)
        if not details:
            return None
        try:
            url = parse_mxc(details.get("url"))
        except BadContent as error:
            self.refuse(f"{key}.url", str(error))
            return None
        return Media(
            url,
            sha256=self._matching(key, details, "sha256", _SHA256),
            size=self._number(key, details, "size", MAX_SIZE),
            mimetype=self._matching(key, details, "mimetype", _MIME),
            more=self._others(key, details, _OBJECT),
        )

    def unknown(self, known: frozenset[str]) -> Mapping[str, Any]:
        return self._others("", self._content, known)

    def _others(self, path: str, source: Mapping[Any, Any], known: frozenset[str]) -> Mapping[str, Any]:
        """The keys that are not ours, save what Matrix could not hold."""
        kept = {}
        for key, value in source.items():
            if isinstance(key, str) and key not in known:
                if is_plain(key) and is_plain(value, MAX_DEPTH - 2):
                    kept[key] = value
                else:
                    self.refuse(f"{path}.{key[:100]}" if path else key[:100], "holds what Matrix state cannot")
        return MappingProxyType(kept)

    def _object(self, key: str) -> Mapping[str, Any]:
        value = self._content.get(key) if key else None
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.refuse(key, "not an object")
            return {}
        return value

    def _number(self, path: str, source: Mapping[str, Any], key: str, most: int) -> int | None:
        value = source.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            self.refuse(f"{path}.{key}", f"not a whole number from 0 to {most}")
            return None
        return value

    def _matching(self, path: str, source: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str | None:
        value = source.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.refuse(f"{path}.{key}", "not of the form that it should have")
            return None
        return value
