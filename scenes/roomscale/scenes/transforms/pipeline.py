"""All transforms in their order: what `roomscale pack --single` does to a scene, with the bytes that each step saved.

Rule: what was optimised before passes through: the same bytes again. The result depends on the scene and the preset
alone, not on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.compressed import is_placeholder
from roomscale.scenes.document import Scene
from roomscale.scenes.encoding import WEBP_DEFAULT, Encoding
from roomscale.scenes.errors import SceneError
from roomscale.scenes.jsonio import Written
from roomscale.scenes.kept import Store
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


class Preset(NamedTuple):
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


class StepReport(NamedTuple):
    """What one step did: bytes of the whole scene before and after it, buffers, images and JSON together."""

    name: str
    before: int
    after: int


@dataclass
class Report:
    """What all steps did, in their order; steps that changed nothing have `before == after`."""

    steps: list[StepReport] = field(default_factory=list)


Progress = Callable[[str, float, int], None]
"""Is told of every step as it begins, of long ones as they go on: its name, how many are done, how many there are."""


class Means(NamedTuple):
    """What there is to work with; none of it changes what comes out.

    `workers`: threads, None for one per core. `store`: where images are that were packed before.
    """

    workers: int | None = None
    store: Store | None = None


Step = Callable[[Scene, Preset, Means, Callable[[float], None]], Scene]
"""A transform with what it needs from the preset, and the means for it. It may tell how much of it is done."""

STEPS: tuple[tuple[str, Step], ...] = (
    ("dedupe", lambda scene, preset, means, tell: dedupe(scene, store=means.store)),
    ("prune", lambda scene, preset, means, tell: prune(without_unread(scene))),
    ("dense", lambda scene, preset, means, tell: dense(scene)),
    ("resample", lambda scene, preset, means, tell: resample(scene)),
    ("weld", lambda scene, preset, means, tell: weld(scene)),
    ("quantise", lambda scene, preset, means, tell: weld(quantise(scene))),  # rounding makes more vertices equal
    (
        "images",
        lambda scene, preset, means, tell: shrink_images(
            scene, preset.edge, preset.encoding, workers=means.workers, tell=tell, store=means.store
        ),
    ),
    ("reorder", lambda scene, preset, means, tell: reorder(scene)),
    ("compress", lambda scene, preset, means, tell: compress(sparse(scene, compressed=True))),
    ("shrink", lambda scene, preset, means, tell: shrink(scene)),
    ("dedupe again", lambda scene, preset, means, tell: prune(dedupe(scene, store=means.store))),  # what became equal
    ("merge", lambda scene, preset, means, tell: merge(scene)),
)
"""Name → transform, in the order in which they help one another most."""

_CLEAN = 3
"""Steps after which what is equal is one, what nothing shows is gone, and no accessor is sparse."""


def _instance(scene: Scene) -> Scene:
    from roomscale.scenes.transforms.instance import instance  # noqa: PLC0415 - on request only, as `join`

    return instance(scene)


def _join(scene: Scene) -> Scene:
    from roomscale.scenes.transforms.join import join  # noqa: PLC0415 - see `_instance`

    return join(scene)


FEWER_DRAWS: dict[str, Callable[[Scene], Scene]] = {"instance": _instance, "join": _join}
"""Name → transform that is taken on request, in this order: what is left single is joined."""


def optimise(
    scene: Scene,
    preset: Preset = PRESETS["default"],
    *,
    draws: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
    written: Written | None = None,
    store: Store | None = None,
) -> tuple[Scene, Report]:
    """The scene made as small as `preset` says, and what each step saved.

    `draws`: which of `FEWER_DRAWS` to take besides, at the price of meshes that belong to their nodes no longer.
    `written`: what was written of the scene so far. `store`: where images are that were packed before.
    Raises `RejectedScene` for scenes whose structure is broken, other `SceneError`s for data that cannot be had.
    """
    require_sound(scene)
    report = Report()
    written = Written() if written is None else written
    means = Means(workers, store)
    before = size_of(scene, written)
    fewer = [(name, transform) for name, transform in FEWER_DRAWS.items() if name in draws]
    steps = [*STEPS[:_CLEAN], *((name, _plain(transform)) for name, transform in fewer), *STEPS[_CLEAN:]]
    while True:
        for number, (name, step) in enumerate(steps):

            def tell(part: float, name: str = name, number: int = number) -> None:
                if progress is not None:
                    progress(name, number + part, len(steps))

            tell(0)
            result = step(scene, preset, means, tell)
            after = before if result is scene else size_of(result, written)
            report.steps.append(StepReport(name, before, after))
            if result is not scene:
                scene.give_back()
            scene, before = result, after
        # What rounding made equal may be drawn together now; each time round there are fewer draws.
        if all(transform(scene) is scene for _, transform in fewer):
            return scene, report


def _plain(transform: Callable[[Scene], Scene]) -> Step:
    return lambda scene, preset, means, tell: transform(scene)


def size_of(scene: Scene, written: Written | None = None) -> int:
    """Bytes of a scene: its JSON, its buffers, and the files that it names. `written`: of scenes before it."""
    total = (Written() if written is None else written).size(scene.json)
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


def _is_inside(holder: object) -> bool:
    uri = holder.get("uri") if isinstance(holder, dict) else None
    return isinstance(uri, str) and uri[:5].lower() == "data:"
