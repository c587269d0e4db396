"""From a scene to its package: the order of the steps, and what is refused on the way.

Rule: the same scene and options give the same package, byte for byte, whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping

from roomscale.scenes import jsonio
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene
from roomscale.scenes.drawn import draws_of
from roomscale.scenes.embed import to_glb
from roomscale.scenes.errors import UnpackableScene, printable
from roomscale.scenes.kept import Store
from roomscale.scenes.pack_report import PackReport, StepBytes, kept_extensions, why_larger
from roomscale.scenes.package import entry as entries
from roomscale.scenes.package.levels import DESKTOP, EDGES, PHONE
from roomscale.scenes.package.manifest import MOST_PARTS, Manifest
from roomscale.scenes.package.parts import animation_parts, mesh_parts, sound_parts
from roomscale.scenes.package.pictures import Levels, at_all_levels
from roomscale.scenes.package.priority import in_order
from roomscale.scenes.package.report import downloads, parts_lines
from roomscale.scenes.package.rows import MadePart, merged
from roomscale.scenes.package.steps import as_entry, base_steps, mesh_bytes, simplified
from roomscale.scenes.package.write import Package, file_ref
from roomscale.scenes.single import (
    DEFAULT_OPTIONS,
    INSTANCE_NEEDS_SINGLE,
    PackOptions,
    Tell,
    in_one_piece,
    refusing,
    weight_of,
    why_not_joined,
)

ENTRY_STAYS = "it is a package's entry already and stays as it is: pack the scene that it was made of"


def pack(
    scene: Scene,
    options: PackOptions = DEFAULT_OPTIONS,
    tell: Tell = lambda _doing, _done: None,
    store: Store | None = None,
) -> tuple[Package, PackReport]:
    """The package of a scene, and what it came to. `store`: where images are that were packed before.

    Raises `RejectedScene` for what `check` refuses, `BrokenData` and others for data that cannot be had,
    `UnpackableScene` where a file would exceed the limit.
    """
    require_sound(scene)
    if options.instance:
        raise UnpackableScene(INSTANCE_NEEDS_SINGLE)
    with refusing(scene):
        return _pack(scene, options, tell, store)


def _pack(scene: Scene, options: PackOptions, tell: Tell, store: Store | None) -> tuple[Package, PackReport]:
    if entries.is_entry(scene):
        return _passed_through(scene, [ENTRY_STAYS] if options.join else [])
    moving, steps = _base(scene, tell, join=options.join, store=store)
    scene.give_back()
    base = entries.without_animations(moving)
    images = at_all_levels(
        base,
        edges_for(options.texture_size),
        options.encoding,
        options.workers,
        lambda done, total: tell("images", 0.1 + 0.6 * done / total),
        store,
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
    notes = [*_notes(images), *why_not_joined(scene, options), *why_larger(steps)]
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


def _base(scene: Scene, tell: Tell, *, join: bool, store: Store | None) -> tuple[Scene, list[StepBytes]]:
    scene = in_one_piece(scene)
    steps = [StepBytes("source", weight_of(scene))]
    for name, step in base_steps(join=join, store=store):
        tell(name, 0.05)
        result = step(scene)
        if result is not scene:
            steps.append(StepBytes(name, weight_of(result)))
        scene = result
    return scene, steps


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


def edges_for(texture_size: int) -> Mapping[int, int]:
    """Level → pixels of the longest edge of its images, when the highest level has `texture_size`."""
    if texture_size <= EDGES[PHONE]:
        return {PHONE: texture_size}
    return {PHONE: EDGES[PHONE], DESKTOP: texture_size}


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
