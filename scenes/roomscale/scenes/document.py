"""A scene in memory: its JSON whole, its binary data where they lie until somebody asks.

Rule: a Scene never loses or reorders what it does not know, and is never changed in place: a transform calls
`changed` and returns the new one. JSON trees are shared between scenes, so copy (`jsonio.copy`) what you change.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from roomscale.scenes import jsonio
from roomscale.scenes.container import Glb, is_glb, parse_glb
from roomscale.scenes.errors import BrokenData, SceneError, UnreadableScene, UnsafeUri, printable
from roomscale.scenes.files import SceneFolder, give_back, read_file
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.limits import DEFAULT_LIMITS, Limits
from roomscale.scenes.uris import DataUri, RelativePath, parse_resource

if TYPE_CHECKING:
    from roomscale.scenes.reference_parts import Part

AUDIO_EXTENSIONS = ("KHR_audio_emitter", "KHR_audio")
"""Extensions with a root list `audio` whose entries hold `uri` or `bufferView`, as images do."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One glTF document.

    `json`: the root object. `name`: for messages. `glb`: the container that it came in, None for a .gltf.
    `raw`: the file as it was read. `folder`: where relative URIs lead, None if nowhere.
    `buffers`: contents that replace those of the file, by index (a transform's).
    """

    json: JsonObject
    name: str = "scene"
    glb: Glb | None = None
    raw: memoryview | None = None
    folder: SceneFolder | None = None
    buffers: Mapping[int, bytes | memoryview] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS
    decoded: dict[int, memoryview] = field(default_factory=dict, repr=False, init=False)
    """What compressed views unpack to, by index; filled by `compressed.decoded_view`, empty in a changed scene."""
    arrays: dict[int, Any] = field(default_factory=dict, repr=False, init=False)
    """Accessors that were read and are views on the scene's bytes (`accessors.read`), by index; they take no memory."""
    surveyed: dict[str, Part] = field(default_factory=dict, repr=False, init=False)
    """What its lists name, as far as somebody looked (`draft.Draft`); each part tells by itself which list it is of."""
    _loaded: dict[str, memoryview] = field(default_factory=dict, repr=False)
    _whole: dict[int, memoryview] = field(default_factory=dict, repr=False, init=False)

    def changed(self, json: JsonObject | None = None, buffers: Mapping[int, bytes | memoryview] | None = None) -> Scene:
        """A scene like this one with another JSON, other contents of some buffers, or both."""
        return replace(
            self,
            json=self.json if json is None else json,
            buffers={**self.buffers, **(buffers or {})},
            _loaded={},
        )

    def list_of(self, key: str) -> list[Any]:
        """A top-level array such as `nodes`; empty if it is absent (or no array, which `check` tells)."""
        value = self.json.get(key)
        return value if isinstance(value, list) else []

    def extension(self, name: str) -> JsonObject:
        """The root object of an extension; empty if it is absent."""
        extensions = self.json.get("extensions")
        value = extensions.get(name) if isinstance(extensions, dict) else None
        return value if isinstance(value, dict) else {}

    def resource(self, uri: str, where: str) -> memoryview:
        """The bytes that a `uri` stands for. `where`: its JSON pointer, for messages.

        Raises `UnsafeUri` for refused ones, `UnreadableScene` for files that are not there or too large.
        """
        if (known := self._loaded.get(uri)) is not None:
            return known
        target = parse_resource(uri)
        if isinstance(target, DataUri):
            if target.most_bytes > self.limits.file_bytes:
                raise UnreadableScene("FILE_TOO_LARGE", f"{where}: the data: URI is too large")
            data = memoryview(target.decode())
        else:
            data = self._read(target, where)
        self._loaded[uri] = data
        return data

    def _read(self, target: RelativePath, where: str) -> memoryview:
        if self.folder is None:
            raise UnreadableScene("IO_ERROR", f"{where}: {printable(str(target))} cannot be read from memory")
        return self.folder.read(target)

    def give_back(self) -> None:
        """Let the system have the memory of mapped files, which nobody is going to look at soon."""
        for data in (*([] if self.raw is None else [self.raw]), *self._loaded.values()):
            give_back(data)

    def named_files(self) -> list[str]:
        """The paths, relative to the scene's folder, of the files that its buffers, images and sounds name."""
        holders = [*self.list_of("buffers"), *self.list_of("images")]
        for name in AUDIO_EXTENSIONS:
            sounds = self.extension(name).get("audio")
            holders += sounds if isinstance(sounds, list) else []
        uris = {holder["uri"] for holder in holders if isinstance(holder, dict) and isinstance(holder.get("uri"), str)}
        paths = set()
        for uri in uris:
            with suppress(UnsafeUri):
                target = parse_resource(uri)
                if isinstance(target, RelativePath):
                    paths.add(str(target))
        return sorted(paths)

    def has_data(self, index: int) -> bool:
        """Whether buffer `index` has contents at all; a placeholder (no `uri`, no BIN chunk) has none."""
        return index in self.buffers or "uri" in self._buffer(index) or self._is_binary_chunk(index)

    def buffer(self, index: int) -> memoryview:
        """The contents of a buffer, exactly its `byteLength`.

        Raises `BrokenData` if there are fewer bytes, or none; `UnsafeUri`, `UnreadableScene` as `resource` does.
        """
        if (known := self._whole.get(index)) is not None:
            return known
        data = self.whole_buffer(index)
        length = self._buffer(index).get("byteLength")
        if _is_size(length) and length <= len(data):
            self._whole[index] = data[:length]
            return self._whole[index]
        where = pointer("buffers", index)
        if not _is_size(length):
            raise BrokenData("UNDEFINED_PROPERTY", where, "byteLength is missing")
        raise BrokenData(
            "BUFFER_BYTE_LENGTH_MISMATCH", where, f"byteLength says {length:,}, only {len(data):,} bytes are there"
        )

    def whole_buffer(self, index: int) -> memoryview:
        """All bytes behind a buffer, also those past its `byteLength`. Raises as `buffer` does."""
        if index in self.buffers:
            return memoryview(self.buffers[index])
        uri = self._buffer(index).get("uri")
        if isinstance(uri, str):
            return self.resource(uri, pointer("buffers", index, "uri"))
        if self._is_binary_chunk(index) and self.glb is not None and self.glb.binary is not None:
            return self.glb.binary
        where = pointer("buffers", index)
        raise BrokenData("BUFFER_WITHOUT_DATA", where, "the buffer has no uri and there is no BIN chunk for it")

    def view(self, index: int) -> memoryview:
        """The bytes of a bufferView as stored (compressed ones stay so). Raises `BrokenData` past its buffer's end."""
        entry = _entry(self.list_of("bufferViews"), index, "bufferViews")
        offset, length, buffer = entry.get("byteOffset", 0), entry.get("byteLength"), entry.get("buffer")
        if not (_is_size(offset) and _is_size(length) and _is_size(buffer)):
            where = pointer("bufferViews", index)
            raise BrokenData("TYPE_MISMATCH", where, "buffer, byteOffset or byteLength is no size")
        data = self.buffer(buffer)
        if offset + length > len(data):
            raise BrokenData(
                "BUFFER_VIEW_TOO_LONG",
                pointer("bufferViews", index),
                f"its end at {offset + length:,} is past its buffer's {len(data):,} bytes",
            )
        return data[offset : offset + length]

    def _buffer(self, index: int) -> JsonObject:
        return _entry(self.list_of("buffers"), index, "buffers")

    def _is_binary_chunk(self, index: int) -> bool:
        return index == 0 and "uri" not in self._buffer(0) and self.glb is not None and self.glb.binary is not None


def _entry(items: list[Any], index: int, kind: str) -> JsonObject:
    if not 0 <= index < len(items):
        raise BrokenData("UNRESOLVED_REFERENCE", pointer(kind, index), "there is none")
    if not isinstance(items[index], dict):
        raise BrokenData("TYPE_MISMATCH", pointer(kind, index), "it is no object")
    item: JsonObject = items[index]
    return item


def _is_size(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def open_scene(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Scene:
    """Open a .glb, .gltf or .vrm; what it is is told by its first bytes, not by its name.

    Buffers and images stay where they are until asked for. Raises `UnreadableScene` for all that is no glTF;
    what a readable one holds is `check`'s to judge.
    """
    path = Path(path)
    return parse_scene(
        read_file(path, limits.file_bytes), name=path.name, folder=SceneFolder(path.parent), limits=limits
    )


def parse_scene(
    data: bytes | memoryview,
    *,
    name: str = "scene",
    folder: SceneFolder | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Scene:
    """As `open_scene`, from memory. Without a `folder` no file can be reached."""
    shown = printable(name)
    view = memoryview(data)
    if not view:
        raise UnreadableScene("EMPTY_FILE", f"{shown} is empty")
    if is_glb(view):
        glb = parse_glb(view, shown)
        return Scene(jsonio.parse(glb.json, limits=limits, name=shown), name, glb, view, folder, limits=limits)
    if bytes(view[:64]).lstrip(b" \t\r\n\xef\xbb\xbf")[:1] not in (b"{", b"["):
        raise UnreadableScene("UNKNOWN_FORMAT", f"{shown} is no glTF{_what_else(bytes(view[:4]))}")
    return Scene(jsonio.parse(view, limits=limits, name=shown), name, None, view, folder, limits=limits)


_OTHERS = (
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x1f\x8b", "gzip; unpack it first"),
    (b"BLEN", "a Blender file; export it as glTF"),
    (b"Kayd", "an FBX file; convert it to glTF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)


def _what_else(head: bytes) -> str:
    for magic, what in _OTHERS:
        if head.startswith(magic):
            return f": it is {what}"
    return ": it is neither a GLB nor JSON"


__all__ = ["BrokenData", "Scene", "SceneError", "UnsafeUri", "open_scene", "parse_scene"]
