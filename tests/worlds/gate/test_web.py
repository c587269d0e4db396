"""The gate's own web side: client, world list, pictures, health, the limits of coming back."""

from __future__ import annotations

import gzip
import logging
import struct
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from roomscale.netcode.core.messages import NEWEST_VERSION, OLDEST_VERSION
from roomscale.worlds.gate.clientfiles import Folder
from roomscale.worlds.gate.config import GateLimits
from roomscale.worlds.matrix import MatrixClient
from tests.support.homeserver import RunningHomeserver, unique
from tests.worlds.gate.harness import House, house, person, until

pytestmark = [pytest.mark.homeserver, pytest.mark.asyncio(loop_scope="module")]
WORLD = "org.matrix.msc3815.world"


def png(side: int = 64) -> bytes:
    """A small grey picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\x80" * side) * side
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


async def upload(client: MatrixClient, content: bytes, content_type: str) -> str:
    async with client.transport.stream(
        "POST", "/_matrix/media/v3/upload", data=content, content_type=content_type
    ) as answer:
        return str((await answer.json())["content_uri"])


async def test_the_client_is_served_with_strict_headers(built: House) -> None:
    async with built.http() as http:
        for path in ("/", "/w/plaza", "/w/%23plaza%3Alocalhost?via=localhost", "/w/%21room%3Alocalhost"):
            page = await http.get(path)
            assert page.status_code == 200
            assert page.headers["cache-control"] == "no-cache"
            policy = page.headers["content-security-policy"]
            assert "unsafe-inline" not in policy
            assert "default-src 'none'" in policy
            assert page.headers["x-content-type-options"] == "nosniff"
        again = await http.get("/", headers={"If-None-Match": page.headers["etag"]})
        assert again.status_code == 304
        script = await http.get("/assets/main-1234.js")
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["content-encoding"] == "gzip"
        assert script.headers["content-type"].startswith("text/javascript")
        plain = await http.get("/assets/main-1234.js", headers={"Accept-Encoding": "identity"})
        assert plain.content == script.content
        assert (await http.head("/assets/main-1234.js")).content == b""
        for path in ("/assets/none.js", "/assets/../password", "/..%2fpassword", "/gate/gate.db", "/docs"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/")).status_code == 405
        config = (await http.get("/api/config")).json()
        assert config["server_name"] == "localhost"
        assert config["protocol"] == [OLDEST_VERSION, NEWEST_VERSION]
        assert len(config["client"]) == 12


async def test_the_avatars_are_listed_and_served(built: House) -> None:
    async with built.http() as http:
        assert (await http.get("/avatars/index.json")).json() == [
            {"id": "ada", "name": "Ada", "url": "/avatars/ada.glb"}
        ]
        avatar = await http.get("/avatars/ada.glb")
        assert avatar.headers["content-type"] == "model/gltf-binary"
        assert (await http.get("/avatars/..%2fpassword")).status_code == 404


async def test_a_client_that_is_built_anew_is_taken_up_and_a_missing_one_is_named(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "client")
    assert folder.build is None
    (tmp_path / "client").mkdir()
    (tmp_path / "client" / "index.html").write_text("one")
    first = folder.build
    (tmp_path / "client" / "index.html").write_text("another")
    assert first != folder.build is not None
    (tmp_path / "client" / "big.js").write_text("x" * 5_000)
    (tmp_path / "client" / "index.html").write_text("and another")
    file = folder.get("big.js")
    assert file is not None
    assert file.compressed is not None
    assert gzip.decompress(file.compressed) == file.body
    (tmp_path / "client" / "link.js").symlink_to("/etc/passwd")
    (tmp_path / "client" / "index.html").write_text("with a link")
    assert folder.get("link.js") is None


async def test_worlds_are_listed_with_their_pictures_and_visitors(built: House, synapse: RunningHomeserver) -> None:
    async with await synapse.person("owner") as owner, built.http() as http:
        alias = unique("plaza")
        picture = await upload(owner, png(), "image/png")
        content = {"scene_name": "Plaza", "scene_description": "A square", "thumbnail_url": picture}
        room_id = await built.world(
            owner,
            room_alias_name=alias,
            initial_state=[{"type": WORLD, "state_key": "", "content": content}],
        )
        hidden = await built.world(owner, preset="private_chat", name="Secret")
        async with person(built, room_id) as tab:
            await tab.enter()
            listed = (await http.get("/api/worlds")).json()["worlds"]
        (world,) = (world for world in listed if world["room_id"] == room_id)
        assert hidden not in [world["room_id"] for world in listed]
        assert world == {
            "room_id": room_id,
            "alias": f"#{alias}:localhost",
            "name": "Plaza",
            "topic": "A square",
            "thumbnail": f"/api/worlds/{quote(room_id)}/thumbnail".replace("%21", "!"),
            "visitors": 1,
            "link": f"/w/{alias}",
        }
        for which in (room_id, alias, f"#{alias}:localhost"):
            assert (await http.get(f"/api/worlds/{quote(which, safe='')}")).json()["room_id"] == room_id
        assert (await http.get(f"/api/worlds/{quote(hidden, safe='')}")).status_code == 404
        assert (await http.get("/api/worlds/nothing")).json()["code"] == "not_found"
        shown = await http.get(world["thumbnail"])
        assert shown.status_code == 200
        assert shown.headers["content-type"] in ("image/png", "image/jpeg")
        assert shown.headers["content-security-policy"].startswith("default-src 'none'")
        page = await upload(owner, b"<script>alert(1)</script>", "text/html")
        await owner.put_state(room_id, WORLD, {**content, "thumbnail_url": page, "scene_preview_url": page})
        await until(lambda: page in str(built.running.watch.view.rooms[room_id].facts.world))
        assert (await http.get(world["thumbnail"])).status_code == 404
        await until(lambda: built.sessions(room_id) == 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"[" * 60_000, 400),
        (b'{"ticket": 5}', 400),
        (b'{"ticket": "x", "session": "y", "offer": {"type": "offer", "sdp": "hello"}}', 400),
        (b'{"ticket": "x", "session": "y", "offer": {"type": "offer", "sdp": "v=0"}}', 401),
        (b"x" * 100_000, 413),
    ],
)
async def test_what_is_no_resumption_is_named(built: House, body: bytes, status: int) -> None:
    async with built.http() as http:
        response = await http.post("/api/session/resume", content=body)
        assert response.status_code == status
        assert response.json()["error"]


async def test_coming_back_is_limited_per_address_and_logs_keep_no_secrets(
    synapse: RunningHomeserver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = GateLimits(resumes_per_address=0.1, resumes_per_address_burst=3)
    with caplog.at_level(logging.DEBUG, "roomscale.worlds.gate"):
        async with house(synapse, tmp_path, limits=limits) as built, built.http() as http:
            body = {"ticket": "T" * 43, "session": "tab-tab-tab", "offer": {"type": "offer", "sdp": "v=0"}}
            answers = [await http.post("/api/session/resume", json=body) for _ in range(5)]
            assert [a.status_code for a in answers] == [401, 401, 401, 429, 429]
            assert int(answers[-1].headers["retry-after"]) >= 1
            await http.get("/_matrix/client/v3/sync?access_token=syt_secret_token&timeout=0")
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("roomscale"))
    assert "/_matrix/client/v3/sync" in said
    assert "syt_secret_token" not in said
    assert "T" * 43 not in said


async def test_a_real_sync_upload_and_download_pass_through(built: House, synapse: RunningHomeserver) -> None:
    async with await synapse.person("owner") as owner:
        through = MatrixClient(built.url, owner.user_id, device_id=owner.device_id, token=owner.token)
        async with through, built.http() as http:
            assert (await through.sync(None, timeout_ms=0))["next_batch"]
            headers = {"Authorization": f"Bearer {owner.token}", "Origin": "https://elsewhere.example"}
            sent = await http.post("/_matrix/media/v3/upload", content=bytes(20 * 1024 * 1024), headers=headers)
            mxc = sent.json()["content_uri"]
            path = f"/_matrix/client/v1/media/download/{mxc.removeprefix('mxc://')}"
            download = await http.get(path, headers=headers)
            assert len(download.content) == 20 * 1024 * 1024
            assert download.headers["access-control-allow-origin"] == "*"
            assert "sandbox" in download.headers["content-security-policy"]
            assert (await http.get("/.well-known/matrix/client")).json()["m.homeserver"]
            assert (await http.get("/_synapse/admin/v1/server_version")).status_code == 404
