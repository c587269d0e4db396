"""How large a scene is, in metres, and whether that can be meant.

Rule: by the bounds that accessors declare; nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from roomscale.scenes.accessors import COMPONENT_TYPES, FLOAT
from roomscale.scenes.checks.structure import require_sound
from roomscale.scenes.document import Scene
from roomscale.scenes.findings import Finding, Findings
from roomscale.scenes.jsonio import JsonObject
from roomscale.scenes.placement import Matrix, world_matrices

Points = NDArray[np.float64]

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
    boxes = [box for box in _world_boxes(scene) if np.all(np.isfinite(box))]
    width = float(np.max(np.max(boxes, axis=(0, 1)) - np.min(boxes, axis=(0, 1)))) if boxes else 0.0
    if width > LARGEST_WORLD:
        findings.warn(
            "WORLD_TOO_LARGE",
            "",
            f"it is {width / 1000:,.0f} km wide; visitors are 1.7 m tall",
            hint="glTF is in metres; in Blender set Unit Scale to 1 and apply scale (Ctrl+A)",
        )
    elif width > SUSPICIOUS_WORLD and len(boxes) >= LEAST_OBJECTS:
        middle = float(np.median([np.max(box[1] - box[0]) for box in boxes]))
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
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for box in _world_boxes(scene):
        low, high = np.minimum(low, box[0]), np.maximum(high, box[1])
    return low, high


def declared_box(accessor: JsonObject) -> Points | None:
    """The lowest and the highest corner (2, 3) that an accessor of positions declares, as they mean; None without."""
    if not len(accessor.get("min", ())) == len(accessor.get("max", ())) == 3:
        return None
    component = accessor["componentType"]
    is_scaled = accessor.get("normalized") and component in COMPONENT_TYPES and component != FLOAT
    # Bounds of normalised integers are written as they are stored (glTF 2.0 §3.6.2.5).
    scale = float(np.iinfo(COMPONENT_TYPES[component]).max) if is_scaled else 1.0
    return np.array([accessor["min"], accessor["max"]], np.float64) / scale


def placed(box: Points, matrix: Matrix) -> Points:
    """The box (2, 3) around a box once a matrix has moved it."""
    corners = np.array(list(product(*box.T))) @ matrix[:3, :3].T + matrix[:3, 3]
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def _world_boxes(scene: Scene) -> Iterator[Points]:
    """The box (2, 3) of each primitive that is shown, in the world; of skinned ones the skeleton decides, so none."""
    with np.errstate(all="ignore"):  # matrices of absurd scale give infinite boxes, which is an answer
        for index, matrix in world_matrices(scene).items():
            node = scene.list_of("nodes")[index]
            if "mesh" not in node or "skin" in node:
                continue
            for primitive in scene.list_of("meshes")[node["mesh"]]["primitives"]:
                if "POSITION" in primitive["attributes"]:
                    box = declared_box(scene.list_of("accessors")[primitive["attributes"]["POSITION"]])
                    if box is not None:
                        yield placed(box, matrix)
