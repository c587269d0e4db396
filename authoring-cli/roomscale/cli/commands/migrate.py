"""`roomscale migrate`: a scene in old forms becomes one in the present ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roomscale.cli.errors import BadScene, UsageError
from roomscale.cli.memory import uncollected, without_algebra_threads
from roomscale.cli.output import Output


@uncollected()
def migrate(
    scene: Annotated[Path, typer.Argument(help="The scene: .glb, .gltf or .vrm.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .glb (or .vrm) to write.", show_default=False)],
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Keep what Third Room and Hubs read beside the present forms.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Bring old forms of a scene's extensions to the present ones; everything else stays as it is.

    KHR_audio becomes KHR_audio_emitter, OMI_collider OMI_physics_body, MX_spawn_point OMI_spawn_point (turned by 180°:
    they look opposite ways), MX_portal OMI_link, MX_background OMI_environment_sky; of Hubs' components spawn points,
    links, colliders and visibility. A file without any is written as it is.

    **Examples**

    - `roomscale migrate old.glb -o new.glb`
    - `roomscale migrate old.glb -o both.glb --keep-old` still opens in Third Room
    """
    without_algebra_threads()
    from roomscale.scenes import SceneError, open_scene, write_glb
    from roomscale.scenes.checks.structure import require_sound
    from roomscale.scenes.migrate import migrate as migrated

    if out.suffix.lower() not in (".glb", ".vrm"):
        raise UsageError(f"{out.name}: the result is one file, name it .glb or .vrm")
    if out.exists() and scene.exists() and out.samefile(scene):
        raise UsageError(f"{out.name} is the scene itself; write to another file")
    try:
        opened = open_scene(scene)
        require_sound(opened)
        result, notes = migrated(opened, keep_old=keep_old)
        write_glb(result, out)
    except SceneError as error:
        raise BadScene(scene, error) from error
    output = Output()
    if as_json:
        listed = [{"code": note.code, "pointer": note.pointer, "message": note.message} for note in notes]
        output.result(json.dumps({"out": str(out), "changed": result is not opened, "notes": listed}))
        return
    for note in notes:
        output.note(f"{note.message}{f'; {note.hint}' if note.hint else ''}")
    if result is opened and not notes:
        output.note("nothing of it is in an old form")
    output.result(str(out))
