"""From a scene to its package: the order of the steps, and what is refused on the way.

Rule: the same scene and options give the same package, byte for byte, whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from roomscale.scenes import jsonio
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.embed import AUDIO_EXTENSIONS, to_glb
from roomscale.scenes.errors import UnpackableScene, printable
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.package import entry as entries
from roomscale.scenes.package.encoding import encode
from roomscale.scenes.package.levels import DESKTOP, EDGES, PHONE
from roomscale.scenes.package.manifest import MOST_PARTS, Manifest
from roomscale.scenes.package.parts import animation_parts, mesh_bytes, mesh_parts, sound_parts
from roomscale.scenes.package.pictures import GREY, Encoded, Picture, lowest, pictures, sharper
from roomscale.scenes.package.priority import in_order
from roomscale.scenes.package.report import PackReport, StepBytes, downloads, kept_extensions, parts_lines
from roomscale.scenes.package.rows import MadePart, merged
from roomscale.scenes.package.sounds import sound_entries
from roomscale.scenes.package.steps import BASE_STEPS, simplified
from roomscale.scenes.package.write import Package, file_ref

DEFAULT_LIMIT = 50_000_000
"""Bytes of one file: what a homeserver takes unless told otherwise (Synapse's `max_upload_size` of 50M)."""


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How to pack. `texture_size`: pixels of the longest edge at the highest level, from 256.

    `limit`: bytes that no file exceeds. `workers`: processes that encode images, None for one per core.
    `preset`: a name of `PRESETS`.
    """

    texture_size: int = EDGES[DESKTOP]
    limit: int = DEFAULT_LIMIT
    workers: int | None = None
    preset: str = "default"


Tell = Callable[[str, float], None]
"""Called with what is being done and how much of all is done, 0 to 1."""


def pack(
    scene: Scene, options: PackOptions = PackOptions(), tell: Tell = lambda _doing, _done: None
) -> tuple[Package, PackReport]:
    """The package of a scene, and what it came to.

    Raises `RejectedScene` for a broken structure, `BrokenData` and others for data that cannot be had,
    `UnpackableScene` where a file would exceed the limit.
    """
    base, steps = _base(scene, tell)
    tell("simplifying meshes", 0.1)
    is_marked = entries.can_be_marked(base)
    simple = simplified(base) if is_marked and not entries.is_entry(base) else base
    images = list(pictures(base))
    tell("images of the entry", 0.2)
    small = lowest(images, encode)
    entry = to_glb(entries.lowest_level(simple, small, marked=is_marked))
    steps.append(StepBytes("entry", len(entry)))
    _require_within(len(entry), options.limit, base)
    tell("parts", 0.4)
    made = merged(_parts(base, simple, images, options))
    if len(made) > MOST_PARTS:
        raise UnpackableScene(f"{len(made):,} parts are more than the {MOST_PARTS:,} that a package may have")
    required = tuple(name for name in base.list_of("extensionsRequired") if name not in entries.ALLOWED)
    manifest = Manifest(file_ref(entry), in_order(base, [part.row for part in made]), required)
    package = Package(entry, manifest, {part.row.sha256: part.data for part in made})
    tell("packed", 1.0)
    return package, _report(scene, package, steps, _notes(images, small))


def _base(scene: Scene, tell: Tell) -> tuple[Scene, list[StepBytes]]:
    require_sound(scene)
    scene = _in_one_piece(scene)
    steps = [StepBytes("source", _weight(scene))]
    for name, step in BASE_STEPS:
        tell(name, 0.05)
        scene = step(scene)
        steps.append(StepBytes(name, _weight(scene)))
    return scene, steps


def _notes(images: list[Picture], small: Mapping[int, Encoded]) -> list[str]:
    return [
        f"the image {picture.index} ({picture.media_type}) cannot be decoded here: the entry shows grey in its place"
        for picture in images
        if picture.index in small and small[picture.index].data is GREY
    ]


def _parts(base: Scene, simple: Scene, images: list[Picture], options: PackOptions) -> list[MadePart]:
    edges = edges_for(options.texture_size)
    made = [part for picture in images for part in sharper(picture, encode, edges)]
    for part in made:
        if part.row.bytes > options.limit:
            raise UnpackableScene(
                f"the image {part.row.targets[0]} takes {part.row.bytes:,} bytes, more than {options.limit:,}: "
                "give it fewer pixels, pass a lower --texture-size, or raise --limit"
            )
    made += mesh_parts(base, _changed_meshes(base, simple), options.limit)
    made += animation_parts(base, options.limit)
    for part in (sounds := list(sound_parts(base))):
        if part.row.bytes > options.limit:
            raise UnpackableScene(
                f"the sound {part.row.targets[0]} takes {part.row.bytes:,} bytes, more than {options.limit:,}: "
                "encode it with a lower bit rate, or raise --limit"
            )
    return made + sounds


def pack_single(
    scene: Scene, options: PackOptions = PackOptions(), tell: Tell = lambda _doing, _done: None
) -> tuple[bytes, PackReport]:
    """The scene as one .glb, fully compressed, and what it came to. Raises as `pack` does."""
    base, steps = _base(scene, tell)
    data = to_glb(base)
    return data, PackReport(steps[0].bytes, len(data), tuple(steps), kept=kept_extensions(scene))


def edges_for(texture_size: int) -> Mapping[int, int]:
    """Level → pixels of the longest edge of its images, when the highest level has `texture_size`."""
    if texture_size <= EDGES[PHONE]:
        return {PHONE: texture_size}
    return {PHONE: EDGES[PHONE], DESKTOP: texture_size}


def _changed_meshes(base: Scene, simple: Scene) -> list[int]:
    """The meshes that became simpler: some accessor of theirs has another number of elements."""
    if base is simple:
        return []
    pairs = zip(base.list_of("meshes"), simple.list_of("meshes"), strict=True)
    return [index for index, (before, after) in enumerate(pairs) if _counts(base, before) != _counts(simple, after)]


def _counts(scene: Scene, mesh: JsonObject) -> list[int]:
    accessors = scene.list_of("accessors")
    return [
        accessors[index]["count"]
        for primitive in mesh["primitives"]
        for index in (*primitive["attributes"].values(), *([primitive["indices"]] if "indices" in primitive else ()))
    ]


def _weight(scene: Scene) -> int:
    """Bytes of the scene as one file, but for some paddings."""
    buffers = (scene.buffer(index) for index in range(len(scene.list_of("buffers"))) if scene.has_data(index))
    return len(jsonio.dump(scene.json)) + sum(len(buffer) for buffer in buffers)


def _in_one_piece(scene: Scene) -> Scene:
    """The scene with all that it names inside, so that a step's bytes can be told."""
    sounds = [sound for extension in AUDIO_EXTENSIONS for sound in sound_entries(scene.json, extension)]
    holders = [*scene.list_of("buffers"), *scene.list_of("images"), *sounds]
    if not any("uri" in holder for holder in holders):
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


def _report(scene: Scene, package: Package, steps: list[StepBytes], notes: list[str]) -> PackReport:
    return PackReport(
        source=steps[0].bytes,
        entry=len(package.entry),
        steps=tuple(steps),
        parts=parts_lines(package.manifest),
        downloads=downloads(package.manifest),
        kept=kept_extensions(scene),
        nodes=len(scene.list_of("nodes")),
        notes=tuple(notes),
    )
