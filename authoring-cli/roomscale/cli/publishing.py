"""From a scene file to a published world: what `roomscale up` and `roomscale publish` share.

Its one rule: a scene is authored and checked before anything is sent, mended where that was asked for; what was changed
is said.
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
from roomscale.cli.preparing import sound_scene
from roomscale.scenes import SceneError, to_glb
from roomscale.scenes.kept import Store
from roomscale.scenes.khronos import Validator
from roomscale.scenes.package import PackOptions, manifest_of, pack
from roomscale.scenes.package.write import is_entry_name, part_files
from roomscale.worlds.ids import parse_user_id
from roomscale.worlds.matrix import MatrixClient
from roomscale.worlds.model import ServerRef
from roomscale.worlds.publish import Published, PublishProgress, PublishRequest, publish
from roomscale.worlds.samples import Sample
from roomscale.worlds.samples import publish_samples as publish_each
from roomscale.worlds.uploads import PackageFiles

PUBLISHING_DEVICE = "ROOMSCALE_PUBLISH"  # one device, kept: each publish would otherwise leave another behind
NAMELESS = ("scene", "model", "untitled", "index", "export")
"""What exporters and download sites call every file."""
MIB = 1 << 20


@dataclass(frozen=True)
class ReadyScene:
    """A scene that may be published: checked, mended where that was asked for, one .glb; of a package the entry."""

    name: str
    """From the file's name; the world is called so unless something else is asked for."""
    glb: bytes
    package: PackageFiles | None = None
    """What sharpens it, if it is packed."""
    files: frozenset[Path] = frozenset()
    """What it was made of, as `SoundScene.files`."""

    def shows_what(self, other: ReadyScene) -> bool:
        """Whether visitors would see the same."""
        manifests = [ready.package and ready.package.manifest for ready in (self, other)]
        return self.glb == other.glb and manifests[0] == manifests[1]


def prepare_scene(
    path: Path,
    output: Output,
    world_file: Path | None = None,
    *,
    fixes: bool = False,
    validator: Validator | None = None,
    options: PackOptions | None = None,
    store: Store | None = None,
) -> ReadyScene:
    """Read, author, check and make one file, as `sound_scene` does. Raises BadScene.

    `path`: a scene or a packed folder. `fixes`: mend what needs no choice. `options`: pack a scene that is not packed
    yet, in memory. `store`: of images packed before.
    """
    sound = sound_scene(path, output, fixes=fixes, world_file=world_file, validator=validator)
    try:
        if (manifest := manifest_of(path) if path.is_dir() else None) is not None:
            glb, package = to_glb(sound.scene), PackageFiles(manifest, part_files(path, manifest))
        elif options is not None:
            with output.progress(f"packing {path.name}") as tell:
                packed, _ = pack(sound.scene, options, tell, store)
            parts = {sha256: bytes(data) for sha256, data in packed.parts.items()}
            glb, package = packed.entry, PackageFiles(packed.manifest, parts)
        else:
            glb, package = to_glb(sound.scene), None
    except SceneError as error:
        raise BadScene(path, error) from error
    return ReadyScene(name=name_of(sound.path), glb=glb, package=package, files=sound.files)


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
    async with host_client(house) as client:
        return [await publish_as_host(client, house, scene, output)]


async def publish_as_host(client: MatrixClient, house: House, scene: ReadyScene, output: Output) -> Published:
    """The same with a client that stands already."""
    request = PublishRequest(
        scene=scene.glb,
        package=scene.package,
        name=scene.name,
        alias=alias_of(scene.name),
        server=server_of(house),
    )
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
    """`publish`, with its progress on the terminal, and at the end what of it was new."""
    name = request.name or "the world"
    with output.step(f"publishing {name}") as update, UploadCache(cache_file) as cache:
        published = await publish(client, request, cache, progress=shown(name, update))
    output.note(str(published.uploads))
    return published


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
