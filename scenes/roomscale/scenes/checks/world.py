"""What a world's own extensions mean for a visitor: spawn points, links, lights, bodies, portals."""

from __future__ import annotations

from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings, pointer
from roomscale.scenes.uris import link_refusal

SPAWN_EXTENSIONS = ("OMI_spawn_point", "MX_spawn_point")
LINK_EXTENSIONS = ("OMI_link", "MX_portal")


def check_world(scene: Scene, findings: Findings) -> None:
    """Check what is shown, where visitors arrive, where links lead, and what is too much for a browser."""
    shown = _shown_nodes(scene)
    if not scene.list_of("scenes"):
        findings.warn("NO_SCENE", "", "the file has no scene, so nothing of it is shown")
    elif "scene" not in scene.json:
        findings.info("NO_DEFAULT_SCENE", "", "no default scene is named; the first one is shown")
    spawns = 0
    for index, node in enumerate(scene.list_of("nodes")):
        extensions = node.get("extensions", {})
        for name in SPAWN_EXTENSIONS:
            if name in extensions:
                spawns += 1
                if index not in shown:
                    where = pointer("nodes", index, "extensions", name)
                    findings.warn("SPAWN_POINT_NOT_SHOWN", where, "this spawn point is not in the scene")
        for name in LINK_EXTENSIONS:
            if name in extensions:
                _check_link(extensions[name].get("uri"), pointer("nodes", index, "extensions", name, "uri"), findings)
    is_avatar = bool(scene.extension("VRMC_vrm") or scene.extension("VRM"))
    if not spawns and scene.list_of("nodes") and not is_avatar:
        findings.warn(
            "NO_SPAWN_POINT",
            "",
            "the world has no spawn point (OMI_spawn_point): a place to arrive will be guessed",
        )
    lights = sum("KHR_lights_punctual" in node.get("extensions", {}) for node in scene.list_of("nodes"))
    lights = max(lights, len(scene.extension("KHR_lights_punctual").get("lights", ())))
    if lights > scene.limits.lights:
        findings.error(
            "TOO_MANY_LIGHTS", "/extensions/KHR_lights_punctual", f"{lights:,} lights, at most {scene.limits.lights:,}"
        )


def _check_link(uri: str | None, where: str, findings: Findings) -> None:
    if uri is None:
        return
    refusal = link_refusal(uri)
    if refusal is not None:
        findings.error(
            "UNSAFE_LINK", where, refusal, hint="links lead to https:, matrix: or to a place of this world (#name)"
        )
    elif uri[:5].lower() == "http:":
        findings.warn("INSECURE_LINK", where, "the link leads to http:, which others can read and change on the way")


def _shown_nodes(scene: Scene) -> set[int]:
    """All nodes of all scenes; each node is entered once, so loops end."""
    todo = [node for entry in scene.list_of("scenes") for node in entry.get("nodes", ())]
    nodes, shown = scene.list_of("nodes"), set(todo)
    while todo:
        for child in nodes[todo.pop()].get("children", ()):
            if child not in shown:
                shown.add(child)
                todo.append(child)
    return shown
