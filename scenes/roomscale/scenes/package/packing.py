"""From a scene to its package: the order of the steps, and what is refused on the way.

Rule: the same scene and options give the same package, byte for byte, whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from roomscale.scenes import jsonio
from roomscale.scenes.budgets import draws_of
from roomscale.scenes.checks import check
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.embed import sound_to_glb, to_glb
from roomscale.scenes.encoding import Encoding
from roomscale.scenes.errors import RejectedScene, UnpackableScene, printable
from roomscale.scenes.findings import errors_of
from roomscale.scenes.package import entry as entries
from roomscale.scenes.package.levels import DESKTOP, EDGES, PHONE
from roomscale.scenes.package.manifest import MOST_PARTS, Manifest
from roomscale.scenes.package.parts import animation_parts, mesh_parts, sound_parts
from roomscale.scenes.package.pictures import Levels, at_all_levels
from roomscale.scenes.package.priority import in_order
from roomscale.scenes.package.report import PackReport, StepBytes, downloads, kept_extensions, parts_lines, why_larger
from roomscale.scenes.package.rows import MadePart, merged
from roomscale.scenes.package.steps import as_entry, base_steps, mesh_bytes, simplified
from roomscale.scenes.package.write import Package, file_ref
from roomscale.scenes.transforms.pipeline import PRESETS, optimise
from roomscale.scenes.transforms.still import why_all_stay

DEFAULT_LIMIT = 50_000_000
"""Bytes of one file: what a homeserver takes unless told otherwise (Synapse's `max_upload_size` of 50M)."""

INSTANCE_NEEDS_SINGLE = (
    "--instance needs --single: a package's entry opens in every viewer, and some know no copies of a mesh; "
    "--join works for both"
)
ENTRY_STAYS = "it is a package's entry already and stays as it is: pack the scene that it was made of"


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How to pack. `texture_size`: pixels of the longest edge at the highest level, from 256.

    `limit`: bytes that no file exceeds. `workers`: threads that encode images, None for one per core.
    `preset`: a key of `PRESETS`. `join`: still meshes of one material become one. `instance`: nodes that show one mesh
    become copies; for `pack_single` alone, since an entry opens in viewers that know no copies. `textures`: webp, avif
    or ktx2, for parts; an entry's images are JPEG or PNG.
    """

    texture_size: int = EDGES[DESKTOP]
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


Tell = Callable[[str, float], None]
"""Called with what is being done and how much of all is done, 0 to 1."""


def pack(
    scene: Scene, options: PackOptions = PackOptions(), tell: Tell = lambda _doing, _done: None
) -> tuple[Package, PackReport]:
    """The package of a scene, and what it came to.

    Raises `RejectedScene` for what `check` refuses, `BrokenData` and others for data that cannot be had,
    `UnpackableScene` where a file would exceed the limit.
    """
    require_sound(scene)
    if options.instance:
        raise UnpackableScene(INSTANCE_NEEDS_SINGLE)
    with _refusing(scene):
        return _pack(scene, options, tell)


@contextmanager
def _refusing(scene: Scene) -> Iterator[None]:
    """Where packing stumbles over what `check` refuses, say that: checking all numbers before would double the time of
    those who have done it. What stumbles over a sound scene is a mistake of ours, and stays one."""
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        if errors := errors_of(check(scene)):
            raise RejectedScene(errors) from error
        raise


def _pack(scene: Scene, options: PackOptions, tell: Tell) -> tuple[Package, PackReport]:
    if entries.is_entry(scene):
        return _passed_through(scene, [ENTRY_STAYS] if options.join else [])
    moving, steps = _base(scene, tell, join=options.join)
    scene.give_back()
    base = entries.without_animations(moving)
    images = at_all_levels(
        base,
        edges_for(options.texture_size),
        options.encoding,
        options.workers,
        lambda done, total: tell("images", 0.1 + 0.6 * done / total),
    )
    tell("the entry", 0.7)
    entry, simpler = _entry(base, images)
    steps.append(StepBytes("entry", len(entry)))
    _require_within(len(entry), options.limit, base)
    tell("parts", 0.75)
    made = merged(_parts(moving, base, simpler, images, options.limit))
    if len(made) > MOST_PARTS:
        raise UnpackableScene(f"{len(made):,} parts are more than the {MOST_PARTS:,} that a package may have")
    required = tuple(name for name in base.list_of("extensionsRequired") if name not in entries.ALLOWED)
    manifest = Manifest(file_ref(entry), in_order(base, [part.row for part in made]), required)
    package = Package(entry, manifest, {part.row.sha256: part.data for part in made})
    tell("packed", 1.0)
    notes = [*_notes(images), *_why_not_joined(scene, options), *why_larger(steps)]
    return package, _report(scene, package, steps, notes, draws_of(base))


def _passed_through(scene: Scene, notes: list[str]) -> tuple[Package, PackReport]:
    """The package of what is an entry already: itself."""
    entry = to_glb(scene)
    package = Package(entry, Manifest(file_ref(entry)), {})
    return package, _report(scene, package, [StepBytes("source", len(entry))], notes, draws_of(scene))


def _entry(base: Scene, images: list[Levels]) -> tuple[bytes, list[int]]:
    """The entry, and which meshes are simpler in it."""
    # Small images first: whatever else is done then holds no large ones, which are most of a scene's bytes.
    coarse = entries.lowest_level(base, images)
    simple, simpler = simplified(coarse) if entries.can_be_marked(coarse) else (coarse, [])
    return to_glb(as_entry(entries.marked(simple))), simpler


def _base(scene: Scene, tell: Tell, *, join: bool) -> tuple[Scene, list[StepBytes]]:
    scene = _in_one_piece(scene)
    steps = [StepBytes("source", _weight(scene))]
    for name, step in base_steps(join=join):
        tell(name, 0.05)
        result = step(scene)
        if result is not scene:
            steps.append(StepBytes(name, _weight(result)))
        scene = result
    return scene, steps


def _why_not_joined(scene: Scene, options: PackOptions) -> list[str]:
    """Why nothing was drawn together though it was asked for, if all of the scene is the reason."""
    reason = why_all_stay(scene) if options.join or options.instance else ""
    return [f"every mesh stays with its node: {reason}"] if reason else []


def _notes(images: list[Levels]) -> list[str]:
    return [
        f"image {image.index} ({image.parts[0].row.type}) cannot be decoded here: the entry shows grey in its place"
        for image in images
        if image.is_grey
    ]


def _parts(moving: Scene, base: Scene, simpler: list[int], images: list[Levels], limit: int) -> list[MadePart]:
    pictures = [part for image in images for part in image.parts]
    sounds = list(sound_parts(base))
    _require_parts_within(pictures, limit, "the image", "give it fewer pixels, pass a lower --texture-size")
    _require_parts_within(sounds, limit, "the sound", "encode it with a lower bit rate")
    return [*pictures, *mesh_parts(base, simpler, limit), *animation_parts(moving, limit), *sounds]


def _require_parts_within(parts: list[MadePart], limit: int, what: str, how: str) -> None:
    for part in parts:
        if part.row.bytes > limit:
            raise UnpackableScene(
                f"{what} {part.row.targets[0]} takes {part.row.bytes:,} bytes, more than {limit:,}: "
                f"{how}, or raise --limit"
            )


def pack_single(
    scene: Scene, options: PackOptions = PackOptions(), tell: Tell = lambda _doing, _done: None
) -> tuple[bytes, PackReport]:
    """The scene as one .glb, fully compressed, and what it came to. Raises as `pack` does."""
    require_sound(scene)
    with _refusing(scene):
        return _pack_single(scene, options, tell)


def _pack_single(scene: Scene, options: PackOptions, tell: Tell) -> tuple[bytes, PackReport]:
    preset = replace(PRESETS[options.preset], edge=options.texture_size, encoding=options.encoding)
    scene = _in_one_piece(scene)
    written = jsonio.Written()
    steps = [StepBytes("source", _weight(scene, written))]
    result, done = optimise(
        scene,
        preset,
        draws=[name for name, is_asked in (("instance", options.instance), ("join", options.join)) if is_asked],
        workers=options.workers,
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
        notes=(*_why_not_joined(scene, options), *why_larger(steps)),
    )


def edges_for(texture_size: int) -> Mapping[int, int]:
    """Level → pixels of the longest edge of its images, when the highest level has `texture_size`."""
    if texture_size <= EDGES[PHONE]:
        return {PHONE: texture_size}
    return {PHONE: EDGES[PHONE], DESKTOP: texture_size}


def _weight(scene: Scene, written: jsonio.Written | None = None) -> int:
    """Bytes of the scene as one file, but for some paddings. `written`: to be used for other scenes after it."""
    buffers = (scene.buffer(index) for index in range(len(scene.list_of("buffers"))) if scene.has_data(index))
    json = len(jsonio.dump(scene.json)) if written is None else written.size(scene.json)
    return json + sum(len(buffer) for buffer in buffers)


def _in_one_piece(scene: Scene) -> Scene:
    """The scene with all that it names inside, so that a step's bytes can be told."""
    if not entries.names_files(scene):
        return scene
    return parse_scene(to_glb(scene), name=scene.name, limits=scene.limits)


def _require_within(size: int, limit: int, base: Scene) -> None:
    if size > limit:
        name, weight = _heaviest(base)
        raise UnpackableScene(
            f"the entry takes {size:,} bytes, more than {limit:,}: it holds what cannot be made simpler, most of it "
            f"{name} ({weight:,} bytes); simplify that, or raise --limit"
        )


def _heaviest(base: Scene) -> tuple[str, int]:
    """What takes the most in an entry: the mesh with the most data."""
    best = ("its JSON", len(jsonio.dump(base.json)))
    for index, mesh in enumerate(base.list_of("meshes")):
        weight = mesh_bytes(base, index)
        if weight > best[1]:
            best = (f'the mesh {index} "{printable(str(mesh.get("name", "")))}"', weight)
    return best


def _report(scene: Scene, package: Package, steps: list[StepBytes], notes: list[str], draws: int) -> PackReport:
    return PackReport(
        source=steps[0].bytes,
        entry=len(package.entry),
        steps=tuple(steps),
        parts=parts_lines(package.manifest),
        downloads=downloads(package.manifest),
        kept=kept_extensions(scene),
        nodes=len(scene.list_of("nodes")),
        draws=(draws_of(scene), draws),
        notes=tuple(notes),
    )
