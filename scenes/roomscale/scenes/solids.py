"""What a visitor bumps into and stands on: the triangles that a scene means, or is taken to mean, as ground and walls.

Rule: the same as the browser client's (`web/src/scene/colliders.ts`): stated colliders win when there are any, else
every still mesh that is shown counts, each copy by instancing included. Not looked at, here: names (foliage, water),
skins, morphs; round colliders are taken as boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import accessors
from roomscale.scenes.document import Scene
from roomscale.scenes.extent import Points, boxes_of, placed
from roomscale.scenes.findings import pointer
from roomscale.scenes.instances import Copies
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, world_matrices

Triangles = NDArray[np.int64]

MESH_SHAPES = ("convex", "trimesh")
_OLD_NAMES = {"mesh": "trimesh", "hull": "convex"}  # OMI_collider's, of what OMI_physics_shape calls otherwise
_BOX = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
_BOX_TRIANGLES: Triangles = np.concatenate([_BOX[:, [0, 1, 2]], _BOX[:, [0, 2, 3]]]).astype(np.int64)
"""Of the corners in the order of `product`, wound so that they face outwards."""


class Collider(NamedTuple):
    """A stated collider. `kind`: as OMI_physics_shape has it. `mesh`: of convex and trimesh, else None.

    `half`: half the size of the box around any other, metres. `pointer`: where its shape is stated.
    `motion`: static, kinematic, dynamic, or "".
    """

    node: int
    kind: str
    mesh: int | None
    half: tuple[float, ...]
    pointer: str
    motion: str = ""


@dataclass(frozen=True, slots=True)
class Solid:
    """Triangles in the world, not read before `load`. `low`, `high`: the box around them.

    `node`, `mesh`, `primitive`: where they come from; `mesh` is None for boxes. `is_round`: a box here alone.
    """

    scene: Scene
    node: int
    matrix: Matrix
    mesh: int | None
    primitive: int
    low: Points
    high: Points
    half: tuple[float, ...] = ()
    is_round: bool = False

    @property
    def count(self) -> int:
        """Triangles, counted before they are read."""
        if self.mesh is None:
            return len(_BOX_TRIANGLES)
        return _corner_count(self.scene, _primitive_of(self.scene, self.mesh, self.primitive)) // 3

    def load(self) -> tuple[Points, Triangles]:
        """Points (n, 3), metres in the world, and triangles (m, 3) of them; counter-clockwise is the outside.

        Raises `SceneError` for data that cannot be read.
        """
        if self.mesh is None:
            points, triangles = np.array(list(product((-1.0, 1.0), repeat=3))) * self.half, _BOX_TRIANGLES
        else:
            primitive = _primitive_of(self.scene, self.mesh, self.primitive)
            points = accessors.read_floats(self.scene, primitive["attributes"]["POSITION"]).astype(np.float64)
            triangles = _triangles(self.scene, primitive, len(points))
        if np.linalg.det(self.matrix[:3, :3]) < 0.0:  # mirrored: glTF 2.0 §3.7.4 turns the winding
            triangles = triangles[:, ::-1]
        return points @ self.matrix[:3, :3].T + self.matrix[:3, 3], triangles


def colliders(scene: Scene) -> list[Collider]:
    """All stated colliders that are no triggers, of a scene whose structure is sound."""
    shapes = scene.extension("OMI_physics_shape").get("shapes", ())
    found = []
    for index, node in enumerate(scene.list_of("nodes")):
        extensions = node.get("extensions", {})
        body = extensions.get("OMI_physics_body", {})
        shape = _object(body.get("collider")).get("shape")
        if shape is not None:
            motion = str(_object(body.get("motion")).get("type", ""))
            where = pointer("extensions", "OMI_physics_shape", "shapes", shape)
            found.append(_collider(scene, index, shapes[shape], shapes[shape]["type"], where, motion))
        old = _object(extensions.get("OMI_collider"))
        if old and old.get("isTrigger") is not True:
            kind = _OLD_NAMES.get(str(old.get("type")), str(old.get("type")))
            told = {**old, "size": [2.0 * _number(half) for half in _list(old.get("extents"))]}
            where = pointer("nodes", index, "extensions", "OMI_collider")
            found.append(_collider(scene, index, {kind: told}, kind, where, "static"))
    return [collider for collider in found if collider is not None]


def _collider(scene: Scene, node: int, shape: JsonObject, kind: str, where: str, motion: str) -> Collider | None:
    told = _object(shape.get(kind))
    if kind in MESH_SHAPES:
        mesh = told.get("mesh")
        is_there = isinstance(mesh, int) and not isinstance(mesh, bool) and 0 <= mesh < len(scene.list_of("meshes"))
        return Collider(node, kind, mesh, (), where, motion) if is_there else None
    radius = max((_number(told[key]) for key in ("radius", "radiusTop", "radiusBottom") if key in told), default=0.5)
    height = _number(told.get("height", 2.0)) / 2
    size = [_number(side) for side in _list(told.get("size"))]
    halves = {
        "box": tuple(abs(side) / 2 for side in size) if len(size) == 3 else (0.5, 0.5, 0.5),
        "sphere": (radius,) * 3,
        "cylinder": (radius, height, radius),
        "capsule": (radius, max(height, radius), radius),
    }
    return Collider(node, kind, None, halves[kind], where, motion) if kind in halves else None


def solids(scene: Scene) -> list[Solid]:
    """What is solid in the scene that is shown, one entry for each primitive or box; nothing is read yet."""
    places, stated, box_of = world_matrices(scene), colliders(scene), boxes_of(scene)
    if stated:
        wanted = (_of_collider(scene, one, places[one.node], box_of) for one in stated if one.node in places)
        return _in_the_world([solid for several in wanted for solid in several])
    moved, copies = _moved(scene), Copies(scene)
    found: list[Solid] = []
    for index, matrix in places.items():
        node = scene.list_of("nodes")[index]
        is_still = index not in moved and "skin" not in node
        if "mesh" in node and is_still:
            for place in copies.of(node, matrix):
                found += _of_mesh(scene, index, node["mesh"], place, box_of)
    return _in_the_world(found)


def _in_the_world(solids: list[Solid]) -> list[Solid]:
    """Solids whose boxes are still those of their own space, with those around them in the world."""
    if not solids:
        return []
    boxes = placed(
        np.array([(solid.low, solid.high) for solid in solids]), np.stack([solid.matrix for solid in solids])
    )
    return [replace(solid, low=low, high=high) for solid, (low, high) in zip(solids, boxes, strict=True)]


BoxOf = Callable[[int], Points | None]


def _of_collider(scene: Scene, collider: Collider, matrix: Matrix, box_of: BoxOf) -> Iterator[Solid]:
    if collider.mesh is not None:
        yield from _of_mesh(scene, collider.node, collider.mesh, matrix, box_of)
    else:
        half = np.array(collider.half)
        yield Solid(scene, collider.node, matrix, None, 0, -half, half, collider.half, collider.kind != "box")


def _of_mesh(scene: Scene, node: int, mesh: int, matrix: Matrix, box_of: BoxOf) -> Iterator[Solid]:
    for number, primitive in enumerate(scene.list_of("meshes")[mesh]["primitives"]):
        if primitive.get("mode", 4) not in (4, 5, 6) or "POSITION" not in primitive["attributes"]:
            continue
        box = box_of(primitive["attributes"]["POSITION"])
        if box is not None and not primitive.get("targets"):
            yield Solid(scene, node, matrix, mesh, number, box[0], box[1])


def _primitive_of(scene: Scene, mesh: int, number: int) -> JsonObject:
    primitive: JsonObject = scene.list_of("meshes")[mesh]["primitives"][number]
    return primitive


def _moved(scene: Scene) -> set[int]:
    """All nodes that an animation moves, and those below them."""
    nodes = scene.list_of("nodes")
    todo = [
        channel["target"]["node"]
        for animation in scene.list_of("animations")
        for channel in animation["channels"]
        if "node" in channel["target"]
    ]
    found: set[int] = set()
    while todo:
        if (index := todo.pop()) not in found:
            found.add(index)
            todo.extend(nodes[index].get("children", ()))
    return found


def _corner_count(scene: Scene, primitive: JsonObject) -> int:
    """Corners of all triangles of a primitive, three for each."""
    count: int = scene.list_of("accessors")[primitive.get("indices", primitive["attributes"]["POSITION"])]["count"]
    return count if primitive.get("mode", 4) == 4 else 3 * max(count - 2, 0)


def _triangles(scene: Scene, primitive: JsonObject, points: int) -> Triangles:
    if "indices" in primitive:
        corners = accessors.read(scene, primitive["indices"])[:, 0].astype(np.int64)
        corners = np.minimum(corners, points - 1)  # `check` tells those that are out of range
    else:
        corners = np.arange(points, dtype=np.int64)
    mode = primitive.get("mode", 4)
    if mode == 4:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    first, second, third = corners[:-2], corners[1:-1], corners[2:]
    if mode == 6:
        return np.stack([np.broadcast_to(corners[:1], first.shape), second, third], axis=1)
    strip = np.stack([first, second, third], axis=1)
    strip[1::2] = strip[1::2, ::-1]
    return strip


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e9 else 0.0
