"""Makes scenes of many still things: boxes and globes, shared and single, turned, mirrored and stretched, in a tree.

Among them, wherever chance puts them, what must stay where it is: things that are animated, named, hidden, scripted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from roomscale.scenes import Scene
from tests.scenes.solids import Array, Builder, Floats, globe, turns

Json = dict[str, Any]


def box(size: float = 1.0) -> tuple[Array, dict[str, Floats]]:
    """A cube of 24 vertices around its middle: indices, positions and normals."""
    faces = []
    for axis in range(3):
        for side in (-1.0, 1.0):
            corners = np.array([[side, a, b] for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
            order = corners if side > 0 else corners[::-1]
            faces.append((np.roll(order, axis, axis=1) * size / 2, np.roll([side, 0, 0], axis)))
    positions = np.concatenate([corners for corners, _ in faces]).astype(np.float32)
    normals = np.repeat([normal for _, normal in faces], 4, axis=0).astype(np.float32)
    corner = 4 * np.arange(6)[:, None] + np.array([0, 1, 2, 0, 2, 3])
    return corner.reshape(-1).astype(np.uint16), {"POSITION": positions, "NORMAL": normals}


def add_box(builder: Builder, material: int | None = None, size: float = 1.0, **more: Any) -> int:
    """A mesh of one box of its own accessors."""
    indices, parts = box(size)
    primitive = builder.primitive(indices, **parts)
    if material is not None:
        primitive["material"] = material
    return builder.mesh(primitive, **more)


def row(count: int, *, shared: bool = False, size: float = 1.0, apart: float = 2.0) -> Builder:
    """`count` boxes of one material in a row, named box_0, box_1…; `shared`: by one mesh."""
    builder = Builder()
    builder.json["materials"] = [{"name": "paint"}]
    for number in range(count):
        if not shared or number == 0:
            add_box(builder, 0, size)
        mesh = 0 if shared else number
        builder.node(name=f"box_{number}", mesh=mesh, translation=[number * apart, 0, 0])
    return builder


_MATERIALS: list[Json] = [{"name": "paint"}, {"name": "glass", "alphaMode": "BLEND"}, {"name": "leaves"}]
_NAMES = ["", "rock", "Water_3", "wall-col", "grass", "seat"]
_EXTENSIONS: list[Json] = [
    {"OMI_seat": {"back": [0, 0, 0], "foot": [0, 0, 1], "knee": [0, 1, 1]}},
    {"KHR_node_visibility": {"visible": False}},
    {"OMI_physics_body": {"motion": {"type": "dynamic"}}},
]


@st.composite
def crowds(draw: st.DrawFn) -> Scene:
    """Five meshes on up to 24 nodes."""
    builder, seed = Builder(), draw(st.integers(0, 999))
    builder.json["materials"] = [dict(material) for material in _MATERIALS]
    for number in range(3):
        add_box(builder, draw(st.sampled_from([None, 0, 0, 1, 2])), 0.5 + number, name=f"box {number}")
    indices, parts = globe(7)
    ball = builder.primitive(indices, **parts) | {"material": 0}
    builder.mesh(ball, name="ball")
    indices, parts = box(0.3)
    builder.mesh(builder.primitive(indices, **parts) | {"material": 0}, dict(ball), name="both")
    count = draw(st.integers(2, 24))
    chance = np.random.default_rng(seed)
    places, spins = chance.uniform(-60, 60, (count, 3)), turns(count, seed)
    for number in range(count):
        node: Json = {"translation": places[number].tolist(), "rotation": spins[number].tolist()}
        if draw(st.integers(0, 5)):
            node["mesh"] = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4]))
        if name := draw(st.sampled_from(_NAMES)):
            node["name"] = name
        node["scale"] = draw(st.sampled_from([[1, 1, 1], [1, 1, 1], [2, 2, 2], [-1, 1, 1], [1, 2, 0.5], [-1, -1, -1]]))
        if draw(st.integers(0, 7)) == 0:
            node["extras"] = draw(st.sampled_from([{"id": 1}, {"collider": "box"}, "text", None]))
        if draw(st.integers(0, 7)) == 0:
            node["extensions"] = draw(st.sampled_from(_EXTENSIONS))
        below = number > 0 and draw(st.booleans())
        builder.node(root=not below, **node)
        if below:
            parent = draw(st.integers(0, number - 1))
            builder.json["nodes"][parent].setdefault("children", []).append(number)
    if draw(st.booleans()):
        _animate(builder, draw(st.integers(0, count - 1)))
    builder.json["extensionsUsed"] = ["OMI_seat", "KHR_node_visibility", "OMI_physics_body"]
    return builder.scene()


def _animate(builder: Builder, node: int) -> None:
    times = builder.accessor(np.array([0, 1], np.float32))
    moves = builder.accessor(np.array([[0, 0, 0], [0, 1, 0]], np.float32))
    channel = {"sampler": 0, "target": {"node": node, "path": "translation"}}
    samplers = [{"input": times, "output": moves}]
    builder.json["animations"] = [{"name": "lift", "samplers": samplers, "channels": [channel]}]
