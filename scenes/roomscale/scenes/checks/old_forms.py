"""Old forms of extensions: they work here, but elsewhere people read the present ones.

Rule: which forms are old is written here alone; `migrate` brings them to what the table names.
"""

from __future__ import annotations

from collections.abc import Iterator

from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Findings
from roomscale.scenes.jsonio import JsonObject

OLD_FORMS: dict[str, str] = {
    "KHR_audio": "KHR_audio_emitter",
    "OMI_collider": "OMI_physics_body",
    "MX_spawn_point": "OMI_spawn_point",
    "MX_portal": "OMI_link",
    "MX_background": "OMI_environment_sky",
    "MOZ_hubs_components": "OMI_spawn_point, OMI_link, OMI_physics_body and KHR_node_visibility",
}
"""Old form → what it is today. Written by Third Room (MX_, KHR_audio), Spoke and Hubs' Blender add-on (MOZ_)."""

HUBS = "MOZ_hubs_components"
HUBS_COMPONENTS = ("spawn-point", "waypoint", "link", "visible", "trimesh", "box-collider")
"""Components of Hubs that have a present form."""


def check_old_forms(scene: Scene, findings: Findings) -> None:
    """One finding for each old form that `migrate` brings to the present one."""
    for name in old_forms(scene):
        findings.info(
            "CAN_BE_MIGRATED",
            "",
            f"{name} is an old form of {OLD_FORMS[name]}",
            hint="`roomscale migrate FILE -o OUT` brings it to the present one",
        )


def old_forms(scene: Scene) -> list[str]:
    """The old forms that a scene of sound structure would lose by `migrate`, in the order of the table.

    Not those beside their present form: MX_ ones are kept on purpose for Third Room, which reads nothing else.
    """
    carried = [holder.get("extensions", {}) for holder in _holders(scene)]
    found = {name for extensions in carried for name in extensions}
    beside = {name for name, present in OLD_FORMS.items() if name.startswith("MX_") and present in found}
    return [name for name in OLD_FORMS if name in found and name not in beside and _has_present_form(carried, name)]


def _holders(scene: Scene) -> Iterator[JsonObject]:
    yield scene.json
    yield from scene.list_of("scenes")
    yield from scene.list_of("nodes")


def _has_present_form(carried: list[JsonObject], name: str) -> bool:
    """Of Hubs' components most mean nothing outside of Hubs; only some are worth a word."""
    if name != HUBS:
        return True
    return any(
        component in HUBS_COMPONENTS
        for extensions in carried
        if isinstance(extensions.get(HUBS), dict)
        for component in extensions[HUBS]
    )
