"""Rig: the one skeleton that all avatars share.

VRM 1.0: the model looks along +Z, stands in a T-pose, its left is +X, and no bone has a rest rotation. Its one rule:
the same joints for everybody, so that one set of clips fits all without a sliding foot.
"""

from __future__ import annotations

import numpy as np

from roomscale.assets.samples.geometry import Array

# Bone → parent and rest position in the model's space, metres.
_MIDDLE: dict[str, tuple[str | None, tuple[float, float, float]]] = {
    "hips": (None, (0.0, 0.93, 0.0)),
    "spine": ("hips", (0.0, 1.03, 0.0)),
    "chest": ("spine", (0.0, 1.16, 0.0)),
    "neck": ("chest", (0.0, 1.385, -0.01)),
    "head": ("neck", (0.0, 1.455, 0.0)),
}
_LEFT: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Shoulder": ("chest", (0.035, 1.33, 0.0)),
    "UpperArm": ("Shoulder", (0.15, 1.33, 0.0)),
    "LowerArm": ("UpperArm", (0.385, 1.33, 0.0)),
    "Hand": ("LowerArm", (0.605, 1.33, 0.0)),
    "UpperLeg": ("hips", (0.092, 0.89, 0.0)),
    "LowerLeg": ("UpperLeg", (0.092, 0.49, 0.0)),
    "Foot": ("LowerLeg", (0.092, 0.09, 0.0)),
    "Toes": ("Foot", (0.092, 0.03, 0.12)),
}


def _table() -> dict[str, tuple[str | None, tuple[float, float, float]]]:
    table = dict(_MIDDLE)
    for side, sign in (("left", 1), ("right", -1)):
        for name, (parent, (x, y, z)) in _LEFT.items():
            above = parent if parent in _MIDDLE else side + parent
            table[side + name] = (above, (sign * x, y, z))
    return table


BONES = _table()
NAMES = list(BONES)
INDEX = {name: k for k, name in enumerate(NAMES)}
REST: Array = np.array([position for _, position in BONES.values()])
THIGH = 0.40  # metres, hip joint to knee
SHIN = 0.40  # metres, knee to ankle
ANKLE = 0.09  # metres above the sole
BALL = 0.12  # metres from the ankle forwards to where the toes bend
HEEL = 0.06  # metres from the ankle backwards to where the heel strikes


def offset(name: str) -> tuple[float, float, float]:
    """A bone's rest translation from its parent, metres."""
    parent, position = BONES[name]
    base = BONES[parent][1] if parent else (0.0, 0.0, 0.0)
    return (round(position[0] - base[0], 6), round(position[1] - base[1], 6), round(position[2] - base[2], 6))
