"""From a file to a scene that visitors may get: what `up`, `publish` and `pack` share.

Its one rule: what `check` rejects goes no further, unless mending it needs no choice and was asked for; and what was
made or mended is said. What reads packages is imported where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from roomscale.cli.errors import BadScene, UsageError, quoted
from roomscale.cli.output import Output
from roomscale.scenes import Finding, RejectedScene, Scene, SceneError, Severity, errors_of, mend, open_scene
from roomscale.scenes.authoring import NAME as WORLD_FILE
from roomscale.scenes.authoring import WorldFile, author, beside, read_world_file
from roomscale.scenes.budget_table import budgets_from
from roomscale.scenes.judgement import judge
from roomscale.scenes.khronos import Validator

SHOWN_NOTES = 8  # of a scene with hundreds of mended values the first few say enough


class SoundScene(NamedTuple):
    """A scene that was authored and checked, and mended if that was asked for."""

    scene: Scene
    path: Path
    """Its file."""
    files: frozenset[Path]
    """What it was made of: the scene, its world.toml (there or not), and every file that it names; of a package the
    manifest."""
    findings: tuple[Finding, ...]
    """What there is to say about it; no errors."""


def sound_scene(
    path: Path, output: Output, *, fixes: bool, world_file: Path | None = None, validator: Validator | None = None
) -> SoundScene:
    """Read, author and check one file. Raises BadScene, which says what to do next.

    `path`: a scene, or a packed folder, which stands for its entry: that one is checked with its parts and never
    changed, since the manifest names its bytes. `fixes`: whether to mend what needs no choice. `world_file`: instead of
    the `world.toml` beside the scene. `validator`: Khronos's, to be asked where our own checks
    might not find all that it would refuse.
    """
    with output.step(f"checking {path.name}"):
        try:
            folder, path = path, scene_file(path)
            is_packed = path != folder
            if is_packed and world_file is not None:
                raise UsageError(f"{folder} is packed already: give --world-file to `roomscale pack`")
            fixes = fixes and not is_packed
            told = world_file or beside(folder)
            world = read_world_file(told) if told else None
            scene, authored = open_scene(path), list[Finding]()
            if not is_packed:  # a package says all that it means; names would say again what `world.toml` unsaid
                scene, authored = author(scene, world)
            authored += _budget_errors(world)
            mended: list[Finding] = []
            if fixes:
                scene, mended = mend(scene)
            judged = _verified(folder, validator) if is_packed else judge(scene, validator, only_in_doubt=True)
            findings = [*authored, *judged]
            if errors := errors_of(findings):
                refuse(folder, scene, errors, authored, fixes=fixes or is_packed, validator=validator)
            named = scene.named_files()
        except SceneError as error:
            raise BadScene(path, error) from error
    _tell("made", [finding for finding in authored if finding.severity is Severity.INFO], output)
    _tell("not understood", [finding for finding in authored if finding.severity is Severity.WARNING], output)
    _tell("mended", mended, output)
    for finding in findings:
        if finding.code == "CAN_BE_MIGRATED":
            output.note(f"{finding.message}; {finding.hint}")
    if is_packed:
        return SoundScene(scene, path, frozenset({_manifest_file(folder)}), tuple(findings))
    files = {path, world_file or path.parent / WORLD_FILE, *(path.parent / name for name in named)}
    return SoundScene(scene, path, frozenset(files), tuple(findings))


def _budget_errors(world: WorldFile | None) -> list[Finding]:
    """What is wrong with budgets: nothing here is measured by them, but what `check` rejects goes no further."""
    return budgets_from(world.budgets, world.name)[1] if world is not None else []


def refuse(
    path: Path,
    scene: Scene,
    errors: Sequence[Finding],
    authored: Sequence[Finding] = (),
    *,
    fixes: bool,
    validator: Validator | None,
) -> NoReturn:
    """Say that a scene has errors, and what to do next. Raises BadScene.

    `authored`: what authoring found, which no mending mends. `fixes`: whether there is no more to try.
    """
    helps = not fixes and not errors_of([*authored, *judge(mend(scene)[0], validator, only_in_doubt=True)])
    next_step = "; --fix mends it" if helps else f"; `roomscale check {quoted(path)}` tells how to mend it"
    raise BadScene(path, RejectedScene(errors), next_step)


def scene_file(path: Path) -> Path:
    """The file that stands for `path`: of a folder that `roomscale pack` made its entry, else the file itself.

    Raises BadManifest for a folder whose manifest is broken.
    """
    if not path.is_dir():
        return path
    from roomscale.scenes.package.write import entry_name, manifest_of

    manifest = manifest_of(path)
    return path if manifest is None else path / entry_name(manifest)


def _verified(folder: Path, validator: Validator | None) -> list[Finding]:
    from roomscale.scenes.package import verify

    return list(verify(folder, validator).findings)


def _manifest_file(folder: Path) -> Path:
    """The file of a package that is written last, and different for each."""
    from roomscale.scenes.package.write import MANIFEST

    return folder / MANIFEST


def _tell(what: str, findings: Sequence[Finding], output: Output) -> None:
    """The first few of what was done to a scene."""
    for finding in findings[:SHOWN_NOTES]:
        hint = f"; {finding.hint}" if finding.hint else ""
        output.note(f"{what}: {finding.message}{hint}{f' ({finding.pointer})' if finding.pointer else ''}")
    if len(findings) > SHOWN_NOTES:
        output.note(f"{what}: {len(findings) - SHOWN_NOTES} more")
