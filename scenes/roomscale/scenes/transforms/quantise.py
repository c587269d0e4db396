"""Quantise: numbers as exact as they need to be, in types as small as they may have.

    scene = quantise(scene)

Positions, texture coordinates, what animations move and instances stay floats and are rounded to steps of powers of
two: nothing changes its units, so no node gets a scale, and what children, skins, colliders and pointers rely on stays
true; `compress` then stores them as the integers that they are (the exponential filter). Colours, joints and weights
become small integers, as core glTF allows; with `integers`, for files that are not compressed, normals, tangents and
texture coordinates too (KHR_mesh_quantization).

Rule: positions of meshes that an extension names keep every bit; rounding again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import Array, read
from roomscale.scenes.batches import batches
from roomscale.scenes.compressed import is_compressed
from roomscale.scenes.document import Scene
from roomscale.scenes.draft import ARRAY_BUFFER, Draft
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.references import Survey
from roomscale.scenes.transforms import accessor_roles as roles
from roomscale.scenes.transforms.declare import require_extension
from roomscale.scenes.transforms.named_meshes import named_meshes
from roomscale.scenes.transforms.pointed import FACTOR, POINTER, moved
from roomscale.scenes.transforms.precision import MOVE_STEP, SMALL_SCENE, Scales, rounded

TEXTURE_STEP = 2.0**-12
"""Of a texture's width: half a texel of one that is 2,048 wide."""
NORMAL_STEP = 2.0**-8
"""Of morph targets' normals and tangents: 0.1°."""
TIME_STEP = 2.0**-14
"""Seconds: 0.03 ms at most from where a key was."""
FACTOR_STEP = 2.0**-14
"""Of scales and of the weights of morph targets, which are about 1."""
_FACTORS = (roles.SCALES, roles.MORPH_WEIGHTS, FACTOR)
TURN_STEP = 2.0**-14
"""Of the components of rotations that a pointer moves: 0.01°. They stay floats, which all its readers read."""
EXTENSION = "KHR_mesh_quantization"

Floats = NDArray[np.float32]


def quantise(scene: Scene, *, integers: bool = False) -> Scene:
    """The scene with its numbers rounded.

    `integers`: normals and tangents in 8 bits, texture coordinates within 0 to 1 in 16. Raises `BrokenData`.
    """
    draft = Draft(scene, touching=())
    survey = draft.survey()
    quantiser = _Quantiser(draft, survey, integers=integers)
    found = roles.accessor_roles(draft.json, survey)
    changeable = {index: role for index, role in found.items() if quantiser.may_change(index)}
    quantiser.round_ahead(changeable)
    for index, role in changeable.items():
        quantiser.quantise(index, role)
    return draft.finish()


class _Quantiser:
    def __init__(self, draft: Draft, survey: Survey, *, integers: bool) -> None:
        self._draft, self._integers = draft, integers
        scales = Scales(draft.scene)
        self._exact = _positions_of(draft.json, named_meshes(draft.json, survey))
        self._steps = scales.position_steps()
        self._moves = _move_steps(draft.json, scales)
        self._weights = _weight_sets(draft.json)
        self._rounded: dict[int, Floats] = {}

    def may_change(self, index: int) -> bool:
        """Whether an accessor holds floats of its own, or integers that may be narrowed, not compressed yet."""
        accessor = self._draft.json["accessors"][index]
        if "bufferView" not in accessor or "sparse" in accessor or "extensions" in accessor:
            return False
        return not is_compressed(self._draft.json["bufferViews"][accessor["bufferView"]])

    def round_ahead(self, found: Mapping[int, str]) -> None:
        """Round what stays floats, many accessors at once. `found`: accessor → its role."""
        steps = {index: step for index, role in found.items() if (step := self._step(index, role)) is not None}
        floats = {index: array for index in steps if (array := self._read(index)).dtype == np.float32}
        numbers = iter(floats)
        for batch in batches(floats.values()):
            own = [*islice(numbers, len(batch))]
            for index, new in zip(own, rounded(batch, [steps[index] for index in own]), strict=True):
                if new is not None:
                    self._rounded[index] = new

    def quantise(self, index: int, role: str) -> None:
        """Give one accessor its smaller numbers, if it may have some."""
        if role == roles.TEXCOORD and self._integers and self._fractions(index):
            return
        if index in self._rounded:
            self._round(index, role)
        elif role == roles.COLOR:
            self._replace(index, _colour(self._read(index), self._accessor(index)), normalized=True)
        elif role == roles.JOINTS:
            self._replace(index, _joints(self._read(index)), normalized=False)
        elif role == roles.WEIGHTS and index in self._weights:
            self._replace(index, _weights(self._read(index)), normalized=True)
        elif role in (roles.NORMAL, roles.TANGENT) and self._integers:
            self._directions(index)

    def _fractions(self, index: int) -> bool:
        return self._replace(index, _fraction(self._read(index)), normalized=True)

    def _directions(self, index: int) -> None:
        if self._replace(index, _direction(self._read(index)), normalized=True):
            require_extension(self._draft.json, EXTENSION)

    def _step(self, index: int, role: str) -> float | None:
        """The step of an accessor that stays one of floats, None for the others."""
        if role in (roles.POSITION, roles.TARGET + roles.POSITION):
            return None if index in self._exact else self._steps.get(index)
        if role in (roles.TARGET + roles.NORMAL, roles.TARGET + roles.TANGENT):
            return NORMAL_STEP
        if role == roles.TEXCOORD:
            return TEXTURE_STEP
        if role == roles.TIMES:
            return TIME_STEP
        if role == roles.INSTANCE + "SCALE":
            return _factor_step(self._read(index))
        if role.removeprefix(roles.POINTED) in _FACTORS:
            return FACTOR_STEP
        if role == roles.POINTED + roles.ROTATIONS:
            return TURN_STEP
        return self._moves.get(index)

    def _round(self, index: int, role: str) -> None:
        new = self._rounded[index]
        if role == roles.TIMES and not np.all(np.diff(new[:, 0]) > 0):
            return
        target = ARRAY_BUFFER if roles.is_vertex_role(role) else None
        self._draft.replace_accessor(index, new, bounds="min" in self._accessor(index), target=target)

    def _replace(self, index: int, new: Array | None, *, normalized: bool) -> bool:
        if new is None:
            return False
        bounds = "min" in self._accessor(index)
        self._draft.replace_accessor(index, new, normalized=normalized, bounds=bounds, target=ARRAY_BUFFER)
        return True

    def _read(self, index: int) -> Array:
        return read(self._draft.scene, index)

    def _accessor(self, index: int) -> JsonObject:
        accessor: JsonObject = self._draft.json["accessors"][index]
        return accessor


def _positions_of(json: JsonObject, meshes: set[int]) -> set[int]:
    found = (roles.vertex_accessors(primitive) for mesh in meshes for primitive in json["meshes"][mesh]["primitives"])
    return {index for pairs in found for role, index in pairs if role.endswith(roles.POSITION)}


def _move_steps(json: JsonObject, scales: Scales) -> dict[int, float]:
    """Accessor of translations, of keyframes and of instances → the step that its node's place in the world allows."""
    result: dict[int, float] = {}
    least = min(MOVE_STEP, scales.size * SMALL_SCENE / 8)

    def note(index: int, node: int, scale: float) -> None:
        step = 2.0 ** np.floor(np.log2(least / min(max(scale, 1e-6), 1e6)))
        result[index] = min(result.get(index, np.inf), float(step))

    for animation in json.get("animations", ()):
        for channel in animation["channels"]:
            target, sampler = channel["target"], animation["samplers"][channel["sampler"]]
            what, node = moved(target)
            if what == "translation" and node >= 0 and sampler.get("interpolation") != "CUBICSPLINE":
                # What a pointer moves others may read, too, who know nothing of where the node stands.
                least_scale = 1.0 if target["path"] == POINTER else 0.0
                note(sampler["output"], node, max(least_scale, scales.of_parent(node)))
    for number, node in enumerate(json.get("nodes", ())):
        attributes = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
        if "TRANSLATION" in attributes:
            note(attributes["TRANSLATION"], number, scales.of_node(number))
    return result


def _factor_step(scales: Array) -> float:
    """The step of instances' scales: as a part of the smallest, where a mesh in centimetres is shown at a hundredth."""
    sizes = np.abs(scales[scales != 0].astype(np.float64))
    return FACTOR_STEP * float(2.0 ** np.floor(np.log2(np.clip(sizes.min(initial=1.0), 1e-6, 1.0))))


def _weight_sets(json: JsonObject) -> set[int]:
    """Accessors of weights whose primitives have one set of them: what must add up to 1 is in one accessor."""
    single: set[int] = set()
    several: set[int] = set()
    for mesh in json.get("meshes", ()):
        for primitive in mesh["primitives"]:
            sets = [index for role, index in roles.vertex_accessors(primitive) if role == roles.WEIGHTS]
            (single if len(sets) == 1 else several).update(sets)
    return single - several


def _scaled(kind: type[np.unsignedinteger]) -> Callable[[Floats], Array | None]:
    """A function that turns numbers within 0 to 1 into normalised integers, None if some are not."""
    most = np.iinfo(kind).max

    def convert(values: Floats) -> Array | None:
        if values.dtype != np.float32 or not ((values >= 0) & (values <= 1)).all():
            return None
        return np.asarray(np.rint(values.astype(np.float64) * most), kind)

    return convert


_fraction, _byte = _scaled(np.uint16), _scaled(np.uint8)


def _colour(values: Array, accessor: JsonObject) -> Array | None:
    if values.dtype == np.uint16 and accessor.get("normalized"):
        return np.asarray(np.rint(values / 257.0), np.uint8)
    return _byte(values)


def _joints(values: Array) -> Array | None:
    return values.astype(np.uint8) if values.dtype == np.uint16 and int(values.max()) <= 0xFF else None


def _weights(values: Array) -> Array | None:
    """Weights in 8 bits that add up to 255; what rounding left over goes to the largest."""
    result = _byte(values)
    if result is None:
        return None
    sums = values.sum(axis=1)
    whole = np.abs(sums - 1.0) < 0.05
    if not (whole | (sums == 0)).all():
        return None
    largest = result.argmax(axis=1)[:, None]
    left = 255 - result.sum(axis=1, dtype=np.int32)
    fixed = np.take_along_axis(result, largest, axis=1)[:, 0] + np.where(whole, left, 0)
    np.put_along_axis(result, largest, fixed.astype(np.uint8)[:, None], axis=1)
    return result


def _direction(values: Array) -> Array | None:
    """Unit vectors in 8 bits, the fourth component ±127."""
    if values.dtype != np.float32 or not np.isfinite(values).all():
        return None
    lengths = np.linalg.norm(values[:, :3], axis=1)
    if lengths.min() < 0.5:
        return None
    scaled = values.copy()
    scaled[:, :3] /= lengths[:, None]
    return np.asarray(np.clip(np.rint(scaled * 127), -127, 127), np.int8)
