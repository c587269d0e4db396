"""The entry of a package: the whole scene at its lowest level, as plain glTF that every viewer opens.

Rule: the entry has the indices of the scene it is made of (`base`), so that a manifest's pointers mean both.
Follows PACKAGE.md, "The entry".
"""

from __future__ import annotations

from collections.abc import Mapping

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.package.pictures import Encoded
from roomscale.scenes.package.sounds import KEPT_BYTES, SILENCE, SILENCE_TYPE, sound_entries, sound_files
from roomscale.scenes.references import Survey, renumber

ALLOWED = frozenset({"KHR_mesh_quantization"})
"""What an entry may require."""
MARK = "roomscale"
"""The key of `asset.extras` that tells an entry."""
_LEVEL_ZERO = {"level": 0}


def is_entry(scene: Scene) -> bool:
    """Whether a scene is an entry already, so that its meshes are as simple as they get."""
    extras = scene.json["asset"].get("extras")
    return isinstance(extras, dict) and extras.get(MARK) == _LEVEL_ZERO


def can_be_marked(scene: Scene) -> bool:
    """Whether `asset.extras` has room for the mark; an entry that cannot be told is not simplified."""
    return isinstance(scene.json["asset"].get("extras", {}), dict)


def lowest_level(simplified: Scene, images: Mapping[int, Encoded], *, marked: bool) -> Scene:
    """The entry. `simplified`: the base with its meshes at the lowest level; `images`: those to be replaced.

    Without animations; long sounds are silence; what it required beyond `ALLOWED` is only used now. `marked`: it says
    that its meshes are simplified.
    """
    draft = Draft(simplified)
    json = draft.json
    json.pop("animations", None)
    for index, encoded in images.items():
        draft.replace_image(index, encoded.data, encoded.media_type)
    _silence(simplified, draft)
    required = [name for name in json.pop("extensionsRequired", ()) if name in ALLOWED]
    if required:
        json["extensionsRequired"] = required
    if marked:
        json["asset"].setdefault("extras", {})[MARK] = dict(_LEVEL_ZERO)
    _leave_out_accessors(json)
    return draft.finish()


def _leave_out_accessors(json: JsonObject) -> None:
    """Those that only what was left out named; nothing else, for a manifest counts all other lists."""
    survey = Survey(json)
    named = survey.named().get("accessors", set())
    if "accessors" in survey.movable and len(named) < len(json.get("accessors", [])):
        renumber(json, {"accessors": sorted(named)}, survey=survey)


def _silence(scene: Scene, draft: Draft) -> None:
    view: int | None = None
    for sound in sound_files(scene):
        if len(sound.data) <= KEPT_BYTES:
            continue
        if view is None:
            view = draft.add_view(SILENCE)
        entry: JsonObject = sound_entries(draft.json, sound.extension)[sound.index]
        entry.pop("uri", None)
        entry |= {"bufferView": view, "mimeType": SILENCE_TYPE}
