"""`roomscale pack`: a scene becomes what a world is published as."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.errors import UsageError
from roomscale.cli.output import Output


class PresetName(StrEnum):
    """What `--preset` may say."""

    FAST = "fast"
    DEFAULT = "default"
    SMALL = "small"


def pack(
    scene: Annotated[Path, typer.Argument(help="The scene: .glb, .gltf or .vrm.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The package's folder; with --single the .glb.", show_default=False)
    ],
    single: Annotated[bool, typer.Option("--single", help="Make one .glb, compressed for browsers.")] = False,
    preset: Annotated[
        PresetName, typer.Option(help="`fast` while you work, `small` before a large audience.")
    ] = PresetName.DEFAULT,
    texture_size: Annotated[
        int, typer.Option(help="Longest edge of an image, in pixels, where it is sharpest.", min=256, max=8192)
    ] = 2048,
    limit: Annotated[str, typer.Option(help="No file is larger: what your homeserver takes in one upload.")] = "50M",
    workers: Annotated[
        int | None, typer.Option(help="Processes that encode images.", min=1, max=64, show_default="one per core")
    ] = None,
    world_file: Annotated[
        Path | None, typer.Option(help="What the scene says as a world.", show_default="the world.toml beside it")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what needs no choice, and say what.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make a package of a scene: a small entry that opens anywhere, and sharper parts that follow.

    Every node, name and extension is kept, also those that nobody knows. The same scene and options give the same
    bytes; packing into the same folder again writes what changed. The scene itself is never touched.

    **Examples**

    - `roomscale pack garden.glb -o garden/` makes `garden/manifest.json`, its entry and its parts
    - `roomscale pack garden.gltf -o garden-packed.glb --single` makes one file for other viewers
    - `roomscale pack garden.glb -o garden/ --preset small --limit 20M --json`
    """
    from roomscale.cli.memory import give_memory_back, uncollected
    from roomscale.cli.packing import pack_to_file, pack_to_folder
    from roomscale.cli.packreport import lines
    from roomscale.cli.preparing import sound_scene
    from roomscale.cli.second_opinion import SecondOpinion
    from roomscale.cli.sizes import parse_size
    from roomscale.scenes.khronos import Validator
    from roomscale.scenes.package import PackOptions

    output = Output()
    options = PackOptions(texture_size=texture_size, limit=parse_size(limit), workers=workers, preset=preset.value)
    if out.exists() and scene.exists() and out.samefile(scene):
        raise UsageError(f"{out} is the scene itself; name another file with -o")
    make = pack_to_file if single else pack_to_folder
    give_memory_back()
    with uncollected(), Validator() as validator:
        validator.prepare()
        asked = validator if scene.is_dir() else None  # of a package each part is asked about
        ready = sound_scene(scene, output, fixes=fix, world_file=world_file, validator=asked)
        with SecondOpinion(ready, validator, fixes=fix) as opinion:
            report, places = make(ready.scene, out, options, output, opinion.wait)
    if as_json:
        output.result(json.dumps({**places, **report.as_json()}))
    else:
        for line in lines(report):
            output.result(line)
        output.result(f"made {places['file']}")
