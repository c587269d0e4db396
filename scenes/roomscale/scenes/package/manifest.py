"""`manifest.json`: which parts belong to an entry, and what each replaces in it.

Rule: whatever the bytes are, reading gives a `Manifest` or `BadManifest`; unknown keys and unknown kinds of parts are
passed over, so that a later version may add some. Follows PACKAGE.md, "manifest.json"; `vectors/` bind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from roomscale.scenes import jsonio
from roomscale.scenes.errors import BadManifest, UnreadableScene
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.limits import Limits

FORMAT, VERSION = "org.roomscale.package", 1
ENTRY_TYPE = "model/gltf-binary"

MOST_BYTES = 4 << 20
"""Bytes of a manifest. A part takes about 200: 10,000 parts are 2 MB."""
MOST_PARTS = 10_000
"""Parts of one package; each is a request of its own, so real packages stay below some hundreds."""
MOST_TARGETS = 100_000
"""Pointers in all `for` lists together."""
MOST_INDEX = 999_999
"""The largest index in a pointer; it keeps a client from making arrays by a stranger's number."""
MOST_LEVEL = 15
MOST_FILE_BYTES = 1 << 30
"""Bytes of one file, as `limits.file_bytes`."""
MOST_EDGE = 16_384
"""Pixels of one edge of an image."""
MOST_TRIANGLES = 100_000_000
MOST_PRIORITY = 1_000_000
MOST_REQUIRED = 100
"""Names in `extensionsRequired`, each of at most 100 characters."""
_LIMITS = Limits(json_bytes=MOST_BYTES, json_values=1_000_000, json_depth=16)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TARGET = re.compile(r"/(images|meshes|animations|extensions/KHR_audio(?:_emitter)?/audio)/(0|[1-9][0-9]{0,5})")
_MXC = re.compile(
    r"mxc://(?:[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?/[A-Za-z0-9_-]{1,255}"
)
"""Where a published file is (Matrix, "Content repository"): a server name and a media id, nothing else."""
MOST_MXC = 520
"""Characters of an mxc: a server name of at most 255, a media id of at most 255."""
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}")
_KINDS = {"images": "image/", "meshes": ENTRY_TYPE, "animations": ENTRY_TYPE}
"""What a pointer's list begins → how the media type of a part for it begins; sounds are "audio/"."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file by its content. `sha256`: 64 lower-case hex digits; `bytes`: its size."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """A file that replaces something in the entry.

    `type`: media type. `level`: from 1, sharper ones higher. `targets`: JSON pointers into the entry (`for` in JSON),
    all of one kind. `size`: (width, height) of an image in pixels, (triangles,) of meshes, empty where it says nothing.
    `priority`: the order of downloads, 0 first. `mxc`: where a published file is, "" on disk.
    """

    sha256: str
    bytes: int
    type: str
    level: int
    targets: tuple[str, ...]
    size: tuple[int, ...] = ()
    priority: int = 0
    mxc: str = ""

    @property
    def kind(self) -> str:
        """`images`, `meshes`, `animations` or `audio`."""
        return self.targets[0].rsplit("/", 2)[1]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A package. `required`: the `extensionsRequired` of the whole scene, of which the entry itself needs fewer.

    `entry_mxc`: where the published entry is, "" on disk.
    """

    entry: FileRef
    parts: tuple[Part, ...] = ()
    required: tuple[str, ...] = ()
    entry_mxc: str = ""

    def published(self, places: Mapping[str, str]) -> Manifest:
        """The manifest as visitors get it: each file with its mxc. `places`: SHA-256 → mxc, of every file.

        Follows PACKAGE.md, "Published on Matrix". Raises KeyError for a file that has no place.
        """
        parts = tuple(replace(part, mxc=places[part.sha256]) for part in self.parts)
        return replace(self, parts=parts, entry_mxc=places[self.entry.sha256])

    def places(self) -> dict[str, str]:
        """SHA-256 → mxc of the files that say where they are."""
        files = [(self.entry.sha256, self.entry_mxc), *((part.sha256, part.mxc) for part in self.parts)]
        return {sha256: mxc for sha256, mxc in files if mxc}

    def dump(self) -> bytes:
        """The JSON of it: a line for each part, parts in the order given, so equal manifests are equal bytes."""
        entry = {"sha256": self.entry.sha256, "bytes": self.entry.bytes, "type": ENTRY_TYPE, **_place(self.entry_mxc)}
        lines = [f'"format":"{FORMAT}"', f'"version":{VERSION}', f'"entry":{_text(entry)}']
        if self.required:
            lines.append(f'"extensionsRequired":{_text(list(self.required))}')
        parts = ",\n".join(_text(_part_json(part)) for part in self.parts)
        lines.append(f'"parts":[\n{parts}\n]' if parts else '"parts":[]')
        return ("{" + ",\n".join(lines) + "}\n").encode("utf-8")


def read_manifest(data: bytes | memoryview) -> Manifest:
    """Read a manifest, hostile or not. Raises `BadManifest`; time and memory are bounded by `MOST_BYTES`."""
    try:
        tree = jsonio.parse(data, limits=_LIMITS, name="the manifest")
    except UnreadableScene as error:
        raise BadManifest(error.code, "", str(error)) from error
    if tree.get("format") != FORMAT:
        raise BadManifest("UNKNOWN_FORMAT", "/format", f"it is not {FORMAT}")
    version = _integer(tree, "version", "", 1, 1_000_000)
    if version != VERSION:
        raise BadManifest("UNKNOWN_VERSION", "/version", f"version {version} needs a newer Roomscale")
    entry = _object(tree.get("entry"), "/entry")
    if entry.get("type") != ENTRY_TYPE:
        raise BadManifest("VALUE_NOT_IN_LIST", "/entry/type", f"it is not {ENTRY_TYPE}")
    parts = _list(tree.get("parts"), "/parts", MOST_PARTS)
    read = [_part(_object(part, pointer("parts", index)), pointer("parts", index)) for index, part in enumerate(parts)]
    known = tuple(part for part in read if part is not None)
    _require_no_rivals(known)
    ref = FileRef(_sha256(entry, "/entry"), _size(entry, "/entry"))
    return Manifest(ref, known, _required(tree), _mxc(entry, "/entry"))


def _part(tree: JsonObject, where: str) -> Part | None:
    """One part; None for a kind that this version does not know."""
    targets = _list(tree.get("for"), f"{where}/for", MOST_TARGETS)
    if not targets or not all(isinstance(target, str) for target in targets):
        raise BadManifest("TYPE_MISMATCH", f"{where}/for", "it is no list of JSON pointers")
    media_type = tree.get("type")
    if not isinstance(media_type, str) or not _MEDIA_TYPE.fullmatch(media_type):
        raise BadManifest("TYPE_MISMATCH", f"{where}/type", "it is no media type")
    part = Part(
        sha256=_sha256(tree, where),
        bytes=_size(tree, where),
        type=media_type,
        level=_integer(tree, "level", where, 1, MOST_LEVEL),
        targets=tuple(targets),
        size=_sizes(tree.get("size"), f"{where}/size"),
        priority=_integer(tree, "priority", where, 0, MOST_PRIORITY),
        mxc=_mxc(tree, where),
    )
    return part if _is_known(part) else None


def _is_known(part: Part) -> bool:
    matches = [_TARGET.fullmatch(target) for target in part.targets]
    kinds = {match[1] if match else "" for match in matches}
    return len(kinds) == 1 and "" not in kinds and part.type.startswith(_KINDS.get(kinds.pop(), "audio/"))


def _require_no_rivals(parts: tuple[Part, ...]) -> None:
    """Two parts of one level for the same thing: which one counts would be up to the reader."""
    if sum(len(part.targets) for part in parts) > MOST_TARGETS:
        raise BadManifest("MANIFEST_TOO_LARGE", "/parts", f"more than {MOST_TARGETS:,} pointers")
    seen: set[tuple[str, int]] = set()
    for part in parts:
        for target in part.targets:
            if (target, part.level) in seen:
                raise BadManifest("DUPLICATE_ELEMENTS", "/parts", f"{target} is replaced twice at level {part.level}")
            seen.add((target, part.level))


def _required(tree: JsonObject) -> tuple[str, ...]:
    names = _list(tree.get("extensionsRequired", []), "/extensionsRequired", MOST_REQUIRED)
    if not all(isinstance(name, str) and 0 < len(name) <= 100 for name in names):
        raise BadManifest("TYPE_MISMATCH", "/extensionsRequired", "it is no list of names")
    return tuple(names)


def _sizes(value: object, where: str) -> tuple[int, ...]:
    if value is None:
        return ()
    sizes = _list(value, where, 2)
    most = MOST_EDGE if len(sizes) == 2 else MOST_TRIANGLES
    whole = [_whole(size) for size in sizes]
    if not all(1 <= size <= most for size in whole):
        raise BadManifest("VALUE_NOT_IN_RANGE", where, f"its numbers are not from 1 to {most:,}")
    return tuple(whole)


def _sha256(tree: JsonObject, where: str) -> str:
    value = tree.get("sha256")
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise BadManifest("TYPE_MISMATCH", f"{where}/sha256", "it is not 64 lower-case hex digits")
    return value


def _size(tree: JsonObject, where: str) -> int:
    return _integer(tree, "bytes", where, 1, MOST_FILE_BYTES)


def _mxc(tree: JsonObject, where: str) -> str:
    if "mxc" not in tree:
        return ""
    value = tree["mxc"]
    if not isinstance(value, str) or len(value) > MOST_MXC or not _MXC.fullmatch(value):
        raise BadManifest("TYPE_MISMATCH", f"{where}/mxc", "it is no mxc address")
    return value


def _integer(tree: JsonObject, key: str, where: str, least: int, most: int) -> int:
    value = _whole(tree.get(key))
    if not least <= value <= most:
        raise BadManifest("VALUE_NOT_IN_RANGE", f"{where}/{key}", f"it is no integer from {least:,} to {most:,}")
    return value


def _whole(value: object) -> int:
    """A JSON number without a fraction (1.0 is 1, as it is in a browser); -1 for all else."""
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else -1


def _object(value: object, where: str) -> JsonObject:
    if not isinstance(value, dict):
        raise BadManifest("TYPE_MISMATCH", where, "it is no object")
    return value


def _list(value: object, where: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise BadManifest("TYPE_MISMATCH", where, "it is no list")
    if len(value) > most:
        raise BadManifest("MANIFEST_TOO_LARGE", where, f"it has {len(value):,} elements, more than {most:,}")
    return value


def _part_json(part: Part) -> JsonObject:
    size = {"size": list(part.size)} if part.size else {}
    return {
        "sha256": part.sha256,
        "bytes": part.bytes,
        "type": part.type,
        "level": part.level,
        "for": list(part.targets),
        **size,
        "priority": part.priority,
        **_place(part.mxc),
    }


def _place(mxc: str) -> JsonObject:
    return {"mxc": mxc} if mxc else {}


def _text(value: Any) -> str:
    return jsonio.dump(value).decode("utf-8")
