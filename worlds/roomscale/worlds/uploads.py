"""What a publish brings along: scene, picture, and of a package its parts and manifest; as media, then as state.

Rule: a file is named by what it holds, and what an event says of it is what was read from it here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from roomscale.assets.cache import UploadCache
from roomscale.assets.content import Content, describe
from roomscale.scenes.errors import BadManifest
from roomscale.scenes.package.manifest import MOST_BYTES, FileRef, Manifest, read_manifest
from roomscale.scenes.package.write import part_names
from roomscale.worlds.errors import BadContent, HomeserverError, WorldRefused
from roomscale.worlds.ids import MxcUri, mxc_parts, parse_mxc
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import MAX_PIXELS, WORLD_EVENT, Media, World
from roomscale.worlds.plan import Current

SCENE_TYPE: Final = "model/gltf-binary"
PICTURE_TYPES: Final = ("image/png", "image/jpeg", "image/webp")
MANIFEST_TYPE: Final = "application/json"
MAX_PICTURE: Final = 8 << 20  # bytes; it is shown as a card
PNG_HEAD: Final = 24  # bytes that hold a PNG's width and height
SHOWN_DIGITS: Final = 16  # of a part's hash in the name that others see
DRAFT: Final = MxcUri("mxc://draft/draft")
"""Stands for an address that is not known yet, to try a plan with."""


@dataclass(frozen=True)
class PackageFiles:
    """What sharpens an entry. `parts`: SHA-256 → the file or its bytes, one for each part of `manifest`."""

    manifest: Manifest
    parts: Mapping[str, Path | bytes]


@dataclass(frozen=True)
class Files:
    """What is uploaded; `pixels` of the picture where its format says them plainly."""

    scene: Content
    picture: Content | None = None
    pixels: tuple[int, int] | None = None
    parts: tuple[Content, ...] = ()
    manifest: Manifest | None = None

    @property
    def contents(self) -> list[Content]:
        """All but the manifest, which can be written once these have arrived. The scene comes first."""
        return [self.scene, *([self.picture] if self.picture is not None else []), *self.parts]

    def published_manifest(self, sent: Mapping[str, str]) -> Content | None:
        """The manifest that says where the parts are (`sent`: SHA-256 → mxc). Raises AssetError if it is too large."""
        if self.manifest is None:
            return None
        return describe(self.manifest.published(sent).dump(), filename="manifest.json", limit=MOST_BYTES)


def read_files(scene: Path | bytes, thumbnail: Path | bytes | None, package: PackageFiles | None) -> Files:
    """Read and hash what shall be uploaded. The names that strangers see say nothing of this machine.

    Raises WorldRefused for what is not of its kind, and for a part that is not what the manifest says.
    """
    entry = describe(scene)
    if entry.media_type != SCENE_TYPE:
        raise WorldRefused(f"{entry.filename} is no .glb")
    files = Files(replace(entry, filename="scene.glb"))
    if package is not None:
        if FileRef(entry.sha256, entry.size) != package.manifest.entry:
            raise WorldRefused("the scene is not the entry that the manifest names")
        files = replace(files, parts=_parts(package), manifest=package.manifest)
    if thumbnail is None:
        return files
    picture = describe(thumbnail, limit=MAX_PICTURE)
    if picture.media_type not in PICTURE_TYPES:
        raise WorldRefused(f"{picture.filename} is no PNG, JPEG or WebP picture")
    named = replace(picture, filename=f"thumbnail.{picture.media_type.removeprefix('image/')}")
    return replace(files, picture=named, pixels=_png_pixels(picture))


def _parts(package: PackageFiles) -> tuple[Content, ...]:
    sizes = {part.sha256: part.bytes for part in package.manifest.parts}
    contents = []
    for sha256, name in part_names(package.manifest).items():
        if sha256 not in package.parts:
            raise WorldRefused(f"the part {sha256[:SHOWN_DIGITS]} is missing")
        content = describe(package.parts[sha256], filename=sha256[:SHOWN_DIGITS] + Path(name).suffix)
        if (content.sha256, content.size) != (sha256, sizes[sha256]):
            raise WorldRefused(f"the part {content.filename} is not what the manifest says; pack the scene again")
        contents.append(content)
    return tuple(contents)


def _png_pixels(picture: Content) -> tuple[int, int] | None:
    """Width and height from a PNG's first chunk (PNG specification, 11.2.2 IHDR)."""
    if picture.media_type != "image/png":
        return None
    if isinstance(picture.source, bytes):
        head = picture.source[:PNG_HEAD]
    else:
        with picture.source.open("rb") as file:
            head = file.read(PNG_HEAD)
    if len(head) < PNG_HEAD:
        return None
    width, height = struct.unpack(">II", head[16:24])
    return (width, height) if 0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS else None


def with_media(world: World, files: Files, sent: Mapping[str, str], manifest: Content | None) -> World:
    """The world as its event names it. `sent`: SHA-256 → mxc, of the manifest too."""

    def media(content: Content, media_type: str = "") -> Media:
        url = parse_mxc(sent[content.sha256])
        return Media(url, content.sha256, content.size, media_type or content.media_type)

    width, height = files.pixels or (None, None)
    return replace(
        world,
        scene=media(files.scene),
        package=media(manifest, MANIFEST_TYPE) if manifest is not None else None,
        thumbnail=replace(media(files.picture), width=width, height=height) if files.picture is not None else None,
    )


def draft(world: World, files: Files) -> World:
    """The world with addresses that are not known yet."""
    sent = dict.fromkeys((content.sha256 for content in files.contents), DRAFT)
    manifest = files.published_manifest(sent)
    return with_media(world, files, {**sent, **({manifest.sha256: DRAFT} if manifest else {})}, manifest)


async def remember(cache: UploadCache, client: MatrixClient, current: Current, files: Files) -> None:
    """Take from the room what was uploaded, when the local cache has lost it.

    Only from an event that this very account wrote: another publisher could name any file under our hash.
    """
    if current.senders.get((WORLD_EVENT, "")) != client.user_id:
        return
    world, _ = World.read(current.get(WORLD_EVENT))
    server = client.media.server
    known = {media.sha256: str(media.url) for media in (world.scene, world.thumbnail) if media and media.sha256}
    lost = [content for content in files.contents if cache.find(server, content.sha256) is None]
    if world.package is not None and any(content.sha256 not in known for content in lost):
        manifest, places = await _places(client, world.package)
        lost += manifest
        known.update(places)
    for content in lost:
        mxc = known.get(content.sha256)
        if mxc is not None and mxc_parts(MxcUri(mxc))[0] == server:
            cache.record(server, content.sha256, mxc, size=content.size, media_type=content.media_type)


async def _places(client: MatrixClient, package: Media) -> tuple[list[Content], dict[str, str]]:
    """The manifest that stands, and SHA-256 → mxc of it and of what it names.

    Nothing, if it cannot be had or is another than the event's.
    """
    try:
        _, data = await client.media.download(package.url, MOST_BYTES)
        manifest = describe(data)
        if manifest.sha256 != package.sha256:
            return [], {}
        places = {sha256: str(parse_mxc(mxc)) for sha256, mxc in read_manifest(data).places().items()}
        return [manifest], {**places, manifest.sha256: str(package.url)}
    except (HomeserverError, BadContent, BadManifest):
        return [], {}
