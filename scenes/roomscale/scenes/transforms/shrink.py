"""The same JSON in fewer bytes: no default values, numbers no longer than their precision, bounds where asked for.

Rule: glTF's own objects only, and only what the specification calls a default. What stands in an extension or in
`extras` is not touched, and so are the bounds of accessors that something unknown may name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from roomscale.scenes.document import Scene
from roomscale.scenes.draft import Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey
from roomscale.scenes.transforms.accessor_roles import POSITION, TARGET, TIMES, accessor_roles

_IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
_DEFAULTS: dict[str, JsonObject] = {
    "accessors": {"byteOffset": 0, "normalized": False},
    "bufferViews": {"byteOffset": 0},
    "nodes": {"translation": [0, 0, 0], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1], "matrix": _IDENTITY},
    "materials": {"emissiveFactor": [0, 0, 0], "alphaMode": "OPAQUE", "alphaCutoff": 0.5, "doubleSided": False},
    "samplers": {"wrapS": 10497, "wrapT": 10497},
    "primitives": {"mode": 4},
    "animationSamplers": {"interpolation": "LINEAR"},
    "pbr": {"baseColorFactor": [1, 1, 1, 1], "metallicFactor": 1, "roughnessFactor": 1},
    "textureInfo": {"texCoord": 0, "scale": 1, "strength": 1},
}
"""Kind of object → its fields that say nothing at these values (glTF 2.0 §5)."""
_NUMBERS = {
    "nodes": ("translation", "rotation", "scale", "matrix", "weights"),
    "accessors": ("min", "max"),
    "materials": ("emissiveFactor", "alphaCutoff"),
    "pbr": ("baseColorFactor", "metallicFactor", "roughnessFactor"),
    "textureInfo": ("scale", "strength"),
}
"""Kind of object → its fields that viewers hold as float32."""
_FAR = 1_000.0
"""Metres, beyond which the step from one float32 to the next exceeds 0.06 mm; longer numbers are left as they are."""
_TURN_DECIMALS = 7
"""Of the numbers of a rotation. Those near 1 are no more exact as float32, and they turn a node as the others do: by
0.0001 mm at most, seen a metre away."""
_TEXTURES = ("normalTexture", "occlusionTexture", "emissiveTexture")
_PBR_TEXTURES = ("baseColorTexture", "metallicRoughnessTexture")


def shrink(scene: Scene) -> Scene:
    """The scene with the same meaning in less JSON."""
    small = ("accessors", "bufferViews", "materials", "samplers")
    draft = Draft(scene, touching=())
    survey = draft.survey()
    draft.own((*small, *_with_defaults(scene.json)), survey)
    if "nodes" in draft.json:
        # Only what stands in a node itself is replaced, so what it holds need not be copied.
        draft.json["nodes"] = [dict(node) for node in draft.json["nodes"]]
        survey.parts["nodes"] = survey.parts["nodes"].of_copy(draft.json["nodes"])
    objects = list(_objects(draft.json))
    _shorten([(holder, key) for kind, holder in objects for key in _NUMBERS.get(kind, ()) if key in holder])
    for kind, holder in objects:
        for key, default in _DEFAULTS.get(kind, {}).items():
            if key in holder and holder[key] == default:
                del holder[key]
    _drop_bounds(draft.json, survey)
    return draft.finish(survey)


def _with_defaults(json: JsonObject) -> Iterator[str]:
    """The lists of large entries in which a default value stands somewhere."""
    for name in ("meshes", "animations"):
        objects = _objects({name: json.get(name, ())})
        if any(holder.get(key) == default for kind, holder in objects for key, default in _DEFAULTS[kind].items()):
            yield name


def _objects(json: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """glTF's objects that have fields to be left out or shortened, each with its kind."""
    for kind in ("accessors", "bufferViews", "nodes", "materials", "samplers"):
        yield from ((kind, entry) for entry in json.get(kind, ()))
    for mesh in json.get("meshes", ()):
        yield from (("primitives", primitive) for primitive in mesh["primitives"])
    for animation in json.get("animations", ()):
        yield from (("animationSamplers", sampler) for sampler in animation["samplers"])
    for material in json.get("materials", ()):
        pbr = material.get("pbrMetallicRoughness", {})
        yield "pbr", pbr
        yield from (("textureInfo", material[key]) for key in _TEXTURES if key in material)
        yield from (("textureInfo", pbr[key]) for key in _PBR_TEXTURES if key in pbr)


def _shorten(holders: list[tuple[JsonObject, str]]) -> None:
    """Write the numbers of these fields as short as they can be without becoming another float32.

    Rotations get `_TURN_DECIMALS`.
    """
    if not holders:
        return
    values = [value if type(value := holder[key]) is list else [value] for holder, key in holders]
    flat: list[float] = [*chain.from_iterable(values)]
    turning = np.repeat([key == "rotation" for _, key in holders], [len(value) for value in values])
    given = np.array(flat, np.float64)
    with np.errstate(over="ignore"):
        single = given.astype(np.float32)
    is_near = (np.abs(given) < _FAR) | (single == given)
    shortest = given.copy()
    shortest[turning] = np.round(single[turning].astype(np.float64), _TURN_DECIMALS)
    is_near[turning] = False
    # Writing a number costs a microsecond; many stand in a scene a hundred times, 0 and 1 before all.
    different, which = np.unique(single[is_near], return_inverse=True)
    shortest[is_near] = different.astype(np.str_).astype(np.float64)[which]
    short = shortest.tolist()
    # 1.0 as 1, which is the same in JSON and two bytes shorter.
    for place in np.flatnonzero((shortest == np.trunc(shortest)) & (np.abs(shortest) < _FAR)).tolist():
        short[place] = int(short[place])
    for place in np.flatnonzero(np.abs(given) >= _FAR).tolist():
        if type(flat[place]) is int:
            short[place] = flat[place]
    end = 0
    for (holder, key), value in zip(holders, values, strict=True):
        start, end = end, end + len(value)
        holder[key] = short[start:end] if type(holder[key]) is list else short[start]


def _drop_bounds(json: JsonObject, survey: Survey) -> None:
    """Leave out `min` and `max` but of positions and times, which must have them (glTF 2.0 §3.7.2.1, §3.11)."""
    if survey.unknown:
        return
    asked = (POSITION, TARGET + POSITION, TIMES)
    for index, role in accessor_roles(json, survey).items():
        if role not in asked:
            for key in ("min", "max"):
                json["accessors"][index].pop(key, None)
