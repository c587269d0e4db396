"""Brings a scene into a room: uploads first, then the room, the world's own event last.

Rules: what the homeserver has is not sent again; a second publish of the same does nothing; whatever fails, the
old world stands. Rights are checked before anything is uploaded or changed.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from roomscale.assets.cache import UploadCache
from roomscale.assets.content import Content, describe
from roomscale.assets.transfer import Progress, TransferConfig, transfer
from roomscale.worlds.errors import WorldRefused
from roomscale.worlds.ids import (
    MxcUri,
    RoomAlias,
    RoomId,
    UserId,
    WorldLink,
    account_localpart,
    parse_alias,
    parse_mxc,
    server_of,
)
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import (
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_PIXELS,
    WORLD_EVENT,
    Media,
    ServerRef,
    World,
)
from roomscale.worlds.plan import Current, Step, Wanted, plan
from roomscale.worlds.rooms import apply_steps, find_room, overwritten

SCENE_TYPE: Final = "model/gltf-binary"
PICTURE_TYPES: Final = ("image/png", "image/jpeg", "image/webp")
MAX_PICTURE: Final = 8 << 20  # bytes; it is shown as a card
PNG_HEAD: Final = 24  # bytes that hold a PNG's width and height


@dataclass(frozen=True)
class PublishRequest:
    """One scene and how its room shall be."""

    scene: Path | bytes
    """A packaged .glb, checked by `roomscale.scenes`, sent as it is."""
    name: str | None
    """The world's name, and the room's. None leaves those of a world that is there; a new one needs a name."""
    alias: str | None = None
    """Localpart (`plaza`) or whole alias on the publisher's own server. If it is taken by a world that the
    publisher owns, that world is updated."""
    room: RoomId | None = None
    """The room to update; None: the alias decides, and without an alias a new room is made."""
    description: str | None = None
    """What the world is; also the room's topic."""
    thumbnail: Path | bytes | None = None
    """PNG, JPEG or WebP. None keeps the old one."""
    server: ServerRef | None = None
    """The world server that relays movement here; None leaves the room's as it is."""
    listed: bool = True
    """Whether the homeserver's room directory shows the world."""
    owners: tuple[UserId, ...] = ()
    """Further owners; they are invited."""


@dataclass(frozen=True)
class PublishProgress:
    """What a publish is doing. `bytes` is 0 outside of uploads."""

    stage: Literal["reading", "uploading", "room", "done"]
    text: str
    bytes_done: int = 0
    bytes: int = 0


OnPublish: TypeAlias = Callable[[PublishProgress], None]


@dataclass(frozen=True)
class Published:
    """What a publish came to."""

    room_id: RoomId
    alias: RoomAlias | None
    link: str
    """Path on the world server: `/w/plaza`."""
    address: WorldLink
    """For links that open anywhere: `matrix_uri()`, `matrix_to()`."""
    world: World
    steps: tuple[Step, ...]
    """What was done to the room; empty when it was so already."""
    event_id: str | None
    """The world's new event, None when it did not change."""
    overwrote: str | None = None
    """The event of somebody who published at the same time and was overwritten; it can be rolled back to."""

    @property
    def changed(self) -> bool:
        """Whether anything had to be done."""
        return bool(self.steps)


async def publish(
    client: MatrixClient,
    request: PublishRequest,
    cache: UploadCache,
    *,
    progress: OnPublish | None = None,
    transfers: TransferConfig | None = None,
) -> Published:
    """Publish. Raises WorldRefused (AliasTaken, …), HomeserverError, and AssetError for files and uploads."""
    tell = progress or (lambda _: None)
    await client.transport.ensure_login()
    alias = _alias(request, client.user_id)
    _check_texts(request)
    tell(PublishProgress("reading", "reading the files"))
    files = await asyncio.to_thread(_describe, request)
    found = await find_room(client, request.room, alias)
    wanted = Wanted(
        world=World(name=request.name, description=request.description),
        name=request.name,
        topic=request.description,
        alias=alias,
        server=request.server,
        listed=request.listed,
        owners=request.owners,
    )
    current = found.current if found is not None else None
    if current is None and request.name is None:
        raise WorldRefused("a new world needs a name")
    room_version = "" if found else await client.default_room_version()
    draft = _with_media(wanted, files, dict.fromkeys((file.sha256 for file in files.contents), _DRAFT))
    plan(current, draft, me=client.user_id, room_version=room_version)  # rights and sizes, before any upload
    if current is not None:
        _remember(cache, client, current, files)
    sent = await transfer(
        files.contents,
        client.media,
        cache,
        progress=lambda state: tell(_uploading(state)),
        config=transfers,
    )
    wanted = _with_media(wanted, files, {sha: parse_mxc(mxc) for sha, mxc in sent.items()})
    steps = plan(current, wanted, me=client.user_id, room_version=room_version)
    room_id, event_id = await apply_steps(
        client,
        current.room_id if current is not None else None,
        steps,
        lambda step: tell(PublishProgress("room", str(step))),
    )
    overwrote = await overwritten(client, room_id, event_id, found.world_event if found else None)
    tell(PublishProgress("done", "published" if steps else "nothing had changed"))
    own = server_of(client.user_id)
    address = WorldLink(alias or room_id, () if alias or own is None else (own,))
    return Published(
        room_id=room_id,
        alias=alias,
        link=address.path(own),
        address=address,
        world=wanted.world,
        steps=steps,
        event_id=event_id,
        overwrote=overwrote,
    )


def _alias(request: PublishRequest, me: UserId) -> RoomAlias | None:
    if request.alias is None:
        return None
    own = server_of(me)
    local, colon, server = request.alias.strip().partition(":")
    if colon and server != own:
        raise WorldRefused(f"addresses on {server[:80]} cannot be given out by {own}")
    return parse_alias(f"#{account_localpart(local)}:{own}")


def _check_texts(request: PublishRequest) -> None:
    if request.name is not None and (not request.name.strip() or len(request.name) > MAX_NAME):
        raise WorldRefused(f"a world's name has 1 to {MAX_NAME} characters")
    if request.description is not None and len(request.description) > MAX_DESCRIPTION:
        raise WorldRefused(f"a world's description has at most {MAX_DESCRIPTION} characters")


@dataclass(frozen=True)
class _Files:
    """What is uploaded: the scene, and a picture with its size in pixels where the format says it plainly."""

    scene: Content
    picture: Content | None
    pixels: tuple[int, int] | None

    @property
    def contents(self) -> list[Content]:
        return [self.scene, self.picture] if self.picture is not None else [self.scene]


def _describe(request: PublishRequest) -> _Files:
    """Read both files. The names that strangers see say nothing of this machine."""
    scene = describe(request.scene)
    if scene.media_type != SCENE_TYPE:
        raise WorldRefused(f"{scene.filename} is no .glb")
    scene = replace(scene, filename="scene.glb")
    if request.thumbnail is None:
        return _Files(scene, None, None)
    picture = describe(request.thumbnail, limit=MAX_PICTURE)
    if picture.media_type not in PICTURE_TYPES:
        raise WorldRefused(f"{picture.filename} is no PNG, JPEG or WebP picture")
    named = replace(picture, filename=f"thumbnail.{picture.media_type.removeprefix('image/')}")
    return _Files(scene, named, _png_pixels(picture))


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


def _with_media(wanted: Wanted, files: _Files, sent: dict[str, MxcUri]) -> Wanted:
    def media(content: Content) -> Media:
        return Media(sent[content.sha256], content.sha256, content.size, content.media_type)

    thumbnail = None
    if files.picture is not None:
        width, height = files.pixels or (None, None)
        thumbnail = replace(media(files.picture), width=width, height=height)
    return replace(wanted, world=replace(wanted.world, scene=media(files.scene), thumbnail=thumbnail))


_DRAFT: Final = MxcUri("mxc://draft/draft")


def _remember(cache: UploadCache, client: MatrixClient, current: Current, files: _Files) -> None:
    """Take from the room what was uploaded, when the local cache has lost it.

    Only from an event that this very account wrote: another publisher could name any file under our hash.
    """
    if current.senders.get((WORLD_EVENT, "")) != client.user_id:
        return
    world, _ = World.read(current.get(WORLD_EVENT))
    server = client.media.server
    for content, media in ((files.scene, world.scene), (files.picture, world.thumbnail)):
        if content is None or media is None or media.sha256 != content.sha256:
            continue
        if cache.find(server, content.sha256) is None:
            cache.record(server, content.sha256, media.url, size=content.size, media_type=content.media_type)


def _uploading(state: Progress) -> PublishProgress:
    text = state.note or f"uploading {state.files_done} of {state.files} files"
    return PublishProgress("uploading", text, state.bytes_done, state.bytes)
