"""Where nodes stand in the world: local matrices multiplied down the tree (glTF 2.0 §3.5.3).

Rule: matrices are numpy 4 × 4, float64, column vectors on the right, metres; iterative, so depth costs no stack.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject

Matrix = NDArray[np.float64]


def local_matrix(node: JsonObject) -> Matrix:
    """The matrix of a node relative to its parent, from `matrix` or from translation, rotation and scale."""
    return np.asarray(_local_matrices([node])[0])


def world_matrices(scene: Scene) -> dict[int, Matrix]:
    """Node → its matrix in the world, for the nodes of the scene that is shown (the default one, else the first)."""
    nodes, scenes = scene.list_of("nodes"), scene.list_of("scenes")
    if not scenes:
        return {}
    found: dict[int, Matrix] = {}
    level = [(index, _UNMOVED) for index in scenes[scene.json.get("scene", 0)].get("nodes", ())]
    while level:
        first = {index: parent for index, parent in reversed(level) if index not in found}  # a broken tree: once only
        if not first:
            break
        with np.errstate(all="ignore"):  # absurd scales overflow to infinity, which is where such nodes are
            worlds = np.stack(list(first.values())) @ _local_matrices([nodes[index] for index in first])
        found.update(zip(first, worlds, strict=True))
        level = [(child, found[index]) for index in first for child in nodes[index].get("children", ())]
    return found


def trs_matrices(translations: ArrayLike, rotations: ArrayLike, scales: ArrayLike) -> Matrix:
    """The matrices (n, 4, 4) of n translations, rotations (quaternions) and scales, put together in that order."""
    x, y, z, w = np.asarray(rotations, np.float64).T
    turns = np.empty((len(x), 3, 3))
    turns[:, 0] = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=1)
    turns[:, 1] = np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=1)
    turns[:, 2] = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    result = np.tile(_UNMOVED, (len(x), 1, 1))
    result[:, :3, :3] = turns * np.asarray(scales, np.float64)[:, None, :]
    result[:, :3, 3] = translations
    return result


def _local_matrices(nodes: list[JsonObject]) -> Matrix:
    """`local_matrix` of many nodes at once: (nodes, 4, 4)."""
    result = trs_matrices(
        [node.get("translation", (0.0, 0.0, 0.0)) for node in nodes],
        [node.get("rotation", (0.0, 0.0, 0.0, 1.0)) for node in nodes],
        [node.get("scale", (1.0, 1.0, 1.0)) for node in nodes],
    )
    for position, node in enumerate(nodes):
        if "matrix" in node:
            result[position] = np.array(node["matrix"], np.float64).reshape(4, 4).T
    return result


_UNMOVED: Matrix = np.eye(4)
