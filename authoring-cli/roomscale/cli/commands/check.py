"""`roomscale check`: what is wrong with scenes, what it means for visitors, and how to mend it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.errors import UsageError
from roomscale.cli.memory import give_memory_back, unseen_by_collector, without_algebra_threads
from roomscale.cli.output import Output


def _profiles(incomplete: str) -> list[str]:
    """What the shell completes: the profiles that need no world.toml."""
    from roomscale.scenes.budgets import PROFILES

    return [name for name in PROFILES if name.startswith(incomplete)]


def check(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Scenes (.glb, .gltf, .vrm), packed folders, or folders that hold some.",
            metavar="FILE|DIR…",
            show_default=False,
        ),
    ],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="Count what exceeds this budget as warnings: mobile, desktop, vr, avatar, or one of world.toml; "
            "may be given again.",
            show_default="show all, count none",
            autocompletion=_profiles,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Reject for warnings too.")] = False,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Mend what needs no choice, and write NAME.fixed.glb (of a package, NAME.fixed/) beside it."
        ),
    ] = False,
    output_file: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the mended scene or package there.", show_default=False)
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Overwrite the scene or package with the mended one.")
    ] = False,
    world_file: Annotated[
        Path | None,
        typer.Option(help="Read names, nodes and budgets there.", show_default="world.toml beside the scene"),
    ] = None,
    khronos: Annotated[
        bool, typer.Option("--khronos/--no-khronos", help="Ask Khronos's validator too, in a process of its own.")
    ] = True,
    show_all: Annotated[bool, typer.Option("--all", help="Show notes too, and details of accepted files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Tell what is wrong with scenes: what, where, what visitors would meet, and how to mend it (in Blender, too).

    Exit code 0: all accepted; 1: one is rejected; 2: one cannot be read, or the command line is wrong.

    **Examples**

    - `roomscale check garden.glb`
    - `roomscale check models/ --profile mobile --strict` in CI: too heavy for a phone is an error
    - `roomscale check garden.gltf --fix -o garden.glb`
    - `roomscale check packed/ --profile mobile` looks at a package whole, as a phone downloads it
    - `roomscale check models/ --json | jq '.files[] | select(.verdict != "accepted") | .file'`
    """
    without_algebra_threads()
    with unseen_by_collector():
        from roomscale.cli import check_report, checking
        from roomscale.scenes.khronos import Validator

    give_memory_back()
    files = checking.scene_files(paths)
    if (output_file or in_place) and not fix:
        raise UsageError("-o and --in-place go with --fix")
    if output_file and (in_place or len(files) > 1):
        raise UsageError("-o names one file for one scene; without it each goes to NAME.fixed.glb")
    request = checking.Request(tuple(profile or ()), strict, fix, in_place, output_file, world_file)
    output = Output()
    done: list[checking.Checked] = []
    with Validator() if khronos else nullcontext() as validator:
        if validator is not None:
            validator.prepare()
        step = (
            nullcontext(lambda _: None) if as_json or len(files) == 1 else output.step(f"checking {len(files)} files")
        )
        with step as update:
            for number, path in enumerate(files, start=1):
                update(f"checking {number} of {len(files)}: {path.name}")
                done.append(checking.check_one(path, request, validator))
    if as_json:
        output.results(check_report.as_json(done))
    else:
        for checked in done:
            output.styled(check_report.summary(checked))
        for checked in done:
            if len(done) == 1 or show_all or checked.verdict is checking.Verdict.REJECTED:
                if len(done) > 1:
                    output.styled([])
                    output.styled([(str(checked.path), "bold")])
                for line in check_report.details(checked, shows_notes=show_all):
                    output.styled(line)
    raise typer.Exit(max(checked.verdict.exit_code for checked in done))
