"""How exact numbers must be: steps of powers of two, so that what lies on them can be stored exactly as floats.

A step is a part of the mesh's own size, of a joined one of its smallest part's. It keeps every point within a
millimetre of where it was, at the scale at which the scene shows it; of meshes beyond 128 m within a 131,000th of their
length. Rule: what was rounded once stays as it is when asked again, and points that were equal stay equal, also in
other meshes with the same step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array, read_floats
from roomscale.scenes.document import Scene
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, world_matrices
from roomscale.scenes.transforms.accessor_roles import POSITION, TARGET, vertex_accessors
from roomscale.scenes.transforms.marks import part_size

POSITION_BITS = 14
"""A step is a mesh's longest edge divided by 2^14, as gltfpack and glTF-Transform take it."""
LARGEST_STEP = 2.0**-9
"""Metres: 1.95 mm, so an error of 1 mm at most."""
LARGEST_PART = 2.0**-16
"""Of a mesh's longest edge: a step may be that much though it exceeds `LARGEST_STEP`, as it does beyond 128 m."""
MOVE_STEP = 2.0**-12
"""Metres, for what animations move, whose errors add up along a skeleton: 0.12 mm at most for each joint."""
SMALL_SCENE = 0.5**10
"""A thousandth: the same bound for scenes smaller than a metre, as a part of their size."""
_MOST_UNITS = 1 << 23
"""Steps from 0 to the largest number; a float holds whole numbers up to 2^24."""


def rounded(arrays: Sequence[Array], steps: Sequence[float]) -> list[NDArray[np.float32] | None]:
    """Numbers moved to the nearest multiple of each array's step. Arrays of floats, as many as memory may hold twice.

    None where that cannot be (not finite, too many steps), or need not: multiples of half a step already, for rounding
    a mesh changes its size a little, and so its step by a factor of two perhaps.
    """
    sizes = [array.size for array in arrays]
    ends = np.cumsum(sizes, dtype=np.intp)
    starts = ends - np.array(sizes, np.intp)
    flat = np.concatenate([array.reshape(-1) for array in arrays]) if len(arrays) > 1 else arrays[0].reshape(-1)
    step = np.repeat(steps, sizes) if len(arrays) > 1 else steps[0]
    with np.errstate(all="ignore"):  # what is not finite is found by what comes out
        exact = flat.astype(np.float64) / step
        units = np.rint(exact)
        can_be = np.maximum.reduceat(np.abs(units), starts) < _MOST_UNITS
        exact *= 2
        is_there = np.logical_and.reduceat(np.rint(exact) == exact, starts)
        units *= step
        moved = np.asarray(units, np.float32) + np.float32(0)  # −0 becomes 0
    return [
        moved[start:end].reshape(array.shape) if is_moved else None
        for array, start, end, is_moved in zip(arrays, starts, ends, can_be & ~is_there, strict=True)
    ]


def power_of_two(value: float) -> float:
    """The power of two that is nearest to `value`, by its logarithm."""
    return float(2.0 ** np.clip(np.rint(np.log2(max(value, 1e-30))), -60, 60))


class Scales:
    """How large a scene shows its meshes and nodes. All in metres of the world per unit."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._matrices = world_matrices(scene)
        self._lengths = dict(zip(self._matrices, _scales(list(self._matrices.values())), strict=True))
        self.meshes = self._scales_of_meshes()
        self.size = self._size()

    def of_node(self, node: int) -> float:
        """The scale at which what stands in a node is shown."""
        return self._lengths.get(node, 1.0)

    def of_parent(self, node: int) -> float:
        """The scale of the space in which a node's translation counts."""
        if node not in self._lengths:
            return 1.0
        own = self._scene.list_of("nodes")[node].get("scale", (1.0, 1.0, 1.0))
        return self._lengths[node] / max(min(abs(float(part)) for part in own), 1e-6)

    def position_steps(self) -> dict[int, float]:
        """Accessor of positions, morph targets' included → its step, the least of the meshes that use it."""
        steps: dict[int, float] = {}
        for number, mesh in enumerate(self._scene.list_of("meshes")):
            extent, scale = min(self._extent(mesh), part_size(mesh)), self.meshes.get(number, 1.0)
            own = power_of_two(extent / 2**POSITION_BITS)
            most = max(min(LARGEST_STEP, self.size * SMALL_SCENE) / scale, extent * LARGEST_PART)
            step = min(own, 2.0 ** np.floor(np.log2(max(most, 1e-30))))
            for index in _positions(mesh):
                steps[index] = min(steps.get(index, np.inf), float(step))
        return steps

    def _scales_of_meshes(self) -> dict[int, float]:
        result: dict[int, float] = {}
        for index, length in self._lengths.items():
            node = self._scene.list_of("nodes")[index]
            if "mesh" in node:
                scale = self._skin_scale(node["skin"]) if "skin" in node else length * self._copies(node)
                result[node["mesh"]] = max(result.get(node["mesh"], 0.0), min(max(scale, 1e-6), 1e6))
        return result

    def _skin_scale(self, index: int) -> float:
        """The scale at which the joints of a skin, where they stand, show its meshes (glTF 2.0 §3.7.3.3)."""
        skin = self._scene.list_of("skins")[index]
        joints = [self._matrices.get(joint) for joint in skin["joints"]]
        inverse = np.eye(4)[None].repeat(len(joints), axis=0)
        if "inverseBindMatrices" in skin:
            stored = read_floats(self._scene, skin["inverseBindMatrices"])[: len(joints)]
            inverse[: len(stored)] = stored.reshape(-1, 4, 4).transpose(0, 2, 1)
        pairs = zip(joints, inverse, strict=True)
        return max(_scales([joint @ bind for joint, bind in pairs if joint is not None]), default=1.0)

    def _copies(self, node: JsonObject) -> float:
        """The largest scale of a node's instances."""
        attributes = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
        if "SCALE" not in attributes:
            return 1.0
        return float(np.abs(read_floats(self._scene, attributes["SCALE"])).max())

    def _extent(self, mesh: JsonObject) -> float:
        """The longest edge of a mesh, in its own units, by what its accessors say."""
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for primitive in mesh["primitives"]:
            accessor = self._scene.list_of("accessors")[primitive["attributes"].get(POSITION, 0)]
            if POSITION in primitive["attributes"] and len(accessor.get("min", ())) == 3:
                low, high = np.minimum(low, accessor["min"]), np.maximum(high, accessor["max"])
        extent = float((high - low).max())
        return extent if np.isfinite(extent) and extent > 0 else 1.0

    def _size(self) -> float:
        """The longest edge of the largest mesh in the scene, in metres; 1 where there is none."""
        meshes = self._scene.list_of("meshes")
        sizes = [self._extent(meshes[number]) * scale for number, scale in self.meshes.items()]
        return min(max(sizes, default=1.0), 1e6)


def _scales(matrices: list[Matrix]) -> list[float]:
    """The length of the longest axis of each matrix."""
    if not matrices:
        return []
    lengths = np.linalg.norm(np.stack(matrices)[:, :3, :3], axis=1).max(axis=1)
    scales: list[float] = np.where(np.isfinite(lengths), lengths, 1e6).tolist()
    return scales


def _positions(mesh: JsonObject) -> Iterator[int]:
    for primitive in mesh["primitives"]:
        yield from (index for role, index in vertex_accessors(primitive) if role in (POSITION, TARGET + POSITION))
