"""From a scene file to a published world: what `roomscale up` and `roomscale publish` share.

Its one rule: a scene is checked and mended before anything is sent, and what was mended is said.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from roomscale.assets import samples
from roomscale.assets.cache import UploadCache
from roomscale.cli.config import HOST_ACCOUNT, WORLD_SERVER, House
from roomscale.cli.errors import BadScene
from roomscale.cli.output import Output
from roomscale.scenes import RejectedScene, SceneError, errors_of, mend, open_scene, to_glb
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator
from roomscale.scenes.package.write import entry_of, is_entry_name
from roomscale.worlds.ids import parse_user_id
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ServerRef
from roomscale.worlds.publish import Published, PublishProgress, PublishRequest, publish
from roomscale.worlds.samples import Sample
from roomscale.worlds.samples import publish_samples as publish_each

PUBLISHING_DEVICE = "ROOMSCALE_PUBLISH"  # one device, kept: each publish would otherwise leave another behind
NAMELESS = ("scene", "model", "untitled", "index", "export")
"""What exporters and download sites call every file."""
SHOWN_NOTES = 8  # of a scene with hundreds of mended values the first few say enough
MIB = 1 << 20


@dataclass(frozen=True)
class ReadyScene:
    """A scene that may be published: checked, mended where that needs no choice, one .glb."""

    name: str
    """From the file's name; the world is called so unless something else is asked for."""
    glb: bytes


def prepare_scene(path: Path, output: Output, *, fixes: bool = True, validator: Validator | None = None) -> ReadyScene:
    """Read, check, mend and pack one file. Raises BadScene; tells what was mended.

    `fixes`: whether to mend what needs no choice; `validator`: Khronos's, to be asked too.
    """
    with output.step(f"checking {path.name}"):
        try:
            path = scene_file(path)
            scene = open_scene(path)
            scene, mended = mend(scene) if fixes else (scene, [])
            findings = judge(scene, validator)
            if errors_of(findings):
                raise RejectedScene(findings)
            glb = to_glb(scene)
        except SceneError as error:
            raise BadScene(path.name, error, _what_next(error, path, fixes=fixes)) from error
    for finding in mended[:SHOWN_NOTES]:
        output.note(f"mended: {finding.message} ({finding.pointer})")
    if len(mended) > SHOWN_NOTES:
        output.note(f"mended: {len(mended) - SHOWN_NOTES} more")
    return ReadyScene(name=name_of(path), glb=glb)


def _what_next(error: SceneError, path: Path, *, fixes: bool) -> str:
    if not isinstance(error, RejectedScene):
        return ""
    if not fixes and all(finding.mendable for finding in errors_of(error.findings)):
        return "; --fix mends it"
    return f"; `roomscale check {path.name}` tells how to mend it"


def scene_file(path: Path) -> Path:
    """The file that stands for `path`: of a folder that `roomscale pack` made its entry, else the file itself.

    Raises BadManifest for a folder whose manifest is broken. Parts are not uploaded yet: visitors see the entry.
    """
    return (entry_of(path) if path.is_dir() else None) or path


def name_of(path: Path) -> str:
    """A world's name from its file's, or from its folder's where the file is called what every export is called."""
    name = path.stem.removesuffix(".gltf")
    nameless = name.lower() in NAMELESS or is_entry_name(path.name)
    return (path.resolve().parent.name if nameless else "") or name


def alias_of(name: str) -> str:
    """A room alias's localpart from a world's or file's name: `Winter Garden (final)` → `winter-garden-final`."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words)[:64] or "world"


async def publish_scene(house: House, scene: ReadyScene, output: Output) -> list[Published]:
    """Publish a scene on the embedded homeserver, as its host."""
    request = PublishRequest(scene=scene.glb, name=scene.name, alias=alias_of(scene.name), server=server_of(house))
    async with host_client(house) as client:
        return [await publish_shown(client, request, house.directory.asset_cache, output)]


async def publish_samples(house: House, output: Output) -> list[Published]:
    """Publish the sample worlds, or find them as they were left; one begins in the first."""
    with output.step("publishing the sample worlds") as update, UploadCache(house.directory.asset_cache) as cache:

        def show(sample: Sample, progress: PublishProgress) -> None:
            shown(sample.name, update)(progress)

        async with host_client(house) as client:
            return await publish_each(client, samples.worlds(), cache, server=server_of(house), progress=show)


def server_of(house: House) -> ServerRef:
    """The world server that the worlds of `house` name."""
    return ServerRef(parse_user_id(house.user_id(WORLD_SERVER)))


async def publish_shown(client: MatrixClient, request: PublishRequest, cache_file: Path, output: Output) -> Published:
    """`publish`, with its progress on the terminal."""
    name = request.name or "the world"
    with output.step(f"publishing {name}") as update, UploadCache(cache_file) as cache:
        return await publish(client, request, cache, progress=shown(name, update))


def shown(name: str, update: Callable[[str], None]) -> Callable[[PublishProgress], None]:
    """What puts the progress of publishing `name` into the line that `update` changes."""

    def show(progress: PublishProgress) -> None:
        amount = f" ({progress.bytes_done / MIB:.1f} of {progress.bytes / MIB:.1f} MiB)" if progress.bytes else ""
        update(f"publishing {name}: {progress.text}{amount}")

    return show


@asynccontextmanager
async def host_client(house: House) -> AsyncIterator[MatrixClient]:
    """The host's own account on the embedded homeserver."""
    password = house.password_file(HOST_ACCOUNT).read_text("utf-8").strip()
    client = MatrixClient(
        house.homeserver_url, house.user_id(HOST_ACCOUNT), device_id=PUBLISHING_DEVICE, password=password
    )
    async with client:
        yield client
