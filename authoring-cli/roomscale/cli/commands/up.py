"""`roomscale up`: opens a house on this machine and keeps it open until Ctrl-C."""

from __future__ import annotations

from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from roomscale.cli.environment import default_data
from roomscale.cli.errors import UsageError
from roomscale.cli.output import Output


class Transport(StrEnum):
    """What `--transport` may say."""

    LEAN = "lean"
    AIORTC = "aiortc"


def up(
    scene: Annotated[
        Path | None,
        typer.Argument(
            help="A scene (.glb, .gltf, .vrm) or a packed folder to show; without one, the sample worlds.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Publish the scene again whenever it is saved; visitors see it change.")
    ] = False,
    world_file: Annotated[
        Path | None, typer.Option(help="What the creator says of the scene.", show_default="world.toml beside it")
    ] = None,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Mend what needs no choice before it is shown, and say what; the file stays as it is."
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Where everything is kept.", show_default="~/.local/share/roomscale")
    ] = None,
    host: Annotated[str, typer.Option(help="Address that visitors reach.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port that visitors reach.", min=1, max=65535)] = 8080,
    udp_port: Annotated[
        int | None, typer.Option(help="UDP port that visitors reach.", min=1, max=65535, show_default="that of --port")
    ] = None,
    public_address: Annotated[
        str | None, typer.Option(help="IP address that visitors reach, behind NAT or in a container.")
    ] = None,
    transport: Annotated[
        Transport, typer.Option(help="How WebRTC is spoken: `aiortc` needs a UDP port for each visitor.")
    ] = Transport.LEAN,
    server_name: Annotated[
        str | None, typer.Option(help="Name of the embedded homeserver; at the first start only, it can never change.")
    ] = None,
) -> None:
    """Open worlds on this machine: a homeserver, the gate, the netcode node, and one link.

    What `roomscale check` rejects is not shown, unless --fix mends it; of a scene that is watched the last good save
    stays. Everything is kept below --data; the next `roomscale up` finds it as it was left. Ctrl-C ends it.

    **Examples**

    - `roomscale up` opens the Plaza and the Gallery
    - `roomscale up room.glb` shows a scene of yours
    - `roomscale up room/` shows what `roomscale pack room.glb -o room/` made
    - `roomscale up room.glb --watch` shows each save of Blender's to whoever is inside
    - `roomscale up --data ./house --port 9000`
    """
    import asyncio

    from roomscale.cli.house import Options, keep_house

    if scene is None and (watch or fix or world_file is not None):
        raise UsageError("--watch, --fix and --world-file need a scene: `roomscale up room.glb --watch`")
    options = Options(
        data=(data or default_data()),
        host=host,
        port=port,
        udp_port=udp_port or port,
        public_address=public_address,
        transport=transport.value,
        server_name=server_name,
        scene=scene,
        world_file=world_file,
        watch=watch,
        fixes=fix,
    )
    asyncio.run(_until_signalled(keep_house(options, Output())))


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or SIGINT or SIGTERM asks for the end, which is then orderly."""
    import asyncio
    from contextlib import suppress

    from roomscale.cli.loops import on_signals

    task = asyncio.create_task(work)
    with on_signals(task.cancel), suppress(asyncio.CancelledError):
        await task
