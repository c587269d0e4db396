"""Publishes the sample worlds, by the same way that everybody's worlds take.

One rule: a sample is brought up to date only while it is still ours. Once an owner has put a scene of their own in
its place, or renamed it, it stays as they left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from roomscale.assets.cache import UploadCache
from roomscale.scenes import Scene, open_scene, to_glb
from roomscale.worlds.errors import AliasTaken, WorldError
from roomscale.worlds.ids import RoomAlias, RoomId, WorldLink, parse_alias, server_of
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import WORLD_EVENT, ServerRef, World
from roomscale.worlds.publish import Published, PublishProgress, PublishRequest, publish
from roomscale.worlds.rooms import Found, find_room


class Sample(Protocol):
    """What a sample world tells of itself (`roomscale.assets.samples.SampleWorld`)."""

    @property
    def alias(self) -> str:
        """Localpart of its address."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What it is."""

    @property
    def path_glb(self) -> Path:
        """Its scene."""

    @property
    def thumbnail_path(self) -> Path:
        """Its picture."""

    @property
    def portals(self) -> Mapping[str, str]:
        """Name of each portal's node → localpart of the alias that it leads to."""


async def publish_samples(
    client: MatrixClient,
    samples: Iterable[Sample],
    cache: UploadCache,
    *,
    server: ServerRef,
    progress: Callable[[Sample, PublishProgress], None] | None = None,
) -> list[Published]:
    """Publish each sample, or find it as it was left. Raises as `publish` does, and SceneError."""
    await client.transport.ensure_login()
    done = []
    for sample in samples:
        alias = parse_alias(f"#{sample.alias}:{server_of(client.user_id)}")
        try:
            found = await find_room(client, None, alias)
        except AliasTaken:  # somebody has put a room of their own there
            done.append(_as_it_is(await client.resolve_alias(alias), alias, client))
            continue
        if found is not None and not _is_ours(found, client.user_id):
            done.append(_as_it_is(found.current.room_id, alias, client))
            continue
        scene = await asyncio.to_thread(_with_portals, sample, str(server_of(client.user_id)))
        fresh = found is None or found.world_event is None
        request = PublishRequest(
            scene=scene,
            name=sample.name if fresh else None,
            alias=sample.alias,
            description=sample.description if fresh else None,
            thumbnail=sample.thumbnail_path,
            server=server,
        )

        def tell(state: PublishProgress, sample: Sample = sample) -> None:
            if progress is not None:
                progress(sample, state)

        done.append(await publish(client, request, cache, progress=tell))
    return done


def _is_ours(found: Found, me: str) -> bool:
    """Whether nobody else has written the world since we did."""
    return found.current.senders.get((WORLD_EVENT, ""), me) == me


def _as_it_is(room_id: RoomId | None, alias: RoomAlias, client: MatrixClient) -> Published:
    if room_id is None:
        raise AliasTaken(f"{alias} leads nowhere any more: try again")
    address = WorldLink(alias)
    return Published(room_id, alias, address.path(server_of(client.user_id)), address, World(), (), None)


def _with_portals(sample: Sample, server: str) -> bytes:
    return to_glb(retarget_portals(open_scene(sample.path_glb), sample.portals, server))


def retarget_portals(scene: Scene, portals: Mapping[str, str], server: str) -> Scene:
    """`scene` with the OMI_link of each node named in `portals` leading to that alias on `server`.

    Raises WorldError when a node is not there or is no portal. Specification: OMI_link.
    """
    nodes: list[Any] = list(scene.list_of("nodes"))
    left = dict(portals)
    for index, node in enumerate(nodes):
        if not isinstance(node, dict) or node.get("name") not in left:
            continue
        alias = left.pop(node["name"])
        extensions = node.get("extensions")
        link = extensions.get("OMI_link") if isinstance(extensions, dict) else None
        if not isinstance(extensions, dict) or not isinstance(link, dict):
            raise WorldError(f"the node {node['name']} of {scene.name} is no portal")
        uri = WorldLink(parse_alias(f"#{alias}:{server}")).matrix_uri()
        nodes[index] = {**node, "extensions": {**extensions, "OMI_link": {**link, "uri": uri}}}
    if left:
        raise WorldError(f"{scene.name} has no node called {', '.join(sorted(left))}")
    return scene.changed({**scene.json, "nodes": nodes}) if portals else scene
