"""What packing came to, as values: bytes per step, what visitors download, what was kept that others drop.

Rule: the same scene and options give the same report, so it holds no time and nothing of the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import survey_of
from roomscale.scenes.package.levels import DEVICES, download_bytes
from roomscale.scenes.package.manifest import Manifest

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


@dataclass(frozen=True, slots=True)
class StepBytes:
    """What the scene weighs after a step, as one .glb."""

    name: str
    bytes: int


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


@dataclass(frozen=True, slots=True)
class PartsLine:
    """The parts of one kind and level: how many, how many bytes."""

    kind: str
    level: int
    count: int
    bytes: int


@dataclass(frozen=True)
class PackReport:
    """All of it. `source`, `entry`: bytes, `entry` that of the one file for `--single`.

    `downloads`: device → bytes in all. `kept`: extension → how often, of those that others drop. `nodes`: all kept.
    `draws`: primitives times the nodes that show them, of the source and of what was made.
    `notes`: sentences for the creator.
    """

    source: int
    entry: int
    steps: tuple[StepBytes, ...]
    parts: tuple[PartsLine, ...] = ()
    downloads: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
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


def why_larger(steps: Sequence[StepBytes]) -> list[str]:
    """A sentence for each step after which the scene is larger than before."""
    return [
        f"larger after {step.name}: {LARGER[step.name]}"
        for before, step in pairwise(steps)
        if step.name in LARGER and step.bytes > _WORTH_SAYING * before.bytes
    ]


def parts_lines(manifest: Manifest) -> tuple[PartsLine, ...]:
    """The manifest's parts, added up."""
    counts: Counter[tuple[str, int]] = Counter()
    sizes: Counter[tuple[str, int]] = Counter()
    for part in manifest.parts:
        counts[part.kind, part.level] += 1
        sizes[part.kind, part.level] += part.bytes
    return tuple(PartsLine(kind, level, counts[kind, level], sizes[kind, level]) for kind, level in sorted(counts))


def downloads(manifest: Manifest) -> dict[str, int]:
    """Device → bytes that it downloads."""
    return {device: download_bytes(manifest, level) for device, level in DEVICES.items()}


def kept_extensions(scene: Scene) -> dict[str, int]:
    """Extension → in how many places it stands, of those that other optimisers drop, by name."""
    counts: Counter[str] = Counter()
    for part in survey_of(scene).parts.values():
        counts.update({name: count for name, count in part.extensions.items() if not _survives(name)})
    return dict(sorted(counts.items()))


def _survives(name: str) -> bool:
    return name in SURVIVES_ELSEWHERE or name.startswith("KHR_materials_")
