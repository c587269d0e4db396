"""The node tree: each node has one parent at most, no loops, no abyss, transforms that mean something.

Rule: iterative and linear in the number of nodes; a hostile graph costs no more than a large one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer

UNIT_TOLERANCE = 5e-4
"""How far a quaternion's length may be from 1, as in glTF-Validator (float32 written in few digits)."""
FAR = 1.0e6
"""Metres. Beyond a thousand kilometres float32 has steps of 6 cm and more, and walking trembles."""
_SHEAR_TOLERANCE = 1e-3
"""Cosine between a matrix's axes that still counts as a right angle."""


def check_graph(scene: Scene, findings: Findings) -> None:
    """Check parents, loops, depth, scenes and local transforms."""
    nodes = scene.list_of("nodes")
    parents = _check_parents(nodes, findings)
    if _check_loops(nodes, parents, scene.limits.node_depth, findings):
        _check_scenes(scene, parents, findings)
        _check_skins(scene, parents, findings)
    for index, node in enumerate(nodes):
        _check_transform(node, index, findings)
    _check_levels(scene, "nodes", findings)
    _check_levels(scene, "materials", findings)


def _check_parents(nodes: list[Any], findings: Findings) -> list[int]:
    parents = [-1] * len(nodes)
    for index, node in enumerate(nodes):
        for position, child in enumerate(node.get("children", ())):
            where = f"/nodes/{index}/children/{position}"
            if child == index:
                findings.error("NODE_LOOP", where, f"node {index} is its own child")
            elif parents[child] not in (-1, index):
                findings.error("NODE_PARENT_OVERRIDE", where, f"node {child} already has the parent {parents[child]}")
            parents[child] = index
    return parents


def _check_loops(nodes: list[Any], parents: list[int], deepest: int, findings: Findings) -> bool:
    """Follow each node up to its root, remembering what is known to be fine; whether there is no loop."""
    depths = [0] * len(nodes)  # 0: not known yet; else the depth, roots having 1
    for start in range(len(nodes)):
        trail: list[int] = []
        on_trail: set[int] = set()
        index = start
        while index != -1 and depths[index] == 0 and index not in on_trail:
            trail.append(index)
            on_trail.add(index)
            index = parents[index]
        if index in on_trail:
            findings.error("NODE_LOOP", pointer("nodes", index), f"node {index} is below itself")
            return False
        depth = 0 if index == -1 else depths[index]
        for node in reversed(trail):
            depth += 1
            depths[node] = depth
    depth = max(depths, default=0)
    if depth > deepest:
        findings.error("NODE_TOO_DEEP", "/nodes", f"nodes are nested {depth:,} deep, more than {deepest:,}")
    return True


def _check_scenes(scene: Scene, parents: list[int], findings: Findings) -> None:
    for number, entry in enumerate(scene.list_of("scenes")):
        for position, node in enumerate(entry.get("nodes", ())):
            if parents[node] != -1:
                findings.error(
                    "SCENE_NON_ROOT_NODE",
                    pointer("scenes", number, "nodes", position),
                    f"node {node} is the child of node {parents[node]}, so no root",
                )


def _check_skins(scene: Scene, parents: list[int], findings: Findings) -> None:
    """glTF 2.0 §3.7.3.2: joints have a common root; `skeleton`, if given, is such a root."""
    skins = scene.list_of("skins")
    if not skins:
        return
    spans, roots = _spans(scene.list_of("nodes"), parents)
    for number, skin in enumerate(skins):
        joints = skin["joints"]
        if len({roots[joint] for joint in joints}) != 1:
            findings.error("SKIN_NO_COMMON_ROOT", pointer("skins", number, "joints"), "the joints have no common root")
        elif "skeleton" in skin:
            first, last = spans[skin["skeleton"]]
            if not all(first <= spans[joint][0] <= last for joint in joints):
                findings.error(
                    "SKIN_SKELETON_INVALID",
                    pointer("skins", number, "skeleton"),
                    "it is no common root of the joints",
                )
    _check_figures(scene, roots, findings)


def _check_figures(scene: Scene, roots: list[int], findings: Findings) -> None:
    """A node with a skin is shown where its joints are (glTF 2.0 §3.7.3.3): told once for a scene without them."""
    skins = scene.list_of("skins")
    figures: dict[int, dict[int, int]] = defaultdict(dict)  # root → root of its joints → a node of it with such a skin
    for index, node in enumerate(scene.list_of("nodes")):
        for joint in skins[node["skin"]]["joints"][:1] if "skin" in node else ():  # they have one root
            figures[roots[index]].setdefault(roots[joint], index)
    for entry in scene.list_of("scenes"):
        shown = set(entry.get("nodes", ()))
        for root in shown & figures.keys():
            lost = next((index for joints, index in figures[root].items() if joints not in shown), None)
            if lost is not None:
                told = "it stands in a scene in which its joints do not"
                findings.error("NODE_SKIN_NO_SCENE", pointer("nodes", lost), told)
                break


def _spans(nodes: list[Any], parents: list[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """For each node the span of numbers that a walk of its tree gives it and all below it; and its root."""
    first, last, roots = [0] * len(nodes), [0] * len(nodes), [0] * len(nodes)
    number = 0
    for root in (index for index, parent in enumerate(parents) if parent == -1):
        todo = [root]
        while todo:
            index = todo.pop()
            if index < 0:  # all below it are numbered
                last[~index] = number
                continue
            number += 1
            first[index], roots[index] = number, root
            todo.append(~index)
            todo.extend(child for child in nodes[index].get("children", ()) if parents[child] == index)
    return list(zip(first, last, strict=True)), roots


def _check_transform(node: dict[str, Any], index: int, findings: Findings) -> None:
    matrix = node.get("matrix")
    if matrix is not None:
        if any(key in node for key in ("translation", "rotation", "scale")):
            findings.error(
                "NODE_MATRIX_TRS", pointer("nodes", index, "matrix"), "matrix and translation, rotation or scale"
            )
        if not _is_decomposable(matrix):
            findings.error(
                "NODE_MATRIX_NON_TRS",
                pointer("nodes", index, "matrix"),
                "the matrix shears or flattens, so it is no translation, rotation and scale",
                hint="apply the object's transforms before exporting (Blender: Ctrl+A)",
            )
    rotation = node.get("rotation")
    if rotation is not None:
        _check_rotation(math.sqrt(sum(value * value for value in rotation)), index, findings)
    place = node.get("translation") or (matrix[12:15] if matrix else ())
    if any(abs(value) > FAR for value in place):
        findings.warn(
            "NODE_FAR_AWAY", pointer("nodes", index), "it is more than 1,000 km from its parent; nobody will find it"
        )


def _check_rotation(length: float, index: int, findings: Findings) -> None:
    if abs(length - 1.0) > UNIT_TOLERANCE:
        findings.error(
            "ROTATION_NON_UNIT",
            pointer("nodes", index, "rotation"),
            f"the quaternion has the length {length:.6g} instead of 1",
            mendable=length > 1e-6,
        )


def _is_decomposable(matrix: list[float]) -> bool:
    if matrix == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]:
        return True
    array = np.array(matrix, dtype=np.float64).reshape(4, 4)  # rows are the columns of glTF
    if not np.allclose(array[:, 3], (0.0, 0.0, 0.0, 1.0), atol=1e-6):
        return False
    axes = array[:3, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(axes, axis=1)
        if not np.all(np.isfinite(lengths)) or np.any(lengths == 0.0):
            return False
        unit = axes / lengths[:, None]
    return bool(np.all(np.abs(unit @ unit.T - np.eye(3)) < _SHEAR_TOLERANCE))


def _check_levels(scene: Scene, key: str, findings: Findings) -> None:
    """MSFT_lod: the levels of a node or material have no levels of their own, so no loop either."""
    items = scene.list_of(key)
    for index, item in enumerate(items):
        level = item.get("extensions", {}).get("MSFT_lod")
        for position, other in enumerate(level["ids"] if level else ()):
            where = pointer(key, index, "extensions", "MSFT_lod", "ids", position)
            if other == index or "MSFT_lod" in items[other].get("extensions", {}):
                findings.error("LOD_LOOP", where, f"level {other} is the item itself, or has levels of its own")
