"""`roomscale inspect`: what is in a scene, and what of it costs how much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.errors import BadScene, UsageError, quoted
from roomscale.cli.memory import uncollected, without_algebra_threads
from roomscale.cli.output import Output


@uncollected()
def inspect(
    scene: Annotated[
        Path,
        typer.Argument(
            help="The scene: .glb, .gltf or .vrm; or a packed folder.", metavar="FILE|DIR", show_default=False
        ),
    ],
    depth: Annotated[
        int | None, typer.Option(help="Levels of the tree of nodes.", min=1, show_default="as many as there are")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show every node and every entry; fold and cut nothing.")
    ] = False,
    packed: Annotated[
        bool, typer.Option("--packed", help="Pack it in memory too, and show what is left. Takes seconds.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON; nodes that are alike folded.")
    ] = False,
) -> None:
    """Show what is in a scene: its tree, what its bytes are for, what is costly, extensions, licences.

    Images are sorted by what they take on the GPU, meshes by the triangles that they put on the screen, all else by
    bytes. Data that several entries share count with each of them. Of a packed folder: its entry and parts, what
    devices download, and then the scene with all its parts, its bytes being those that a desktop downloads.

    **Examples**

    - `roomscale inspect garden.glb`
    - `roomscale inspect garden.glb --full | less`
    - `roomscale inspect packed/` is what a phone and a desktop download
    - `roomscale inspect garden.glb --json | jq '.images[0]'` is the most costly image
    """
    without_algebra_threads()
    from roomscale.cli import inspect_report
    from roomscale.scenes import SceneError, open_scene
    from roomscale.scenes.inspection import inspect as look
    from roomscale.scenes.inspection.outline import outline
    from roomscale.scenes.inspection.packaged import inspect_package
    from roomscale.scenes.package import is_package
    from roomscale.scenes.package.levels import DESKTOP
    from roomscale.scenes.package.verify import open_package

    output = Output()
    try:
        manifest = None
        if is_package(scene):
            if packed:
                raise UsageError(f"{scene} is packed already; --packed is for a scene")
            manifest, files = open_package(scene)
            opened, found = inspect_package(manifest, files, DESKTOP)
            opened = replace(opened, name=scene.resolve().name)
        else:
            opened = open_scene(scene)
            found = look(opened)
        after = None
        if packed:
            from roomscale.cli.keeping import kept_images
            from roomscale.scenes.transforms.pipeline import optimise

            with output.step(f"packing {scene.name}"), kept_images(output) as store:
                after = look(optimise(opened, store=store)[0])
    except SceneError as error:
        raise BadScene(scene, error, f"; `roomscale check {quoted(scene)}` tells more") from error
    if as_json:
        tree = outline(opened, depth=depth, folds=not full)
        output.results(inspect_report.as_json(opened, found, after, tree, manifest))
        return
    for line in inspect_report.lines(opened, found, after, manifest, depth=depth, shows_all=full):
        output.styled(line)
