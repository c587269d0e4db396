"""Compress: vertices, indices, keyframes and instances by EXT_meshopt_compression.

    scene = compress(scene)

What is alike lies together: one view for all positions, one for all normals, and so on; equal contents once. The
decoded form has a buffer without contents (`fallback`), so the scene needs the extension. Rule: only normals, tangents
and rotations lose bits here (`filters`), the rest is exact; a view that is compressed already is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from roomscale.scenes.accessors import FLOAT, read
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.meshopt import encode_indices, encode_triangles, encode_vertices
from roomscale.scenes.transforms import accessor_roles as roles
from roomscale.scenes.transforms.declare import require_extension
from roomscale.scenes.transforms.filters import Encoded, encode
from roomscale.scenes.transforms.quantise import EXTENSION as QUANTISATION

EXTENSION = MESHOPT_EXTENSIONS[0]
MOST_VIEW_BYTES = 128 << 20
"""Bytes that one view may unpack to: WebAssembly holds it twice, here and in a phone's browser."""
_VIEW_COST = 200
"""Bytes of JSON that a compressed view and its extension take."""


def compress(scene: Scene) -> Scene:
    """The scene with its numbers compressed, where that is shorter. Raises `BrokenData`."""
    draft = Draft(scene)
    done = [_compress(draft, group) for group in _groups(draft)]
    if any(done):
        require_extension(draft.json, EXTENSION)
    return draft.finish()


@dataclass
class _Group:
    """What goes into one view. `places`: accessor → (its offset, what it decodes to)."""

    role: str
    mode: str
    filter: str
    stride: int
    pieces: list[Encoded] = field(default_factory=list)
    places: dict[int, tuple[int, Encoded]] = field(default_factory=dict)
    size: int = 0
    _known: dict[bytes, int] = field(default_factory=dict)

    def add(self, index: int, encoded: Encoded) -> None:
        """Put an accessor's elements at the end, or let it share those of an equal one."""
        key = hashlib.blake2b(encoded.rows.tobytes()).digest()
        if key not in self._known:
            self._known[key] = self.size
            self.pieces.append(encoded)
            self.size += encoded.rows.nbytes
        self.places[index] = (self._known[key], encoded)


def _groups(draft: Draft) -> Iterator[_Group]:
    open_groups: dict[tuple[str, str, str, int], _Group] = {}
    for index, role in roles.accessor_roles(draft.json).items():
        if not _may_be_compressed(draft.json, index):
            continue
        encoded = encode(read(draft.scene, index), role)
        if encoded is None or encoded.rows.nbytes > MOST_VIEW_BYTES:
            continue
        key = (role, encoded.mode, encoded.filter, encoded.rows.shape[1])
        group = open_groups.setdefault(key, _Group(*key))
        if group.size + encoded.rows.nbytes > MOST_VIEW_BYTES:
            yield group
            group = open_groups[key] = _Group(*key)
        group.add(index, encoded)
    yield from open_groups.values()


def _may_be_compressed(json: JsonObject, index: int) -> bool:
    accessor = json["accessors"][index]
    if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
        return False
    return not is_compressed(json["bufferViews"][accessor["bufferView"]])


def _compress(draft: Draft, group: _Group) -> bool:
    """Make one compressed view, if it is shorter than what it holds; whether it was."""
    rows = np.concatenate([piece.rows for piece in group.pieces])
    if group.mode == "ATTRIBUTES":
        data = encode_vertices(rows)
    else:
        indices = np.ascontiguousarray(rows).view(f"<u{group.stride}")[:, 0]
        data = (encode_triangles if group.mode == "TRIANGLES" else encode_indices)(indices)
    if len(data) + _VIEW_COST >= sum(encoded.array.nbytes for encoded in group.pieces):
        return False
    target = ELEMENT_ARRAY_BUFFER if group.mode != "ATTRIBUTES" else None
    if roles.is_vertex_role(group.role):
        target = ARRAY_BUFFER
    view = draft.add_compressed_view(
        data, count=len(rows), stride=group.stride, mode=group.mode, filter_name=group.filter, target=target
    )
    for index, (offset, encoded) in group.places.items():
        _point(draft, index, view, offset, encoded)
    return True


def _point(draft: Draft, index: int, view: int, offset: int, encoded: Encoded) -> None:
    old = draft.json["accessors"][index]
    bounds = {key: old[key] for key in ("min", "max") if key in old}
    is_same = old["componentType"] == FLOAT if encoded.array.dtype == np.float32 else encoded.normalized is None
    normalized = bool(old.get("normalized", False)) if encoded.normalized is None else encoded.normalized
    draft.point_accessor(index, encoded.array, view, offset=offset, normalized=normalized)
    if is_same:
        draft.json["accessors"][index] |= bounds
    elif encoded.filter == "OCTAHEDRAL":
        require_extension(draft.json, QUANTISATION)
