"""Leaves out what nothing shows and nothing names: meshes, materials, textures, images, accessors and so on.

Rule: nodes, scenes, animations, cameras and all that stands in the root's extensions stay, and with them whatever
they name, directly or not. So does an entry that carries `extras`: somebody wrote them for a reason.
Where an unknown extension might name anything (`references.movable`), nothing goes.
"""

from __future__ import annotations

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft, survey_of
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey

_KINDS = ("accessors", "images", "textures", "samplers", "materials", "meshes", "skins")
"""bufferViews go by themselves, when a draft is finished."""
Entry = tuple[str, int]


def prune(scene: Scene) -> Scene:
    """The scene without the entries that cannot be reached from any node, animation or extension of the root."""
    survey = survey_of(scene)
    reached = _reached(scene.json, survey)
    gone = {
        kind: kept
        for kind in _KINDS
        if kind in survey.movable
        and len(kept := [index for index in range(len(scene.list_of(kind))) if (kind, index) in reached])
        < len(scene.list_of(kind))
    }
    if not gone:
        return scene
    draft = Draft(scene, touching=())
    survey = draft.survey()
    draft.renumber(survey, gone)
    return draft.finish(survey)


def _reached(json: JsonObject, survey: Survey) -> set[Entry]:
    """All entries that are to stay, nodes and the like not counted."""
    kinds = survey.movable.intersection(_KINDS)
    named_by: dict[Entry, list[Entry]] = {}
    todo: list[Entry] = []
    for own, part in survey.parts.items():
        if own not in kinds:
            todo += [(kind, index) for kind in kinds for index in part.counts(kind)]
        elif any(map(part.may_name, kinds)):
            for reference in part.references:
                if reference.kind in kinds and reference.owner is not None:
                    named_by.setdefault(reference.owner, []).append((reference.kind, reference.index))
    todo += [(kind, index) for kind in kinds for index, entry in enumerate(json.get(kind, ())) if "extras" in entry]
    reached: set[Entry] = set()
    while todo:
        entry = todo.pop()
        if entry not in reached:
            reached.add(entry)
            todo.extend(named_by.get(entry, ()))
    return reached
