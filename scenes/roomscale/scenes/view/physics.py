"""Bodies, their shapes, and gravity: OMI_physics_*, the older OMI_collider, and Hubs' colliders.

Rule: sizes are those of OMI_physics_shape ("Shape Types") whatever the form said: boxes whole, capsules by the height
between the middles of their caps, all with the extension's defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.view.values import Vector, index, indices, number, record, records, vector

KINDS = ("box", "sphere", "capsule", "cylinder", "convex", "trimesh")
_OLD_KINDS = {"hull": "convex", "mesh": "trimesh"}
_DOWN = (0.0, -1.0, 0.0)
_HEIGHT = {"capsule": 1.0, "cylinder": 2.0}


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a collider or trigger, in its node's units.

    `type`: box, sphere, capsule, cylinder, convex, trimesh, or what else the file says. `size`: of a box. `radius`:
    of a sphere, or of a capsule's or cylinder's bottom; `radius_top`: of their top. `height`: of the straight part.
    `mesh`: index, of convex and trimesh.
    """

    type: str
    size: Vector = ()
    radius: float = 0.0
    radius_top: float = 0.0
    height: float = 0.0
    mesh: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A physical body, or a part of one.

    `motion`: static, kinematic, dynamic, or "" for none of its own; `mass`: kilograms, 0 where none is said. `shape`:
    None for none of its own. `is_trigger`: nothing collides with it. `parts`: the nodes that a compound trigger is
    made of.
    """

    node: int
    form: str
    motion: str
    shape: Shape | None
    is_trigger: bool
    mass: float = 0.0
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gravity:
    """What pulls. `node`: the trigger volume that it fills, None for the whole world. `strength`: m/s².

    `type`: directional, or one of the shapes that OMI_physics_gravity knows for volumes.
    """

    node: int | None
    strength: float
    direction: Vector = _DOWN
    type: str = "directional"


def shapes(scene: Scene) -> list[Shape]:
    """All shapes of OMI_physics_shape, in their order."""
    meshes = len(scene.list_of("meshes"))
    return [_shape(told, meshes) for told in records(scene.extension("OMI_physics_shape").get("shapes"))]


def _shape(told: JsonObject, meshes: int) -> Shape:
    kind = str(told.get("type", ""))
    values = record(told.get(kind))
    if kind == "box":
        return Shape(kind, size=vector(values.get("size"), (1.0, 1.0, 1.0)))
    if kind == "sphere":
        return Shape(kind, radius=number(values.get("radius"), 0.5))
    if kind in _HEIGHT:
        same = number(values.get("radius"), 0.5)  # of an earlier draft
        bottom, top = (number(values.get(key), same) for key in ("radiusBottom", "radiusTop"))
        return Shape(kind, radius=bottom, radius_top=top, height=number(values.get("height"), _HEIGHT[kind]))
    return Shape(kind, mesh=index(values.get("mesh"), meshes))


def bodies(node: int, extensions: JsonObject, known: list[Shape], meshes: int) -> Iterator[Body]:
    """The collider and the trigger of a node; a body with neither is one as well (its children hold its shapes)."""
    if (told := extensions.get("OMI_physics_body")) is not None:
        body = record(told)
        motion = record(body.get("motion"))
        kind, mass = str(motion.get("type", body.get("type", ""))), number(motion.get("mass"), 0.0)
        for role in ("collider", "trigger"):
            if role not in body:
                continue
            part = record(body[role])
            at = index(part.get("shape"), len(known))
            shape = None if at is None else known[at]
            parts = tuple(indices(part.get("nodes"), 1 << 31))
            yield Body(node, "OMI_physics_body", kind, shape, role == "trigger", mass, parts)
        if not ("collider" in body or "trigger" in body):
            yield Body(node, "OMI_physics_body", kind, None, is_trigger=False, mass=mass)
    if isinstance(collider := extensions.get("OMI_collider"), dict):
        shape = _old_shape(collider, meshes)
        yield Body(node, "OMI_collider", "static", shape, collider.get("isTrigger") is True)


def _old_shape(told: JsonObject, meshes: int) -> Shape | None:
    kind = str(told.get("type", ""))
    kind = _OLD_KINDS.get(kind, kind)
    if kind not in KINDS:
        return None  # compound: its children hold the shapes
    half = vector(told.get("extents"), (number(told.get("radius"), 0.5),) * 3)
    radius = number(told.get("radius"), 0.5)
    values: JsonObject = {"size": [2 * part for part in half], "radius": radius, "mesh": told.get("mesh")}
    if "height" in told:
        values["height"] = told["height"]
    return _shape({"type": kind, kind: values}, meshes)


def gravities(scene: Scene) -> Iterator[Gravity]:
    """The world's gravity (of the root, or of a scene, where older files have it), then that of volumes."""
    of_scenes = [record(entry.get("extensions")).get("OMI_physics_gravity") for entry in scene.list_of("scenes")]
    for world in (scene.extension("OMI_physics_gravity"), *of_scenes):
        if told := record(world):
            yield Gravity(None, number(told.get("gravity"), 0.0), vector(told.get("direction"), _DOWN))
    for node, entry in enumerate(scene.list_of("nodes")):
        if told := record(record(entry.get("extensions")).get("OMI_physics_gravity")):
            kind = str(told.get("type", "directional"))
            direction = vector(record(told.get(kind)).get("direction"), _DOWN)
            yield Gravity(node, number(told.get("gravity"), 0.0), direction, kind)
