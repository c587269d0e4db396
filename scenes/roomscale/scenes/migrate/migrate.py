"""The migration as a whole: each old form by its own function, in one edit."""

from __future__ import annotations

from roomscale.scenes.checks.structure import check_structure
from roomscale.scenes.document import Scene
from roomscale.scenes.edit import Edit
from roomscale.scenes.findings import Finding, Findings
from roomscale.scenes.migrate.colliders import colliders, motions
from roomscale.scenes.migrate.hubs import hubs
from roomscale.scenes.migrate.sounds import sounds
from roomscale.scenes.migrate.third_room import backgrounds, portals, spawn_points


def migrate(scene: Scene, *, keep_old: bool = False) -> tuple[Scene, list[Finding]]:
    """Bring old forms to the present ones; returns the scene and a note for each kind (INFO), or why not (WARNING).

    `keep_old`: leave what Third Room and Hubs read beside the present forms (MX_*, MOZ_hubs_components, a body's
    `type`), so that the file opens there too. KHR_audio and OMI_collider go in any case: two of them would sound and
    stand twice. A scene whose structure is broken comes back itself.
    """
    notes = Findings()
    if not check_structure(scene, Findings()):
        return scene, []
    edit = Edit(scene)
    sounds(edit, notes)
    colliders(edit, notes)
    motions(edit, notes, keep_old=keep_old)
    spawn_points(edit, notes, keep_old=keep_old)
    portals(edit, notes, keep_old=keep_old)
    backgrounds(edit, notes, keep_old=keep_old)
    hubs(edit, notes, keep_old=keep_old)
    return edit.finish(), notes.listed()
