"""Puts right what needs no choice, and says so: bounds, undeclared extensions, media types, unit vectors.

Rule: pure; each kind of mending is one function that returns what it changed as findings (severity INFO). What a
creator would have to decide (a missing file, a broken reference, a zero quaternion) is left alone.
"""

from __future__ import annotations

import math

import numpy as np

from roomscale.scenes import jsonio
from roomscale.scenes.checks.structure import ONLY_REQUIRED, check_structure, used_extensions
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import Finding, Findings, pointer
from roomscale.scenes.images import CORE_TYPES, EXTENSION_OF, media_type_of
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.mend_values import mend_bounds, mend_vectors


def mend(scene: Scene) -> tuple[Scene, list[Finding]]:
    """A scene with all mended that needs no choice, and a note for each change; the scene itself if there is none.

    A scene whose structure is broken comes back as it is.
    """
    if not check_structure(scene, Findings()):
        return scene, []
    notes = Findings()
    with np.errstate(all="ignore"):  # foreign numbers overflow as they please; what is not finite is looked for
        return _mended(scene, notes), notes.listed()


def _mended(scene: Scene, notes: Findings) -> Scene:
    for step in (_empty_lists, _declarations, _media_types, _rotations, mend_vectors, mend_bounds):
        scene = step(scene, notes)
    return scene


def _empty_lists(scene: Scene, notes: Findings) -> Scene:
    """Leave out empty top-level lists, `children`, `nodes` and `targets`; glTF wants them absent."""
    empty = [key for key, value in scene.json.items() if value == [] and key != "extensionsUsed"]
    holders = [("nodes", "children"), ("scenes", "nodes")]
    inner = [
        (key, index, field)
        for key, field in holders
        for index, item in enumerate(scene.list_of(key))
        if item.get(field) == []
    ]
    if scene.json.get("extensionsUsed") == []:
        empty.append("extensionsUsed")
    if not empty and not inner:
        return scene
    json = jsonio.copy(scene.json)
    for key in empty:
        del json[key]
        notes.info("MENDED_EMPTY_ENTITY", pointer(key), "the empty list was left out")
    for key, index, field in inner:
        del json[key][index][field]
        notes.info("MENDED_EMPTY_ENTITY", pointer(key, index, field), "the empty list was left out")
    return scene.changed(json)


def _declarations(scene: Scene, notes: Findings) -> Scene:
    declared, required = scene.list_of("extensionsUsed"), scene.list_of("extensionsRequired")
    wanted = [*used_extensions(scene), *required]
    undeclared = list(dict.fromkeys(name for name in wanted if name not in declared))
    unrequired = [name for name in declared if name in ONLY_REQUIRED and name not in required]
    if not undeclared and not unrequired:
        return scene
    json = jsonio.copy(scene.json)
    for key, names in (("extensionsUsed", undeclared), ("extensionsRequired", unrequired)):
        if names:
            json[key] = [*json.get(key, ()), *names]
            notes.info("MENDED_DECLARATION", pointer(key), f"{', '.join(names)} was added to the list")
    return scene.changed(json)


def _media_types(scene: Scene, notes: Findings) -> Scene:
    """The first bytes of an image are right, its mimeType is not."""
    changes: dict[int, str] = {}
    for index, image in enumerate(scene.list_of("images")):
        told = image.get("mimeType")
        actual = _actual_type(scene, image)
        if told is not None and actual is not None and told != actual and actual in CORE_TYPES | EXTENSION_OF.keys():
            changes[index] = actual
    if not changes:
        return scene
    json = jsonio.copy(scene.json)
    for index, actual in changes.items():
        notes.info("MENDED_MIME_TYPE", pointer("images", index, "mimeType"), f"it is {actual} now, as its bytes are")
        json["images"][index]["mimeType"] = actual
    return scene.changed(json)


def _actual_type(scene: Scene, image: JsonObject) -> str | None:
    try:
        if "uri" in image:
            return media_type_of(scene.resource(image["uri"], ""))
        return media_type_of(scene.view(image["bufferView"])) if "bufferView" in image else None
    except SceneError:
        return None


def _rotations(scene: Scene, notes: Findings) -> Scene:
    bad: dict[int, list[float]] = {}
    for index, node in enumerate(scene.list_of("nodes")):
        rotation = node.get("rotation")
        length = math.sqrt(sum(value * value for value in rotation)) if rotation else 1.0
        if rotation and abs(length - 1.0) > 5e-4 and length > 1e-6:
            bad[index] = [value / length for value in rotation]
    if not bad:
        return scene
    json = jsonio.copy(scene.json)
    for index, rotation in bad.items():
        json["nodes"][index]["rotation"] = rotation
        notes.info("MENDED_ROTATION", pointer("nodes", index, "rotation"), "the quaternion was brought to length 1")
    return scene.changed(json)
