"""Which meshes an extension may read as geometry of its own: colliders, above all.

Rule: when in doubt a mesh counts as named. Its vertices keep their places, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey

_NAMES_NO_GEOMETRY = frozenset({"VRM", "VRMC_vrm", "KHR_animation_pointer"})
"""They name meshes for their morph targets and for who sees them."""
_READS_OWN_MESH = frozenset(
    {"OMI_collider", "OMI_physics_body", "KHR_physics_rigid_bodies", "MOZ_hubs_components", "MX_static"}
)
"""Extensions of a node that may make a collider of the mesh that the node itself carries."""


def named_meshes(json: JsonObject, survey: Survey) -> set[int]:
    """Meshes that an extension names, that stand on a node whose extension may read them, or is not known.

    `survey`: of `json`.
    """
    meshes: set[int] = set()
    nodes: set[int] = set()
    for reference in survey.by_extensions():
        if reference.extension not in _NAMES_NO_GEOMETRY:
            if reference.kind == "meshes":
                meshes.add(reference.index)
            elif reference.kind == "nodes" and reference.extension in _READS_OWN_MESH:
                nodes.add(reference.index)
    nodes |= set(_reading_nodes(json, _READS_OWN_MESH | survey.unknown))
    every = json.get("nodes", ())
    return meshes | {every[index]["mesh"] for index in nodes if "mesh" in every[index]}


def _reading_nodes(json: JsonObject, extensions: frozenset[str]) -> Iterator[int]:
    for index, node in enumerate(json.get("nodes", ())):
        if not extensions.isdisjoint(node.get("extensions", {})):
            yield index
