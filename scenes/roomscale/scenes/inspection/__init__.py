"""What is in a scene, and what of it costs how much: for a creator who wonders why it is so large.

Rule: reading only, from JSON and headers; nothing is decoded. `costly` is about bytes, `outline` about the tree of
nodes, `known` about extensions; `inspect` puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass

from roomscale.scenes.budgets import Costs, costs
from roomscale.scenes.checks.structure import require_sound, used_extensions
from roomscale.scenes.document import Scene
from roomscale.scenes.inspection.costly import (
    AnimationCosts,
    MeshCosts,
    NamedImage,
    SoundCosts,
    animations,
    images,
    meshes,
    shares,
    sounds,
)
from roomscale.scenes.inspection.known import Knowledge, knowledge_of
from roomscale.scenes.view import WorldView, view


@dataclass(frozen=True)
class Inspection:
    """All there is to say. Lists are sorted by what each entry costs, the most costly first.

    `shares`: what the bytes of the file are for → how many. `extensions`: each that is used or listed → who knows it.
    """

    costs: Costs
    shares: dict[str, int]
    images: list[NamedImage]
    meshes: list[MeshCosts]
    animations: list[AnimationCosts]
    sounds: list[SoundCosts]
    extensions: dict[str, Knowledge]
    world: WorldView
    generator: str


def inspect(scene: Scene) -> Inspection:
    """Look at a scene. Raises `RejectedScene` if its structure is broken."""
    require_sound(scene)
    names = [*scene.list_of("extensionsUsed"), *used_extensions(scene)]
    return Inspection(
        costs=costs(scene),
        shares=shares(scene),
        images=images(scene),
        meshes=meshes(scene),
        animations=animations(scene),
        sounds=sounds(scene),
        extensions={name: knowledge_of(name) for name in sorted(set(names))},
        world=view(scene),
        generator=str(scene.json["asset"].get("generator", "")),
    )


__all__ = [
    "AnimationCosts",
    "Inspection",
    "Knowledge",
    "MeshCosts",
    "NamedImage",
    "SoundCosts",
    "inspect",
    "knowledge_of",
]
