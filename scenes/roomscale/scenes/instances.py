"""Copies of a node's mesh (EXT_mesh_gpu_instancing): where each of them stands.

Rule: a node without the extension has one copy, where it stands itself; so has one whose copies cannot be told.
"""

from __future__ import annotations

import numpy as np

from roomscale.scenes.accessors import read_floats
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, trs_matrices

EXTENSION = "EXT_mesh_gpu_instancing"
MOST_COPIES = 50_000
"""Of a node: beyond them the browser client shows one (`web/src/scene/mend.ts`). And of a whole scene as far as they
are looked at here: a few bytes of a file may stand for millions of them."""
_TYPES = {"TRANSLATION": "VEC3", "ROTATION": "VEC4", "SCALE": "VEC3"}


class Copies:
    """Tells of a scene's nodes, one after another, where they show their meshes; the first `MOST_COPIES` in all."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._left = MOST_COPIES

    def of(self, node: JsonObject, matrix: Matrix) -> Matrix:
        """The matrices (n, 4, 4) in the world of the copies of a node whose own is `matrix`."""
        attributes = node.get("extensions", {}).get(EXTENSION, {}).get("attributes", {})
        accessors = self._scene.list_of("accessors")
        told = {name: accessors[attributes[name]] for name in _TYPES if name in attributes}
        count = min((accessor["count"] for accessor in told.values()), default=0)
        if not 0 < count <= self._left or any(accessor["type"] != _TYPES[name] for name, accessor in told.items()):
            return matrix[None]
        try:
            values = {name: read_floats(self._scene, attributes[name])[:count] for name in told}
        except SceneError:
            return matrix[None]
        self._left -= count
        with np.errstate(all="ignore"):  # what is absurd is infinite, as for nodes
            places = trs_matrices(
                values.get("TRANSLATION", np.zeros((count, 3))),
                values.get("ROTATION", np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))),
                values.get("SCALE", np.ones((count, 3))),
            )
            return np.asarray(matrix @ places)
