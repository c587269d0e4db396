"""From what a creator can write in Blender, or in `world.toml`, to what a world's visitors meet: the one entry point.

Rule: pure, and only ever adds: a node's names, properties and extensions stay, what the file already says as an
extension wins, and doing it twice is doing it once.
"""

from __future__ import annotations

from roomscale.scenes.authoring.vocabulary import may_say
from roomscale.scenes.authoring.world_file import WorldFile
from roomscale.scenes.checks.structure import check_structure
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Finding, Findings


def author(scene: Scene, world: WorldFile | None = None) -> tuple[Scene, list[Finding]]:
    """Apply names, custom properties and `world.toml` to a scene; returns it with what was made and what was wrong.

    Findings: INFO `AUTHORED` for what was made, one per kind; WARNING for a value in the glTF that makes no sense,
    ERROR for one in `world.toml`. A scene that says nothing, or whose structure is broken, comes back itself.
    """
    if not check_structure(scene, Findings()):
        return scene, [] if world is None else list(world.findings)
    if world is None and not _may_say(scene):
        return scene, []
    from roomscale.scenes.authoring.applying import apply  # noqa: PLC0415 - most scenes say nothing

    return apply(scene, WorldFile() if world is None else world)


def _may_say(scene: Scene) -> bool:
    """Whether a name may mean something, or there is any custom property."""
    nodes = scene.list_of("nodes")
    return any("extras" in holder for holder in (*scene.list_of("scenes"), *nodes)) or may_say(
        node.get("name", "") for node in nodes
    )
