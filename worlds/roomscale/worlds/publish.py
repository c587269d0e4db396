"""Brings a scene into a room: uploads first, then the room, the world's own event last.

Rules: what the homeserver has is not sent again; a second publish of the same does nothing; whatever fails, the
old world stands. Rights are checked before anything is uploaded or changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from roomscale.assets.cache import UploadCache
from roomscale.assets.content import Content
from roomscale.assets.transfer import Progress, TransferConfig, transfer
from roomscale.worlds.errors import WorldRefused
from roomscale.worlds.ids import RoomAlias, RoomId, UserId, WorldLink, account_localpart, parse_alias, server_of
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import MAX_DESCRIPTION, MAX_NAME, ServerRef, World
from roomscale.worlds.plan import Step, Wanted, plan
from roomscale.worlds.rooms import apply_steps, find_room, overwritten
from roomscale.worlds.uploads import Files, PackageFiles, draft, read_files, remember, with_media


@dataclass(frozen=True)
class PublishRequest:
    """One scene and how its room shall be."""

    scene: Path | bytes
    """A .glb, checked by `roomscale.scenes`, sent as it is; the entry, if there is a `package`."""
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
    package: PackageFiles | None = None
    """What sharpens the scene, if it is the entry of a package."""
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
class Uploads:
    """How many distinct files a world has, how many of them the homeserver did not have yet, and their bytes."""

    files: int
    new: int
    bytes_new: int

    def __str__(self) -> str:
        if not self.new:
            return f"all {self.files} files were there already" if self.files > 1 else "the file was there already"
        which = f"{self.new} of {self.files} files were" if self.files > 1 else "the file was"
        return f"{which} new, {self.bytes_new / 1e6:.1f} MB"


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
    uploads: Uploads = Uploads(0, 0, 0)
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
    files = await asyncio.to_thread(read_files, request.scene, request.thumbnail, request.package)
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
    drafted = replace(wanted, world=draft(wanted.world, files))
    plan(current, drafted, me=client.user_id, room_version=room_version)  # rights and sizes, before any upload
    if current is not None:
        await remember(cache, client, current, files)
    sent, manifest, uploads = await _upload(client, files, cache, tell, transfers)
    wanted = replace(wanted, world=with_media(wanted.world, files, sent, manifest))
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
        uploads=uploads,
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


async def _upload(
    client: MatrixClient, files: Files, cache: UploadCache, tell: OnPublish, config: TransferConfig | None
) -> tuple[dict[str, str], Content | None, Uploads]:
    """Bring all files, then the manifest that says where they are; SHA-256 → mxc, the manifest, and what was new."""
    last = Progress(0, 0, 0, 0)

    def watch(state: Progress) -> None:
        nonlocal last
        last = state
        tell(_uploading(state))

    sent = await transfer(files.contents, client.media, cache, progress=watch, config=config)
    manifest = files.published_manifest(sent)
    before = last
    if manifest is not None:
        sent |= await transfer([manifest], client.media, cache, progress=watch, config=config)
        last = replace(last, files=last.files + before.files)
        last = replace(last, files_new=last.files_new + before.files_new, bytes_new=last.bytes_new + before.bytes_new)
    return sent, manifest, Uploads(last.files, last.files_new, last.bytes_new)


def _uploading(state: Progress) -> PublishProgress:
    text = state.note or f"uploading {state.files_done} of {state.files} files"
    return PublishProgress("uploading", text, state.bytes_done, state.bytes)
