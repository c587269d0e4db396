"""Third Room's MX_ extensions: spawn points, portals, the background.

MX_spawn_point looks along +Z, OMI_spawn_point along −Z, so the present one goes onto a child that is turned by 180°:
the node may carry a mesh, or both forms. Rule: MX_ extensions without a present form (MX_lightmap,
MX_character_controller…) stay; visitors' browsers read or ignore them as they are.
"""

from __future__ import annotations

from roomscale.scenes.edit import Edit
from roomscale.scenes.findings import Findings, pointer

HALF_TURN = [0.0, 1.0, 0.0, 0.0]
"""The quaternion of 180° about the upright axis."""


def spawn_points(edit: Edit, notes: Findings, *, keep_old: bool) -> None:
    """Give each MX_spawn_point a turned child with OMI_spawn_point, unless the scene has any of those itself."""
    nodes = edit.scene.list_of("nodes")
    old = [index for index, node in enumerate(nodes) if "MX_spawn_point" in node.get("extensions", {})]
    if not old or any("OMI_spawn_point" in node.get("extensions", {}) for node in nodes):
        return
    for index in old:
        name = f"{nodes[index].get('name', 'spawn point')} turned"
        child = edit.child(index, {"name": name, "rotation": list(HALF_TURN)})
        edit.extend(("nodes", child), "OMI_spawn_point", {})
        if not keep_old:
            edit.drop(("nodes", index), "MX_spawn_point")
    where = pointer("nodes", old[0])
    notes.info("MIGRATED", where, f"{len(old):,} MX_spawn_point are OMI_spawn_point now, turned by 180°")


def portals(edit: Edit, notes: Findings, *, keep_old: bool) -> None:
    """MX_portal has one property, `uri`, and so has OMI_link."""
    done = 0
    for index, node in enumerate(edit.scene.list_of("nodes")):
        extensions = node.get("extensions", {})
        told = extensions.get("MX_portal")
        if told is None or "OMI_link" in extensions:
            continue
        if not isinstance(told, dict) or not isinstance(told.get("uri"), str):
            notes.warn("NOT_MIGRATED", pointer("nodes", index, "extensions", "MX_portal"), "this MX_portal has no uri")
            continue
        edit.extend(("nodes", index), "OMI_link", dict(told))
        if not keep_old:
            edit.drop(("nodes", index), "MX_portal")
        done += 1
    if done:
        notes.info("MIGRATED", "", f"{done:,} MX_portal are OMI_link now")


def backgrounds(edit: Edit, notes: Findings, *, keep_old: bool) -> None:
    """MX_background, a panorama of the scene, to OMI_environment_sky."""
    has_sky = bool(edit.scene.extension("OMI_environment_sky"))
    for index, scene in enumerate(edit.scene.list_of("scenes")):
        told = scene.get("extensions", {}).get("MX_background")
        if told is None or (has_sky and keep_old):
            continue
        texture = told.get("backgroundTexture") if isinstance(told, dict) else None
        number = texture.get("index") if isinstance(texture, dict) else None
        at = pointer("scenes", index, "extensions", "MX_background")
        if has_sky:
            notes.warn("NOT_MIGRATED", at, "the file has OMI_environment_sky as well, so MX_background stays")
            continue
        if type(number) is not int or not 0 <= number < len(edit.scene.list_of("textures")):
            hint = 'it would be {"backgroundTexture": {"index": 0}}; or say sky = "panorama.jpg" in world.toml'
            notes.warn("NOT_MIGRATED", at, "this MX_background names no texture that is there", hint=hint)
            continue
        sky = {"type": "panorama", "panorama": {"equirectangular": number}}
        where = ("scenes", index)
        edit.extend(where, "OMI_environment_sky", {"sky": edit.entry("OMI_environment_sky", "skies", sky)})
        if not keep_old:
            edit.drop(where, "MX_background")
        notes.info("MIGRATED", pointer(*where), "MX_background is OMI_environment_sky now")
