"""A scene as one .glb, fully compressed (`roomscale pack --single`), and what this shares with making a package.

Rule: the same scene and options give the same bytes, whatever the number of workers. Nothing of `package` is imported:
whoever wants one file does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from roomscale.scenes import jsonio
from roomscale.scenes.checks import check
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.drawn import draws_of
from roomscale.scenes.embed import names_files, sound_to_glb, to_glb
from roomscale.scenes.encoding import Encoding
from roomscale.scenes.errors import RejectedScene, UnpackableScene
from roomscale.scenes.findings import errors_of
from roomscale.scenes.kept import Store
from roomscale.scenes.pack_report import PackReport, StepBytes, kept_extensions, why_larger
from roomscale.scenes.transforms.pipeline import PRESETS, optimise

DEFAULT_LIMIT = 50_000_000
"""Bytes of one file: what a homeserver takes unless told otherwise (Synapse's `max_upload_size` of 50M)."""

INSTANCE_NEEDS_SINGLE = (
    "--instance needs --single: a package's entry opens in every viewer, and some know no copies of a mesh; "
    "--join works for both"
)


class PackOptions(NamedTuple):
    """How to pack. `texture_size`: pixels of the longest edge at the highest level, from 256.

    `limit`: bytes that no file exceeds. `workers`: threads that encode images, None for one per core.
    `preset`: a key of `PRESETS`. `join`: still meshes of one material become one. `instance`: nodes that show one mesh
    become copies; for `pack_single` alone, since an entry opens in viewers that know no copies. `textures`: webp, avif
    or ktx2, for parts; an entry's images are JPEG or PNG.
    """

    texture_size: int = PRESETS["default"].edge
    limit: int = DEFAULT_LIMIT
    workers: int | None = None
    preset: str = "default"
    join: bool = False
    instance: bool = False
    textures: str = "webp"

    @property
    def encoding(self) -> Encoding:
        """How images are written."""
        return PRESETS[self.preset].encoding.as_format(self.textures)


DEFAULT_OPTIONS = PackOptions()
Tell = Callable[[str, float], None]
"""Called with what is being done and how much of all is done, 0 to 1."""


def pack_single(
    scene: Scene,
    options: PackOptions = DEFAULT_OPTIONS,
    tell: Tell = lambda _doing, _done: None,
    store: Store | None = None,
) -> tuple[bytes, PackReport]:
    """The scene as one .glb, fully compressed, and what it came to. `store` and what is raised: as for `pack`."""
    require_sound(scene)
    with refusing(scene):
        return _pack_single(scene, options, tell, store)


def _pack_single(scene: Scene, options: PackOptions, tell: Tell, store: Store | None) -> tuple[bytes, PackReport]:
    preset = PRESETS[options.preset]._replace(edge=options.texture_size, encoding=options.encoding)
    scene = in_one_piece(scene)
    written = jsonio.Written()
    steps = [StepBytes("source", weight_of(scene, written))]
    result, done = optimise(
        scene,
        preset,
        draws=[name for name, is_asked in (("instance", options.instance), ("join", options.join)) if is_asked],
        workers=options.workers,
        store=store,
        progress=lambda name, number, count: tell(name, number / count),
        written=written,
    )
    steps += [StepBytes(step.name, step.after) for step in done.steps if step.after != step.before]
    data = sound_to_glb(result, written)
    steps.append(StepBytes("file", len(data)))
    if len(data) > options.limit:
        raise UnpackableScene(
            f"one file takes {len(data):,} bytes, more than {options.limit:,}: pack into a folder, or raise --limit"
        )
    return data, PackReport(
        steps[0].bytes,
        len(data),
        tuple(steps),
        kept=kept_extensions(scene),
        nodes=len(scene.list_of("nodes")),
        draws=(draws_of(scene), draws_of(result)),
        notes=(*why_not_joined(scene, options), *why_larger(steps)),
    )


@contextmanager
def refusing(scene: Scene) -> Iterator[None]:
    """Where packing stumbles over what `check` refuses, say that: checking all numbers before would double the time of
    those who have done it. What stumbles over a sound scene is a mistake of ours, and stays one."""
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        if errors := errors_of(check(scene)):
            raise RejectedScene(errors) from error
        raise


def why_not_joined(scene: Scene, options: PackOptions) -> list[str]:
    """Why nothing was drawn together though it was asked for, if all of the scene is the reason."""
    if not (options.join or options.instance):
        return []
    from roomscale.scenes.transforms.still import why_all_stay  # noqa: PLC0415 - on request only, as what joins

    reason = why_all_stay(scene)
    return [f"every mesh stays with its node: {reason}"] if reason else []


def weight_of(scene: Scene, written: jsonio.Written | None = None) -> int:
    """Bytes of the scene as one file, but for some paddings. `written`: to be used for other scenes after it."""
    buffers = (scene.buffer(index) for index in range(len(scene.list_of("buffers"))) if scene.has_data(index))
    json = len(jsonio.dump(scene.json)) if written is None else written.size(scene.json)
    return json + sum(len(buffer) for buffer in buffers)


def in_one_piece(scene: Scene) -> Scene:
    """The scene with all that it names inside, so that a step's bytes can be told."""
    if not names_files(scene):
        return scene
    return parse_scene(to_glb(scene), name=scene.name, limits=scene.limits)
