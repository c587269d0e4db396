"""The entry of a package: the whole scene at its lowest level, as plain glTF that every viewer opens.

Rule: the entry has the indices of the scene it is made of (`base`), so that a manifest's pointers mean both.
Follows PACKAGE.md, "The entry".
"""

from __future__ import annotations

from collections.abc import Iterable

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.embed import names_files, sound_entries
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.package.pictures import Levels, pictures
from roomscale.scenes.package.sounds import KEPT_BYTES, SILENCE, SILENCE_TYPE, sound_files
from roomscale.scenes.references import Survey, renumber

ALLOWED = frozenset({"KHR_mesh_quantization"})
"""What an entry may require."""
MARK = "roomscale"
"""The key of `asset.extras` that tells an entry."""
_LEVEL_ZERO = {"level": 0}


def is_entry(scene: Scene) -> bool:
    """Whether a scene is an entry already: it says so, and it is true, but for its meshes, of which nobody can tell."""
    extras = scene.json["asset"].get("extras")
    return (
        isinstance(extras, dict)
        and extras.get(MARK) == _LEVEL_ZERO
        and "animations" not in scene.json
        and ALLOWED.issuperset(scene.list_of("extensionsRequired"))
        and not names_files(scene)
        and all(picture.fits_entry for picture in pictures(scene))
        and all(len(sound.data) <= KEPT_BYTES for sound in sound_files(scene))
    )


def can_be_marked(scene: Scene) -> bool:
    """Whether `asset.extras` has room for the mark; an entry that cannot be told is not simplified."""
    return isinstance(scene.json["asset"].get("extras", {}), dict)


def without_animations(base: Scene) -> Scene:
    """The scene without animations, and without the accessors that they alone named; all other numbers stay."""
    if "animations" not in base.json:
        return base
    draft = Draft(base)
    del draft.json["animations"]
    _leave_out_accessors(draft.json)
    return draft.finish()


def lowest_level(base: Scene, images: Iterable[Levels]) -> Scene:
    """The base as an entry has it, but for its meshes. `images`: what stands for them.

    Long sounds are silence; what it required beyond `ALLOWED` is only used now.
    """
    draft = Draft(base)
    json = draft.json
    for image in images:
        if image.entry is not None:
            draft.replace_image(image.index, image.entry.data, image.entry.media_type)
    _silence(base, draft)
    required = [name for name in json.pop("extensionsRequired", ()) if name in ALLOWED]
    if required:
        json["extensionsRequired"] = required
    return draft.finish()


def marked(simple: Scene) -> Scene:
    """The entry, which says where it can that its meshes are simplified, without accessors that nothing names."""
    draft = Draft(simple)
    if can_be_marked(simple):
        draft.json["asset"].setdefault("extras", {})[MARK] = dict(_LEVEL_ZERO)
    _leave_out_accessors(draft.json)
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
