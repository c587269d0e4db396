"""One .glb that holds everything: external buffers, images and sounds become parts of its BIN chunk.

Rule: indices never change. What is embedded is appended (bufferViews at the end of their list), so everything that
names an accessor, a view or an image still names the same one, unknown extensions included. An untouched .glb that
needs nothing comes back byte for byte.
"""

from __future__ import annotations

from pathlib import Path

from roomscale.scenes import jsonio
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, is_placeholder
from roomscale.scenes.container import build_glb
from roomscale.scenes.document import AUDIO_EXTENSIONS, Scene
from roomscale.scenes.errors import BrokenData, UnsafeUri
from roomscale.scenes.files import write_atomically
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import media_type_of
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.uris import DataUri, parse_resource

_CHANGED = frozenset({"buffers", "bufferViews", "images", "extensions"})
"""What of the root is written anew; the rest is the scene's own."""
_PIECE_ALIGNMENT = 4
"""Bytes. Accessors must start at multiples of their component's size, which is 4 at most."""


def to_glb(scene: Scene) -> bytes:
    """The scene as one .glb without any URI.

    Buffers become one, save placeholders for compressed data. A buffer that nothing uses and whose URI is refused
    loses the URI. Raises `UnsafeUri`, `UnreadableScene` or `BrokenData` for resources that cannot be
    had, `RejectedScene` for a scene whose structure is broken.
    """
    if (raw := _untouched(scene)) is not None:
        return raw
    require_sound(scene)
    return _glb_of(scene, jsonio.Written())


def sound_to_glb(scene: Scene, written: jsonio.Written) -> bytes:
    """As `to_glb`, of a scene whose structure is known to be sound, as that of what transforms make of such a one.

    `written`: of scenes that share its lists.
    """
    raw = _untouched(scene)
    return _glb_of(scene, written) if raw is None else raw


def _glb_of(scene: Scene, written: jsonio.Written) -> bytes:
    embedder = _Embedder(scene)
    embedder.buffers()
    embedder.images()
    embedder.sounds()
    others = () if scene.glb is None else scene.glb.others
    return build_glb(written.dump(embedder.finished()), embedder.pieces or None, others)


def write_glb(scene: Scene, path: str | Path) -> None:
    """Write `to_glb(scene)` to a file, whole or not at all. Raises as `to_glb` does, and `UnwritableScene`."""
    write_atomically(Path(path), to_glb(scene))


def names_files(scene: Scene) -> bool:
    """Whether a buffer, an image or a sound has a URI."""
    sounds = [sound for extension in AUDIO_EXTENSIONS for sound in sound_entries(scene.json, extension)]
    return any("uri" in holder for holder in (*scene.list_of("buffers"), *scene.list_of("images"), *sounds))


def sound_entries(json: JsonObject, extension: str) -> list[JsonObject]:
    """The list `audio` of an extension's root object; empty if there is none."""
    entries: list[JsonObject] = json.get("extensions", {}).get(extension, {}).get("audio", [])
    return entries


def _untouched(scene: Scene) -> bytes | None:
    """The .glb that a scene came in, if it still says all of it and names no files."""
    if scene.glb is None or scene.raw is None or scene.buffers:
        return None
    holders = [*scene.list_of("buffers"), *scene.list_of("images")]
    for name in AUDIO_EXTENSIONS:
        sounds = scene.extension(name).get("audio")
        holders += sounds if isinstance(sounds, list) else []
    if any(isinstance(holder, dict) and not _is_inside(holder.get("uri")) for holder in holders):
        return None
    # Compared as text: in Python 1 == 1.0 == True, and dicts of another order are equal.
    original = jsonio.parse(scene.glb.json, limits=scene.limits, name=scene.name)
    return bytes(scene.raw) if jsonio.dump(original) == jsonio.dump(scene.json) else None


def _is_inside(uri: object) -> bool:
    return uri is None or (isinstance(uri, str) and uri[:5].lower() == "data:")


class _Embedder:
    """Builds the JSON and the BIN chunk of the result, on a copy of the scene's JSON."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._json: JsonObject = {
            key: jsonio.copy(value) if key in _CHANGED else value for key, value in scene.json.items()
        }
        self._length = 0
        self._buffers: list[JsonObject] = []
        self._views: dict[str, int] = {}
        self.pieces: list[bytes | memoryview] = []

    def buffers(self) -> None:
        """Join all buffers with contents into the first, and move the views that look at them.

        Placeholders (the decoded form of compressed data has no contents) stay buffers of their own, behind it.
        """
        buffers: list[JsonObject] = self._json.get("buffers", [])
        used = {holder["buffer"] for holder in self._holders()}
        offsets: dict[int, int] = {}
        for index, buffer in enumerate(buffers):
            data = self._contents(index, buffer, is_used=index in used)
            if data is not None:
                offsets[index] = self._append(data)
        placeholders = [index for index in range(len(buffers)) if index not in offsets]
        if offsets or self._has_resources():
            self._buffers.append(buffers[next(iter(offsets))] if offsets else {})
            self._buffers[0].pop("uri", None)
        moved = {old: new for new, old in enumerate(placeholders, start=len(self._buffers))}
        self._buffers += [buffers[index] for index in placeholders]
        for holder in self._holders():
            old = holder["buffer"]
            holder["buffer"] = moved.get(old, 0)
            if offset := offsets.get(old, 0):
                holder["byteOffset"] = holder.get("byteOffset", 0) + offset

    def _contents(self, index: int, buffer: JsonObject, *, is_used: bool) -> memoryview | None:
        if not self._scene.has_data(index):
            if is_used and not is_placeholder(buffer):
                raise BrokenData("BUFFER_WITHOUT_DATA", pointer("buffers", index), "the buffer has no contents")
            return None
        try:
            return self._scene.buffer(index)
        except UnsafeUri:
            if is_used:
                raise
            del buffer["uri"]
            return None

    def _holders(self) -> list[JsonObject]:
        """All that name a buffer: views, and what stands in them about their compressed form."""
        views: list[JsonObject] = self._json.get("bufferViews", [])
        compressed = [
            view["extensions"][name]
            for view in views
            for name in MESHOPT_EXTENSIONS
            if name in view.get("extensions", {})
        ]
        return views + compressed

    def _append(self, data: bytes | memoryview) -> int:
        """Put data at the end of the BIN chunk; returns its offset."""
        if padding := -self._length % _PIECE_ALIGNMENT:
            self.pieces.append(bytes(padding))
        offset = self._length + padding
        self.pieces.append(data)
        self._length = offset + len(data)
        return offset

    def images(self) -> None:
        """Make each image a view of the BIN chunk."""
        self._embed(self._json.get("images", []), "images")

    def sounds(self) -> None:
        """Make each sound a view of the BIN chunk."""
        for name in AUDIO_EXTENSIONS:
            self._embed(sound_entries(self._json, name), "extensions", name, "audio")

    def _embed(self, holders: list[JsonObject], *where: str) -> None:
        for index, holder in enumerate(holders):
            if "uri" not in holder:
                continue
            uri = holder.pop("uri")
            data = self._scene.resource(uri, pointer(*where, index, "uri"))
            told = holder.get("mimeType")
            holder["bufferView"] = self._view_of(uri, data)
            holder["mimeType"] = media_type_of(data) or told or _told_by(uri)

    def _view_of(self, uri: str, data: memoryview) -> int:
        """The view of a resource; one that several use is embedded once."""
        if uri not in self._views:
            views = self._json.setdefault("bufferViews", [])
            views.append({"buffer": 0, "byteOffset": self._append(data), "byteLength": len(data)})
            self._views[uri] = len(views) - 1
        return self._views[uri]

    def _has_resources(self) -> bool:
        sounds = (sound_entries(self._json, name) for name in AUDIO_EXTENSIONS)
        return any("uri" in holder for holders in (self._json.get("images", []), *sounds) for holder in holders)

    def finished(self) -> JsonObject:
        """The JSON of the result."""
        if self.pieces:
            self._buffers[0]["byteLength"] = self._length
        if self._buffers:
            self._json["buffers"] = self._buffers
        return self._json


def _told_by(uri: str) -> str:
    target = parse_resource(uri)
    return (target.media_type if isinstance(target, DataUri) else "") or "application/octet-stream"
