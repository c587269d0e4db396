"""From a file to a package on disk: what `roomscale pack` does once its options are read.

Its one rule: what `check` rejects is not packed, unless `--fix` mends it, and what was mended is said.
"""

from __future__ import annotations

from pathlib import Path

from roomscale.cli.errors import BadScene, UsageError
from roomscale.cli.output import Output
from roomscale.cli.publishing import SHOWN_NOTES, scene_file
from roomscale.scenes import Finding, RejectedScene, Scene, SceneError, check, errors_of, mend, open_scene
from roomscale.scenes.authoring import author, beside, read_world_file
from roomscale.scenes.files import write_atomically
from roomscale.scenes.package import PackOptions, pack, pack_single, write_package
from roomscale.scenes.package.report import PackReport
from roomscale.scenes.package.write import MANIFEST, entry_name


def sound_scene(path: Path, output: Output, *, fix: bool, world_file: Path | None = None) -> Scene:
    """Read, author and check one file, mended if `fix`. Raises BadScene, which says whether `--fix` would help.

    `path`: a scene, or a packed folder, which stands for its entry. `world_file`: instead of the `world.toml` beside.
    """
    with output.step(f"checking {path.name}"):
        try:
            path = scene_file(path)
            told = world_file or beside(path)
            scene, authored = author(open_scene(path), read_world_file(told) if told else None)
            mended: list[Finding] = []
            if fix:
                scene, mended = mend(scene)
            if errors := errors_of([*authored, *check(scene)]):
                helps = not fix and not errors_of([*authored, *check(mend(scene)[0])])
                next_step = "; --fix mends it" if helps else f"; `roomscale check {path.name}` tells how to mend it"
                raise BadScene(path.name, RejectedScene(errors), next_step)
        except SceneError as error:
            raise BadScene(path.name, error) from error
    for what, findings in (("made", authored), ("mended", mended)):
        for finding in findings[:SHOWN_NOTES]:
            output.note(f"{what}: {finding.message} ({finding.pointer})")
        if len(findings) > SHOWN_NOTES:
            output.note(f"{what}: {len(findings) - SHOWN_NOTES} more")
    return scene


def pack_to_folder(
    scene: Scene, folder: Path, options: PackOptions, output: Output
) -> tuple[PackReport, dict[str, str]]:
    """Pack a scene into `folder`. Returns the report, and where the files are."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; a package is a folder (--single makes one file)")
    with output.progress(f"packing {scene.name}") as tell:
        try:
            package, report = pack(scene, options, tell)
        except SceneError as error:
            raise BadScene(scene.name, error) from error
        write_package(package, folder, lambda done, total: tell("writing", done / total))
    places = {"manifest": str(folder / MANIFEST), "file": str(folder / entry_name(package.manifest))}
    return report, places


def pack_to_file(scene: Scene, path: Path, options: PackOptions, output: Output) -> tuple[PackReport, dict[str, str]]:
    """Pack a scene into one .glb. Returns the report, and where the file is."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; --single makes one file: say which, such as {path / 'scene.glb'}")
    with output.progress(f"packing {scene.name}") as tell:
        try:
            data, report = pack_single(scene, options, tell)
        except SceneError as error:
            raise BadScene(scene.name, error) from error
        write_atomically(path, data)
    return report, {"file": str(path)}
