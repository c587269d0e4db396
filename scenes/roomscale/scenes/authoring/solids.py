"""What is solid and what notices: OMI_physics_shape and OMI_physics_body from `collider`, `trigger` and `motion`.

Rule: a shape of plain geometry takes its size from the node's mesh unless it is told; one that is not centred on the
node goes onto a child of its own, because shapes are. A mesh that is a collider only is no longer drawn, but stays in
the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roomscale.scenes.accessors import COMPONENT_TYPES
from roomscale.scenes.authoring.said import Said
from roomscale.scenes.authoring.vocabulary import MOTIONS, SHAPES
from roomscale.scenes.authoring.work import Work
from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject

BODY, SHAPE = "OMI_physics_body", "OMI_physics_shape"
OF_MESH = ("convex", "trimesh")
EMPTY_SIZE = [2.0, 2.0, 2.0]
"""Metres: what an empty of display size 1 m spans in Blender."""
CENTRED = 1e-4
"""Metres off its node's origin below which a shape counts as centred."""


@dataclass(frozen=True)
class _Box:
    """The bounds of a mesh in its node's units."""

    size: list[float]
    middle: list[float]


def solid(work: Work, said: Said, node: JsonObject) -> None:
    """`collider`: one cannot walk through it; `trigger`: it notices who is inside; `motion`: what moves it."""
    if not work.is_free(said.path, BODY):
        return
    body: JsonObject = {}
    if "motion" in said and (kind := said.choice("motion", "type", MOTIONS)) is not None:
        mass = said.number("motion", "mass", 0.0, 1e12)
        body["motion"] = {"type": kind} | ({} if mass is None else {"mass": mass})
        work.note("moving bodies", said)
    if "trigger" in said and (trigger := _shape(work, said, node, "trigger")) is not None:
        _place(work, said, "trigger", trigger, body)
        work.note("triggers", said)
    if "collider" in said and (collider := _shape(work, said, node, "collider")) is not None:
        body.setdefault("motion", {"type": "static"})
        _place(work, said, "collider", collider, body)
        work.note("colliders", said)
        if said.flag("collider", "only", default=False):
            _hide(work, said, node)
    if body:
        work.edit.extend(said.path, BODY, body)


def _place(work: Work, said: Said, role: str, shape: tuple[JsonObject, list[float]], body: JsonObject) -> None:
    """Put a shape into the body of its node, or onto a child of it where it is not centred."""
    content, middle = shape
    holder = {"shape": work.edit.entry(SHAPE, "shapes", content)}
    if not any(abs(part) > CENTRED for part in middle):
        body[role] = holder
        return
    name = work.edit.holder(*said.path).get("name", "")
    child = work.edit.child(said.index, {"name": f"{name} {role}".strip(), "translation": middle})
    work.edit.extend(("nodes", child), BODY, {role: holder})


def _shape(work: Work, said: Said, node: JsonObject, role: str) -> tuple[JsonObject, list[float]] | None:
    """A shape and where its middle is, or None with a finding."""
    kind = "box" if said.raw(role) is True and role == "trigger" else None
    kind = kind or ("trimesh" if said.raw(role) is True else said.choice(role, "shape", SHAPES))
    if kind is None:
        return None
    if kind in OF_MESH:
        if "mesh" not in node:
            said.refuse(role, "shape", f"a {kind} {role} needs a mesh, and this node has none", hint=_HINT_NO_MESH)
            return None
        return {"type": kind, kind: {"mesh": node["mesh"]}}, [0.0, 0.0, 0.0]
    box = _mesh_box(work.edit.scene, node)
    return {"type": kind, kind: _sizes(said, role, kind, box)}, box.middle


_HINT_NO_MESH = "use box, sphere, capsule or cylinder on an empty"


def _sizes(said: Said, role: str, kind: str, box: _Box) -> JsonObject:
    """The sizes of plain geometry, told or taken from the box (OMI_physics_shape, "Shape Types")."""
    x, y, z = box.size
    if kind == "box":
        return {"size": said.vector(role, "size", 0.0) or box.size}
    radius = said.number(role, "radius")
    if kind == "sphere":
        return {"radius": max(x, y, z) / 2 if radius is None else radius}
    radius = max(x, z) / 2 if radius is None else radius
    # `height` is the whole height to a creator; a capsule's in the file is that between the middles of its caps.
    height = said.number(role, "height")
    height = y if height is None else height
    if kind == "capsule":
        height = max(height - 2 * radius, 0.0)
    return {"height": height, "radiusBottom": radius, "radiusTop": radius}


def _mesh_box(scene: Scene, node: JsonObject) -> _Box:
    corners = list(_corners(scene, node))
    if not corners:
        return _Box(list(EMPTY_SIZE), [0.0, 0.0, 0.0])
    low = np.min([corner[0] for corner in corners], axis=0)
    high = np.max([corner[1] for corner in corners], axis=0)
    return _Box([round(float(part), 5) for part in high - low], [round(float(part), 5) for part in (low + high) / 2])


def _corners(scene: Scene, node: JsonObject) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The least and the greatest corner of each primitive, by the accessor's declared bounds (glTF 2.0 §3.6.2.5)."""
    if "mesh" not in node:
        return
    for primitive in scene.list_of("meshes")[node["mesh"]]["primitives"]:
        if "POSITION" not in primitive["attributes"]:
            continue
        accessor = scene.list_of("accessors")[primitive["attributes"]["POSITION"]]
        low, high = np.array(accessor.get("min", ()), float), np.array(accessor.get("max", ()), float)
        if accessor.get("normalized"):
            top = float(np.iinfo(COMPONENT_TYPES[accessor["componentType"]]).max)
            low, high = np.maximum(low / top, -1.0), np.maximum(high / top, -1.0)
        if low.shape == high.shape == (3,) and np.isfinite(high - low).all():
            yield low, high


def _hide(work: Work, said: Said, node: JsonObject) -> None:
    """Take the mesh off its node; what bends or is copied by the mesh would lose its meaning, and stays drawn."""
    if "mesh" not in node:
        return
    mesh = work.edit.scene.list_of("meshes")[node["mesh"]]
    bends = "skin" in node or "weights" in node or any("targets" in part for part in mesh["primitives"])
    if bends or "EXT_mesh_gpu_instancing" in node.get("extensions", {}):
        said.refuse("collider", "only", "a mesh that bends, or is copied by instancing, cannot be a collider only")
        return
    del work.edit.holder(*said.path)["mesh"]
