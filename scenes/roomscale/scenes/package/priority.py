"""In which order parts are worth downloading: what looks large from where visitors arrive comes first.

Rule: an order only, computed from declared bounds; the same scene gives the same order everywhere, so it is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.package.manifest import Part
from roomscale.scenes.placement import Matrix, world_matrices

_SPAWN_POINTS = ("OMI_spawn_point", "MX_spawn_point")
_NEAREST = 1.0
"""Metres. Nearer things are as large as they get."""
_BACKGROUND = 2.0
"""How large an image seems that no material shows: a sky, a lightmap."""
_SKINNED = 1.0
"""How large a skinned mesh seems: its own bounds say little."""
_ANIMATIONS, _SOUNDS = 0.5, 0.25
"""Movement and sound matter less than the shape of what stands around, more than what is far away."""
_DATA_MAP = 0.5
"""How much a normal or roughness map counts beside what gives the colour."""
_COLOURS = frozenset({"baseColorTexture", "diffuseTexture", "emissiveTexture"})


def in_order(scene: Scene, parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts with their `priority`, sorted by it. `scene`: of the same indices as the entry, sound."""
    parts = list(parts)
    sizes = _apparent_sizes(scene) if parts else {}

    def key(part: Part) -> tuple[int, float, str]:
        size = max(sizes.get(target, _default(part)) for target in part.targets)
        return part.level, -round(size, 3), part.sha256

    return tuple(replace(part, priority=rank) for rank, part in enumerate(sorted(parts, key=key)))


def _default(part: Part) -> float:
    return {"animations": _ANIMATIONS, "audio": _SOUNDS, "images": _BACKGROUND}.get(part.kind, 0.0)


def _apparent_sizes(scene: Scene) -> dict[str, float]:
    """Pointer of a mesh or image → its size by its distance, both in metres, from the spawn point that sees it best."""
    matrices = world_matrices(scene)
    eyes = _eyes(scene, matrices)
    meshes: dict[int, float] = {}
    for index, matrix in matrices.items():
        node = scene.list_of("nodes")[index]
        if "mesh" in node:
            size = _SKINNED if "skin" in node else _seen(_corners(scene, node["mesh"], matrix), eyes)
            meshes[node["mesh"]] = max(meshes.get(node["mesh"], 0.0), size)
    sizes = {f"/meshes/{index}": size for index, size in meshes.items()}
    for image, size in _images(scene, meshes):
        target = f"/images/{image}"
        sizes[target] = max(sizes.get(target, 0.0), size)
    return sizes


def _eyes(scene: Scene, matrices: dict[int, Matrix]) -> NDArray[np.float64]:
    """Where visitors arrive; the origin, if nothing says."""
    nodes = scene.list_of("nodes")
    spawns = [
        matrix[:3, 3]
        for index, matrix in matrices.items()
        if any(name in nodes[index].get("extensions", {}) for name in _SPAWN_POINTS)
    ]
    return np.array(spawns or [np.zeros(3)])


def _corners(scene: Scene, mesh: int, matrix: Matrix) -> NDArray[np.float64]:
    """The corners in the world of the boxes of a mesh's primitives; shape (n, 3), none without bounds."""
    points: list[tuple[float, ...]] = []
    for primitive in scene.list_of("meshes")[mesh]["primitives"]:
        accessor = scene.list_of("accessors")[primitive["attributes"]["POSITION"]] if _has_place(primitive) else {}
        if len(accessor.get("min", ())) == len(accessor.get("max", ())) == 3:
            points += product(*zip(accessor["min"], accessor["max"], strict=True))
    with np.errstate(all="ignore"):  # absurd scales give infinite sizes, which is an answer
        placed: NDArray[np.float64] = np.array(points, np.float64).reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return placed


def _has_place(primitive: JsonObject) -> bool:
    return "POSITION" in primitive["attributes"]


def _seen(corners: NDArray[np.float64], eyes: NDArray[np.float64]) -> float:
    if not len(corners) or not np.isfinite(corners).all():
        return 0.0
    low, high = corners.min(axis=0), corners.max(axis=0)
    distances = np.linalg.norm(eyes - np.clip(eyes, low, high), axis=1)
    return float(np.linalg.norm(high - low) / max(float(distances.min()), _NEAREST))


def _images(scene: Scene, meshes: dict[int, float]) -> Iterator[tuple[int, float]]:
    """Each image that a material shows, with the size of the largest thing that has the material."""
    materials: dict[int, float] = {}
    for mesh, size in meshes.items():
        for primitive in scene.list_of("meshes")[mesh]["primitives"]:
            if "material" in primitive:
                materials[primitive["material"]] = max(materials.get(primitive["material"], 0.0), size)
    textures = scene.list_of("textures")
    for index, material in enumerate(scene.list_of("materials")):
        for key, texture in _texture_infos(material):
            if 0 <= texture < len(textures) and "source" in textures[texture]:
                weight = 1.0 if key in _COLOURS else _DATA_MAP
                yield textures[texture]["source"], materials.get(index, 0.0) * weight


def _texture_infos(material: JsonObject) -> Iterator[tuple[str, int]]:
    """(key, texture) of every texture info in a material, those of its extensions included."""
    todo: list[tuple[str, Any]] = [("", material)]
    while todo:
        key, value = todo.pop()
        if not isinstance(value, dict):
            continue
        if key.lower().endswith("texture") and type(value.get("index")) is int:
            yield key, value["index"]
        todo.extend((name, item) for name, item in value.items() if name != "extras")
