"""`roomscale pack`: a scene becomes what a world is published as."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.errors import UsageError
from roomscale.cli.memory import give_memory_back, uncollected, without_algebra_threads
from roomscale.cli.output import Output


class PresetName(StrEnum):
    """What `--preset` may say."""

    FAST = "fast"
    DEFAULT = "default"
    SMALL = "small"


class TextureFormat(StrEnum):
    """What `--textures` may say."""

    WEBP = "webp"
    AVIF = "avif"
    KTX2 = "ktx2"


@uncollected()
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
    join: Annotated[
        bool,
        typer.Option(
            "--join",
            help="Fewer draws: still meshes of one material become one. Nodes stay, as empty ones: none of them can be "
            "moved, hidden or scripted by itself any more.",
        ),
    ] = False,
    instance: Annotated[
        bool,
        typer.Option(
            "--instance",
            help="Fewer draws: a mesh that five still nodes and more show becomes copies, at the same price as --join. "
            "With --single only: viewers must know EXT_mesh_gpu_instancing.",
        ),
    ] = False,
    textures: Annotated[
        TextureFormat, typer.Option(help="`avif` downloads quicker, `ktx2` takes a fraction of the memory on phones.")
    ] = TextureFormat.WEBP,
    limit: Annotated[str, typer.Option(help="No file is larger: what your homeserver takes in one upload.")] = "50M",
    workers: Annotated[
        int | None, typer.Option(help="Processes that encode images.", min=1, max=64, show_default="one per core")
    ] = None,
    world_file: Annotated[
        Path | None, typer.Option(help="What the scene says as a world.", show_default="the world.toml beside it")
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Encode all images anew, also those that were packed before.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what needs no choice, and say what.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make a package of a scene: a small entry that opens anywhere, and sharper parts that follow.

    Every node, name and extension is kept, also those that nobody knows. The same scene and options give the same
    bytes; packing into the same folder again writes what changed. The scene itself is never touched. Encoded images are
    kept in the user's cache folder, or where ROOMSCALE_CACHE says: packing again encodes only those that changed.

    **Examples**

    - `roomscale pack garden.glb -o garden/` makes `garden/manifest.json`, its entry and its parts
    - `roomscale pack garden.gltf -o garden-packed.glb --single` makes one file for other viewers
    - `roomscale pack garden.glb -o garden/ --preset small --limit 20M --json`
    - `roomscale pack city.glb -o city-packed.glb --single --instance --join` draws as little as can be
    - `roomscale pack hall.glb -o hall/ --textures ktx2` for a scene of many large textures that phones shall hold
    """
    without_algebra_threads()
    from roomscale.cli import keeping
    from roomscale.cli.packreport import lines
    from roomscale.cli.preparing import sound_scene
    from roomscale.cli.second_opinion import SecondOpinion
    from roomscale.cli.sizes import parse_size
    from roomscale.scenes.khronos import Validator
    from roomscale.scenes.single import INSTANCE_NEEDS_SINGLE, PackOptions

    output = Output()
    options = PackOptions(
        texture_size=texture_size,
        limit=parse_size(limit),
        workers=workers,
        preset=preset.value,
        join=join,
        instance=instance,
        textures=textures.value,
    )
    if instance and not single:
        raise UsageError(INSTANCE_NEEDS_SINGLE)
    if out.exists() and scene.exists() and out.samefile(scene):
        raise UsageError(f"{out} is the scene itself; name another file with -o")
    if single:
        from roomscale.cli.packing_single import pack_to_file as make
    else:
        from roomscale.cli.packing import pack_to_folder as make
    give_memory_back()
    with Validator() as validator:
        asked = validator if scene.is_dir() else None  # of a package each part is asked about
        ready = sound_scene(scene, output, fixes=fix, world_file=world_file, validator=asked)
        with (
            SecondOpinion(ready, validator, fixes=fix) as opinion,
            keeping.kept_images(output, is_wanted=not no_cache) as store,
        ):
            report, places = make(ready.scene, out, options, output, opinion.wait, store)
    if as_json:
        output.result(json.dumps({**places, **report.as_json(), "images": keeping.as_json(store)}))
    else:
        for line in (*lines(report), *keeping.lines(store)):
            output.result(line)
        output.result(f"made {places['file']}")
