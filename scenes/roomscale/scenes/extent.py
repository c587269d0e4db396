"""How large a scene is, in metres, and whether that can be meant.

Rule: by the bounds that accessors declare; nothing is decoded but where copies stand (EXT_mesh_gpu_instancing).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import COMPONENT_TYPES, FLOAT
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Finding, Findings
from roomscale.scenes.instances import Copies
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, world_matrices

Points = NDArray[np.float64]

_CORNERS = np.array(list(product((0, 1), repeat=3)))
"""Of a box: which of its two corners each of the eight takes its x, y and z from."""
LARGEST_WORLD = 10_000.0
"""Metres. A world that is wider was probably modelled in centimetres."""
SMALLEST_WORLD = 0.05
"""Metres. One that is smaller cannot be walked in."""
SUSPICIOUS_WORLD = 1_000.0
"""Metres. Such a world may be a landscape …"""
SUSPICIOUS_OBJECT = 50.0
"""Metres. … but not if half of what stands in it is as large as a house …"""
LEAST_OBJECTS = 5
"""… and there are enough things to tell."""


def check_scale(scene: Scene) -> list[Finding]:
    """Warn of a world that is far too large or small, the usual sign of centimetres taken for metres."""
    findings = Findings()
    require_sound(scene)
    boxes = _world_boxes(scene)
    boxes = boxes[np.isfinite(boxes).all(axis=(1, 2))]
    width = float(np.max(np.max(boxes, axis=(0, 1)) - np.min(boxes, axis=(0, 1)))) if len(boxes) else 0.0
    if width > LARGEST_WORLD:
        findings.warn(
            "WORLD_TOO_LARGE",
            "",
            f"it is {width / 1000:,.0f} km wide; visitors are 1.7 m tall",
            hint="glTF is in metres; in Blender set Unit Scale to 1 and apply scale (Ctrl+A)",
        )
    elif width > SUSPICIOUS_WORLD and len(boxes) >= LEAST_OBJECTS:
        middle = float(np.median((boxes[:, 1] - boxes[:, 0]).max(axis=1)))
        if middle > SUSPICIOUS_OBJECT:
            findings.warn(
                "WORLD_SCALE_SUSPICIOUS",
                "",
                f"it is {width:,.0f} m wide, half of its objects are larger than {middle:,.0f} m: 100 times too big?",
                hint="glTF is in metres; in Blender set Unit Scale to 1, scale by 0.01 and apply it (Ctrl+A)",
            )
    elif 0.0 < width < SMALLEST_WORLD:
        findings.warn(
            "WORLD_TOO_SMALL",
            "",
            f"it is {width * 1000:.1f} mm wide; visitors are 1.7 m tall",
            hint="glTF is in metres; scale the scene up and apply the scale (Blender: Ctrl+A)",
        )
    return findings.listed()


def bounds(scene: Scene) -> tuple[Points, Points]:
    """The box around all that is shown, in metres, by the accessors' declared bounds; infinite for an empty scene."""
    require_sound(scene)
    boxes = _world_boxes(scene)
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


def _world_boxes(scene: Scene) -> Points:
    """The boxes (n, 2, 3) in the world of all primitives that are shown; of skinned ones the skeleton decides."""
    nodes, meshes, box_of = scene.list_of("nodes"), scene.list_of("meshes"), boxes_of(scene)
    copies = Copies(scene)
    boxes: list[Points] = []
    matrices: list[Matrix] = []
    for index, matrix in world_matrices(scene).items():
        node = nodes[index]
        if "mesh" not in node or "skin" in node:
            continue
        places = copies.of(node, matrix)
        for primitive in meshes[node["mesh"]]["primitives"]:
            position = primitive["attributes"].get("POSITION")
            if position is not None and (box := box_of(position)) is not None:
                boxes.append(np.broadcast_to(box, (len(places), 2, 3)))
                matrices.append(places)
    if not boxes:
        return np.empty((0, 2, 3))
    with np.errstate(all="ignore"):  # matrices of absurd scale give infinite boxes, which is an answer
        return placed(np.concatenate(boxes), np.concatenate(matrices))
