"""What a transform may not change, compared between the scene before and the scene after."""

from __future__ import annotations

from typing import Any

import numpy as np

from roomscale.scenes import Scene, check, errors_of, parse_scene, to_glb
from roomscale.scenes.accessors import Array, read_floats
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.compressed import MESHOPT_EXTENSIONS

MILLIMETRE = 1e-3
PART = 1e-3
TURN = np.radians(0.1)
_OURS = {*MESHOPT_EXTENSIONS, "KHR_mesh_quantization"}


def written(scene: Scene) -> Scene:
    """The scene as a visitor gets it: written and read again, without an error."""
    again = parse_scene(to_glb(scene))
    require_sound(again)
    assert errors_of(check(again)) == []
    return again


def assert_same_meaning(before: Scene, after: Scene) -> None:
    """Nodes, names, extras, extensions, materials, meshes and what they name are equal, but for triangles' numbers."""
    for key in ("asset", "scene", "scenes", "nodes", "materials", "skins", "cameras", "extensions", "extras"):
        assert before.json.get(key) == after.json.get(key), key
    assert [_without_indices(mesh) for mesh in before.list_of("meshes")] == [
        _without_indices(mesh) for mesh in after.list_of("meshes")
    ]
    assert before.list_of("animations") == after.list_of("animations")
    declared = [name for name in after.json.get("extensionsUsed", ()) if name not in _OURS]
    assert declared == [name for name in before.json.get("extensionsUsed", ()) if name not in _OURS]


def _without_indices(mesh: dict[str, Any]) -> dict[str, Any]:
    """A mesh whose triangles may have got indices, or others."""
    primitives = [{key: value for key, value in item.items() if key != "indices"} for item in mesh["primitives"]]
    return {**mesh, "primitives": primitives}


def corners(scene: Scene, mesh: int, primitive: int, name: str) -> Array:
    """An attribute at each corner of each triangle, in order."""
    told = scene.list_of("meshes")[mesh]["primitives"][primitive]
    values = read_floats(scene, told["attributes"][name])
    return values[read_floats(scene, told["indices"])[:, 0].astype(int)] if "indices" in told else values


def triangles(scene: Scene, mesh: int, primitive: int, *names: str) -> Array:
    """The triangles of a primitive as rows, each turned and all sorted so that order says nothing."""
    table = np.concatenate([corners(scene, mesh, primitive, name) for name in names], axis=1)
    rows = table.reshape(len(table) // 3, 3, -1)
    turned = [np.roll(row, -min(range(3), key=lambda at: row[at].tolist()), axis=0) for row in rows]
    return np.array(sorted(turn.reshape(-1).tolist() for turn in turned))


def assert_close(before: Scene, after: Scene, index: int, kind: str) -> None:
    """The elements of an accessor have moved no further than may be: metres, or radians for `rotation`."""
    old, new = read_floats(before, index), read_floats(after, index)
    assert old.shape == new.shape
    if kind == "rotation":
        old, new = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (old, new))
        half = np.minimum(np.abs(np.einsum("ij,ij->i", old.astype(float), new.astype(float))), 1.0)
        assert 2 * np.arccos(half).max() <= TURN
    else:
        assert np.abs(old.astype(float) - new).max() <= max(MILLIMETRE, PART * float(np.ptp(old, axis=0).max()))
