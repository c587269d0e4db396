"""OMI_collider to OMI_physics_shape and OMI_physics_body; the old `type` of a body to its `motion`.

Sizes follow both specifications: `extents` were halves, `size` is whole; a capsule's `height` is that between the
middles of its caps in both. Rule: a collider that cannot be read stays, with a warning.
"""

from __future__ import annotations

from roomscale.scenes.edit import Edit
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject

OLD, BODY, SHAPE = "OMI_collider", "OMI_physics_body", "OMI_physics_shape"
MESH_TYPES = {"hull": "convex", "mesh": "trimesh", "convex": "convex", "trimesh": "trimesh"}


def colliders(edit: Edit, notes: Findings) -> None:
    """Migrate each node's collider."""
    listed = edit.scene.extension(OLD).get("colliders", ())
    done = left = 0
    for index, node in enumerate(edit.scene.list_of("nodes")):
        told = node.get("extensions", {}).get(OLD)
        if not isinstance(told, dict):
            continue
        number = told.get("collider")
        if type(number) is int and isinstance(listed, list) and 0 <= number < len(listed):
            told = listed[number]
        body = _body(edit, told) if isinstance(told, dict) else None
        if body is None:
            left += 1
            notes.warn("NOT_MIGRATED", pointer("nodes", index, "extensions", OLD), "this collider cannot be read")
            continue
        done += 1
        present = edit.holder("nodes", index)["extensions"].get(BODY, {})
        edit.extend(("nodes", index), BODY, {**body, **present})
        edit.drop(("nodes", index), OLD)
    if done:
        notes.info("MIGRATED", "", f"{done:,} {OLD} are {BODY} now")
        if listed and not left:
            edit.drop((), OLD)


def _body(edit: Edit, told: JsonObject) -> JsonObject | None:
    """What a collider is today; a compound one is the body that its children's shapes belong to."""
    if told.get("type") == "compound":
        return {"motion": {"type": "static"}}
    shape = _shape(told, len(edit.scene.list_of("meshes")))
    if shape is None:
        return None
    holder = {"shape": edit.entry(SHAPE, "shapes", shape)}
    return {"trigger": holder} if told.get("isTrigger") is True else {"motion": {"type": "static"}, "collider": holder}


def _shape(told: JsonObject, meshes: int) -> JsonObject | None:
    kind, mesh = told.get("type"), told.get("mesh")
    radius, height = _length(told.get("radius"), 0.5), _length(told.get("height"), 1.0)
    if kind == "box":
        extents = told.get("extents", [radius, radius, radius])
        if not (isinstance(extents, list) and len(extents) == 3 and all(_is_length(part) for part in extents)):
            return None
        return {"type": "box", "box": {"size": [2 * part for part in extents]}}
    if kind == "sphere":
        return {"type": "sphere", "sphere": {"radius": radius}}
    if kind in ("capsule", "cylinder"):
        return {"type": kind, kind: {"height": height, "radiusBottom": radius, "radiusTop": radius}}
    if isinstance(kind, str) and kind in MESH_TYPES and type(mesh) is int and 0 <= mesh < meshes:
        present = MESH_TYPES[kind]
        return {"type": present, present: {"mesh": mesh}}
    return None


def _is_length(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 <= value <= 1e6


def _length(value: object, usual: float) -> float:
    return float(value) if isinstance(value, (int, float)) and _is_length(value) else usual


def motions(edit: Edit, notes: Findings, *, keep_old: bool) -> None:
    """A body's `type` was its motion's; Third Room knows only the old one, so on request both stay."""
    done = 0
    for index, node in enumerate(edit.scene.list_of("nodes")):
        body = node.get("extensions", {}).get(BODY, {})
        if body.get("type") not in ("static", "kinematic", "dynamic"):
            continue
        if "motion" in body and keep_old:
            continue
        present = edit.holder("nodes", index)["extensions"][BODY]
        present.setdefault("motion", {}).setdefault("type", body["type"])
        if not keep_old:
            del present["type"]
        done += 1
    if done:
        notes.info("MIGRATED", "", f"the type of {done:,} {BODY} is their motion's now")
