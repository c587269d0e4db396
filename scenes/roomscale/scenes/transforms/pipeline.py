"""All transforms in their order: what `roomscale pack --single` does to a scene, with the bytes that each step saved.

Rule: what was optimised before passes through: the same bytes again. The result depends on the scene and the preset
alone, not on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from roomscale.scenes import jsonio
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.compressed import is_placeholder
from roomscale.scenes.document import Scene
from roomscale.scenes.encoding import WEBP_DEFAULT, Encoding
from roomscale.scenes.errors import SceneError
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.transforms.compress import compress
from roomscale.scenes.transforms.dedupe import dedupe
from roomscale.scenes.transforms.images import shrink_images
from roomscale.scenes.transforms.merge import merge
from roomscale.scenes.transforms.prune import prune
from roomscale.scenes.transforms.quantise import quantise
from roomscale.scenes.transforms.reorder import reorder
from roomscale.scenes.transforms.resample import resample
from roomscale.scenes.transforms.shrink import shrink
from roomscale.scenes.transforms.sparse import dense, sparse
from roomscale.scenes.transforms.unread import without_unread
from roomscale.scenes.transforms.weld import weld


@dataclass(frozen=True, slots=True)
class Preset:
    """How far to go. `name`: as `roomscale pack --preset` takes it.

    `edge`: pixels that no edge of an image exceeds. `encoding`: how images are written.
    """

    name: str
    edge: int = 2048
    encoding: Encoding = WEBP_DEFAULT


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("fast", encoding=Encoding(effort=2)),
        Preset("default"),
        Preset("small", encoding=Encoding(colour=72, effort=6)),
    )
}


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did: bytes of the whole scene before and after it, buffers, images and JSON together."""

    name: str
    before: int
    after: int


@dataclass
class Report:
    """What all steps did, in their order; steps that changed nothing have `before == after`."""

    steps: list[StepReport] = field(default_factory=list)


Progress = Callable[[str, int, int], None]
"""Is told of every step as it begins: its name, how many are done, how many there are."""
Step = Callable[[Scene, Preset, int | None], Scene]
"""A transform with what it needs from the preset; the number is that of workers, None for one per core."""

STEPS: tuple[tuple[str, Step], ...] = (
    ("dedupe", lambda scene, preset, workers: dedupe(scene)),
    ("prune", lambda scene, preset, workers: prune(without_unread(scene))),
    ("dense", lambda scene, preset, workers: dense(scene)),
    ("resample", lambda scene, preset, workers: resample(scene)),
    ("weld", lambda scene, preset, workers: weld(scene)),
    ("quantise", lambda scene, preset, workers: weld(quantise(scene))),  # rounding makes more vertices equal
    ("images", lambda scene, preset, workers: shrink_images(scene, preset.edge, preset.encoding, workers=workers)),
    ("reorder", lambda scene, preset, workers: reorder(scene)),
    ("compress", lambda scene, preset, workers: compress(sparse(scene, compressed=True))),
    ("shrink", lambda scene, preset, workers: shrink(scene)),
    ("dedupe again", lambda scene, preset, workers: prune(dedupe(scene))),  # what became equal
    ("merge", lambda scene, preset, workers: merge(scene)),
)
"""Name → transform, in the order in which they help one another most."""


def optimise(
    scene: Scene,
    preset: Preset = PRESETS["default"],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[Scene, Report]:
    """The scene made as small as `preset` says, and what each step saved.

    Raises `RejectedScene` for scenes whose structure is broken, other `SceneError`s for data that cannot be had.
    """
    require_sound(scene)
    report = Report()
    known: Known = {}
    before = size_of(scene, known)
    for number, (name, step) in enumerate(STEPS):
        if progress is not None:
            progress(name, number, len(STEPS))
        result = step(scene, preset, workers)
        after = before if result is scene else size_of(result, known)
        report.steps.append(StepReport(name, before, after))
        if result is not scene:
            scene.give_back()
        scene, before = result, after
    return scene, report


Known = dict[str, tuple[Any, int]]
"""Key of the root → what was there when it was last measured, and its bytes as JSON."""


def size_of(scene: Scene, known: Known | None = None) -> int:
    """Bytes of a scene: its JSON, its buffers, and the files that it names.

    `known`: what was measured before; scenes share lists, which are not written again to be counted.
    """
    total = _json_bytes(scene.json, {} if known is None else known)
    for buffer in scene.list_of("buffers"):
        if not is_placeholder(buffer) and not _is_inside(buffer):
            total += int(buffer["byteLength"])
    for image in scene.list_of("images"):
        if "uri" in image and not _is_inside(image):
            try:
                total += len(scene.resource(image["uri"], ""))
            except SceneError:
                continue  # it weighs nothing as long as it cannot be had
    return total


def _json_bytes(json: JsonObject, known: Known) -> int:
    """As many as `jsonio.dump` writes: two braces, and for each key itself, a colon, the value, a comma if need be."""
    total = 1 + max(1, len(json))
    for key, value in json.items():
        if key not in known or known[key][0] is not value:
            known[key] = (value, len(jsonio.dump(value)))
        total += len(jsonio.dump(key)) + 1 + known[key][1]
    return total


def _is_inside(holder: object) -> bool:
    uri = holder.get("uri") if isinstance(holder, dict) else None
    return isinstance(uri, str) and uri[:5].lower() == "data:"
