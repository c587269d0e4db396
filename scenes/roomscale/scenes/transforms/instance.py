"""Instance: nodes that show the same still mesh become one node that shows it many times (EXT_mesh_gpu_instancing).

    scene = instance(scene)

One draw for each primitive instead of one for each primitive and node. The nodes stay where they are, with all that
they say, and lose their `mesh`; the new node hangs at the scene's root. Meshes that differ by name alone are the same.
Whoever does not know the extension would see one copy, in no place that means anything, so the scene requires it.
Rule: only what `still` lets go; each copy stands where its node did, and what has copies already stays as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import jsonio
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.extent import Points, boxes_of, placed
from roomscale.scenes.instances import EXTENSION, MOST_COPIES
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix
from roomscale.scenes.transforms.declare import require_extension
from roomscale.scenes.transforms.near import near
from roomscale.scenes.transforms.prune import prune
from roomscale.scenes.transforms.still import Still, hang, look_alike, matters, name_above, still_meshes

LEAST = 5
"""Copies, as in gltf-transform: a node with its accessors takes some 500 bytes of JSON."""
_TRIANGLES = (4, 5, 6)
"""Modes of a primitive that three.js draws many times: lists, strips and fans of triangles."""
_MOST_SHEAR = 2e-5
"""Of an axis' length: what turning and stretching cannot express, a fiftieth of a millimetre a metre away."""
_MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
_ANY = 1 << 62
_LABEL = 60
"""Characters of a node's name that the new node's repeats."""


def instance(scene: Scene) -> Scene:
    """The scene with copies where `LEAST` still nodes and more show one mesh. Raises `BrokenData`."""
    found = _copies(scene)
    if not found:
        return scene
    draft = Draft(scene, touching=("nodes", "scenes"))
    for group, name in found:
        hang(draft, [_node_of(draft, group, name)])
        for still in group:
            del draft.json["nodes"][still.node]["mesh"]
    require_extension(draft.json, EXTENSION)
    return prune(draft.finish())


def _copies(scene: Scene) -> list[tuple[list[Still], str]]:
    """What becomes one node each, with that node's name."""
    groups: dict[tuple[object, ...], list[Still]] = {}
    shapes: dict[int, bytes | None] = {}
    for still in still_meshes(scene):
        if still.mesh not in shapes:
            shapes[still.mesh] = _shape(scene, still.mesh)
        if (shape := shapes[still.mesh]) is not None:
            taken_for = tuple(matter for matter, _ in matters(scene, still.mesh, still.name, still.above))
            groups.setdefault((shape, still.is_mirrored, taken_for), []).append(still)
    found = []
    for group in groups.values():
        told = [still for still, is_told in zip(group, _without_shear(group), strict=True) if is_told]
        if len(told) >= LEAST and (label := _label(scene, told[0])) is not None:
            places, vertices = _boxes(scene, told), _vertices(scene, told[0].mesh)
            weights = np.full(len(told), vertices, np.int64)
            groups_near = near(places, weights, least=LEAST, most=MOST_COPIES, most_vertices=_ANY)
            found += [([told[member] for member in each], f"{label} ({len(each)})") for each in groups_near]
    return found


def _shape(scene: Scene, index: int) -> bytes | None:
    """What equal meshes have in common, whatever their names; None for one that cannot be copied."""
    mesh, materials = scene.list_of("meshes")[index], scene.list_of("materials")
    is_plain = all(
        primitive.get("mode", 4) in _TRIANGLES
        and "targets" not in primitive
        and "POSITION" in primitive["attributes"]
        and "JOINTS_0" not in primitive["attributes"]
        and ("material" not in primitive or look_alike(materials[primitive["material"]]))
        for primitive in mesh["primitives"]
    )
    return jsonio.dump({key: mesh[key] for key in mesh if key != "name"}) if is_plain else None


def _label(scene: Scene, first: Still) -> str | None:
    """A name by which the client takes the copies for what it took the nodes for; None if there is none."""
    before = matters(scene, first.mesh, first.name, first.above)
    own = (first.name or scene.list_of("meshes")[first.mesh].get("name", ""))[:_LABEL]
    for word in ("", *(f"{word} " for _, word in before if word)):
        label = f"copies of {word}{own}" if own or word else "copies"
        after = matters(scene, first.mesh, label, name_above(scene))
        if [matter for matter, _ in after] == [matter for matter, _ in before]:
            return label
    return None


def _boxes(scene: Scene, group: list[Still]) -> Points:
    """Where each copy is, by what its mesh's accessors declare; its node's place where they declare nothing."""
    box_of = boxes_of(scene)
    boxes = (box_of(part["attributes"]["POSITION"]) for part in scene.list_of("meshes")[group[0].mesh]["primitives"])
    known = [box for box in boxes if box is not None and np.isfinite(box).all()] or [np.zeros((2, 3))]
    low, high = np.min([box[0] for box in known], axis=0), np.max([box[1] for box in known], axis=0)
    return placed(np.tile(np.stack([low, high]), (len(group), 1, 1)), np.stack([still.matrix for still in group]))


def _vertices(scene: Scene, mesh: int) -> int:
    accessors = scene.list_of("accessors")
    primitives = scene.list_of("meshes")[mesh]["primitives"]
    return sum(accessors[primitive["attributes"]["POSITION"]]["count"] for primitive in primitives)


def _node_of(draft: Draft, group: list[Still], name: str) -> JsonObject:
    """The node that shows the copies of a group. It stands amidst them, so that their places are short and exact."""
    matrices = np.stack([still.matrix for still in group])
    middle = np.rint((matrices[:, :3, 3].min(axis=0) + matrices[:, :3, 3].max(axis=0)) / 2) + 0.0  # −0 becomes 0
    matrices[:, :3, 3] -= middle
    node: JsonObject = {"name": name, "mesh": group[0].mesh}
    if middle.any():
        node["translation"] = [float(part) for part in middle]
    if group[0].is_mirrored:
        # Which side of a triangle is its front is a matter of the node alone to three.js.
        node["scale"] = [-1, 1, 1]
        matrices = _MIRROR @ matrices
    scales, turns = _stretched(matrices), _quaternions(_turned(matrices))
    told = {"TRANSLATION": matrices[:, :3, 3]}
    if np.abs(turns[:, :3]).max() > 1e-7:
        told["ROTATION"] = turns
    if np.abs(scales - 1).max() > 1e-7:
        told["SCALE"] = scales
    attributes = {key: draft.add_accessor(np.asarray(values, np.float32)) for key, values in told.items()}
    return {**node, "extensions": {EXTENSION: {"attributes": attributes}}}


def _stretched(matrices: Matrix) -> NDArray[np.float64]:
    """The lengths (n, 3) of the axes."""
    return np.asarray(np.linalg.norm(matrices[:, :3, :3], axis=1))


def _turned(matrices: Matrix) -> Matrix:
    """The axes (n, 3, 3), each of length 1."""
    return np.asarray(matrices[:, :3, :3] / _stretched(matrices)[:, None, :])


def _without_shear(group: list[Still]) -> NDArray[np.bool_]:
    """Which of them stand at right angles: only those are a translation, a rotation and a scale."""
    turns = _turned(np.stack([still.matrix for still in group]))
    return np.asarray(np.abs(turns.transpose(0, 2, 1) @ turns - np.eye(3)).max(axis=(1, 2)) < _MOST_SHEAR)


def _quaternions(turns: Matrix) -> NDArray[np.float64]:
    """Unit quaternions (n, 4) of rotations (n, 3, 3), w not negative.

    Of the four ways to solve for one the one that divides by the largest number (S. W. Shepperd, 1978).
    """
    xx, yy, zz = turns[:, 0, 0], turns[:, 1, 1], turns[:, 2, 2]
    squares = np.stack([1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz, 1 + xx + yy + zz], axis=1)
    yx, zx, zy = (turns[:, a, b] + turns[:, b, a] for a, b in ((1, 0), (2, 0), (2, 1)))
    x, y, z = (turns[:, a, b] - turns[:, b, a] for a, b in ((2, 1), (0, 2), (1, 0)))
    ways = np.stack(
        [
            np.stack([squares[:, 0], yx, zx, x], axis=1),
            np.stack([yx, squares[:, 1], zy, y], axis=1),
            np.stack([zx, zy, squares[:, 2], z], axis=1),
            np.stack([x, y, z, squares[:, 3]], axis=1),
        ],
        axis=1,
    )
    best = ways[np.arange(len(ways)), squares.argmax(axis=1)]
    best /= np.linalg.norm(best, axis=1, keepdims=True)
    return np.asarray(np.where(best[:, 3:] < 0, -best, best))
