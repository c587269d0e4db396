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

from roomscale.scenes.accessors import FLOAT, Array, read
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS, is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.meshopt import encode_indices, encode_triangles, encode_vertices
from roomscale.scenes.transforms import accessor_roles as roles
from roomscale.scenes.transforms.declare import require_extension
from roomscale.scenes.transforms.filters import OCTAHEDRAL, Encoded, encode, filtered
from roomscale.scenes.transforms.quantise import EXTENSION as QUANTISATION

EXTENSION = MESHOPT_EXTENSIONS[0]
MOST_VIEW_BYTES = 128 << 20
"""Bytes that one view may unpack to: WebAssembly holds it twice, here and in a phone's browser."""
_GATHERED_BYTES = 16 << 20
"""Bytes that accessors are gathered up to: encoding takes three times as many, and more shortens nothing."""
_VIEW_COST = 200
"""Bytes of JSON that a compressed view and its extension take."""

_PLACE = ("bufferView", "byteOffset", "componentType", "type", "count")
"""What an accessor says of its elements: those that say the same hold the same."""


def compress(scene: Scene, *, extension: str = EXTENSION) -> Scene:
    """The scene with its numbers compressed, where that is shorter.

    `extension`: KHR_meshopt_compression saves 5 to 15% of the vertices' bytes more, and is known to fewer viewers.
    Raises `BrokenData`.
    """
    draft = Draft(scene, touching=())
    done = [_compress(draft, group, extension) for group in _groups(draft)]
    if any(done):
        require_extension(draft.json, extension)
        return draft.finish()
    return scene


@dataclass
class _Group:
    """What goes into one view. `pieces`: accessor → its elements. `count`: elements of all."""

    role: str
    mode: str
    filter: str
    stride: int
    pieces: dict[int, Encoded] = field(default_factory=dict)
    count: int = 0

    def add(self, index: int, encoded: Encoded) -> None:
        """Put an accessor's elements at the end."""
        self.pieces[index] = encoded
        self.count += len(encoded.rows)

    def rows(self) -> tuple[Array, dict[int, int]]:
        """What the encoder takes, equal contents once, and where in it each accessor begins."""
        table = filtered(np.concatenate([piece.rows for piece in self.pieces.values()]), self.filter, self.role)
        known: dict[bytes, int] = {}
        kept: list[Array] = []
        places: dict[int, int] = {}
        read_to = length = 0
        for index, piece in self.pieces.items():
            part = table[read_to : read_to + len(piece.rows)]
            read_to += len(part)
            key = hashlib.blake2b(np.ascontiguousarray(part).data).digest()
            if key not in known:
                known[key] = length
                kept.append(part)
                length += len(part)
            places[index] = known[key]
        return np.concatenate(kept), places


def _groups(draft: Draft) -> Iterator[_Group]:
    open_groups: dict[tuple[str, str, str, int], _Group] = {}
    known: dict[tuple[object, ...], Encoded | None] = {}
    for index, role in roles.accessor_roles(draft.json, draft.survey()).items():
        if not _may_be_compressed(draft.json, index):
            continue
        place = (role, *(draft.json["accessors"][index].get(key) for key in _PLACE))
        if place not in known:
            known[place] = encode(read(draft.scene, index), role)
        encoded = known[place]
        if encoded is None or len(encoded.rows) * encoded.stride > MOST_VIEW_BYTES:
            continue
        key = (role, encoded.mode, encoded.filter, encoded.stride)
        group = open_groups.setdefault(key, _Group(*key))
        if group.count and (group.count + len(encoded.rows)) * encoded.stride > _GATHERED_BYTES:
            yield group
            group = open_groups[key] = _Group(*key)
        group.add(index, encoded)
    yield from open_groups.values()


def _may_be_compressed(json: JsonObject, index: int) -> bool:
    accessor = json["accessors"][index]
    if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
        return False
    return not is_compressed(json["bufferViews"][accessor["bufferView"]])


def _compress(draft: Draft, group: _Group, extension: str) -> bool:
    """Make one compressed view, if it is shorter than what it holds; whether it was."""
    rows, places = group.rows()
    if group.mode == "ATTRIBUTES":
        data = encode_vertices(rows, version=MESHOPT_EXTENSIONS.index(extension))
    else:
        data = (encode_triangles if group.mode == "TRIANGLES" else encode_indices)(rows[:, 0])
    if len(data) + _VIEW_COST >= sum(piece.array.nbytes for piece in group.pieces.values()):
        return False
    target = ELEMENT_ARRAY_BUFFER if group.mode != "ATTRIBUTES" else None
    if roles.is_vertex_role(group.role):
        target = ARRAY_BUFFER
    view = draft.add_compressed_view(
        data,
        count=len(rows),
        stride=group.stride,
        mode=group.mode,
        filter_name=group.filter,
        target=target,
        extension=extension,
    )
    for index, piece in group.pieces.items():
        _point(draft, index, view, places[index] * group.stride, piece)
    return True


def _point(draft: Draft, index: int, view: int, offset: int, encoded: Encoded) -> None:
    old = draft.json["accessors"][index]
    bounds = {key: old[key] for key in ("min", "max") if key in old}
    is_same = old["componentType"] == FLOAT if encoded.array.dtype == np.float32 else encoded.normalized is None
    normalized = bool(old.get("normalized", False)) if encoded.normalized is None else encoded.normalized
    draft.point_accessor(index, encoded.array, view, offset=offset, normalized=normalized)
    if is_same:
        draft.json["accessors"][index] |= bounds
    elif encoded.filter == OCTAHEDRAL:
        require_extension(draft.json, QUANTISATION)
