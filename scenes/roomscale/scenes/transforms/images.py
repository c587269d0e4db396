"""Images made smaller: no larger than a cap, written anew as WebP (or AVIF, KTX2, PNG, JPEG), by what each is for.

Rule: an image never grows: what would not save 5% stays as it was; but KTX2, where it is asked for, saves memory and
may take more bytes. KTX2 stays, and so do images that are named by something else than a texture. Where a texture has
an image for viewers with an extension and another one for those without, the latter keeps its type, and the former
too, unless AVIF or KTX2 is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from roomscale.scenes.codecs import SMALL_EDGE, Codecs
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft, survey_of
from roomscale.scenes.encoding import READABLE, WEBP_DEFAULT, Encoding, Picture
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import CORE_TYPES, EXTENSION_OF, JPEG, KTX2, BadImage, media_type_of, read_header
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.kept import Store, pictures
from roomscale.scenes.limits import Limits
from roomscale.scenes.roles import ImageUse, image_uses
from roomscale.scenes.threads import each_in_threads

WORTH_IT = 0.95
"""What a new image may have of the old one's bytes: less is not worth a second loss."""
_IMAGE_EXTENSIONS = tuple(EXTENSION_OF.values())


def shrink_images(
    scene: Scene,
    edge: int = 2048,
    encoding: Encoding = WEBP_DEFAULT,
    *,
    workers: int | None = None,
    tell: Callable[[float], None] = lambda _done: None,
    store: Store | None = None,
) -> Scene:
    """The scene with its images inside it, none of them with an edge longer than `edge` pixels.

    `workers`: threads that decode and encode, one per core if None; Pillow works outside Python's lock, and KTX2 is
    made by as many processes. `tell`: called after each image with how much is done, 0 to 1. `store`: where what was
    made before is taken from.
    Raises `BrokenData` for images that cannot be decoded or are too large to be, `UnpackableScene` for those that
    cannot be made KTX2, others as `Scene.resource` does.
    """
    jobs = list(_jobs(scene, encoding)) if scene.list_of("images") else []
    if not jobs:
        return scene
    changed: dict[int, Picture] = {}
    with Codecs() as codecs:
        spare = max(1, (workers or os.cpu_count() or 1) // len(jobs))
        made = each_in_threads(lambda job: job.picture(edge, codecs, scene.limits, spare, store), jobs, workers)
        for number, (job, picture) in enumerate(zip(jobs, made, strict=True), start=1):
            if picture is not None:
                changed[job.index] = picture
            tell(number / len(jobs))
    if not changed:
        return scene
    draft = Draft(scene, touching=("images", "textures"))
    for index, picture in changed.items():
        draft.replace_image(index, picture.data, picture.media_type)
    _name_sources(draft.json)
    return draft.finish()


@dataclass(frozen=True, slots=True)
class _Job:
    """One image to be looked at. `encoding`: what it shall become."""

    index: int
    data: memoryview
    use: ImageUse
    encoding: Encoding

    def picture(self, edge: int, codecs: Codecs, limits: Limits, threads: int, store: Store | None) -> Picture | None:
        """The image written anew, None if it should stay: it fits, is of a wanted type, and nothing is to be won.

        `threads`: that may work on it.
        """
        media_type, fits = media_type_of(self.data), _fits(self.data, edge)
        encoding = self.encoding
        if encoding.format == "ktx2" and _fits(self.data, SMALL_EDGE):
            encoding = encoding.as_format("webp")
        if fits and media_type == _SETTLED.get(encoding.format, f"image/{encoding.format}"):
            return None
        asked = ("one", edge, encoding, self.use, limits.image_pixels, limits.image_edge)
        return pictures(store, self.data, asked, lambda: (self._made(edge, encoding, codecs, limits, threads),))[0]

    def _made(self, edge: int, encoding: Encoding, codecs: Codecs, limits: Limits, threads: int) -> Picture | None:
        from roomscale.scenes.scaling import scale  # noqa: PLC0415 - Pillow only where an image is unpacked

        where = pointer("images", self.index)
        image = scale(codecs.decode(self.data, where, limits, edge), edge, self.use, threads=threads)
        picture = codecs.encode(image, encoding, self.use, where)
        if picture.media_type == KTX2:
            return picture
        is_wanted = media_type_of(self.data) in CORE_TYPES or encoding.format not in _FOR_ALL
        wins_nothing = len(picture.data) > WORTH_IT * len(self.data)
        return None if is_wanted and wins_nothing and _fits(self.data, edge) else picture


_FOR_ALL = frozenset({"plain", "png", "jpeg"})
"""Formats for viewers without any extension."""
_FOR_SOME = frozenset({"avif", "ktx2"})
"""Formats that nobody writes who was not asked for them; of a pair they take the place of the other extension's."""
_SETTLED = {"plain": JPEG}
"""A type that is not written anew in a format: a second loss would win nothing. Else it is the format's own."""


def _jobs(scene: Scene, encoding: Encoding) -> Iterator[_Job]:
    kept = _kept_types(scene.json, encoding)
    for index, use in sorted(image_uses(scene.json, survey_of(scene)).items()):
        image = scene.list_of("images")[index]
        where = pointer("images", index)
        data = scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], where)
        media_type = media_type_of(data)
        if media_type in READABLE:
            own = encoding.as_format(media_type.removeprefix("image/"))
            yield _Job(index, data, use, own if index in kept else encoding)


def _kept_types(json: JsonObject, encoding: Encoding) -> set[int]:
    """Images that keep their types: those of textures that have more than one, for different viewers."""
    kept: set[int] = set()
    for texture in json.get("textures", ()):
        holders = _holders(texture)
        if len(holders) > 1:
            replaced = encoding.format in _FOR_SOME and len(holders) == 2 and "source" in texture
            kept |= {texture["source"]} if replaced else {holder["source"] for holder in holders}
    return kept


def _holders(texture: JsonObject) -> list[JsonObject]:
    """The objects in which a texture names an image: itself, or what extensions for types of images have there."""
    extensions = texture.get("extensions", {})
    holders = [texture, *(extensions[name] for name in _IMAGE_EXTENSIONS if name in extensions)]
    return [holder for holder in holders if "source" in holder]


def _fits(data: memoryview, edge: int) -> bool:
    try:
        header = read_header(data)
    except BadImage:
        return False  # whoever decodes it says what is wrong
    return header is not None and max(header.width, header.height) <= edge


def _name_sources(json: JsonObject) -> None:
    """Let each texture name its image the way that the image's type asks for, and declare what that takes."""
    before, before_alone = _named_extensions(json), _named_extensions(_without_fallbacks(json))
    for texture in json.get("textures", ()):
        holders = _holders(texture)
        if len(holders) == 1 or (len(holders) == 2 and "source" in texture):  # with a fallback
            holder = holders[-1]
            wanted = EXTENSION_OF.get(json["images"][holder["source"]].get("mimeType"))
            place = texture if wanted is None else texture.get("extensions", {}).get(wanted)
            if holder is not place and not (wanted is None and len(holders) > 1):
                _put_source(texture, wanted, holder.pop("source"))
    now = _named_extensions(json)
    alone = _named_extensions(_without_fallbacks(json))
    for key, new in (("extensionsUsed", now - before), ("extensionsRequired", alone - before_alone)):
        names = [name for name in json.get(key, ()) if name in now or name not in before]
        names += [name for name in _IMAGE_EXTENSIONS if name in new and name not in names]
        if names:
            json[key] = names
        else:
            json.pop(key, None)


def _without_fallbacks(json: JsonObject) -> JsonObject:
    """Only the textures that viewers without the extensions show nothing of."""
    return {"textures": [texture for texture in json.get("textures", ()) if "source" not in texture]}


def _named_extensions(json: JsonObject) -> set[str]:
    return {
        name
        for texture in json.get("textures", ())
        for name in _IMAGE_EXTENSIONS
        if name in texture.get("extensions", {})
    }


def _put_source(texture: JsonObject, wanted: str | None, source: int) -> None:
    extensions: JsonObject = texture.pop("extensions", {})
    for name in _IMAGE_EXTENSIONS:
        if extensions.get(name) == {}:
            del extensions[name]
    if wanted is None:
        texture["source"] = source
    else:
        extensions[wanted] = {**extensions.get(wanted, {}), "source": source}
    if extensions:
        texture["extensions"] = extensions
