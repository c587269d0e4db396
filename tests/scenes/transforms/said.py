"""What must survive a transform: told from a scene's JSON, in a form that does not hang on numbers of entries."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from roomscale.scenes import Scene
from roomscale.scenes.references import Survey

Json = dict[str, Any]


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def everything_said(tree: Json) -> Counter[str]:
    """All extras, all contents of extensions that nobody knows, all names; each with how often it stands there.

    How bytes are stored has no meaning, so names of buffers and bufferViews do not count.
    """
    unknown = Survey(tree).unknown
    storage = {
        kind: [{key: value for key, value in entry.items() if key != "name"} for entry in tree.get(kind, ())]
        for kind in ("bufferViews", "buffers")
    }
    return Counter(text(found) for found in _said(tree | storage, unknown))


def _said(value: Any, unknown: set[str]) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "extras":
                yield {"extras": item}
            elif key == "name":
                yield {"name": item}
            elif key == "extensions":
                yield from ({name: content} for name, content in item.items() if name in unknown)
                yield from (found for name in item if name not in unknown for found in _said(item[name], unknown))
            else:
                yield from _said(item, unknown)
    elif isinstance(value, list):
        for item in value:
            yield from _said(item, unknown)


_STANDS = {"translation": [0, 0, 0], "rotation": [0, 0, 0, 1], "scale": [1, 1, 1]}


def nodes_of(scene: Scene) -> list[str]:
    """Every node with its name, children, place, extras and extensions, in order; not the numbers of its mesh."""
    result = []
    for node in scene.list_of("nodes"):
        told = {key: value for key, value in (_STANDS | node).items() if key not in ("mesh", "skin", "camera")}
        for key in ("translation", "rotation", "scale", "matrix"):
            if key in told:
                digits = 7 if key == "rotation" else 6
                told[key] = [round(float(np.float32(value)) + 0.0, digits) + 0.0 for value in told[key]]
        result.append(text(told))
    return result
