"""Where nodes stand in the world: local matrices multiplied down the tree (glTF 2.0 §3.5.3).

Rule: matrices are numpy 4 × 4, float64, column vectors on the right, metres; iterative, so depth costs no stack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject

Matrix = NDArray[np.float64]


def local_matrix(node: JsonObject) -> Matrix:
    """The matrix of a node relative to its parent, from `matrix` or from translation, rotation and scale."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    result = np.eye(4)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    result[:3, :3] = turn * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    result[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return result


def world_matrices(scene: Scene) -> dict[int, Matrix]:
    """Node → its matrix in the world, for the nodes of the scene that is shown (the default one, else the first)."""
    nodes, scenes = scene.list_of("nodes"), scene.list_of("scenes")
    if not scenes:
        return {}
    found: dict[int, Matrix] = {}
    todo = [(index, np.eye(4)) for index in scenes[scene.json.get("scene", 0)].get("nodes", ())]
    while todo:
        index, parent = todo.pop()
        if index in found:  # a broken tree; each node is visited once all the same
            continue
        with np.errstate(all="ignore"):  # absurd scales overflow to infinity, which is where such nodes are
            found[index] = parent @ local_matrix(nodes[index])
        todo.extend((child, found[index]) for child in nodes[index].get("children", ()))
    return found
