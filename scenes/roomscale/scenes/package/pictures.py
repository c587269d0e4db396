"""Images of a scene at the levels of a package: small ones in the entry, sharper ones as parts.

Rule: an image is never made larger, nor encoded again where the file that the scene has will do; only KTX2, where it
is asked for, may take more bytes. A KTX2 of the scene is its part as it is; so is what cannot be decoded, which is a
grey pixel in the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from roomscale.scenes import encoding as encodings
from roomscale.scenes import kept
from roomscale.scenes.codecs import Codecs
from roomscale.scenes.document import Scene
from roomscale.scenes.encoding import PLAIN, Encoding
from roomscale.scenes.errors import BrokenData, SceneError
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import CORE_TYPES, KTX2, PNG, BadImage, read_header
from roomscale.scenes.limits import Limits
from roomscale.scenes.package.levels import EDGES, ENTRY, PHONE
from roomscale.scenes.package.rows import MadePart, made
from roomscale.scenes.references import Survey
from roomscale.scenes.roles import Alpha, ImageUse, Role, image_uses
from roomscale.scenes.threads import each_in_threads

GREY = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
"""A PNG of one grey pixel."""
_SIZES_ARE_FIXED = frozenset({"EXT_lights_image_based"})
"""Extensions whose images have the sizes that they say: nothing of them is scaled."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An image file. `width`, `height`: pixels, 0 where they are not known."""

    data: bytes | memoryview
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the scene as it is. `use`: what it is for, None where its format must stay."""

    index: int
    file: Encoded
    use: ImageUse | None

    @property
    def edge(self) -> int:
        """Pixels of the longest edge."""
        return max(self.file.width, self.file.height)

    @property
    def fits_entry(self) -> bool:
        """Whether an entry may have it as it is."""
        return self.file.media_type in CORE_TYPES and 0 < self.edge <= EDGES[ENTRY]


@dataclass(frozen=True, slots=True)
class Levels:
    """An image at all levels. `entry`: what stands in the entry, None for the file itself. `parts`: sharper ones."""

    index: int
    entry: Encoded | None
    parts: tuple[MadePart, ...] = ()

    @property
    def is_grey(self) -> bool:
        """Whether it could not be decoded."""
        return self.entry is not None and self.entry.data is GREY


def pictures(scene: Scene) -> Iterator[Picture]:
    """The scene's images, but for those that are never scaled, and those whose contents cannot be had."""
    uses = image_uses(scene.json)
    fixed = {
        reference.index
        for reference in Survey(scene.json).references
        if reference.kind == "images" and reference.extension in _SIZES_ARE_FIXED
    }
    for index, image in enumerate(scene.list_of("images")):
        if index in fixed:
            continue
        try:
            uri = image.get("uri")
            data = scene.view(image["bufferView"]) if uri is None else scene.resource(uri, pointer("images", index))
            header = read_header(data)
        except (SceneError, BadImage, KeyError):
            continue  # `check` tells; nobody can show it anyway
        if header is None:
            file = Encoded(data, image.get("mimeType", PNG), 0, 0)
        else:
            file = Encoded(data, header.media_type, header.width, header.height)
        yield Picture(index, file, uses.get(index))


def at_all_levels(
    scene: Scene,
    edges: Mapping[int, int],
    encoding: Encoding,
    workers: int | None,
    tell: Callable[[int, int], None],
    store: kept.Store | None = None,
) -> list[Levels]:
    """Every image at every level. `edges`: level → pixels of the longest edge, from level 1, ascending.

    `workers`: threads, one per core if None; Pillow works outside Python's lock, and KTX2 is made by as many processes.
    Each holds one decoded image. `store`: where what was made before is taken from.
    Raises `UnpackableScene` where KTX2 cannot be made.
    """
    todo = list(pictures(scene))
    done: list[Levels] = []
    if not todo:
        return done
    with Codecs() as codecs:
        made = each_in_threads(
            lambda picture: _levels(picture, edges, encoding, codecs, scene.limits, store), todo, workers
        )
        for levels in made:
            done.append(levels)
            tell(len(done), len(todo))
    return done


def _levels(
    picture: Picture,
    edges: Mapping[int, int],
    encoding: Encoding,
    codecs: Codecs,
    limits: Limits,
    store: kept.Store | None,
) -> Levels:
    if picture.fits_entry:
        return Levels(picture.index, None)
    asked = ("levels", tuple(edges.items()), encoding, picture.use, limits.image_pixels, limits.image_edge)
    try:
        small, *sharper = kept.pictures(
            store, picture.file.data, asked, lambda: _made(picture, edges, encoding, codecs, limits)
        )
    except BrokenData:
        return Levels(picture.index, Encoded(GREY, PNG, 1, 1), (_part(picture, PHONE, picture.file),))
    files = [picture.file if result is None else _file(result) for result in sharper]
    parts = [_part(picture, level, file) for level, file in zip(edges, files, strict=False)]
    return Levels(picture.index, None if small is None else _file(small), tuple(parts))


def _made(
    picture: Picture, edges: Mapping[int, int], encoding: Encoding, codecs: Codecs, limits: Limits
) -> kept.Pictures:
    """What stands in the entry, then the sharper ones, level by level, None for the scene's own file.

    Raises `BrokenData`.
    """
    from roomscale.scenes.scaling import scale  # noqa: PLC0415 - Pillow only where there are images

    use = picture.use or ImageUse(Role.DATA, Alpha.NUMBERS)
    where = pointer("images", picture.index)
    image = codecs.decode(picture.file.data, where, limits, max(edges.values()))
    scaled = {}
    for edge in sorted({*edges.values(), EDGES[ENTRY]}, reverse=True):  # each from the next larger one
        scaled[edge] = image = scale(image, edge, use)
    sharper: list[encodings.Picture | None] = []
    for edge in edges.values():
        fits = picture.edge <= edge
        is_settled = fits and picture.file.media_type == f"image/{encoding.format}"
        stays = picture.use is None or is_settled or picture.file.media_type == KTX2
        best = None if stays else codecs.encode(scaled[edge], encoding, use, where)
        if best and fits and best.media_type != KTX2 and len(best.data) >= len(picture.file.data):
            best = None
        sharper.append(best)
        if fits or best is None:
            break
    return codecs.encode(scaled[EDGES[ENTRY]], PLAIN, use, where), *sharper


def _file(made: encodings.Picture) -> Encoded:
    return Encoded(made.data, made.media_type, made.width, made.height)


def _part(picture: Picture, level: int, file: Encoded) -> MadePart:
    size = (file.width, file.height) if file.width and file.height else ()
    return made(file.data, file.media_type, level, [f"/images/{picture.index}"], size)
