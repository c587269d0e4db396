"""Applies what a creator said of nodes and the scene, one after the other.

Rule: as in `author`, by whom it is asked, and only where anything may be said.
"""

from __future__ import annotations

from collections.abc import Iterator

from roomscale.scenes.authoring import looks, places, solids, sounds
from roomscale.scenes.authoring.said import Said
from roomscale.scenes.authoring.vocabulary import NODE_WORDS, SCENE_WORDS, meant, said_by_name
from roomscale.scenes.authoring.work import Work
from roomscale.scenes.authoring.world_file import WorldFile
from roomscale.scenes.document import Scene
from roomscale.scenes.edit import Edit
from roomscale.scenes.errors import printable
from roomscale.scenes.findings import Finding, Findings
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import world_matrices

MOST_SUGGESTIONS = 10
"""Names of `world.toml` that are compared with all names of a scene: each takes 0.2 s at 20,000 nodes."""


def apply(scene: Scene, world: WorldFile) -> tuple[Scene, list[Finding]]:
    """As `author`, for a scene whose structure is sound."""
    findings = Findings()
    work = Work(Edit(scene), findings)
    matrices = None
    for said, node in _nodes(scene, world, findings):
        places.spawn_point(work, said)
        if "seat" in said:
            matrices = world_matrices(scene) if matrices is None else matrices
            places.seat(work, said, matrices.get(said.index))
        places.portal(work, said)
        solids.solid(work, said, node)
        sounds.sound(work, said)
        looks.lightmap(work, said, node)
        looks.visibility(work, said)
    if (shown := _shown_scene(scene, world, findings)) is not None:
        looks.sky(work, shown)
        looks.gravity(work, shown)
        sounds.sound(work, shown)
    if world.uses_names:
        looks.levels(work)
    _unknown_nodes(scene, world, findings)
    work.tell()
    return work.edit.finish(), [*world.findings, *findings.listed()]


def _nodes(scene: Scene, world: WorldFile, findings: Findings) -> Iterator[tuple[Said, JsonObject]]:
    """Each node of which anything is said: first by its name, then its custom properties, then `world.toml`."""
    for index, node in enumerate(scene.list_of("nodes")):
        name, extras = node.get("name", ""), node.get("extras")
        by_name = said_by_name(name) if world.uses_names and name else {}
        by_file = world.nodes.get(name, {}) if name else {}
        if not (by_name or by_file or isinstance(extras, dict)):
            continue
        said = Said("nodes", index, NODE_WORDS, findings)
        said.add(by_name, at="name")
        said.add(extras if isinstance(extras, dict) else {})
        said.add(by_file, label=f'{world.name}: node."{printable(name)}"')
        yield said, node


def _shown_scene(scene: Scene, world: WorldFile, findings: Findings) -> Said | None:
    """What is said of the scene that is shown: by its custom properties, then `world.toml`."""
    scenes = scene.list_of("scenes")
    if not scenes:
        return None
    index = scene.json.get("scene", 0)
    extras = scenes[index].get("extras")
    said = Said("scenes", index, SCENE_WORDS, findings)
    said.add(extras if isinstance(extras, dict) else {})
    said.add(world.scene, label=f"{world.name}: scene")
    return said


def _unknown_nodes(scene: Scene, world: WorldFile, findings: Findings) -> None:
    """A table for a node that is not there helps nobody, and is most often misspelt."""
    names = {node.get("name", "") for node in scene.list_of("nodes")} if world.nodes else set()
    unknown = [name for name in world.nodes if name not in names]
    for count, name in enumerate(unknown):
        hint = meant(name, sorted(names)) if count < MOST_SUGGESTIONS else ""
        message = f'{world.name}: the scene has no node "{printable(name)}"'
        findings.error("WORLD_FILE_NODE", "", message, hint=hint or "names are those of Blender's outliner")
