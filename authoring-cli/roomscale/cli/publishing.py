"""From a scene file to a published world: what `roomscale up` and `roomscale publish` share.

Its one rule: a scene is authored, mended and checked before anything is sent, and what was changed is said.
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
from roomscale.scenes import (
    Finding,
    RejectedScene,
    SceneError,
    Severity,
    check,
    errors_of,
    mend,
    open_scene,
    to_glb,
)
from roomscale.scenes.authoring import NAME as WORLD_FILE
from roomscale.scenes.authoring import author, beside, read_world_file
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
    files: frozenset[Path] = frozenset()
    """What it was made of: the scene, its world.toml (there or not), and every file that it names."""


def prepare_scene(path: Path, output: Output, world_file: Path | None = None) -> ReadyScene:
    """Read, author, mend, check and make one file. Raises BadScene; tells what was made and mended.

    `world_file`: what stands for the `world.toml` beside the scene.
    """
    with output.step(f"checking {path.name}"):
        try:
            told = world_file or beside(path)
            scene, authored = author(open_scene(path), read_world_file(told) if told else None)
            scene, mended = mend(scene)
            findings = check(scene)
            if errors_of(authored + findings):
                raise RejectedScene(errors_of(authored + findings))
            glb = to_glb(scene)
        except SceneError as error:
            raise BadScene(path.name, error) from error
    _tell("made", [finding for finding in authored if finding.severity is Severity.INFO], output)
    _tell("not understood", [finding for finding in authored if finding.severity is Severity.WARNING], output)
    _tell("mended", mended, output)
    for finding in findings:
        if finding.code == "CAN_BE_MIGRATED":
            output.note(f"{finding.message}; {finding.hint}")
    files = {path, world_file or path.parent / WORLD_FILE, *(path.parent / name for name in scene.named_files())}
    return ReadyScene(name=name_of(path), glb=glb, files=frozenset(files))


def _tell(what: str, findings: list[Finding], output: Output) -> None:
    """The first few of what was done to a scene."""
    for finding in findings[:SHOWN_NOTES]:
        hint = f"; {finding.hint}" if finding.hint else ""
        output.note(f"{what}: {finding.message}{hint}{f' ({finding.pointer})' if finding.pointer else ''}")
    if len(findings) > SHOWN_NOTES:
        output.note(f"{what}: {len(findings) - SHOWN_NOTES} more")


def name_of(path: Path) -> str:
    """A world's name from its file's, or from its folder's where the file is called what every export is called."""
    name = path.stem.removesuffix(".gltf")
    return (path.resolve().parent.name if name.lower() in NAMELESS else "") or name


def alias_of(name: str) -> str:
    """A room alias's localpart from a world's or file's name: `Winter Garden (final)` → `winter-garden-final`."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words)[:64] or "world"


async def publish_scene(house: House, scene: ReadyScene, output: Output) -> list[Published]:
    """Publish a scene on the embedded homeserver, as its host."""
    async with host_client(house) as client:
        return [await publish_as_host(client, house, scene, output)]


async def publish_as_host(client: MatrixClient, house: House, scene: ReadyScene, output: Output) -> Published:
    """The same with a client that stands already."""
    request = PublishRequest(scene=scene.glb, name=scene.name, alias=alias_of(scene.name), server=server_of(house))
    return await publish_shown(client, request, house.directory.asset_cache, output)


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
