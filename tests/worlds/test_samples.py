"""The sample worlds, published as everybody's are and then left to their owner."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from roomscale.assets import samples as shipped
from roomscale.assets.cache import UploadCache
from roomscale.scenes import Scene, parse_scene, to_glb
from roomscale.worlds.errors import WorldError
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import SERVER_EVENT, WORLD_EVENT, ServerRef
from roomscale.worlds.publish import PublishRequest, publish
from roomscale.worlds.samples import publish_samples, retarget_portals
from tests.support.homeserver import RunningHomeserver, unique
from tests.worlds.test_publish import counting, glb, png

PORTAL = {"name": "Gate", "extensions": {"OMI_link": {"uri": "matrix:r/x:y", "title": "Go"}}, "extras": {"a": 1.5}}


def scene_of(*nodes: dict[str, Any]) -> Scene:
    return parse_scene(json.dumps({"asset": {"version": "2.0"}, "nodes": list(nodes)}).encode())


def test_portals_lead_to_the_server_that_the_world_is_published_on() -> None:
    scene = scene_of({"name": "Wall"}, PORTAL)
    moved = retarget_portals(scene, {"Gate": "gallery"}, "localhost:8448")
    links = [node["extensions"]["OMI_link"] for node in moved.list_of("nodes") if "extensions" in node]
    assert links == [{"uri": "matrix:r/gallery:localhost:8448", "title": "Go"}]
    assert moved.list_of("nodes")[1]["extras"] == {"a": 1.5}
    assert scene.list_of("nodes")[1] == PORTAL
    assert retarget_portals(scene, {}, "localhost") is scene
    again = retarget_portals(moved, {"Gate": "gallery"}, "localhost:8448")
    assert to_glb(again) == to_glb(moved)


@pytest.mark.parametrize("nodes", [[], [{"name": "Gate"}], [{"name": "Gate", "extensions": []}], [7]])
def test_a_sample_without_its_portal_is_said_so(nodes: list[Any]) -> None:
    with pytest.raises(WorldError, match="Gate"):
        retarget_portals(scene_of(*nodes), {"Gate": "gallery"}, "localhost")


@dataclass(frozen=True)
class Made:
    alias: str
    name: str
    description: str
    path_glb: Path
    thumbnail_path: Path
    portals: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture
def sample(tmp_path: Path) -> Made:
    path, picture = tmp_path / "sample.glb", tmp_path / "sample.png"
    path.write_bytes(to_glb(scene_of(PORTAL)))
    picture.write_bytes(png())
    return Made(unique("sample"), "Sample", "A sample.", path, picture, {"Gate": "gallery"})


@pytest.fixture
async def host(synapse: RunningHomeserver) -> AsyncIterator[MatrixClient]:
    async with await synapse.person("host", admin=True) as client:
        yield client


@pytest.fixture
async def server(synapse: RunningHomeserver) -> ServerRef:
    return ServerRef((await synapse.embedded.registrar.ensure("roomscale")).user_id)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[UploadCache]:
    with UploadCache(tmp_path / "cache.db") as cache:
        yield cache


@pytest.mark.homeserver
async def test_the_samples_that_we_ship_are_published_and_found_again(
    host: MatrixClient, cache: UploadCache, server: ServerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = [replace(world, alias=unique(world.alias)) for world in shipped.worlds()]
    names: set[str] = set()
    first = await publish_samples(host, ours, cache, server=server, progress=lambda sample, _: names.add(sample.name))
    assert [str(done.alias).partition("-")[0] for done in first] == ["#plaza", "#gallery"]
    assert names == {world.name for world in ours}
    for done, world in zip(first, ours, strict=True):
        scene = done.world.scene
        assert scene is not None
        _, data = await host.media.download(scene.url, 16 << 20)
        uris = [
            node["extensions"]["OMI_link"]["uri"]
            for node in parse_scene(data).list_of("nodes")
            if "OMI_link" in node.get("extensions", {})
        ]
        assert set(uris) == {f"matrix:r/{alias}:localhost" for alias in world.portals.values()}
    seen = counting(host, monkeypatch)
    second = await publish_samples(host, ours, cache, server=server)
    assert [done.room_id for done in second] == [done.room_id for done in first]
    assert seen == []


@pytest.mark.homeserver
async def test_a_newer_sample_replaces_ours_but_not_the_names_that_its_owner_gave(
    host: MatrixClient, cache: UploadCache, server: ServerRef, sample: Made
) -> None:
    [first] = await publish_samples(host, [sample], cache, server=server)
    await host.put_state(first.room_id, "m.room.name", {"name": "Our square"})
    sample.path_glb.write_bytes(to_glb(scene_of({"name": "New"}, PORTAL)))
    [second] = await publish_samples(host, [sample], cache, server=server)
    assert second.event_id is not None
    content = await host.state_content(first.room_id, WORLD_EVENT)
    assert content is not None
    assert content["scene_url"] != first.world.content()["scene_url"]
    assert content["scene_name"] == "Sample"
    assert await host.state_content(first.room_id, "m.room.name") == {"name": "Our square"}


@pytest.mark.homeserver
async def test_a_scene_that_an_owner_put_there_stays(
    synapse: RunningHomeserver, host: MatrixClient, cache: UploadCache, server: ServerRef, sample: Made
) -> None:
    async with await synapse.person("owner") as owner:
        done = await publish(host, PublishRequest(glb(), "W", alias=sample.alias, owners=(owner.user_id,)), cache)
        await owner.join(done.room_id)
        await publish(owner, PublishRequest(glb("mine"), "Mine", room=done.room_id), cache)
        before = await host.state_content(done.room_id, WORLD_EVENT)
        [left] = await publish_samples(host, [sample], cache, server=server)
        assert (left.room_id, left.steps) == (done.room_id, ())
        assert await host.state_content(done.room_id, WORLD_EVENT) == before


@pytest.mark.homeserver
async def test_an_address_that_somebody_else_has_is_left_to_them(
    synapse: RunningHomeserver, host: MatrixClient, cache: UploadCache, server: ServerRef, sample: Made
) -> None:
    async with await synapse.person("other") as other:
        theirs = await publish(other, PublishRequest(glb(), "Theirs", alias=sample.alias), cache)
        [left] = await publish_samples(host, [sample], cache, server=server)
        assert (left.room_id, left.link) == (theirs.room_id, f"/w/{sample.alias}")


@pytest.mark.homeserver
async def test_a_publish_that_was_cut_off_before_the_scene_is_completed(
    host: MatrixClient, cache: UploadCache, server: ServerRef, sample: Made
) -> None:
    room = await host.create_room(
        {
            "room_alias_name": sample.alias,
            "creation_content": {"type": WORLD_EVENT},
            "preset": "public_chat",
        }
    )
    [done] = await publish_samples(host, [sample], cache, server=server)
    assert done.room_id == room
    content = await host.state_content(room, WORLD_EVENT)
    assert content is not None
    assert content["scene_name"] == "Sample"
    assert await host.state_content(room, SERVER_EVENT) == server.content()
