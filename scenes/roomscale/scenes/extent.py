"""How large a scene is, in metres, and whether that can be meant.

Rule: by the bounds that accessors declare; nothing is decoded but where copies (EXT_mesh_gpu_instancing) and the
skeletons of figures stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import COMPONENT_TYPES, FLOAT, read_floats
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.checks.world import SPAWN_EXTENSIONS
from roomscale.scenes.document import Scene
from roomscale.scenes.errors import SceneError
from roomscale.scenes.findings import Finding, Findings
from roomscale.scenes.instances import Copies
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, world_matrices

Points = NDArray[np.float64]
Sizes = NDArray[np.float64]

_CORNERS = np.array(list(product((0, 1), repeat=3)))
"""Of a box: which of its two corners each of the eight takes its x, y and z from."""
LARGEST_WORLD = 10_000.0
"""Metres. A world that is wider was probably modelled in centimetres."""
LARGE_OBJECT = 50.0
"""Metres. As large as a house: not what most of a world is, and no figure with a skeleton, no avatar …"""
LANDSCAPE = 600.0
"""Metres. … so a world that is wider, a room of 6 m in centimetres, is suspicious if half of it is such objects …"""
LEAST_OBJECTS = 5
"""… and there are enough of them to tell: it is a scene, and no single thing."""
LARGE_WORLD = 200.0
"""Metres. And so is one that is wider if nothing in it is smaller, for all that people use is."""
SMALLEST_WORLD = 0.5
"""Metres. What has a spawn point is to be walked in, and nobody can in less."""
SMALLEST_SCENE = 0.25
"""Metres. The same of `LEAST_OBJECTS` without one, which might be a lantern, but may be a room of 25 m."""
SMALLEST_THING = 0.05
"""Metres. Of anything else that is smaller nobody sees what it is."""


def check_scale(scene: Scene) -> list[Finding]:
    """Warn of a world that is far too large or small, the usual sign of centimetres taken for metres."""
    findings = Findings()
    require_sound(scene)
    still, figures = _finite(_still_boxes(scene)), _finite(_skinned_boxes(scene))
    boxes = np.concatenate([still, figures])
    width = float(np.max(np.max(boxes, axis=(0, 1)) - np.min(boxes, axis=(0, 1)))) if len(boxes) else 0.0
    if width > LARGEST_WORLD:
        findings.warn(
            "WORLD_TOO_LARGE",
            "",
            f"it is {width / 1000:,.0f} km wide; visitors are 1.7 m tall",
            hint="glTF is in metres; in Blender set Unit Scale to 1 and apply scale (Ctrl+A)",
        )
    elif because := _why_suspicious(width, _sizes(boxes), np.array([width]) if _is_avatar(scene) else _sizes(figures)):
        findings.warn(
            "WORLD_SCALE_SUSPICIOUS",
            "",
            f"it is {width:,.0f} m wide, {because}: 100 times too big?",
            hint="glTF is in metres; in Blender set Unit Scale to 1, scale by 0.01 and apply it (Ctrl+A)",
        )
    elif 0.0 < width < _smallest(scene, len(boxes)):
        findings.warn(
            "WORLD_TOO_SMALL",
            "",
            f"it is {width * 1000:.3g} mm wide; visitors are 1.7 m tall",
            hint="glTF is in metres; scale the scene up and apply the scale (Blender: Ctrl+A)",
        )
    return findings.listed()


def _why_suspicious(width: float, objects: Sizes, figures: Sizes) -> str:
    """What of a world that is not absurdly large speaks against its size; nothing if it may be a landscape.

    `figures`: those of `objects` that have a skeleton, or the avatar.
    """
    if len(figures) and (largest := float(figures.max())) > LARGE_OBJECT:
        return f"has a figure of {largest:,.0f} m"
    if len(objects) >= LEAST_OBJECTS and width > LANDSCAPE and (half := float(np.median(objects))) > LARGE_OBJECT:
        return f"half of its objects are larger than {half:,.0f} m"
    if len(objects) > 1 and width > LARGE_WORLD and (least := float(objects.min())) > LARGE_OBJECT:
        return f"has nothing smaller than {least:,.0f} m"
    return ""


def _smallest(scene: Scene, objects: int) -> float:
    """Metres below which a scene is too small for what it seems to be."""
    if any(name in node.get("extensions", {}) for node in scene.list_of("nodes") for name in SPAWN_EXTENSIONS):
        return SMALLEST_WORLD
    return SMALLEST_SCENE if objects >= LEAST_OBJECTS and not _is_avatar(scene) else SMALLEST_THING


def _is_avatar(scene: Scene) -> bool:
    return bool(scene.extension("VRMC_vrm") or scene.extension("VRM"))


def _sizes(boxes: Points) -> Sizes:
    """The longest edge of each box."""
    return np.asarray((boxes[:, 1] - boxes[:, 0]).max(axis=1))


def _finite(boxes: Points) -> Points:
    return boxes[np.isfinite(boxes).all(axis=(1, 2))]


def bounds(scene: Scene) -> tuple[Points, Points]:
    """The box around all that stands still, in metres, by the accessors' declared bounds; infinite where nothing does.

    What has a skeleton is not in it: where that stands each animation says anew.
    """
    require_sound(scene)
    boxes = _still_boxes(scene)
    return boxes[:, 0].min(axis=0, initial=np.inf), boxes[:, 1].max(axis=0, initial=-np.inf)


def declared_box(accessor: JsonObject) -> Points | None:
    """The lowest and the highest corner (2, 3) that an accessor of positions declares, as they mean; None without."""
    if not len(accessor.get("min", ())) == len(accessor.get("max", ())) == 3:
        return None
    component = accessor["componentType"]
    is_scaled = accessor.get("normalized") and component in COMPONENT_TYPES and component != FLOAT
    # Bounds of normalised integers are written as they are stored (glTF 2.0 §3.6.2.5).
    scale = float(np.iinfo(COMPONENT_TYPES[component]).max) if is_scaled else 1.0
    return np.array([accessor["min"], accessor["max"]], np.float64) / scale


def placed(boxes: Points, matrices: Matrix) -> Points:
    """The boxes around boxes (n, 2, 3) once each has been moved by its matrix (n, 4, 4)."""
    corners = boxes[:, _CORNERS, [0, 1, 2]] @ matrices[:, :3, :3].transpose(0, 2, 1) + matrices[:, None, :3, 3]
    return np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1)


def boxes_of(scene: Scene) -> Callable[[int], Points | None]:
    """A function from an accessor to its `declared_box`, which is looked at once however often it is asked for."""
    accessors, known = scene.list_of("accessors"), dict[int, Points | None]()

    def box_of(index: int) -> Points | None:
        if index not in known:
            known[index] = declared_box(accessors[index])
        return known[index]

    return box_of


def _still_boxes(scene: Scene) -> Points:
    """The boxes (n, 2, 3) in the world of all primitives that are shown, but for skinned ones."""
    nodes, meshes, box_of = scene.list_of("nodes"), scene.list_of("meshes"), boxes_of(scene)
    copies = Copies(scene)
    boxes: list[Points] = []
    matrices: list[Matrix] = []
    for index, matrix in world_matrices(scene).items():
        node = nodes[index]
        if "mesh" not in node or "skin" in node:
            continue
        places = copies.of(node, matrix)
        for box in _boxes_of_mesh(meshes[node["mesh"]], box_of):
            boxes.append(np.broadcast_to(box, (len(places), 2, 3)))
            matrices.append(places)
    return _all_placed(boxes, matrices)


def _skinned_boxes(scene: Scene) -> Points:
    """The boxes (n, 2, 3) of skinned primitives, taken to stand as the first joint of their skeleton has them.

    Where nothing has been moved yet all joints have them in the same place (glTF 2.0 §3.7.3.3); the node has no say.
    """
    nodes, meshes, box_of = scene.list_of("nodes"), scene.list_of("meshes"), boxes_of(scene)
    places, joints = world_matrices(scene), dict[int, Matrix | None]()
    boxes: list[Points] = []
    matrices: list[Matrix] = []
    for node in (nodes[index] for index in places if "mesh" in nodes[index] and "skin" in nodes[index]):
        if node["skin"] not in joints:
            joints[node["skin"]] = _first_joint(scene, node["skin"], places)
        if (matrix := joints[node["skin"]]) is not None:
            for box in _boxes_of_mesh(meshes[node["mesh"]], box_of):
                boxes.append(box[None])
                matrices.append(matrix[None])
    return _all_placed(boxes, matrices)


def _first_joint(scene: Scene, skin: int, places: dict[int, Matrix]) -> Matrix | None:
    """What moves vertices of a skin's first joint into the world; None for one that is not shown or cannot be read."""
    told = scene.list_of("skins")[skin]
    place = places.get(told["joints"][0]) if told["joints"] else None
    if place is None or "inverseBindMatrices" not in told:
        return place
    try:
        inverse = read_floats(scene, told["inverseBindMatrices"])
    except SceneError:
        return None
    with np.errstate(all="ignore"):
        return np.asarray(place @ inverse[0].reshape(4, 4).T) if inverse[:1].size == 16 else None


def _boxes_of_mesh(mesh: JsonObject, box_of: Callable[[int], Points | None]) -> Iterator[Points]:
    for primitive in mesh["primitives"]:
        position = primitive["attributes"].get("POSITION")
        if position is not None and (box := box_of(position)) is not None:
            yield box


def _all_placed(boxes: list[Points], matrices: list[Matrix]) -> Points:
    if not boxes:
        return np.empty((0, 2, 3))
    with np.errstate(all="ignore"):  # matrices of absurd scale give infinite boxes, which is an answer
        return placed(np.concatenate(boxes), np.concatenate(matrices))
