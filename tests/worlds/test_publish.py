"""Publishing into a real homeserver: what the room then says, who may change it, and what a failure leaves."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roomscale.assets.cache import UploadCache
from roomscale.assets.errors import AssetError
from roomscale.assets.transfer import TransferConfig
from roomscale.scenes.package.manifest import FileRef, Manifest, Part, read_manifest
from roomscale.worlds.errors import AliasTaken, MatrixError, WorldRefused
from roomscale.worlds.ids import parse_room_id
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ROOM_TYPE, SERVER_EVENT, WORLD_EVENT, ServerRef, World
from roomscale.worlds.permissions import LEVELS, PowerLevels, Role
from roomscale.worlds.publish import PublishProgress, PublishRequest, publish
from roomscale.worlds.uploads import PackageFiles
from tests.support.homeserver import RunningHomeserver, unique

pytestmark = pytest.mark.homeserver

QUICK = TransferConfig(attempts=2, first_pause=0.01)


def glb(seed: str = "a", padding: int = 0) -> bytes:
    """The smallest binary glTF, different for each seed."""
    text = json.dumps({"asset": {"version": "2.0", "generator": seed + "x" * padding}}).encode()
    text += b" " * (-len(text) % 4)
    return b"glTF" + struct.pack("<II", 2, 20 + len(text)) + struct.pack("<I4s", len(text), b"JSON") + text


def png(width: int = 640, height: int = 360) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0" + b"\0" * 4


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[UploadCache]:
    with UploadCache(tmp_path / "cache.db") as cache:
        yield cache


@pytest.fixture
async def publisher(synapse: RunningHomeserver) -> AsyncIterator[MatrixClient]:
    async with await synapse.person("publisher") as client:
        yield client


@pytest.fixture
async def server(synapse: RunningHomeserver) -> ServerRef:
    account = await synapse.embedded.registrar.ensure("roomscale")
    return ServerRef(account.user_id)


def counting(client: MatrixClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on, every request of `client` that changes something is written down here."""
    seen: list[str] = []
    stream = client.transport.stream

    def watched(method: str, path: str, **rest: Any) -> Any:
        if method != "GET":
            seen.append(f"{method} {path}")
        return stream(method, path, **rest)

    monkeypatch.setattr(client.transport, "stream", watched)
    return seen


async def state_of(client: MatrixClient, room: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(event.type, event.state_key): event.content for event in await client.room_state(room)}


async def test_a_new_world_has_its_whole_state(publisher: MatrixClient, cache: UploadCache, server: ServerRef) -> None:
    name = unique("plaza")
    stages: list[PublishProgress] = []
    scene = glb()
    done = await publish(
        publisher,
        PublishRequest(scene, "Plaza", alias=name, description="A square.", thumbnail=png(), server=server),
        cache,
        progress=stages.append,
    )
    state = await state_of(publisher, done.room_id)
    assert state["m.room.create", ""]["type"] == ROOM_TYPE
    assert state["m.room.guest_access", ""] == {"guest_access": "can_join"}
    assert state["m.room.history_visibility", ""] == {"history_visibility": "world_readable"}
    assert state["m.room.join_rules", ""]["join_rule"] == "public"
    assert state["m.room.name", ""] == {"name": "Plaza"}
    assert state["m.room.topic", ""]["topic"] == "A square."
    assert state["m.room.canonical_alias", ""]["alias"] == f"#{name}:localhost"
    assert state[SERVER_EVENT, ""] == {"user_id": server.user_id, "device_id": "ROOMSCALE"}
    assert state["m.room.member", server.user_id]["membership"] == "invite"
    levels = state["m.room.power_levels", ""]
    assert {key: levels["events"][key] for key in LEVELS if key != "m.room.tombstone"} == {
        key: level for key, level in LEVELS.items() if key != "m.room.tombstone"
    }
    assert levels["events"]["m.room.tombstone"] >= 100
    assert levels["state_default"] == 100
    content = state[WORLD_EVENT, ""]
    assert content["thumbnail_url"] == content["scene_preview_url"]
    assert content["thumbnail_info"] == {"mimetype": "image/png", "size": len(png()), "w": 640, "h": 360}
    world, problems = World.read(content)
    assert problems == []
    assert world.scene is not None
    assert (await publisher.media.download(world.scene.url, 1 << 20)) == ("model/gltf-binary", scene)
    assert await publisher.is_listed(done.room_id)
    listed = (await publisher.public_rooms(room_type=ROOM_TYPE))["chunk"]
    assert done.room_id in [room["room_id"] for room in listed]
    assert done.link == f"/w/{name}"
    assert done.address.matrix_uri() == f"matrix:r/{name}:localhost"
    assert stages[0].stage == "reading"
    assert stages[-1].stage == "done"
    assert max(stage.bytes_done for stage in stages) == len(scene) + len(png())


async def test_the_world_event_is_the_last_thing_written(
    publisher: MatrixClient, cache: UploadCache, server: ServerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counting(publisher, monkeypatch)
    await publish(publisher, PublishRequest(glb(), "W", alias=unique("last"), server=server), cache)
    assert WORLD_EVENT in seen[-1]
    assert sum("createRoom" in request for request in seen) == 1


async def test_publishing_the_same_again_does_nothing_and_uploads_nothing(
    publisher: MatrixClient, cache: UploadCache, server: ServerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = PublishRequest(
        glb(), "W", alias=unique("same"), description="D", thumbnail=png(), server=server, owners=()
    )
    first = await publish(publisher, request, cache)
    seen = counting(publisher, monkeypatch)
    second = await publish(publisher, request, cache)
    assert second.room_id == first.room_id
    assert second.steps == ()
    assert second.event_id is None
    assert not second.changed
    assert seen == []


async def test_without_the_local_cache_the_room_itself_tells_what_was_uploaded(
    publisher: MatrixClient, cache: UploadCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = PublishRequest(glb(), "W", alias=unique("elsewhere"), thumbnail=png())
    await publish(publisher, request, cache)
    seen = counting(publisher, monkeypatch)
    with UploadCache(tmp_path / "other.db") as other:
        assert not (await publish(publisher, request, other)).changed
    assert seen == []


def packed(*parts: bytes, seed: str = "entry") -> dict[str, Any]:
    """A request's scene and package: an entry, and a part for each image."""
    files = {hashlib.sha256(data).hexdigest(): data for data in parts}
    entry = glb(seed)
    made = [
        Part(sha256, len(data), "image/png", 1, (f"/images/{number}",))
        for number, (sha256, data) in enumerate(files.items())
    ]
    manifest = Manifest(FileRef(hashlib.sha256(entry).hexdigest(), len(entry)), tuple(made))
    return {"scene": entry, "package": PackageFiles(manifest, files)}


async def test_a_package_is_the_entry_and_a_manifest_that_leads_to_the_parts(
    publisher: MatrixClient, cache: UploadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counting(publisher, monkeypatch)
    parts = [png(width) for width in (100, 200, 300)]
    done = await publish(publisher, PublishRequest(name="W", alias=unique("packed"), **packed(*parts)), cache)
    assert WORLD_EVENT in seen[-1]
    assert (done.uploads.files, done.uploads.new) == (5, 5)
    content = (await state_of(publisher, done.room_id))[WORLD_EVENT, ""]
    _, data = await publisher.media.download(content["org.roomscale.package"]["url"], 1 << 20)
    assert content["org.roomscale.package"]["sha256"] == hashlib.sha256(data).hexdigest()
    manifest = read_manifest(data)
    assert manifest.entry_mxc == content["scene_url"]
    for part, expected in zip(manifest.parts, parts, strict=True):
        assert (await publisher.media.download(part.mxc, 1 << 20)) == ("image/png", expected)


async def test_of_a_changed_package_only_what_is_new_is_sent(
    publisher: MatrixClient, cache: UploadCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, old = unique("repacked"), [png(width) for width in (100, 200, 300)]
    request = PublishRequest(name="W", alias=name, **packed(*old))
    await publish(publisher, request, cache)
    assert not (await publish(publisher, request, cache)).changed
    seen = counting(publisher, monkeypatch)
    with UploadCache(tmp_path / "other.db") as other:  # another machine of the same creator
        assert not (await publish(publisher, request, other)).changed
        assert seen == []
        again = replace(request, **packed(*old[:2], png(400), seed="entry 2"))
        done = await publish(publisher, again, other)
    assert sum("PUT /_matrix/media" in path for path in seen) == 3  # entry, one part, manifest
    assert str(done.uploads).startswith("3 of 5 files were new, ")


async def test_a_scene_without_parts_takes_the_place_of_a_package(publisher: MatrixClient, cache: UploadCache) -> None:
    name = unique("plain")
    await publish(publisher, PublishRequest(name="W", alias=name, **packed(png())), cache)
    done = await publish(publisher, PublishRequest(glb("plain"), "W", alias=name), cache)
    assert "org.roomscale.package" not in (await state_of(publisher, done.room_id))[WORLD_EVENT, ""]


async def test_a_part_or_an_entry_that_is_not_the_manifests_is_refused_before_anything_is_sent(
    publisher: MatrixClient, cache: UploadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counting(publisher, monkeypatch)
    good = packed(png(1), png(2))
    files: PackageFiles = good["package"]
    first, second = files.parts
    for scene, parts, says in (
        (good["scene"], {first: files.parts[first], second: b"else"}, "is not what the manifest says"),
        (good["scene"], {first: files.parts[first]}, "is missing"),
        (glb("another"), files.parts, "not the entry"),
    ):
        request = PublishRequest(scene, "W", package=PackageFiles(files.manifest, parts))
        with pytest.raises(WorldRefused, match=says):
            await publish(publisher, request, cache)
    assert seen == []


async def test_only_what_changed_is_written(
    publisher: MatrixClient, cache: UploadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = PublishRequest(glb("one"), "W", alias=unique("change"), thumbnail=png())
    first = await publish(publisher, request, cache)
    seen = counting(publisher, monkeypatch)
    second = await publish(publisher, replace(request, scene=glb("two"), thumbnail=None), cache)
    assert [path.partition("?")[0].rsplit("/", 2)[-2:] for path in seen if "/state/" in path] == [[WORLD_EVENT, ""]]
    assert sum("PUT /_matrix/media" in path for path in seen) == 1
    assert second.overwrote is None
    state = await state_of(publisher, first.room_id)
    assert state[WORLD_EVENT, ""]["scene_url"] != first.world.content()["scene_url"]
    assert state[WORLD_EVENT, ""]["thumbnail_url"] == first.world.content()["thumbnail_url"]


async def test_keys_of_other_tools_survive(publisher: MatrixClient, cache: UploadCache) -> None:
    request = PublishRequest(glb("one"), "W", alias=unique("keys"))
    done = await publish(publisher, request, cache)
    others = {"script_url": "mxc://localhost/script", "org.example.tool": {"list": [1, {"x": None}]}}
    await publisher.put_state(done.room_id, WORLD_EVENT, {**done.world.content(), **others})
    await publish(publisher, replace(request, scene=glb("two")), cache)
    content = (await state_of(publisher, done.room_id))[WORLD_EVENT, ""]
    assert {key: content[key] for key in others} == others


async def test_somebody_publishing_at_the_same_time_is_noticed(
    publisher: MatrixClient, cache: UploadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = PublishRequest(glb("one"), "W", alias=unique("race"))
    done = await publish(publisher, request, cache)
    stolen: list[str] = []
    put_state = publisher.put_state

    async def late(room: str, kind: str, content: dict[str, Any], key: str = "") -> str:
        if kind == WORLD_EVENT and not stolen:
            stolen.append(await put_state(room, kind, {"scene_name": "somebody else's"}))
        return await put_state(room, kind, content, key)

    monkeypatch.setattr(publisher, "put_state", late)
    second = await publish(publisher, replace(request, scene=glb("two")), cache)
    assert second.overwrote == stolen[0]
    assert second.room_id == done.room_id


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("breaks", ["/media/v1/create", "/media/v3/upload", WORLD_EVENT])
async def test_a_publish_that_fails_leaves_the_old_world_and_the_next_one_completes(
    publisher: MatrixClient, cache: UploadCache, monkeypatch: pytest.MonkeyPatch, breaks: str, is_packed: bool
) -> None:
    request = PublishRequest(glb("old"), "W", alias=unique("fails"))
    change = packed(png(5), png(6), seed="new") if is_packed else {"scene": glb("new")}
    old = await publish(publisher, request, cache)
    before = (await state_of(publisher, old.room_id))[WORLD_EVENT, ""]
    stream = publisher.transport.stream

    def broken(method: str, path: str, **rest: Any) -> Any:
        if breaks in path and method != "GET":
            raise MatrixError(403, "M_FORBIDDEN", "not today")
        return stream(method, path, **rest)

    with monkeypatch.context() as patch, pytest.raises((MatrixError, AssetError)):
        patch.setattr(publisher.transport, "stream", broken)
        await publish(publisher, replace(request, **change), cache, transfers=QUICK)
    assert (await state_of(publisher, old.room_id))[WORLD_EVENT, ""] == before
    done = await publish(publisher, replace(request, **change), cache)
    assert done.room_id == old.room_id
    assert (await state_of(publisher, old.room_id))[WORLD_EVENT, ""] != before


async def test_an_alias_of_somebody_elses_world_is_refused_before_anything_is_sent(
    synapse: RunningHomeserver, publisher: MatrixClient, cache: UploadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = unique("taken")
    await publish(publisher, PublishRequest(glb(), "Mine", alias=name), cache)
    async with await synapse.person("rival") as rival:
        seen = counting(rival, monkeypatch)
        with pytest.raises(AliasTaken, match=f"#{name}:localhost"):
            await publish(rival, PublishRequest(glb("theirs"), "Theirs", alias=name), cache)
        assert seen == []
        await rival.join(f"#{name}:localhost")
        seen.clear()
        with pytest.raises(WorldRefused, match="needs level 100 and has 0"):
            await publish(rival, PublishRequest(glb("theirs"), "Theirs", alias=name), cache)
        assert seen == []


async def test_an_alias_of_a_room_that_is_no_world_is_refused(publisher: MatrixClient, cache: UploadCache) -> None:
    name = unique("chat")
    await publisher.create_room({"room_alias_name": name})
    with pytest.raises(AliasTaken, match="no world"):
        await publish(publisher, PublishRequest(glb(), "W", alias=name), cache)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scene": b"not a scene"}, "no .glb"),
        ({"thumbnail": b"GIF89a"}, "no PNG"),
        ({"name": " "}, "name"),
        ({"alias": "plaza:elsewhere.org"}, "elsewhere.org"),
        ({"room": parse_room_id("!nothing:localhost")}, "not in"),
    ],
)
async def test_what_cannot_be_published_is_said_in_one_line(
    publisher: MatrixClient, cache: UploadCache, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(WorldRefused, match=says) as error:
        await publish(publisher, replace(PublishRequest(glb(), "W"), **change), cache)
    assert "\n" not in str(error.value)


GUARDED = [
    WORLD_EVENT,
    SERVER_EVENT,
    "m.room.power_levels",
    "m.room.server_acl",
    "m.room.tombstone",
    "m.room.encryption",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.guest_access",
    "m.room.name",
    "m.room.canonical_alias",
    "im.vector.modular.widgets",
    "org.matrix.msc3815.world.member",
    "org.example.junk",
]


@pytest.mark.parametrize("who", ["guest", "visitor", "moderator"])
async def test_nobody_but_an_owner_changes_what_makes_the_world(
    synapse: RunningHomeserver, publisher: MatrixClient, cache: UploadCache, server: ServerRef, who: str
) -> None:
    done = await publish(publisher, PublishRequest(glb(), "W", server=server), cache)
    make: Callable[[], Any] = synapse.guest if who == "guest" else synapse.person
    async with await make() as person:
        await person.join(done.room_id)
        elsewhere = await publisher.create_room({})  # the homeserver looks at a tombstone's target first
        mine = {
            "users": {person.user_id: 100},
            "allow": ["*"],
            "replacement_room": elsewhere,
            "name": "Mine",
            "membership": "join",
        }
        if who == "moderator":
            levels = (await state_of(publisher, done.room_id))["m.room.power_levels", ""]
            levels["users"][person.user_id] = 50
            await publisher.put_state(done.room_id, "m.room.power_levels", levels)
        for event_type in GUARDED:
            for key in ("", person.user_id):
                with pytest.raises(MatrixError) as error:
                    await person.put_state(done.room_id, event_type, mine, key)
                assert error.value.status == 403, event_type
        for action in (person.kick, person.ban):
            with pytest.raises(MatrixError):
                await action(done.room_id, publisher.user_id)
        await person.send(done.room_id, "m.room.message", {"msgtype": "m.text", "body": "hello"})


async def test_a_moderator_keeps_order(synapse: RunningHomeserver, publisher: MatrixClient, cache: UploadCache) -> None:
    done = await publish(publisher, PublishRequest(glb(), "W"), cache)
    async with await synapse.person() as moderator, await synapse.guest() as guest:
        await moderator.join(done.room_id)
        await guest.join(done.room_id)
        levels = (await state_of(publisher, done.room_id))["m.room.power_levels", ""]
        levels["users"][moderator.user_id] = 50
        await publisher.put_state(done.room_id, "m.room.power_levels", levels)
        await moderator.ban(done.room_id, guest.user_id, "noise")
        state = await state_of(publisher, done.room_id)
        assert state["m.room.member", guest.user_id]["membership"] == "ban"
        power = PowerLevels.read(state["m.room.power_levels", ""], room_version="12", creators=[publisher.user_id])
        assert power.role(publisher.user_id) is Role.OWNER
        assert power.role(moderator.user_id) is Role.MODERATOR
        assert power.role(guest.user_id, guest=True) is Role.GUEST


@pytest.mark.parametrize("version", ["9", "10", "11", "12"])
async def test_rooms_of_other_versions_made_by_hand_become_whole(
    publisher: MatrixClient, cache: UploadCache, server: ServerRef, version: str
) -> None:
    room = await publisher.create_room(
        {"room_version": version, "creation_content": {"type": ROOM_TYPE}, "preset": "public_chat"}
    )
    request = PublishRequest(glb(version), "W", room=room, alias=unique("byhand"), server=server, listed=False)
    done = await publish(publisher, request, cache)
    assert done.room_id == room
    state = await state_of(publisher, room)
    assert state["m.room.guest_access", ""] == {"guest_access": "can_join"}
    assert state[SERVER_EVENT, ""]["user_id"] == server.user_id
    events = state["m.room.power_levels", ""]["events"]
    assert all(events[kind] >= 100 for kind in (WORLD_EVENT, SERVER_EVENT, "m.room.server_acl"))
    assert not (await publish(publisher, request, cache)).changed


async def test_another_owner_may_publish_too(
    synapse: RunningHomeserver, publisher: MatrixClient, cache: UploadCache
) -> None:
    async with await synapse.person("partner") as partner:
        request = PublishRequest(glb("one"), "W", alias=unique("two-owners"), owners=(partner.user_id,))
        done = await publish(publisher, request, cache)
        await partner.join(done.room_id)
        again = await publish(partner, replace(request, scene=glb("two"), owners=()), cache)
        assert again.room_id == done.room_id
        assert again.event_id is not None
