"""Images of a scene at the levels of a package: small ones in the entry, sharper ones as parts.

Rule: an image is never made larger, nor encoded again where the file that the scene has will do. What cannot be decoded
here (KTX2) is a grey pixel in the entry, and as it is in its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from roomscale.scenes import jsonio
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import pointer
from roomscale.scenes.images import AVIF, CORE_TYPES, EXTENSION_OF, KTX2, PNG, WEBP, BadImage, read_header
from roomscale.scenes.package.levels import EDGES, ENTRY, PHONE
from roomscale.scenes.package.rows import MadePart, made

PREFERRED = (WEBP, AVIF)
"""Of a texture's several encodings of one picture the first of these is kept, else that of `source`, else KTX2."""
GREY = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
"""A PNG of one grey pixel."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An image file. `width`, `height`: pixels."""

    data: bytes | memoryview
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the scene as it is. `width`, `height`: pixels, 0 where its header does not tell."""

    index: int
    data: memoryview
    media_type: str
    width: int
    height: int

    @property
    def edge(self) -> int:
        """Pixels of the longest edge."""
        return max(self.width, self.height)

    @property
    def fits_entry(self) -> bool:
        """Whether an entry may have it as it is."""
        return self.media_type in CORE_TYPES and 0 < self.edge <= EDGES[ENTRY]


Encoder = Callable[[Picture, int, bool], Encoded | None]
"""(picture, longest edge in pixels, as PNG or JPEG) → the file, else a WebP; None where it cannot be decoded."""


def with_one_source(scene: Scene) -> Scene:
    """The scene with each texture naming one image, by `source`, whatever its type: what levels are made from."""
    if not any(EXTENSION_OF[kind] in scene.list_of("extensionsUsed") for kind in EXTENSION_OF):
        return scene
    json = jsonio.copy(scene.json)
    for texture in json.get("textures", []):
        extensions = texture.get("extensions", {})
        sources = {kind: extensions[name].get("source") for kind, name in EXTENSION_OF.items() if name in extensions}
        named = {kind: source for kind, source in sources.items() if source is not None}
        best = next((named[kind] for kind in PREFERRED if kind in named), texture.get("source", named.get(KTX2)))
        if best is None:
            continue
        texture["source"] = best
        for name in EXTENSION_OF.values():
            extensions.pop(name, None)
        if "extensions" in texture and not extensions:
            del texture["extensions"]
    for key in ("extensionsUsed", "extensionsRequired"):
        if key in json:
            json[key] = [name for name in json[key] if name not in EXTENSION_OF.values()]
            if not json[key]:
                del json[key]
    return scene.changed(json)


def pictures(scene: Scene) -> Iterator[Picture]:
    """The scene's images. Those whose contents cannot be had are passed over, `check` tells them."""
    for index, image in enumerate(scene.list_of("images")):
        try:
            uri = image.get("uri")
            data = scene.view(image["bufferView"]) if uri is None else scene.resource(uri, pointer("images", index))
            header = read_header(data)
        except (SceneError, BadImage, KeyError):
            continue
        if header is None:
            yield Picture(index, data, image.get("mimeType", PNG), 0, 0)
        else:
            yield Picture(index, data, header.media_type, header.width, header.height)


def lowest(all_pictures: list[Picture], encode: Encoder) -> dict[int, Encoded]:
    """Image → what the entry has in its place; those that it has as they are are not named."""
    replaced = [picture for picture in all_pictures if not picture.fits_entry]
    return {picture.index: encode(picture, EDGES[ENTRY], True) or Encoded(GREY, PNG, 1, 1) for picture in replaced}


def sharper(picture: Picture, encode: Encoder, edges: Mapping[int, int]) -> Iterator[MadePart]:
    """The parts of an image that the entry has not as it is. `edges`: level → pixels, ascending."""
    if picture.fits_entry:
        return
    target = [f"/images/{picture.index}"]
    for level, edge in edges.items():
        if level > PHONE and 0 < picture.edge <= edges[level - 1]:
            return
        kept = Encoded(picture.data, picture.media_type, picture.width, picture.height)
        is_small = 0 < picture.edge <= edge
        encoded = kept if is_small and picture.media_type == WEBP else encode(picture, edge, False) or kept
        if is_small and len(encoded.data) >= len(picture.data):
            encoded = kept
        size = (encoded.width, encoded.height) if encoded.width and encoded.height else ()
        yield made(encoded.data, encoded.media_type, level, target, size)
        if encoded.data is picture.data:
            return
