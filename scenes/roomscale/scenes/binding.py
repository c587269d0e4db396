"""Where the contents of bufferViews lie: all of them bound into one buffer, in the order of their list.

Rule: the result is no larger than what went into it. Where views overlap, or an extension that nobody here knows may
count bytes, the old buffers stay as they are and only new contents come behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from roomscale.scenes.compressed import MESHOPT_EXTENSIONS
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import BrokenData
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject

ALIGNMENT = 4
"""Bytes. Accessors begin at multiples of their component's size, which is 4 at most (glTF 2.0 §3.6.2.4)."""
_SPENT = bytes(ALIGNMENT)
"""What a bufferView holds that must stay in its list, though its contents went elsewhere."""


def bind(
    scene: Scene,
    json: JsonObject,
    data: Mapping[int, memoryview],
    spent: set[int],
    *,
    in_place: bool,
) -> Scene:
    """A scene with this `json`, which is changed to say where everything lies.

    `data`: contents of new bufferViews; the others' say where in the buffers of `scene` theirs are.
    `spent`: bufferViews to be emptied. `in_place`: old buffers are not touched.
    Placeholders of compressed views stay buffers of their own. Raises `SceneError`s for contents that cannot be had.
    """
    binder = _Binder(scene, json, data, spent)
    return binder.behind() if in_place or binder.overlaps() else binder.anew()


def compression_of(view: JsonObject) -> JsonObject | None:
    """What a bufferView says of its meshopt-compressed form, None if it has none."""
    extensions = view.get("extensions", {})
    return next((extensions[name] for name in MESHOPT_EXTENSIONS if name in extensions), None)


class _Binder:
    def __init__(
        self,
        scene: Scene,
        json: JsonObject,
        data: Mapping[int, memoryview],
        spent: set[int],
    ) -> None:
        self._scene, self._json, self._data, self._spent = scene, json, data, spent
        self._views: list[JsonObject] = json.get("bufferViews", [])
        self._pieces: list[bytes | memoryview] = []
        self._length = 0
        self._old: dict[int, memoryview] = {}
        self._placed: dict[tuple[int, int, int], int] = {}

    def overlaps(self) -> bool:
        """Whether the old views that stay hold more bytes, each range counted once, than the old buffers."""
        buffers = self._scene.list_of("buffers")
        filled = {index for index in range(len(buffers)) if self._scene.has_data(index)}
        ranges = {
            (holder["buffer"], holder.get("byteOffset", 0), holder["byteLength"])
            for index, view in enumerate(self._views)
            if index not in self._data and index not in self._spent
            for holder in (view, compression_of(view))
            if holder is not None and holder["buffer"] in filled
        }
        held: int = sum(buffer["byteLength"] for buffer in buffers)
        needed: int = sum(length for _, _, length in ranges)
        return needed > held

    def anew(self) -> Scene:
        """One buffer for everything."""
        buffers: list[JsonObject] = self._json.get("buffers", [])
        hollow = {
            view["buffer"]: 0
            for index, view in enumerate(self._views)
            if compression_of(view) is not None and index not in self._spent and not self._has_contents(index)
        }
        number = {old: new for new, old in enumerate(sorted(hollow), start=1)}
        for index, view in enumerate(self._views):
            compressed = compression_of(view)
            if index in self._spent:
                self._empty(view)
                continue
            if compressed is not None:
                self._move(compressed, index)
            if view["buffer"] in number and compressed is not None:
                _set_offset(view, hollow[view["buffer"]])
                hollow[view["buffer"]] += _padded(view["byteLength"])
                view["buffer"] = number[view["buffer"]]
            else:
                self._move(view, index)
        own = next((buffer for old, buffer in enumerate(buffers) if self._has_old(old)), {})
        first = {key: value for key, value in own.items() if key not in ("uri", "byteLength")}
        fresh = [{"byteLength": self._length} | first] if self._length else []
        fresh += [buffers[old] | {"byteLength": hollow[old]} for old in sorted(hollow)]
        return self._scene_of(fresh, {0: b"".join(self._pieces)} if self._length else {})

    def behind(self) -> Scene:
        """The old buffers as they are, and one more for what is new."""
        buffers: list[JsonObject] = self._json.get("buffers", [])
        hollow: dict[int, int] = {}
        for index, view in enumerate(self._views):
            compressed = compression_of(view)
            if index in self._spent:
                self._empty(view, len(buffers))
            elif index in self._data:
                holder = view if compressed is None else compressed
                _put(holder, len(buffers), self._place(self._data[index]))
                if compressed is not None:
                    offset = hollow.setdefault(view["buffer"], _padded(self._old_length(view["buffer"])))
                    _set_offset(view, offset)
                    hollow[view["buffer"]] += _padded(view["byteLength"])
        for old, length in hollow.items():
            buffers[old]["byteLength"] = length
        contents = {index: data for index, data in self._scene.buffers.items() if index < len(buffers)}
        if self._length:
            contents[len(buffers)] = b"".join(self._pieces)
            buffers = [*buffers, {"byteLength": self._length}]
        return self._scene_of(buffers, contents)

    def _scene_of(self, buffers: list[JsonObject], contents: Mapping[int, bytes | memoryview]) -> Scene:
        if buffers:
            self._json["buffers"] = buffers
        else:
            self._json.pop("buffers", None)
        return replace(self._scene, json=self._json, buffers=contents, _loaded={})

    def _has_old(self, buffer: int) -> bool:
        return buffer < len(self._scene.list_of("buffers")) and self._scene.has_data(buffer)

    def _has_contents(self, index: int) -> bool:
        """Whether a compressed view has its decoded form beside it, for readers without the extension."""
        return index not in self._data and self._has_old(self._views[index]["buffer"])

    def _old_length(self, buffer: int) -> int:
        old = self._scene.list_of("buffers")
        return int(old[buffer]["byteLength"]) if buffer < len(old) else 0

    def _move(self, holder: JsonObject, index: int) -> None:
        """Bring what a view or its compressed form holds into the new buffer; the same range only once."""
        if index in self._data:
            _put(holder, 0, self._place(self._data[index]))
            return
        key = (holder["buffer"], holder.get("byteOffset", 0), holder["byteLength"])
        if key not in self._placed:
            self._placed[key] = self._place(self._old_contents(*key, index))
        _put(holder, 0, self._placed[key])

    def _old_contents(self, buffer: int, offset: int, length: int, index: int) -> memoryview:
        if buffer not in self._old:
            self._old[buffer] = self._scene.buffer(buffer)
        data = self._old[buffer]
        if offset + length > len(data):
            where = pointer("bufferViews", index)
            raise BrokenData("BUFFER_VIEW_TOO_LONG", where, f"its end at {offset + length:,} is past its buffer's end")
        return data[offset : offset + length]

    def _empty(self, view: JsonObject, buffer: int = 0) -> None:
        for key in ("byteStride", "extensions"):
            view.pop(key, None)
        nowhere = (-1, 0, 0)
        if nowhere not in self._placed:
            self._placed[nowhere] = self._place(_SPENT)
        view["byteLength"] = len(_SPENT)
        _put(view, buffer, self._placed[nowhere])

    def _place(self, data: bytes | memoryview) -> int:
        """Put contents at the end of the new buffer; returns their offset."""
        offset = _padded(self._length)
        if offset > self._length:
            self._pieces.append(bytes(offset - self._length))
        self._pieces.append(data)
        self._length = offset + len(data)
        return offset


def _padded(length: int) -> int:
    return -(-length // ALIGNMENT) * ALIGNMENT


def _put(holder: JsonObject, buffer: int, offset: int) -> None:
    holder["buffer"] = buffer
    _set_offset(holder, offset)


def _set_offset(holder: JsonObject, offset: int) -> None:
    """Say where something begins; nothing is said of 0, which is what is meant then."""
    if offset:
        holder["byteOffset"] = offset
    else:
        holder.pop("byteOffset", None)
