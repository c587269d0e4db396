"""From a scene to a package on disk: what `roomscale pack` does once its options are read.

Its one rule: a package is written whole or not at all, and goes where it was asked to, over nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from roomscale.cli.errors import BadScene, UsageError
from roomscale.cli.output import Output
from roomscale.scenes import Scene, SceneError
from roomscale.scenes.kept import Store
from roomscale.scenes.package import PackOptions, PackReport, pack, write_package
from roomscale.scenes.package.write import MANIFEST, entry_name, require_ours


def pack_to_folder(
    scene: Scene,
    folder: Path,
    options: PackOptions,
    output: Output,
    agreed: Callable[[], None],
    store: Store | None,
    /,
) -> tuple[PackReport, dict[str, str]]:
    """Pack a scene into `folder`. Returns the report, and where the files are.

    `agreed`: called before anything is written, which it may forbid by raising. `store`: of images packed before.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; a package is a folder (--single makes one file)")
    require_ours(folder)
    with output.progress(f"packing {scene.name}") as tell:
        try:
            package, report = pack(scene, options, tell, store)
        except SceneError as error:
            raise BadScene(scene.name, error) from error
        agreed()
        write_package(package, folder, lambda done, total: tell("writing", done / total))
    places = {"manifest": str(folder / MANIFEST), "file": str(folder / entry_name(package.manifest))}
    return report, places
