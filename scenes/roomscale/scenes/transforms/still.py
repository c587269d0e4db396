"""Which nodes' meshes stand still and speak for nobody: what `join` and `instance` may draw from another node.

A mesh stays with its node where something may move, hide, bend or ask for the node or anything above it: animations,
skins, extensions that name it or stand on it (physics, visibility, levels of detail), pointers, a creator's words
(`-col`, `collider`); and in a scene whose script or unknown extension may name any node, all stay.
Rule: when in doubt it stays. What is not still after a joining was not still before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from roomscale.scenes.authoring.vocabulary import said_by_name
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft, survey_of
from roomscale.scenes.errors import printable
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.matter import matter_of, object_name
from roomscale.scenes.placement import Matrix, local_matrix, world_matrices
from roomscale.scenes.references import Survey
from roomscale.scenes.transforms.named_meshes import named_meshes

_SCRIPTS = "KHR_interactivity"
_SINGLE_ROOT = "GODOT_single_root"
_QUIET = frozenset(
    {
        "EXT_lights_ies",
        "KHR_audio",
        "KHR_audio_emitter",
        "KHR_lights_punctual",
        "KHR_xmp_json_ld",
        "MX_spawn_point",
        "OMI_link",
        "OMI_seat",
        "OMI_spawn_point",
    }
)
"""Extensions of a node that neither move nor hide what stands there, nor ask what it looks like."""
_WORDS = frozenset({"collider", "trigger", "motion", "visible", "lightmap"})
"""Custom properties, or their beginnings, by which creators say that a node is more than something to look at."""
_BY_SCALE = frozenset({"KHR_materials_volume", "KHR_materials_volume_scatter", "VRMC_materials_mtoon"})
"""Extensions of materials whose lengths are in the space of the node."""

FLAT = 1e-6
"""Of a cube: what skews it to less than this volume flattens it, and has no normals."""


@dataclass(frozen=True, slots=True)
class Still:
    """A mesh that stands still. `matrix`: of its node in the world. `name`: the node's, `above`: of what it is below.

    `is_mirrored`: the matrix turns the winding of triangles (glTF 2.0 §3.7.4).
    """

    node: int
    mesh: int
    matrix: Matrix
    name: str
    above: str
    is_mirrored: bool


def why_all_stay(scene: Scene) -> str:
    """Why no mesh of a scene may leave its node, as a sentence; "" where some may."""
    survey = survey_of(scene)
    if survey.unknown:
        return f"{printable(min(survey.unknown))} may name any node, nobody knows"
    if _SCRIPTS in survey.known:
        return f"the scene's script ({_SCRIPTS}) may name any node"
    if _SINGLE_ROOT in scene.list_of("extensionsUsed"):
        root = scene.list_of("nodes")[_roots(scene)[0]] if _roots(scene) else {}
        if len(_roots(scene)) != 1 or not np.array_equal(local_matrix(root), np.eye(4)):
            return f"{_SINGLE_ROOT} allows no second root, and the first is moved"
    return ""


def still_meshes(scene: Scene) -> list[Still]:
    """All of them, in the order of their nodes, of a scene whose structure is sound."""
    nodes = scene.list_of("nodes")
    if not any("mesh" in node for node in nodes) or why_all_stay(scene):
        return []
    survey = survey_of(scene)
    held = _with_all_below(nodes, _held(scene, survey) | _shown_elsewhere(scene))
    bound = named_meshes(scene.json, survey) | survey.named(by_extensions=True).get("meshes", set())
    places = {
        index: matrix
        for index, matrix in sorted(world_matrices(scene).items())
        if "mesh" in nodes[index] and "skin" not in nodes[index] and "weights" not in nodes[index]
        if index not in held and nodes[index]["mesh"] not in bound
    }
    parents = {child: node for node in nodes for child in node.get("children", ())}
    return [
        Still(
            index,
            nodes[index]["mesh"],
            matrix,
            nodes[index].get("name", ""),
            parents.get(index, _shown(scene)).get("name", ""),
            volume < 0,
        )
        for (index, matrix), volume in zip(places.items(), _volumes(list(places.values())), strict=True)
        if volume
    ]


def name_above(scene: Scene) -> str:
    """The name of what new nodes hang below: that of the scene, or of its only root."""
    is_single = _SINGLE_ROOT in scene.list_of("extensionsUsed")
    holder = scene.list_of("nodes")[_roots(scene)[0]] if is_single else _shown(scene)
    return object_name(holder.get("name", ""))


def _shown(scene: Scene) -> JsonObject:
    shown: JsonObject = scene.list_of("scenes")[scene.json.get("scene", 0)]
    return shown


def look_alike(material: JsonObject) -> bool:
    """Whether what has this material looks the same in another order and from another node."""
    return material.get("alphaMode") != "BLEND" and _BY_SCALE.isdisjoint(material.get("extensions", {}))


def matters(scene: Scene, mesh: int, name: str, above: str) -> list[tuple[str, str]]:
    """What the browser client takes each primitive for, by its names, as `matter_of` says it.

    `name`: of the node; `above`: of what the node hangs below. A mesh of one primitive is the node itself to three.js,
    one of several hangs below it.
    """
    told, materials = scene.list_of("meshes")[mesh], scene.list_of("materials")
    own = [told.get("name", ""), name] if len(told["primitives"]) > 1 else [name or told.get("name", ""), above]
    names = [object_name(each) for each in own]
    return [
        matter_of([materials[primitive["material"]].get("name", "") if "material" in primitive else "", *names])
        for primitive in told["primitives"]
    ]


def hang(draft: Draft, nodes: Iterable[JsonObject]) -> None:
    """Add nodes whose places are those in the world: as roots of the scene that is shown, or below its only root.

    `draft` touches nodes and scenes.
    """
    json = draft.json
    shown = json["scenes"][json.get("scene", 0)]
    for node in nodes:
        json["nodes"].append(node)
        is_single = _SINGLE_ROOT in json.get("extensionsUsed", ())
        siblings = json["nodes"][shown["nodes"][0]].setdefault("children", []) if is_single else shown["nodes"]
        siblings.append(len(json["nodes"]) - 1)


def _roots(scene: Scene) -> list[int]:
    return list(_shown(scene).get("nodes", ())) if scene.list_of("scenes") else []


def _held(scene: Scene, survey: Survey) -> set[int]:
    """Nodes that something may move, hide or ask for, those below them not counted."""
    held = {reference.index for reference in survey.references if reference.kind == "nodes" and reference.extension}
    for animation in scene.list_of("animations"):
        held |= {channel["target"]["node"] for channel in animation["channels"] if "node" in channel["target"]}
    for skin in scene.list_of("skins"):
        held.update(skin["joints"], [skin["skeleton"]] if "skeleton" in skin else [])
    held |= {index for index, node in enumerate(scene.list_of("nodes")) if _is_more_than_seen(node)}
    return held


def _is_more_than_seen(node: JsonObject) -> bool:
    """Whether a node's extensions, custom properties or name make it something else than a thing to look at."""
    if not _QUIET.issuperset(node.get("extensions", {})):
        return True
    extras = node.get("extras")
    words = {key.split("_", maxsplit=1)[0].lower() for key in extras} if isinstance(extras, dict) else set()
    return bool(words & _WORDS) or "collider" in said_by_name(node.get("name", ""))


def _shown_elsewhere(scene: Scene) -> set[int]:
    """Roots of scenes that are not shown: what hangs there would be missing."""
    shown = scene.json.get("scene", 0)
    others = (entry for number, entry in enumerate(scene.list_of("scenes")) if number != shown)
    return {root for entry in others for root in entry.get("nodes", ())}


def _with_all_below(nodes: list[JsonObject], roots: set[int]) -> set[int]:
    todo, found = list(roots), set[int]()
    while todo:
        if (index := todo.pop()) not in found:
            found.add(index)
            todo.extend(nodes[index].get("children", ()))
    return found


def _volumes(matrices: list[Matrix]) -> list[float]:
    """Of a cube of unit edges that each matrix skews, negative where it is mirrored; 0 where it cannot be undone."""
    if not matrices:
        return []
    axes = np.stack(matrices)[:, :3, :3]
    with np.errstate(all="ignore"):  # absurd matrices give what is not finite, which counts as flat
        volumes = np.linalg.det(axes / np.linalg.norm(axes, axis=1, keepdims=True))
        is_flat = ~(np.abs(volumes) > FLAT) | ~np.isfinite(np.stack(matrices)).all(axis=(1, 2))
    return [float(volume) for volume in np.where(is_flat, 0.0, volumes)]
