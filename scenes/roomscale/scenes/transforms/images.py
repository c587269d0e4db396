"""Images made smaller: no larger than a cap, written anew as WebP (or AVIF, PNG, JPEG), by what each is for.

Rule: an image never grows: what would not save 5% stays as it was. KTX2 stays, and so do images that are named by
something else than a texture. Where a texture has an image for viewers with an extension and another one for those
without, both keep their types.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft, survey_of
from roomscale.scenes.encoding import READABLE, WEBP_DEFAULT, Encoding, Picture
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import CORE_TYPES, EXTENSION_OF, JPEG, BadImage, media_type_of, read_header
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.limits import Limits
from roomscale.scenes.roles import ImageUse, image_uses

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

WORTH_IT = 0.95
"""What a new image may have of the old one's bytes: less is not worth a second loss."""
_SMALL = 1 << 21
"""Pixels: 8 MB for each worker."""
_IMAGE_EXTENSIONS = tuple(EXTENSION_OF.values())


def shrink_images(
    scene: Scene, edge: int = 2048, encoding: Encoding = WEBP_DEFAULT, *, workers: int | None = None
) -> Scene:
    """The scene with its images inside it, none of them with an edge longer than `edge` pixels.

    `workers`: threads that decode and encode, one per core if None; Pillow works outside Python's lock.
    Raises `BrokenData` for images that cannot be decoded or are too large to be, others as `Scene.resource` does.
    """
    with Painting(scene, edge, encoding, workers=workers) as painting:
        return painting.onto(scene)


def leave_room(scene: Scene, workers: int | None = None) -> bool:
    """Whether painting a scene's images leaves processors and memory for something else: they are few and small."""
    if len(scene.list_of("images")) > (workers or os.cpu_count() or 1):
        return False
    largest = 0
    for image in scene.list_of("images"):
        with suppress(SceneError, BadImage):
            data = scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], "")
            header = read_header(data)
            largest = max(largest, header.width * header.height if header else 0)
    return largest <= _SMALL


class Painting:
    """The images of a scene being made smaller, in threads of their own; what else is done may go on meanwhile.

    As `shrink_images`, in two steps. Ends when the context does.
    """

    def __init__(self, scene: Scene, edge: int, encoding: Encoding, *, workers: int | None = None) -> None:
        self._made: dict[int, Future[Picture | None]] = {}
        self._pool: ThreadPoolExecutor | None = None
        jobs = list(_jobs(scene, encoding)) if scene.list_of("images") else []
        if jobs:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - 8 ms that scenes without images save

            workers = workers or os.cpu_count() or 1
            self._pool = ThreadPoolExecutor(workers)
            spare = max(1, workers // len(jobs))
            self._made = {job.index: self._pool.submit(job.picture, edge, scene.limits, spare) for job in jobs}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def onto(self, scene: Scene) -> Scene:
        """A scene with these images, which are still the same ones in it. Raises as `shrink_images` does."""
        pictures = {index: future.result() for index, future in self._made.items()}
        self._made = {}
        if not any(pictures.values()):
            return scene
        draft = Draft(scene, touching=("images", "textures"))
        for index, picture in pictures.items():
            if picture is not None:
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

    def picture(self, edge: int, limits: Limits, threads: int) -> Picture | None:
        """The image written anew, None if it should stay: it fits, is of a wanted type, and nothing is to be won.

        `threads`: that may work on it.
        """
        media_type, fits = media_type_of(self.data), _fits(self.data, edge)
        if fits and media_type == _SETTLED.get(self.encoding.format, f"image/{self.encoding.format}"):
            return None
        from roomscale.scenes.pixels import resized  # noqa: PLC0415 - Pillow only where an image is unpacked

        where = pointer("images", self.index)
        picture = resized(self.data, edge, self.encoding, self.use, where=where, limits=limits, threads=threads)
        is_wanted = media_type in CORE_TYPES or self.encoding.format not in _FOR_ALL
        return None if fits and is_wanted and len(picture.data) > WORTH_IT * len(self.data) else picture


_FOR_ALL = frozenset({"plain", "png", "jpeg"})
"""Formats for viewers without any extension."""
_SETTLED = {"plain": JPEG}
"""A type that is not written anew in a format: a second loss would win nothing. Else it is the format's own."""


def _jobs(scene: Scene, encoding: Encoding) -> Iterator[_Job]:
    paired = _paired(scene.json)
    for index, use in sorted(image_uses(scene.json, survey_of(scene)).items()):
        image = scene.list_of("images")[index]
        where = pointer("images", index)
        data = scene.view(image["bufferView"]) if "bufferView" in image else scene.resource(image["uri"], where)
        media_type = media_type_of(data)
        if media_type in READABLE:
            own = replace(encoding, format=media_type.removeprefix("image/"))
            yield _Job(index, data, use, own if index in paired else encoding)


def _paired(json: JsonObject) -> set[int]:
    """Images of textures that have more than one, for different viewers."""
    sources = [[holder["source"] for holder in _holders(texture)] for texture in json.get("textures", ())]
    return {source for named in sources if len(named) > 1 for source in named}


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
    before = _named_extensions(json)
    for texture in json.get("textures", ()):
        holders = _holders(texture)
        if len(holders) == 1:
            wanted = EXTENSION_OF.get(json["images"][holders[0]["source"]].get("mimeType"))
            place = texture if wanted is None else texture.get("extensions", {}).get(wanted)
            if holders[0] is not place:
                _put_source(texture, wanted, holders[0].pop("source"))
    now = _named_extensions(json)
    for key in ("extensionsUsed", "extensionsRequired"):
        names = [name for name in json.get(key, ()) if name in now or name not in before]
        names += [name for name in _IMAGE_EXTENSIONS if name in now - before and name not in names]
        if names:
            json[key] = names
        else:
            json.pop(key, None)


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
