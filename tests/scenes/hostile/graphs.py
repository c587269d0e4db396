"""Nodes in circles, with two parents, too deep; matrices and skins that mean nothing."""

from __future__ import annotations

from tests.scenes.crafted import changed, gltf, triangle
from tests.scenes.hostile.case import Case, without_none

_IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def _nodes(*children: list[int]) -> bytes:
    tree = triangle()
    tree["nodes"] = [{"children": own} if own else {"mesh": 0} for own in children]
    return gltf(tree)


def graph_cases() -> list[Case]:
    diamond = [[index + 1, index + 1] for index in range(40)]
    chain = [[index + 1] for index in range(600)]
    return [
        Case("its own child", "NODE_LOOP", lambda: _nodes([0])),
        Case("a loop of two", "NODE_LOOP", lambda: _nodes([1], [0])),
        Case("a loop out of sight", "NODE_LOOP", lambda: _nodes([], [2], [1])),
        Case("two parents", "NODE_PARENT_OVERRIDE", lambda: _nodes([2], [2], [])),
        Case("a diamond of 2^40 paths", "ARRAY_NON_UNIQUE", lambda: _nodes(*diamond, [])),
        Case("a child that is not there", "UNRESOLVED_REFERENCE", lambda: _nodes([7])),
        Case("600 nodes deep", "NODE_TOO_DEEP", lambda: _nodes(*chain, [])),
        Case(
            "a child as root",
            "SCENE_NON_ROOT_NODE",
            lambda: gltf(triangle() | {"nodes": [{"mesh": 0}, {"children": [0]}]}),
        ),
        Case("no scene", None, lambda: gltf(without_none(triangle() | {"scenes": None, "scene": None}))),
        Case(
            "matrix and translation",
            "NODE_MATRIX_TRS",
            lambda: gltf(changed("nodes", 0, to={"matrix": _IDENTITY, "translation": [1, 2, 3]})),
        ),
        Case(
            "a flat matrix",
            "NODE_MATRIX_NON_TRS",
            lambda: gltf(changed("nodes", 0, "matrix", to=[1, 0, 0, 0, 1, *_IDENTITY[5:]])),
        ),
        Case(
            "a quaternion of length 2",
            "ROTATION_NON_UNIT",
            lambda: gltf(changed("nodes", 0, "rotation", to=[1, 1, 1, 1])),
        ),
        Case(
            "a quaternion of zeros", "ROTATION_NON_UNIT", lambda: gltf(changed("nodes", 0, "rotation", to=[0, 0, 0, 0]))
        ),
        Case("very far away", None, lambda: gltf(changed("nodes", 0, "translation", to=[1e38, 1e38, 1e38]))),
        Case(
            "joints of two trees",
            "SKIN_NO_COMMON_ROOT",
            lambda: gltf(triangle() | {"nodes": [{"mesh": 0}, {"name": "a"}], "skins": [{"joints": [0, 1]}]}),
        ),
    ]
