"""Join: still meshes of one material become one mesh, as far as they stand near one another.

    scene = join(scene)

One draw instead of one for each node. The nodes stay where they are, with all that they say, and lose their `mesh`;
the joined mesh hangs on a new node at the scene's root that stands amidst its parts, in metres, so that its numbers are
as exact as they were. What goes together is said by `near`: still out of sight together, however wide the world.
A mesh of several nodes is repeated for each, so only small ones are.
Rule: only what `still` lets go, and of it only what is drawn the same way: a triangle stays where and what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from roomscale.scenes.accessors import Array, read, read_floats
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, Draft
from roomscale.scenes.extent import Points, boxes_of, placed
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.matter import LAWN, SOLID, matter_of
from roomscale.scenes.placement import Matrix
from roomscale.scenes.transforms.bundles import MOST_SHORT
from roomscale.scenes.transforms.marks import mark
from roomscale.scenes.transforms.near import CELL, near
from roomscale.scenes.transforms.prune import prune
from roomscale.scenes.transforms.still import Still, hang, look_alike, matters, name_above, still_meshes

LARGEST_PART = 16_000
"""Vertices. A primitive of more is worth a draw of its own, and should be out of sight by itself."""
SMALL = 64
"""Vertices. A primitive of no more is repeated for any number of nodes: a box, a pane, a post; half a kilobyte for each
draw that is saved."""
MOST_REPEATED = 1_024
"""Vertices. What repeating a larger primitive may add in all, some 10 kB: a door's twin. Beyond, use `instance`."""
_MOST_PARTS = 1 << 62
_PLACED = ("POSITION", "NORMAL", "TANGENT")
"""Attributes that are in the space of the node: written anew, as floats."""
_BENT = ("JOINTS", "WEIGHTS")
_LABEL = 60
"""Characters of a material's name that the new node's repeats."""

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """One primitive where one node shows it. `box`: (2, 3), metres. `word`: says what the client takes it for."""

    still: Still
    primitive: JsonObject
    key: Key
    box: Points
    vertices: int
    word: str


def join(scene: Scene) -> Scene:
    """The scene with its still meshes joined where two and more may be. Raises `BrokenData`."""
    groups = _groups(scene)
    if not groups:
        return scene
    draft = Draft(scene, touching=("nodes", "meshes", "scenes"))
    for still in {part.still.node for group in groups for part in group}:
        del draft.json["nodes"][still]["mesh"]
    names = [material.get("name", "") for material in scene.list_of("materials")]
    for group in groups:
        boxes, vertices = np.stack([part.box for part in group]), np.array([part.vertices for part in group])
        for members in near(boxes, vertices, least=2, most=_MOST_PARTS, most_vertices=MOST_SHORT + 1):
            hang(draft, [_joined(draft, [group[member] for member in members], names)])
    return prune(draft.finish())


def _groups(scene: Scene) -> list[list[_Part]]:
    """What is drawn the same way, in the order of nodes; only nodes that give up all of their mesh, and gain by it."""
    parts = _with_partners(_parts(scene))
    whole = {mesh: _is_whole(scene, mesh) for mesh in {part.still.mesh for part in parts}}
    parts = _with_partners([part for part in parts if whole[part.still.mesh]])
    return list(_by_key(parts).values())


def _with_partners(parts: list[_Part]) -> list[_Part]:
    """Without the nodes all of whose primitives are alone: they would but move."""
    groups = _by_key(parts).values()
    gaining = {part.still.node for group in groups if len(group) > 1 for part in group}
    return [part for part in parts if part.still.node in gaining]


def _by_key(parts: list[_Part]) -> dict[Key, list[_Part]]:
    groups: dict[Key, list[_Part]] = {}
    for part in parts:
        groups.setdefault(part.key, []).append(part)
    return groups


def _parts(scene: Scene) -> list[_Part]:
    """Every primitive of every node that may give up its mesh."""
    if not (still_ones := still_meshes(scene)):
        return []
    uses, box_of = _uses(scene), boxes_of(scene)
    layouts: dict[int, list[Key] | None] = {}
    # Where what hangs is taken for something by the name above it, nothing new there is plainly solid.
    excluded = {LAWN} if matter_of([name_above(scene)])[0] == SOLID else {LAWN, SOLID}
    found: list[_Part] = []
    for still in still_ones:
        if still.mesh not in layouts:
            layouts[still.mesh] = _layouts(scene, still.mesh, uses)
        if (keys := layouts[still.mesh]) is None:
            continue
        taken_for = matters(scene, still.mesh, still.name, still.above)
        where = _where(scene, still, box_of)
        if where is not None and excluded.isdisjoint(matter for matter, _ in taken_for):
            pairs = zip(scene.list_of("meshes")[still.mesh]["primitives"], keys, where, taken_for, strict=True)
            found += [
                _Part(still, primitive, (*key, matter), box, _vertices(scene, primitive), word)
                for primitive, key, box, (matter, word) in pairs
            ]
    return found


def _where(scene: Scene, still: Still, box_of: Callable[[int], Points | None]) -> Points | None:
    """The boxes (primitives, 2, 3) in the world; None if one is not known, or wider than what is drawn together."""
    primitives = scene.list_of("meshes")[still.mesh]["primitives"]
    boxes = [box for primitive in primitives if (box := box_of(primitive["attributes"]["POSITION"])) is not None]
    if len(boxes) < len(primitives):
        return None
    with np.errstate(all="ignore"):  # absurd bounds are infinite, and too wide
        where = placed(np.stack(boxes), still.matrix[None])
        return where if np.isfinite(where).all() and np.ptp(where, axis=1).max() <= CELL else None


def _uses(scene: Scene) -> Counter[tuple[int, ...]]:
    """Positions and indices → how many nodes show them, whatever the meshes are called that have them."""
    shown = Counter(node["mesh"] for node in scene.list_of("nodes") if "mesh" in node)
    uses: Counter[tuple[int, ...]] = Counter()
    for index, mesh in enumerate(scene.list_of("meshes")):
        for primitive in mesh["primitives"]:
            uses[_geometry(primitive)] += shown[index]
    return uses


def _geometry(primitive: JsonObject) -> tuple[int, ...]:
    return (primitive["attributes"].get("POSITION", -1), *_indices_of(primitive))


def _layouts(scene: Scene, index: int, uses: Mapping[tuple[int, ...], int]) -> list[Key] | None:
    """How each primitive of a mesh is drawn; None for a mesh that stays."""
    mesh, keys = scene.list_of("meshes")[index], list[Key]()
    if "extras" in mesh or "extensions" in mesh:
        return None
    for primitive in mesh["primitives"]:
        key = _layout(scene, primitive)
        more, vertices = uses[_geometry(primitive)] - 1, _vertices(scene, primitive)
        if key is None or (vertices > SMALL and more * vertices > MOST_REPEATED):
            return None
        keys.append(key)
    return keys or None


def _layout(scene: Scene, primitive: JsonObject) -> Key | None:
    """Material, and attributes with their types; None for what is no plain list of triangles."""
    attributes, material = primitive["attributes"], primitive.get("material")
    if primitive.get("mode", 4) != 4 or not {"targets", "extensions", "extras"}.isdisjoint(primitive):
        return None
    if "POSITION" not in attributes or any(name.startswith(_BENT) for name in attributes):
        return None
    if material is not None and not look_alike(scene.list_of("materials")[material]):
        return None
    accessors = [scene.list_of("accessors")[at] for at in (*attributes.values(), *_indices_of(primitive))]
    if any("extras" in accessor or "extensions" in accessor for accessor in accessors):
        return None
    if len({accessor["count"] for accessor in accessors[: len(attributes)]}) != 1 or accessors[-1]["count"] % 3:
        return None
    types = sorted(
        (name,)
        if name in _PLACED
        else (name, accessor["type"], accessor["componentType"], bool(accessor.get("normalized")))
        for name, accessor in zip(attributes, accessors, strict=False)
    )
    return None if _vertices(scene, primitive) > LARGEST_PART else (material, *types)


def _indices_of(primitive: JsonObject) -> Iterator[int]:
    if "indices" in primitive:
        yield primitive["indices"]


def _vertices(scene: Scene, primitive: JsonObject) -> int:
    """As many as a primitive uses at most."""
    accessors = scene.list_of("accessors")
    at = (primitive["attributes"]["POSITION"], *_indices_of(primitive))
    return int(min(accessors[index]["count"] for index in at))


def _is_whole(scene: Scene, mesh: int) -> bool:
    """Whether a mesh's numbers are finite, and its triangles between vertices that are there."""
    for primitive in scene.list_of("meshes")[mesh]["primitives"]:
        attributes = primitive["attributes"]
        if not all(np.isfinite(read_floats(scene, attributes[name])).all() for name in _PLACED if name in attributes):
            return False
        count = scene.list_of("accessors")[attributes["POSITION"]]["count"]
        if any(int(read(scene, index).max()) >= count for index in _indices_of(primitive)):
            return False
    return True


def _joined(draft: Draft, parts: list[_Part], names: list[str]) -> JsonObject:
    """A node with a new mesh of these parts."""
    boxes = np.stack([part.box for part in parts])
    middle = np.rint((boxes[:, 0].min(axis=0) + boxes[:, 1].max(axis=0)) / 2) + 0.0  # −0 becomes 0
    pieces = [_placed(draft.scene, part, middle) for part in parts]
    starts = np.cumsum([0, *(len(vertices["POSITION"]) for vertices, _ in pieces)])
    indices = np.concatenate([own + start for (_, own), start in zip(pieces, starts[:-1], strict=True)])
    sources = draft.scene.list_of("accessors")
    first = parts[0].primitive
    attributes = {
        name: draft.add_accessor(
            np.concatenate([vertices[name] for vertices, _ in pieces]),
            normalized=name not in _PLACED and bool(sources[index].get("normalized")),
            bounds=name == "POSITION",
            target=ARRAY_BUFFER,
        )
        for name, index in first["attributes"].items()
    }
    narrow = indices.astype(np.uint16 if int(indices.max()) <= MOST_SHORT else np.uint32)
    primitive: JsonObject = {
        "attributes": attributes,
        "indices": draft.add_accessor(narrow, target=ELEMENT_ARRAY_BUFFER),
    }
    if "material" in first:
        primitive["material"] = first["material"]
    name = _name(draft.scene, parts, names[first["material"]] if "material" in first else "")
    mesh: JsonObject = {"name": name, "primitives": [primitive]}
    mark(mesh, len(parts), float(np.ptp(boxes, axis=1).max(axis=1).min()))
    draft.json["meshes"].append(mesh)
    node: JsonObject = {"name": name, "mesh": len(draft.json["meshes"]) - 1}
    return {**node, "translation": [float(part) for part in middle]} if middle.any() else node


def _name(scene: Scene, parts: list[_Part], material: str) -> str:
    told = " ".join(word for word in (parts[0].word, material[:_LABEL]) if word)
    return f"joined {told} ({len(parts)})" if told else f"joined ({len(parts)})"


def _placed(scene: Scene, part: _Part, middle: Points) -> tuple[dict[str, Array], Array]:
    """The vertices that a part uses, where they are as seen from `middle`, and its triangles of them."""
    attributes = part.primitive["attributes"]
    count = scene.list_of("accessors")[attributes["POSITION"]]["count"]
    corners = np.arange(count, dtype=np.int64)
    for index in _indices_of(part.primitive):
        corners = read(scene, index)[:, 0].astype(np.int64)
    used, indices = np.unique(corners, return_inverse=True)
    matrix = part.still.matrix
    is_mirrored = part.still.is_mirrored
    vertices: dict[str, Array] = {}
    for name, index in attributes.items():
        values = read_floats(scene, index)[used] if name in _PLACED else read(scene, index)[used]
        vertices[name] = _moved(name, values, matrix, middle, is_mirrored=is_mirrored) if name in _PLACED else values
    triangles = indices.reshape(-1, 3)
    # A mirrored node shows the other side of its triangles (glTF 2.0 §3.7.4); the new node is none.
    return vertices, (triangles[:, [0, 2, 1]] if is_mirrored else triangles).reshape(-1)


def _moved(name: str, values: Array, matrix: Matrix, middle: Points, *, is_mirrored: bool) -> Array:
    """Positions, normals or tangents as floats, from the node's space to the one around `middle`."""
    linear = matrix[:3, :3]
    if name == "POSITION":
        return np.asarray(values.astype(np.float64) @ linear.T + (matrix[:3, 3] - middle), np.float32)
    turned = values[:, :3].astype(np.float64) @ (np.linalg.inv(linear) if name == "NORMAL" else linear.T)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    turned = np.divide(turned, lengths, out=np.zeros_like(turned), where=lengths > 0)
    if name == "NORMAL":
        return np.asarray(turned, np.float32)
    handed = values[:, 3:] * np.float32(-1 if is_mirrored else 1)
    return np.concatenate([np.asarray(turned, np.float32), handed], axis=1)
