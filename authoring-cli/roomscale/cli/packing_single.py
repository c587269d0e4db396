"""From a scene to one .glb on disk: what `roomscale pack --single` does once its options are read.

Its one rule: as in `packing`. It is a module of its own because nothing of packages is needed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from roomscale.cli.errors import BadScene, UsageError
from roomscale.cli.output import Output
from roomscale.scenes import Scene, SceneError
from roomscale.scenes.files import write_atomically
from roomscale.scenes.kept import Store
from roomscale.scenes.pack_report import PackReport
from roomscale.scenes.single import PackOptions, pack_single


def pack_to_file(
    scene: Scene,
    path: Path,
    options: PackOptions,
    output: Output,
    agreed: Callable[[], None],
    store: Store | None,
    /,
) -> tuple[PackReport, dict[str, str]]:
    """Pack a scene into one .glb. Returns the report, and where the file is. The rest is as for `pack_to_folder`."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; --single makes one file: say which, such as {path / 'scene.glb'}")
    with output.progress(f"packing {scene.name}") as tell:
        try:
            data, report = pack_single(scene, options, tell, store)
        except SceneError as error:
            raise BadScene(scene.name, error) from error
        agreed()
        write_atomically(path, data)
    return report, {"file": str(path)}
