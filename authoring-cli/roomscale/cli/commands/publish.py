"""`roomscale publish`: a scene file becomes a world that people can enter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roomscale.cli.environment import default_data, publishing_token
from roomscale.cli.errors import EnvironmentProblem, UsageError
from roomscale.cli.memory import uncollected
from roomscale.cli.output import Output

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from roomscale.cli.config import House
    from roomscale.worlds.matrix import MatrixClient
    from roomscale.worlds.publish import Published

WORTH_PACKING = 3_000_000
"""Bytes of a scene from which on a phone's visitor waits: the budget of an entry (`scenes/budget_table.py`)."""


def publish(
    scene: Annotated[
        Path,
        typer.Argument(
            help="The scene: .glb, .gltf or .vrm; or a folder that `roomscale pack` made.", show_default=False
        ),
    ],
    name: Annotated[str | None, typer.Option(help="The world's name.", show_default="the file's")] = None,
    alias: Annotated[
        str | None,
        typer.Option(help="Its address; a world of yours there is updated.", show_default="from the name"),
    ] = None,
    world_file: Annotated[
        Path | None, typer.Option(help="What the creator says of the scene.", show_default="world.toml beside it")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is, in a sentence.")] = None,
    thumbnail: Annotated[Path | None, typer.Option(help="A picture: PNG, JPEG or WebP.")] = None,
    unlisted: Annotated[bool, typer.Option("--unlisted", help="Do not show it in the room directory.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="The `roomscale up` to publish to.", show_default="~/.local/share/roomscale")
    ] = None,
    homeserver: Annotated[
        str | None, typer.Option(help="Publish to this homeserver instead, with a token of yours.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the access token; else the environment's ROOMSCALE_TOKEN.")
    ] = None,
    world_server: Annotated[
        str | None, typer.Option(help="Matrix user id of the world server that serves it, e.g. @roomscale:example.org")
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what needs no choice before publishing; the file stays as it is.")
    ] = False,
    pack: Annotated[
        bool, typer.Option("--pack", help="Pack it first: visitors enter by a small file, sharper parts follow.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="With --pack: encode all images anew, also those packed before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check a scene, upload it, and write the room's state last: a publish that fails leaves the old world.

    What `roomscale check` rejects is not published, unless --fix mends it.

    **Examples**

    - `roomscale publish garden.glb --name "Winter garden"` to the `roomscale up` on this machine
    - `roomscale publish garden.glb --pack` packs it first, as `roomscale pack` does
    - `roomscale publish garden/` sends what `roomscale pack garden.glb -o garden/` made; of a new version what is new
    - `ROOMSCALE_TOKEN=… roomscale publish garden.glb --homeserver https://example.org`
    """
    import asyncio

    from roomscale.cli import keeping
    from roomscale.cli.publishing import alias_of, host_client, prepare_scene, publish_shown, server_of
    from roomscale.scenes.khronos import Validator
    from roomscale.scenes.package import PackOptions
    from roomscale.worlds.ids import parse_user_id
    from roomscale.worlds.matrix import MatrixClient
    from roomscale.worlds.model import ServerRef
    from roomscale.worlds.publish import PublishRequest

    output = Output()
    options = PackOptions() if pack else None
    with (
        Validator() as validator,
        keeping.kept_images(output, is_wanted=pack and not no_cache) as store,
        uncollected(),
    ):
        ready = prepare_scene(
            scene, output, fixes=fix, world_file=world_file, validator=validator, options=options, store=store
        )
    for line in keeping.lines(store):
        output.note(line)
    if ready.package is None and len(ready.glb) > WORTH_PACKING:
        size = f"{len(ready.glb) / 1e6:.0f} MB"
        output.note(f"visitors download {size} before they see anything; --pack lets them in sooner")
    client: AbstractAsyncContextManager[MatrixClient]
    server: ServerRef | None
    if homeserver is None:
        house = running_house(data, instead="--data or --homeserver")
        client, server, cache = host_client(house), server_of(house), house.directory.asset_cache
    else:
        client = MatrixClient(homeserver.rstrip("/"), token=publishing_token(token_file))
        server = ServerRef(parse_user_id(world_server)) if world_server else None
        cache = default_data() / "cache.db"
    title = name or ready.name
    request = PublishRequest(
        scene=ready.glb,
        package=ready.package,
        name=title,
        alias=alias or alias_of(title),
        description=description,
        thumbnail=thumbnail,
        server=server,
        listed=not unlisted,
    )

    async def work() -> Published:
        async with client as matrix:
            return await publish_shown(matrix, request, cache, output)

    published = asyncio.run(work())
    link = published.address.matrix_uri() if homeserver else f"{house.public_url}{published.link}"
    if as_json:
        output.result(
            json.dumps(
                {
                    "room_id": published.room_id,
                    "alias": published.alias,
                    "link": link,
                    "changed": published.changed,
                    "files": published.uploads.files,
                    "files_new": published.uploads.new,
                    "bytes_new": published.uploads.bytes_new,
                    "images": keeping.as_json(store),
                }
            )
        )
    else:
        output.result(link)


def running_house(data: Path | None, *, instead: str = "--data") -> House:
    """The house that runs in `data`. Raises EnvironmentProblem when there is none; `instead` names another's option."""
    from roomscale.cli.config import House

    root = (data or default_data()).expanduser().resolve()
    try:
        return House.read(root / "run" / "house.json")
    except UsageError as error:
        raise EnvironmentProblem(
            f"no house in {root}; start `roomscale up` first, or name another with {instead}"
        ) from error
