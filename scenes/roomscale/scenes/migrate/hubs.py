"""MOZ_hubs_components of Spoke and of Hubs' Blender add-on: the components that mean something outside of Hubs.

Rule: a component that is migrated is taken away, all others stay. Sounds and pictures of Hubs are URLs on servers,
which a scene never fetches, so they stay and are told.
"""

from __future__ import annotations

import math

from roomscale.scenes.checks.old_forms import HUBS
from roomscale.scenes.edit import Edit
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.uris import link_refusal

PRESENT = {
    "spawn-point": "OMI_spawn_point",
    "waypoint": "OMI_spawn_point",
    "link": "OMI_link",
    "visible": "KHR_node_visibility",
    "trimesh": "OMI_physics_body",
}
REMOTE = ("audio", "video", "image", "model")
"""Components whose `src` is on a server."""


def hubs(edit: Edit, notes: Findings, *, keep_old: bool) -> None:
    """Migrate each node's components."""
    done: dict[str, int] = {}
    for index, node in enumerate(edit.scene.list_of("nodes")):
        components = node.get("extensions", {}).get(HUBS)
        if not isinstance(components, dict):
            continue
        moved = [
            name
            for name, content in components.items()
            if not (keep_old and _is_done(edit, index, name)) and _component(edit, index, name, content)
        ]
        for name in moved:
            done[name] = done.get(name, 0) + 1
        if remote := [name for name in components if name in REMOTE]:
            where = pointer("nodes", index, "extensions", HUBS, remote[0])
            hint = "put the file beside the scene and name it in the custom property audio, or in world.toml"
            notes.warn("NOT_MIGRATED", where, f"{remote[0]} is on a server, which a scene never fetches", hint=hint)
        if moved and not keep_old:
            _take_away(edit, index, moved)
    for name, count in done.items():
        notes.info("MIGRATED", "", f"{count:,} of Hubs' {printable(name)} are extensions of today now")


def _take_away(edit: Edit, index: int, moved: list[str]) -> None:
    present = edit.holder("nodes", index, "extensions")[HUBS]
    for name in moved:
        del present[name]
    if not present:
        edit.drop(("nodes", index), HUBS)


def _is_done(edit: Edit, index: int, name: str) -> bool:
    """Whether an earlier migration, which kept the old form, left the present one beside it."""
    node = edit.json["nodes"][index]
    if name == "box-collider":
        names = [edit.json["nodes"][child].get("name") for child in node.get("children", ())]
        return _collider_name(edit, index) in names
    return PRESENT.get(name) in node.get("extensions", {})


def _collider_name(edit: Edit, index: int) -> str:
    return f"{edit.json['nodes'][index].get('name', '')} collider".strip()


def _component(edit: Edit, index: int, name: str, content: object) -> bool:
    """Put what a component means onto its node; whether it has a present form."""
    told: JsonObject = content if isinstance(content, dict) else {}
    extensions = edit.json["nodes"][index].get("extensions", {})
    new: tuple[str, JsonObject] | None = None
    if name == "spawn-point" or (name == "waypoint" and told.get("canBeSpawnPoint") is True):
        new = ("OMI_spawn_point", {})
    elif name == "link" and isinstance(uri := told.get("href"), str) and link_refusal(uri) is None:
        new = ("OMI_link", {"uri": uri})
    elif name == "visible" and told.get("visible") is False:
        new = ("KHR_node_visibility", {"visible": False})
    elif name == "trimesh" and type(mesh := edit.json["nodes"][index].get("mesh")) is int:
        if "OMI_physics_body" not in extensions:
            new = ("OMI_physics_body", _static(edit, {"type": "trimesh", "trimesh": {"mesh": mesh}}))
    elif name == "box-collider" and (scale := _vector(told.get("scale"), 1.0)) is not None:
        return _box_collider(edit, index, told, scale)
    if new is None:
        return name == "trimesh" and "OMI_physics_body" in extensions
    if new[0] not in extensions:
        edit.extend(("nodes", index), *new)
    return True


def _static(edit: Edit, shape: JsonObject) -> JsonObject:
    number = edit.entry("OMI_physics_shape", "shapes", shape)
    return {"motion": {"type": "static"}, "collider": {"shape": number}}


def _box_collider(edit: Edit, index: int, told: JsonObject, scale: list[float]) -> bool:
    """Hubs' boxes of 1 m³ stand beside their node, turned by Euler angles; so they get a node of their own."""
    position, turn = _vector(told.get("position"), 0.0), _vector(told.get("rotation"), 0.0)
    if position is None or turn is None:
        return False
    placed: JsonObject = {"translation": position, "rotation": _quaternion(turn)}
    child = edit.child(index, {"name": _collider_name(edit, index)} | placed)
    box = {"type": "box", "box": {"size": [abs(part) for part in scale]}}
    edit.extend(("nodes", child), "OMI_physics_body", _static(edit, box))
    return True


def _vector(value: object, usual: float) -> list[float] | None:
    """`{x, y, z}`, which is how Hubs writes a vector."""
    if value is None:
        return [usual] * 3
    if not isinstance(value, dict):
        return None
    parts = [value.get(axis, usual) for axis in "xyz"]
    is_fine = all(isinstance(part, (int, float)) and not isinstance(part, bool) and abs(part) <= 1e6 for part in parts)
    return [float(part) for part in parts] if is_fine else None


def _quaternion(euler: list[float]) -> list[float]:
    """Radians about x, then y, then z of the turned axes (three.js' order XYZ) as a quaternion."""
    (sx, cx), (sy, cy), (sz, cz) = ((math.sin(angle / 2), math.cos(angle / 2)) for angle in euler)
    return [
        sx * cy * cz + cx * sy * sz,
        cx * sy * cz - sx * cy * sz,
        cx * cy * sz + sx * sy * cz,
        cx * cy * cz - sx * sy * sz,
    ]
