"""What packing came to, as values: bytes per step, what visitors download, what was kept that others drop.

Rule: the same scene and options give the same report, so it holds no time and nothing of the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import survey_of

if TYPE_CHECKING:
    from roomscale.scenes.package.report import PartsLine

SURVIVES_ELSEWHERE = frozenset(
    {
        "EXT_mesh_gpu_instancing",
        "EXT_meshopt_compression",
        "EXT_texture_avif",
        "EXT_texture_webp",
        "KHR_draco_mesh_compression",
        "KHR_lights_punctual",
        "KHR_mesh_quantization",
        "KHR_meshopt_compression",
        "KHR_node_visibility",
        "KHR_texture_basisu",
        "KHR_texture_transform",
        "KHR_xmp_json_ld",
    }
)
"""Extensions that gltf-transform 4.5 keeps, KHR_materials_* besides; it drops all others without a word."""


_ANEW = "numbers are stored anew, and the former lie among others that stay; what is written is without them"
LARGER = {
    "unpack": "what was compressed lies open, as it does in the entry; parts are compressed again",
    "dense": "sparse accessors have all of their elements; what is written is sparse again",
    "instance": "copies have places of their own",
    "join": "a mesh that several nodes showed is there for each of them",
    "weld": _ANEW,
    "quantise": _ANEW,
    "round": _ANEW,
    "reorder": _ANEW,
}
"""Step → why a scene may weigh more after it."""
_WORTH_SAYING = 1.01
"""Of the weight before; less is a few words of JSON."""


class StepBytes(NamedTuple):
    """What the scene weighs after a step, as one .glb."""

    name: str
    bytes: int


class PackReport(NamedTuple):
    """All of it. `source`, `entry`: bytes, `entry` that of the one file for `--single`.

    `downloads`: device → bytes in all. `kept`: extension → how often, of those that others drop. `nodes`: all kept.
    `draws`: primitives times the nodes that show them, of the source and of what was made.
    `notes`: sentences for the creator.
    """

    source: int
    entry: int
    steps: tuple[StepBytes, ...]
    parts: tuple[PartsLine, ...] = ()
    downloads: Mapping[str, int] = MappingProxyType({})
    kept: Mapping[str, int] = MappingProxyType({})
    nodes: int = 0
    draws: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For scripts; keys are added in later versions, never renamed."""
        return {
            "source": self.source,
            "entry": self.entry,
            "steps": [{"name": step.name, "bytes": step.bytes} for step in self.steps],
            "parts": [
                {"kind": line.kind, "level": line.level, "count": line.count, "bytes": line.bytes}
                for line in self.parts
            ],
            "downloads": dict(self.downloads),
            "kept": dict(self.kept),
            "nodes": self.nodes,
            "draws": {"before": self.draws[0], "after": self.draws[1]},
            "notes": list(self.notes),
        }


def kept_extensions(scene: Scene) -> dict[str, int]:
    """Extension → in how many places it stands, of those that other optimisers drop, by name."""
    counts: Counter[str] = Counter()
    for part in survey_of(scene).parts.values():
        counts.update({name: count for name, count in part.extensions.items() if not _survives(name)})
    return dict(sorted(counts.items()))


def _survives(name: str) -> bool:
    return name in SURVIVES_ELSEWHERE or name.startswith("KHR_materials_")


def why_larger(steps: Sequence[StepBytes]) -> list[str]:
    """A sentence for each step after which the scene is larger than before."""
    return [
        f"larger after {step.name}: {LARGER[step.name]}"
        for before, step in pairwise(steps)
        if step.name in LARGER and step.bytes > _WORTH_SAYING * before.bytes
    ]
