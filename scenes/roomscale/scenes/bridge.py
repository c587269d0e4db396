"""To pygltflib, the library that people write scripts with, and back without loss.

pygltflib drops properties it does not know, writes defaults everywhere, and forgets `asset`. So the way back is a
difference: what the script changed is applied to the scene it came from, and all else stays as it was.
Rule: a script that changes nothing gives back the same scene.
"""

from __future__ import annotations

import warnings
from typing import Any

import pygltflib

from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene, parse_scene
from roomscale.scenes.embed import to_glb
from roomscale.scenes.errors import BrokenData, UnreadableScene
from roomscale.scenes.jsonio import JsonObject


def to_pygltflib(scene: Scene) -> pygltflib.GLTF2:
    """The scene as a pygltflib document, everything embedded in its binary blob.

    Large scenes take seconds: pygltflib makes an object of every entry. Raises `SceneError` for broken scenes.
    """
    whole = parse_scene(to_glb(scene), name=scene.name, limits=scene.limits)
    require_sound(whole)
    document = _document(whole.json)
    binary = whole.glb.binary if whole.glb is not None else None
    document.set_binary_blob(b"" if binary is None else bytes(binary))
    return document


def from_pygltflib(document: pygltflib.GLTF2, base: Scene | None = None) -> Scene:
    """The scene that a pygltflib document describes, with its binary blob as buffer 0.

    `base`: the scene that `to_pygltflib` was given; what pygltflib does not know of it comes back, and only what
    the script changed is changed. Without it the document is taken as it is, less its empty values.
    Raises `SceneError` if what the script made is no sound glTF.
    """
    wanted = _cleaned(document.to_dict())
    if base is None:
        json: JsonObject = wanted
    else:
        original = parse_scene(to_glb(base), name=base.name, limits=base.limits)
        before = _cleaned(_document(original.json).to_dict())
        json = _patched(original.json, before, wanted)
    blob = document.binary_blob()
    buffers = json.get("buffers")
    has_chunk = bool(blob) and isinstance(buffers, list) and bool(buffers) and "uri" not in buffers[0]
    if blob and not has_chunk:
        raise UnreadableScene(
            "BUFFER_WITHOUT_ENTRY", "the document has a binary blob, but no buffer without a uri for it"
        )
    scene = Scene(json, "scene" if base is None else base.name, buffers={0: blob} if has_chunk and blob else {})
    require_sound(scene)
    return parse_scene(to_glb(scene), name=scene.name)


def _document(json: JsonObject) -> pygltflib.GLTF2:
    with warnings.catch_warnings():  # pygltflib types optional properties as if they always were there
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="dataclasses_json")
        try:
            return pygltflib.GLTF2.from_dict(_without_odd_extras(json))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BrokenData("PYGLTFLIB", "", f"pygltflib cannot hold this scene ({error})") from error


def _without_odd_extras(value: Any) -> Any:
    """A copy without `extras` that are no objects: pygltflib fails on them. On the way back they are still there."""
    if isinstance(value, dict):
        return {
            key: _without_odd_extras(item) for key, item in value.items() if key != "extras" or isinstance(item, dict)
        }
    return [_without_odd_extras(item) for item in value] if isinstance(value, list) else value


def _cleaned(value: Any) -> Any:
    """Plain JSON of what pygltflib writes: no None, no empty `extensions` and `extras`, no attributes that are None."""
    if isinstance(value, dict):
        items = ((key, _cleaned(item)) for key, item in value.items())
        return {
            key: item
            for key, item in items
            if item is not None and not (item in ({}, []) and key not in ("attributes", "pbrMetallicRoughness"))
        }
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value


def _patched(original: Any, before: Any, after: Any) -> Any:
    """`original` with the changes that lead from `before` to `after`."""
    if before == after and type(before) is type(after):
        return original
    if isinstance(original, dict) and isinstance(before, dict) and isinstance(after, dict):
        result = {key: value for key, value in original.items() if key in after or key not in before}
        for key, value in after.items():
            if key not in before:
                result[key] = value
            elif key in original:
                result[key] = _patched(original[key], before[key], value)
            elif value != before[key]:  # it was only a default that pygltflib wrote
                result[key] = value
        return result
    if isinstance(original, list) and isinstance(before, list) and isinstance(after, list):
        shared = min(len(original), len(before), len(after))
        return [_patched(original[i], before[i], after[i]) for i in range(shared)] + after[shared:]
    return after
