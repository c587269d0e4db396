"""The parts of a package: each a file that opens by itself and replaces something of the entry.

Rule: a part is made where the entry holds less than the scene, and nowhere else. Follows PACKAGE.md, "Kinds of parts".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from roomscale.scenes.accessors import layout_of
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, Draft
from roomscale.scenes.drawn import mesh_triangles
from roomscale.scenes.embed import to_glb
from roomscale.scenes.errors import UnpackableScene, printable
from roomscale.scenes.findings import pointer
from roomscale.scenes.jsonio import JsonObject, copy
from roomscale.scenes.package.copies import AccessorCopier, empty_scene
from roomscale.scenes.package.levels import PHONE
from roomscale.scenes.package.manifest import ENTRY_TYPE
from roomscale.scenes.package.rows import MadePart, made
from roomscale.scenes.package.sounds import KEPT_BYTES, sound_files
from roomscale.scenes.package.steps import as_part, mesh_bytes

GATHERED_BYTES = 512 << 10
"""Uncompressed bytes of meshes gathered in one part; a larger mesh has a part of its own. A request costs a phone
0.1 s, in which it downloads 100 kB; and a smaller part is more often the same in the next version of the scene."""
ANIMATION_BYTES = 2 << 20
"""The same for animations, which are not wanted one by one."""
POINTS = 0
"""The mode of a primitive (glTF 2.0 §5.24.4)."""
_TRANSFORM = ("name", "translation", "rotation", "scale", "matrix", "children")


def sound_parts(base: Scene) -> Iterator[MadePart]:
    """The sounds that are silence in the entry, as they are in the scene."""
    for sound in sound_files(base):
        if len(sound.data) > KEPT_BYTES:
            yield made(sound.data, sound.media_type, PHONE, [sound.target], ())


def mesh_parts(base: Scene, meshes: Sequence[int], limit: int) -> Iterator[MadePart]:
    """The geometry of these meshes in full, compressed; small meshes gathered in one part."""
    sizes = {index: mesh_bytes(base, index) for index in meshes}
    for group in _groups(meshes, sizes, GATHERED_BYTES):
        yield from _mesh_part(base, group, limit)


def _mesh_part(base: Scene, group: Sequence[int], limit: int) -> Iterator[MadePart]:
    draft = Draft(
        empty_scene(
            base,
            scenes=[{"nodes": list(range(len(group)))}],
            nodes=[{"mesh": position} for position in range(len(group))],
            meshes=[{"primitives": []} for _ in group],
        )
    )
    copier = AccessorCopier(base, draft)
    for position, index in enumerate(group):
        mesh = base.list_of("meshes")[index]
        made_mesh = draft.json["meshes"][position]
        made_mesh["primitives"] = [copier.geometry(primitive) for primitive in mesh["primitives"]]
        if "name" in mesh:
            made_mesh["name"] = mesh["name"]
    data = to_glb(as_part(draft.finish()))
    if len(data) <= limit:
        triangles = sum(mesh_triangles(base, index) for index in group)
        size = [triangles] if triangles else []
        yield made(data, ENTRY_TYPE, PHONE, [f"/meshes/{index}" for index in group], size)
    elif len(group) > 1:
        for index in group:
            yield from _mesh_part(base, [index], limit)
    else:
        name = printable(str(base.list_of("meshes")[group[0]].get("name", "")))
        raise UnpackableScene(
            f'the mesh {group[0]} "{name}" takes {len(data):,} bytes even when compressed, more than {limit:,}: '
            "split it into several meshes, simplify it, or raise --limit"
        )


def animation_parts(base: Scene, limit: int) -> Iterator[MadePart]:
    """All animations, compressed, on nodes that stand where the entry's do."""
    animations: list[JsonObject] = base.list_of("animations")
    sizes = {
        index: sum(
            _accessor_bytes(base, sampler[key]) for sampler in animation["samplers"] for key in ("input", "output")
        )
        for index, animation in enumerate(animations)
    }
    for group in _groups(range(len(animations)), sizes, ANIMATION_BYTES):
        yield from _animation_part(base, group, limit)


def _animation_part(base: Scene, group: Sequence[int], limit: int) -> Iterator[MadePart]:
    used = [name for name in base.list_of("extensionsUsed") if name == "KHR_animation_pointer"]
    source = empty_scene(
        base,
        extensionsUsed=used,
        scenes=[{"nodes": list(scene["nodes"])} for scene in base.list_of("scenes") if "nodes" in scene],
        nodes=[{key: copy(node[key]) for key in _TRANSFORM if key in node} for node in base.list_of("nodes")],
    )
    draft = Draft(source)
    copier = AccessorCopier(base, draft)
    animations = draft.json["animations"] = [copier.animation(base.list_of("animations")[index]) for index in group]
    channels = [channel["target"] for animation in animations for channel in animation["channels"]]
    _add_stand_ins(base, draft, {target["node"] for target in channels if target.get("path") == "weights"})
    data = to_glb(as_part(draft.finish()))
    if len(data) <= limit:
        yield made(data, ENTRY_TYPE, PHONE, [f"/animations/{index}" for index in group], ())
    elif len(group) > 1:
        for index in group:
            yield from _animation_part(base, [index], limit)
    else:
        name = printable(str(base.list_of("animations")[group[0]].get("name", "")))
        raise UnpackableScene(
            f'the animation {group[0]} "{name}" takes {len(data):,} bytes even when compressed, more than {limit:,}: '
            "split it, bake fewer keyframes, or raise --limit"
        )


def _add_stand_ins(base: Scene, draft: Draft, morphed: set[int]) -> None:
    """Give nodes whose weights are animated a point to morph, since such an animation is invalid without."""
    if not morphed:
        return
    nowhere = draft.add_accessor(np.zeros((1, 3), np.float32), bounds=True, target=ARRAY_BUFFER)
    meshes = draft.json["meshes"] = []
    for node in sorted(morphed):
        first = base.list_of("meshes")[base.list_of("nodes")[node]["mesh"]]["primitives"][0]
        point: JsonObject = {"attributes": {"POSITION": nowhere}, "mode": POINTS}
        point["targets"] = [{"POSITION": nowhere} for _ in first.get("targets", [])]
        draft.json["nodes"][node]["mesh"] = len(meshes)
        meshes.append({"primitives": [point]})


def _groups(indices: Sequence[int], sizes: dict[int, int], most: int) -> Iterator[list[int]]:
    """Neighbours together, as long as they stay within `most` bytes."""
    group: list[int] = []
    total = 0
    for index in indices:
        if group and total + sizes[index] > most:
            yield group
            group, total = [], 0
        group.append(index)
        total += sizes[index]
    if group:
        yield group


def _accessor_bytes(base: Scene, index: int) -> int:
    return layout_of(base.list_of("accessors")[index], pointer("accessors", index)).decoded_bytes
