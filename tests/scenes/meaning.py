"""What a scene means, compared with what became of it: nodes, names, extensions, shapes, movements, sounds.

References to entries whose numbers a transform may change (`references.MOVABLE`) are compared by what they lead to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes import Scene, jsonio
from roomscale.scenes.accessors import read, read_floats
from roomscale.scenes.extent import bounds
from roomscale.scenes.images import EXTENSION_OF
from roomscale.scenes.package.sounds import sound_files
from roomscale.scenes.placement import local_matrix, world_matrices
from roomscale.scenes.references import MOVABLE, references
from roomscale.scenes.transforms.shrink import shrink
from tests.scenes import seen

Floats = NDArray[np.float64]
ENCODINGS = frozenset(
    {
        *EXTENSION_OF.values(),
        "EXT_meshopt_compression",
        "KHR_meshopt_compression",
        "KHR_draco_mesh_compression",
        "KHR_mesh_quantization",
    }
)
"""Extensions that say how something is stored, not what it means."""
MILLIMETRE, THOUSANDTH, MILLIONTH = 1e-3, 1e-3, 1e-6
TENTH_OF_A_DEGREE = np.radians(0.1)
THREE_DEGREES = 0.05
"""As the way that the tip of a normal goes: in 8 bits it is off by 1°, and what is skewed makes more of it."""
MOST_TIMES = 60


def differences(before: Scene, after: Scene, *, together: bool = False) -> list[str]:
    """What `after` lost or changed of `before`, in words; empty if its meaning is kept.

    `together`: meshes may be drawn from new nodes behind the others, as long as all is seen where it was.
    """
    found = [*_nodes(before, after, together=together), *_extensions(before, after, together=together)]
    if not found and not together:
        found = list(_materials(before, after))
    if found:
        return found
    shown = _seen(before, after) if together else _shapes(before, after)
    return [*shown, *_colliders(before, after), *_movements(before, after), *_sounds(before, after)]


def _masked(scene: Scene) -> jsonio.JsonObject:
    """The JSON with every number that a transform may change set to 0; encodings and glTF's own defaults left out."""
    json: jsonio.JsonObject = jsonio.copy(shrink(scene).json)
    for reference in references(json):
        if reference.kind in MOVABLE | {"buffers"}:
            reference.set(0)
    todo: list[Any] = [json]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            extensions = item.get("extensions")
            if isinstance(extensions, dict):
                for name in ENCODINGS & extensions.keys():
                    del extensions[name]
                if not extensions:
                    del item["extensions"]
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return json


def _nodes(before: Scene, after: Scene, *, together: bool) -> Iterator[str]:
    """Nodes in their order, equal in everything."""
    old, new = _masked(before).get("nodes", []), _masked(after).get("nodes", [])
    if len(old) > len(new):
        yield f"{len(old)} nodes became {len(new)}"
    for index, (node, other) in enumerate(zip(old, new, strict=False)):
        gone = {"mesh"} if together and "mesh" not in other else set()
        if {key: value for key, value in _unplaced(node).items() if key not in gone} != _unplaced(other):
            yield f"node {index}: {node} became {other}"
    for index, (node, other) in enumerate(zip(before.list_of("nodes"), after.list_of("nodes"), strict=False)):
        matrix = local_matrix(node)
        if not np.allclose(matrix, local_matrix(other), rtol=1e-6, atol=MILLIONTH * np.abs(matrix[:3, :3]).max()):
            yield f"node {index} stands elsewhere"
    if before.json.get("scenes") != _scenes(before, after.json, together=together):
        yield "scenes differ"


def _scenes(before: Scene, json: jsonio.JsonObject, *, together: bool) -> Any:
    """The scenes; without the nodes that were not there before, if meshes may be drawn from those."""
    scenes = jsonio.copy(json.get("scenes"))
    for scene in scenes or [] if together else []:
        if "nodes" in scene:
            scene["nodes"] = [node for node in scene["nodes"] if node < len(before.list_of("nodes"))]
    return scenes


def _unplaced(node: jsonio.JsonObject) -> jsonio.JsonObject:
    return {key: node[key] for key in node if key not in ("translation", "rotation", "scale", "matrix")}


def _extensions(before: Scene, after: Scene, *, together: bool) -> Iterator[str]:
    old, new = _masked(before), _masked(after)
    for key in ("extensions", "extras", "scenes", "scene", "cameras"):
        left, right = old.get(key), new.get(key)
        if key == "scenes":
            right = _scenes(before, new, together=together)
        if key == "extensions":
            left, right = _without_sound_files(left), _without_sound_files(right)
        if left != right:
            yield f"{key}: {left} became {right}"
    required = set(before.list_of("extensionsRequired")) - ENCODINGS
    if not required <= set(after.list_of("extensionsRequired")):
        yield f"required: {required} became {after.list_of('extensionsRequired')}"
    used = set(before.list_of("extensionsUsed")) - ENCODINGS
    if not used <= set(after.list_of("extensionsUsed")):
        yield f"used: {used} became {after.list_of('extensionsUsed')}"
    asset = {key: value for key, value in after.json["asset"].items() if key != "extras"}
    if {key: value for key, value in before.json["asset"].items() if key != "extras"} != asset:
        yield "asset differs"


def _without_sound_files(extensions: Any) -> Any:
    """Root extensions, but for where sounds lie: those are compared by their bytes."""
    result = jsonio.copy(extensions or {})
    for name in ("KHR_audio_emitter", "KHR_audio"):
        for sound in result.get(name, {}).get("audio", []):
            for key in ("uri", "bufferView", "mimeType"):
                sound.pop(key, None)
    return result


def _materials(before: Scene, after: Scene) -> Iterator[str]:
    """What each primitive of each node is made of, and how many textures show an image."""
    old, new = _masked(before), _masked(after)
    for index, node in enumerate(before.list_of("nodes")):
        if "mesh" not in node:
            continue
        pairs = zip(_primitives(before, index), _primitives(after, index), strict=True)
        for primitive, other in pairs:
            left = old["materials"][primitive["material"]] if "material" in primitive else None
            right = new["materials"][other["material"]] if "material" in other else None
            if left != right:
                yield f"the material of node {index}: {left} became {right}"


def _primitives(scene: Scene, node: int) -> list[jsonio.JsonObject]:
    """The primitives that a node shows."""
    entry = scene.list_of("nodes")[node]
    if "mesh" in entry:
        found: list[jsonio.JsonObject] = scene.list_of("meshes")[entry["mesh"]]["primitives"]
        return found
    raise AssertionError(f"node {node} shows nothing")


def _shapes(before: Scene, after: Scene) -> Iterator[str]:
    """Bounds of each node's mesh in the world within 1 mm or 0.1% of the scene; as many triangles."""
    matrices, others = world_matrices(before), world_matrices(after)
    boxes = {index: _box(before, index, matrix) for index, matrix in matrices.items() if _has_mesh(before, index)}
    size = max((float(np.ptp(box, axis=0).max()) for box in boxes.values() if box is not None), default=0.0)
    for index, box in boxes.items():
        other = _box(after, index, others[index])
        if box is None or other is None:
            if box is not other:
                yield f"node {index} lost its shape"
        elif np.abs(box - other).max() > max(MILLIMETRE, THOUSANDTH * size):
            yield f"node {index} moved by {np.abs(box - other).max()}"
        corners = [_corners(before, primitive) for primitive in _primitives(before, index)]
        if corners != [_corners(after, primitive) for primitive in _primitives(after, index)]:
            yield f"node {index} has other triangles"


def _seen(before: Scene, after: Scene) -> Iterator[str]:
    """All triangles of still meshes, whichever node draws them."""
    low, high = bounds(before)
    size = float((high - low).max()) if np.isfinite(high - low).all() else 0.0
    if found := seen.differs(before, after, max(2 * MILLIMETRE, THOUSANDTH * size / 4), turned=THREE_DEGREES):
        yield found


def _has_mesh(scene: Scene, node: int) -> bool:
    return "mesh" in scene.list_of("nodes")[node]


def _box(scene: Scene, node: int, matrix: Floats) -> Floats | None:
    corners: list[Floats] = []
    for primitive in _primitives(scene, node):
        if "POSITION" in primitive["attributes"]:
            points = read_floats(scene, primitive["attributes"]["POSITION"]).astype(np.float64)
            if "indices" in primitive:
                points = points[read(scene, primitive["indices"])[:, 0]]
            corners.append(points @ matrix[:3, :3].T + matrix[:3, 3])
    if not corners:
        return None
    everything = np.concatenate(corners)
    return np.array([everything.min(axis=0), everything.max(axis=0)])


def _corners(scene: Scene, primitive: jsonio.JsonObject) -> int:
    index = primitive.get("indices", primitive["attributes"].get("POSITION"))
    return 0 if index is None else int(scene.list_of("accessors")[index]["count"])


def _colliders(before: Scene, after: Scene) -> Iterator[str]:
    """Meshes that extensions name have the very same geometry."""
    old = [item for item in references(before.json) if item.extension and item.kind == "meshes"]
    new = [item for item in references(after.json) if item.extension and item.kind == "meshes"]
    if sorted(_solid(before, item.index) for item in old) != sorted(_solid(after, item.index) for item in new):
        yield "colliders differ"


def _solid(scene: Scene, mesh: int) -> str:
    """A hash of the triangles of a mesh, in their places: in which order they come, and with which corner, is free."""
    digest = hashlib.sha256()
    for primitive in scene.list_of("meshes")[mesh]["primitives"]:
        points = read_floats(scene, primitive["attributes"]["POSITION"])
        if "indices" in primitive:
            points = points[read(scene, primitive["indices"])[:, 0]]
        corners = [tuple(point) for point in points.tolist()]
        triangles = zip(corners[::3], corners[1::3], corners[2::3], strict=False)
        digest.update(repr(sorted(min((a, b, c), (b, c, a), (c, a, b)) for a, b, c in triangles)).encode())
    return digest.hexdigest()


def _sounds(before: Scene, after: Scene) -> Iterator[str]:
    old = [(sound.target, sound.media_type, bytes(sound.data)) for sound in sound_files(before)]
    new = [(sound.target, sound.media_type, bytes(sound.data)) for sound in sound_files(after)]
    if old != new:
        yield "sounds differ"


def _movements(before: Scene, after: Scene) -> Iterator[str]:
    """Each channel of each animation, over time."""
    old, new = before.list_of("animations"), after.list_of("animations")
    if [_kept(animation) for animation in old] != [_kept(animation) for animation in new]:
        yield "animations have other names, targets or extras"
        return
    scale = _largest_scale(before)
    for index, (animation, other) in enumerate(zip(old, new, strict=True)):
        for channel, twin in zip(animation["channels"], other["channels"], strict=True):
            times, values = _curve(before, animation, channel, None)
            _, others = _curve(after, other, twin, times)
            error, most = _error(channel["target"]["path"], values, others, scale)
            if error > most:
                yield f"animation {index}, {channel['target']} is off by {error:.5f} (at most {most:.5f})"


def _kept(animation: jsonio.JsonObject) -> jsonio.JsonObject:
    rest = {key: value for key, value in animation.items() if key not in ("samplers", "channels")}
    return {**rest, "targets": [channel["target"] for channel in animation["channels"]]}


def _largest_scale(scene: Scene) -> float:
    """How much a metre in a node's space may be in the world: a local millimetre below a scale of 100 is 10 cm."""
    scales = [np.linalg.norm(matrix[:3, :3], ord=2) for matrix in world_matrices(scene).values()]
    return max(1.0, float(max(scales, default=1.0)))


def _error(path: str, values: Floats, others: Floats, scale: float) -> tuple[float, float]:
    if path == "rotation":
        unit, other = (array / np.linalg.norm(array, axis=-1, keepdims=True) for array in (values, others))
        dots = np.abs((unit * other).sum(axis=-1)).clip(0.0, 1.0)
        return float(2 * np.arccos(dots).max()), float(TENTH_OF_A_DEGREE)
    spread = float(np.abs(values).max(initial=0.0))
    most = max(MILLIMETRE / scale if path == "translation" else THOUSANDTH, THOUSANDTH * spread)
    return float(np.abs(values - others).max(initial=0.0)), most


def _curve(
    scene: Scene, animation: jsonio.JsonObject, channel: jsonio.JsonObject, times: Floats | None
) -> tuple[Floats, Floats]:
    """The values of a channel at `times`, or at some of its own keyframes and between them (glTF 2.0, appendix C)."""
    sampler = animation["samplers"][channel["sampler"]]
    keys = read_floats(scene, sampler["input"])[:, 0].astype(np.float64)
    outputs = read_floats(scene, sampler["output"]).astype(np.float64)
    kind = sampler.get("interpolation", "LINEAR")
    if times is None:
        chosen = keys[np.unique(np.linspace(0, len(keys) - 1, MOST_TIMES).astype(int))]
        times = np.unique(np.concatenate([chosen, (chosen[1:] + chosen[:-1]) / 2])) if kind != "STEP" else chosen
    values = outputs.reshape(len(keys), 3 if kind == "CUBICSPLINE" else 1, -1)
    at = np.clip(np.searchsorted(keys, times + 1e-6, side="right") - 1, 0, max(len(keys) - 2, 0))
    following = np.minimum(at + 1, len(keys) - 1)
    span = np.where(following > at, keys[following] - keys[at], 1.0)
    part = np.clip((times - keys[at]) / np.where(span > 0, span, 1.0), 0.0, 1.0)[:, None]
    if kind == "STEP":
        exact = np.clip(np.searchsorted(keys, times + 1e-6, side="right") - 1, 0, len(keys) - 1)
        return times, values[exact, 0]
    if kind == "CUBICSPLINE":
        return times, _spline(values, at, following, part, span[:, None])
    start, end = values[at, 0], values[following, 0]
    if channel["target"]["path"] == "rotation":
        return times, _slerp(start, end, part)
    return times, start + (end - start) * part


def _spline(values: Floats, at: Any, following: Any, part: Floats, span: Floats) -> Floats:
    start, leaving, arriving, end = (
        values[at, 1],
        values[at, 2] * span,
        values[following, 0] * span,
        values[following, 1],
    )
    squared, cubed = part**2, part**3
    result: Floats = (
        (2 * cubed - 3 * squared + 1) * start
        + (cubed - 2 * squared + part) * leaving
        + (-2 * cubed + 3 * squared) * end
        + (cubed - squared) * arriving
    )
    return result


def _slerp(start: Floats, end: Floats, part: Floats) -> Floats:
    dots = (start * end).sum(axis=-1, keepdims=True)
    end = np.where(dots < 0, -end, end)
    angle = np.arccos(np.abs(dots).clip(0.0, 1.0))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    left = np.where(near, 1 - part, np.sin((1 - part) * angle) / safe)
    right = np.where(near, part, np.sin(part * angle) / safe)
    result: Floats = left * start + right * end
    return result
