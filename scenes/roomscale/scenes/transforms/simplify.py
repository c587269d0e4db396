"""Simplify: fewer triangles for the same shape, on the vertices that stay where they are.

    scene = simplify(scene, ratio=0.25, error=0.01)

Static meshes only: what a skin or morph targets move keeps its triangles, and so does what an extension may read as
geometry of its own (colliders). Rule: no node, no material, no primitive goes; a primitive keeps one triangle at least.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import meshopt
from roomscale.scenes.accessors import read_floats
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.transforms.bundles import Bundle, Indices, bundles, index_users
from roomscale.scenes.transforms.marks import part_size
from roomscale.scenes.transforms.named_meshes import named_meshes

FEWEST = 64
"""Triangles. Smaller primitives stay as they are: nothing is saved there, and a box without a corner is seen."""
_WEIGHTS = {"NORMAL": 0.5, "COLOR_0": 1.0, "TEXCOORD_0": 0.5, "TEXCOORD_1": 0.5}
"""How much an attribute counts beside the position, which counts 1 for the length of the mesh (as in gltfpack)."""

PIECE = 1 << 18
"""Triangles that are simplified at once: meshoptimizer takes about 200 bytes for each, a file 30."""
_NO_LENGTH = 1e-30
_CELL_BITS = 10
"""Of a vertex's place along each axis, by which a large mesh is cut into pieces."""

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def simplify(scene: Scene, *, ratio: float, error: float, lock_border: bool = True) -> Scene:
    """The scene with about `ratio` of its triangles.

    `error`: how far a surface may move, as a part of its mesh's longest edge (of a joined one: of its smallest part's);
    it goes before `ratio`.
    `lock_border`: open edges stay, so that neighbouring pieces still meet.
    Raises `BrokenData` where data and JSON disagree.
    """
    draft = Draft(scene, touching=("meshes",))
    survey = draft.survey()
    moved = named_meshes(draft.json, survey) | _moved_meshes(draft.json)
    users = index_users(draft)
    changed = [
        _simplify(bundle, users, ratio, error, lock_border=lock_border)
        for bundle in bundles(draft, survey)
        if not bundle.meshes & moved and not bundle.has_targets()
    ]
    return draft.finish() if any(changed) else scene


def _moved_meshes(json: JsonObject) -> set[int]:
    return {node["mesh"] for node in json.get("nodes", ()) if "mesh" in node and "skin" in node}


def _simplify(bundle: Bundle, users: dict[int, int], ratio: float, error: float, *, lock_border: bool) -> bool:
    where = bundle.semantic("POSITION")
    if where is None:
        return False
    positions = read_floats(bundle.draft.scene, where)
    attributes, weights = _attributes(bundle)
    if not (np.isfinite(positions).all() and np.isfinite(attributes).all()):
        return False
    meshes = (bundle.draft.json["meshes"][mesh] for mesh in bundle.meshes)
    extent = min(float(np.ptp(positions, axis=0).max()), *map(part_size, meshes))
    old = bundle.indices()
    goal = _Goal(positions, attributes, weights, _shared(old, bundle.vertices), ratio, error * extent, lock_border)
    new = []
    for indices in old:
        fewer = goal.simplified(indices) if len(indices) >= 3 * FEWEST else indices
        new.append(fewer if 0 < len(fewer) < len(indices) else indices)
    if all(fewer is before for fewer, before in zip(new, old, strict=True)):
        return False
    used = np.zeros(bundle.vertices, bool)
    used[np.concatenate(new)] = True
    table = np.cumsum(used, dtype=np.uint32) - np.uint32(1)
    bundle.set_indices([table[indices] for indices in new], users)
    bundle.set_vertices({index: array[used] for index, array in bundle.arrays().items()})
    return True


@dataclass(frozen=True)
class _Goal:
    """What is asked of meshoptimizer for one bundle. `locked`: vertices that stay. The rest as for `simplify`."""

    positions: Floats
    attributes: Floats
    weights: tuple[float, ...]
    locked: Flags
    ratio: float
    error: float
    lock_border: bool

    def simplified(self, indices: Indices) -> Indices:
        """Fewer triangles for these. Many are simplified in pieces, whose borders stay where they are."""
        if len(indices) <= 3 * PIECE:
            return self._piece(indices, lock_border=self.lock_border)
        order = np.argsort(_cells(self.positions)[indices[::3]], kind="stable")
        pieces = np.array_split(order, -(-len(order) // PIECE))
        triangles = indices.reshape(-1, 3)
        return np.concatenate([self._small(triangles[piece].reshape(-1)) for piece in pieces])

    def _small(self, indices: Indices) -> Indices:
        """As `_piece`, with nothing but the vertices of these triangles."""
        own, local = np.unique(indices, return_inverse=True)
        part = replace(self, positions=self.positions[own], attributes=self.attributes[own], locked=self.locked[own])
        return own[part._piece(local.astype(np.uint32).reshape(-1), lock_border=True)]

    def _piece(self, indices: Indices, *, lock_border: bool) -> Indices:
        fewer, _ = meshopt.simplify(
            indices,
            self.positions,
            target=int(len(indices) * self.ratio),
            error=self.error,
            attributes=self.attributes,
            weights=self.weights,
            locked=self.locked,
            lock_border=lock_border,
        )
        return fewer


def _cells(positions: Floats) -> NDArray[np.uint32]:
    """The place of each vertex on a curve through space (Morton's): what is near on it is near in the mesh."""
    low = positions.min(axis=0)
    side = max(float((positions.max(axis=0) - low).max()), _NO_LENGTH)
    result = np.zeros(len(positions), np.uint32)
    for axis in range(3):
        cell = ((positions[:, axis] - low[axis]) * (((1 << _CELL_BITS) - 1) / side)).astype(np.uint32)
        for bit in range(_CELL_BITS):
            result |= ((cell >> np.uint32(bit)) & np.uint32(1)) << np.uint32(3 * bit + axis)
    return result


def _attributes(bundle: Bundle) -> tuple[Floats, tuple[float, ...]]:
    """What shall be kept beside the shape: columns, and the weight of each."""
    columns, weights = [np.empty((bundle.vertices, 0), np.float32)], list[float]()
    for name, weight in _WEIGHTS.items():
        if (index := bundle.semantic(name)) is not None:
            columns.append(read_floats(bundle.draft.scene, index))
            weights += [weight] * columns[-1].shape[1]
    return np.concatenate(columns, axis=1), tuple(weights)


def _shared(lists: list[Indices], vertices: int) -> Flags:
    """Vertices that more than one primitive uses: where materials meet."""
    users = np.zeros(vertices, np.uint32)
    for indices in lists:
        users[np.unique(indices)] += 1
    return users > 1
