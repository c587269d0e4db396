"""People: who the four are, and what they wear.

Each is a list of parts over the same bones. Its one rule: one tells them apart by their outline alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from roomscale.assets.samples.figures.body import (
    Part,
    Rgb,
    blob,
    chain,
    colour,
    limb,
    loft,
    mirrored,
    part,
    rigid,
    sheet,
    skirt,
)
from roomscale.assets.samples.geometry import Array

SPINE = [(0.0, "hips"), (1.03, "spine"), (1.16, "chest"), (1.40, "neck"), (1.46, "head")]
ARM = [(0.0, "chest"), (0.07, "leftShoulder"), (0.15, "leftUpperArm"), (0.385, "leftLowerArm"), (0.605, "leftHand")]
LEG = [(0.0, "leftFoot"), (0.10, "leftLowerLeg"), (0.49, "leftUpperLeg"), (0.93, "hips")]


@dataclass(frozen=True)
class Person:
    """What distinguishes one: colours, build, and the parts of one's own."""

    id: str
    name: str
    skin: Rgb
    hair: Rgb
    top: Rgb
    legs: Rgb
    shoes: Rgb
    dress: Callable[[Person], list[Part]]
    girth: float = 1.0
    limbs: float = 1.0
    sleeve: Rgb | None = None
    """Colour of the sleeves; None: as the top."""


def parts(person: Person) -> list[Part]:
    """The whole figure."""
    return [*_trunk(person), *_head(person), *_both(_arm(person)), *_both(_leg(person)), *person.dress(person)]


def _both(left: list[Part]) -> list[Part]:
    return [*left, *(mirrored(one) for one in left)]


def _low(y: Array, low: float, high: float, least: float = 0.72) -> Array:
    """Shade that darkens downwards from `high` to `low`: a little baked occlusion."""
    return np.asarray(least + (1 - least) * np.clip((y - low) / (high - low), 0, 1))


def _trunk(p: Person) -> list[Part]:
    g = p.girth
    rings = [
        (0.84, 0.0, 0.0, 0.10 * g, 0.085 * g),
        (0.88, 0.0, 0.0, 0.155 * g, 0.12 * g),
        (0.95, 0.0, 0.0, 0.165 * g, 0.125 * g),
        (1.04, 0.0, 0.005, 0.150 * g, 0.118 * g),
        (1.14, 0.0, 0.008, 0.152 * g, 0.118 * g),
        (1.24, 0.0, 0.004, 0.172, 0.118),
        (1.315, 0.0, -0.004, 0.168, 0.105),
        (1.365, 0.0, -0.01, 0.115, 0.082),
        (1.40, 0.0, -0.012, 0.066, 0.060),
    ]
    mesh = loft(rings, 16, 2.3)
    y = mesh.positions[:, 1]
    neck = loft([(1.36, 0, -0.012, 0.055, 0.052), (1.42, 0, -0.01, 0.048, 0.047), (1.50, 0, 0.0, 0.047, 0.047)], 10)
    return [
        part(mesh, p.top, chain(1, SPINE, 0.05), _low(y, 0.84, 1.2)),
        part(neck, p.skin, chain(1, SPINE, 0.03), np.full(len(neck.positions), 0.8)),
    ]


def _head(p: Person) -> list[Part]:
    def shape(unit: Array) -> Array:
        out = unit.copy()
        low = np.clip(-unit[:, 1], 0, 1)
        out[:, 0] *= 1 - 0.20 * low**1.5
        out[:, 2] *= 1 - 0.10 * low
        out[:, 2] += 0.06 * low * (unit[:, 2] > 0)
        return out

    follow = rigid("head")
    skull = blob((0, 1.585, 0.008), (0.136, 0.158, 0.146), 2, shape)
    y, z = skull.positions[:, 1], skull.positions[:, 2]
    blush = np.exp(-((np.abs(skull.positions[:, 0]) - 0.075) ** 2 + (y - 1.55) ** 2) / 0.0012) * (z > 0.05)
    tint = np.asarray(p.skin) * _low(y, 1.42, 1.56, 0.75)[:, None]
    tint = tint * (1 + np.outer(blush, [0.10, -0.16, -0.12]))
    found = [part(skull, tint, follow)]
    nose = blob((0, 1.57, 0.152), (0.018, 0.02, 0.022), 1)
    found.append(part(nose, np.asarray(p.skin) * [1.0, 0.86, 0.84], follow))
    dark, white = colour("#1d1a26"), colour("#fbf6ee")
    eye = blob((0.052, 1.60, 0.137), (0.019, 0.027, 0.012), 1)
    glint = blob((0.058, 1.612, 0.1475), (0.006, 0.007, 0.004), 0)
    brow = blob((0.054, 1.648, 0.134), (0.028, 0.0065, 0.012), 1).at(0, 0, 0)
    ear = blob((0.135, 1.578, -0.005), (0.018, 0.035, 0.026), 1)
    left = [
        part(eye, dark, follow),
        part(glint, white, follow),
        part(brow, np.asarray(p.hair) * 0.8, follow),
        part(ear, np.asarray(p.skin) * 0.9, follow),
    ]
    mouth = blob((0, 1.515, 0.135), (0.03, 0.006, 0.012), 1, _smile)
    return [*found, *_both(left), part(mouth, np.asarray(p.skin) * [0.55, 0.3, 0.32], follow)]


def _smile(unit: Array) -> Array:
    out = unit.copy()
    out[:, 1] += 1.3 * unit[:, 0] ** 2
    return out


def _arm(p: Person) -> list[Part]:
    k = p.limbs
    xs = [0.10, 0.15, 0.20, 0.30, 0.385, 0.47, 0.56, 0.60]
    rs = [0.075, 0.074, 0.068, 0.060, 0.055, 0.053, 0.056, 0.058]
    points = [(x, 1.33 if x > 0.12 else 1.315, 0.0) for x in xs]
    sleeve = limb(points, [r * k for r in rs], 10)
    tint = p.top if p.sleeve is None else p.sleeve
    weigh = chain(0, ARM, 0.05)
    shade = 0.78 + 0.22 * np.clip((sleeve.positions[:, 1] - 1.27) / 0.08, 0, 1)
    cuff = limb([(0.585, 1.33, 0), (0.592, 1.33, 0), (0.618, 1.33, 0)], [0.05 * k, 0.062 * k, 0.062 * k], 10)
    palm = blob((0.675, 1.328, 0.004), (0.072, 0.032, 0.046), 1)
    thumb = blob((0.652, 1.325, 0.052), (0.036, 0.018, 0.02), 1)
    return [
        part(sleeve, tint, weigh, shade),
        part(cuff, np.asarray(tint) * 0.7, weigh),
        part(palm, p.skin, rigid("leftHand")),
        part(thumb, p.skin, rigid("leftHand")),
    ]


def _leg(p: Person) -> list[Part]:
    k = p.limbs
    rows = [
        (0.07, 0.052),
        (0.12, 0.056),
        (0.26, 0.066),
        (0.40, 0.066),
        (0.49, 0.07),
        (0.60, 0.08),
        (0.76, 0.092),
        (0.86, 0.095),
        (0.92, 0.08),
    ]
    leg = loft([(y, 0.09, 0.0 if y > 0.2 else -0.005, r * k, r * k * 1.02) for y, r in rows], 11, 2.1)
    weigh = chain(1, LEG, 0.05)
    shade = _low(leg.positions[:, 1], 0.0, 0.3, 0.8) * (1 - 0.25 * np.clip((leg.positions[:, 1] - 0.7) / 0.2, 0, 1))
    return [part(leg, p.legs, weigh, shade), *_shoe(p)]


def _shoe(p: Person) -> list[Part]:
    def sole(unit: Array) -> Array:
        out = unit.copy()
        out[:, 1] = np.where(unit[:, 1] < 0, np.maximum(unit[:, 1], -0.62), unit[:, 1])
        out[:, 1] *= np.where(unit[:, 2] > 0.1, 1 - 0.35 * unit[:, 2], 1)
        out[:, 0] *= 1 + 0.12 * unit[:, 2]
        return out

    mesh = blob((0.094, 0.047, 0.048), (0.060, 0.076, 0.145), 2, sole)
    floor = mesh.positions.copy()
    floor[:, 1] = np.maximum(floor[:, 1], 0.0)
    z = floor[:, 2]
    shade = np.where(floor[:, 1] < 0.012, 0.45, 1.0)
    mesh = type(mesh)(floor, mesh.normals, mesh.uvs, mesh.triangles)
    boot = loft(
        [
            (0.05, 0.092, 0.0, 0.062, 0.066),
            (0.14, 0.092, -0.004, 0.064, 0.068),
            (0.165, 0.092, -0.004, 0.066, 0.07),
            (0.168, 0.092, -0.004, 0.05, 0.055),
        ],
        10,
    )
    del z
    return [
        part(mesh, p.shoes, chain(2, [(-1, "leftFoot"), (0.115, "leftToes")], 0.03), shade),
        part(boot, np.asarray(p.shoes) * 0.9, chain(1, [(0.0, "leftFoot"), (0.11, "leftLowerLeg")], 0.03)),
    ]


def hair_cap(p: Person, *, low: float, fringe: float, puff: float = 1.0, detail: int = 2) -> Part:
    """Hair as a shell about the skull, its edge at `low` behind and at `fringe` before (metres of height)."""

    def shape(unit: Array) -> Array:
        out = unit.copy() * (1 + 0.03 * np.sin(unit[:, :1] * 9 + unit[:, 1:2] * 7) * np.sin(unit[:, 2:3] * 8))
        front = np.clip(unit[:, 2] * 1.6, 0, 1)
        edge = low + (fringe - low) * front
        floor = (edge - 1.60) / (0.165 * puff)
        below = out[:, 1] < floor
        out[:, 1] = np.where(below, floor, out[:, 1])
        # What is below the edge is drawn in, under the hair.
        out[below, 0] *= 0.88
        out[below, 2] *= 0.88
        return out

    mesh = blob((0, 1.602, -0.012), (0.153 * puff, 0.165 * puff, 0.16 * puff), detail, shape)
    shade = 0.8 + 0.35 * np.clip((mesh.positions[:, 1] - 1.58) / 0.18, 0, 1)
    return part(mesh, p.hair, rigid("head"), shade)


def coat(
    tint: Rgb, bottom: float, flare: float, *, girth: float = 1.0, top: float = 1.02, open_front: bool = False
) -> Part:
    """A skirt or coat-tail from the waist to `bottom`, both sides visible at its hem."""
    rows = []
    for k in range(7):
        t = k / 6
        y = top + (bottom - top) * t
        wide = (0.150 + (flare - 0.150) * t**0.8) * girth
        angles = np.linspace(0, 2 * np.pi, 21)[:-1] if not open_front else np.linspace(0.62 * np.pi, 2.38 * np.pi, 20)
        wave = 1 + 0.035 * t * np.sin(angles * 7)
        rows.append(
            np.stack(
                [
                    wide * np.cos(angles) * wave,
                    np.full(len(angles), y),
                    wide * (0.78 if k else 0.74) * np.sin(angles) * wave,
                ],
                1,
            )
        )
    mesh = sheet(rows, closed=not open_front)
    half = len(mesh.positions) // 2
    shade = _low(mesh.positions[:, 1], bottom, top, 0.85)
    shade[half:] *= 0.5
    return part(mesh, tint, skirt(top - 0.06, bottom), shade)


def band(tint: Rgb, y: float, tall: float, wide: float, deep: float) -> Part:
    """A belt, sash or collar about the trunk."""
    rings = [
        (y, 0, 0, wide * 0.96, deep * 0.96),
        (y + tall * 0.15, 0, 0, wide, deep),
        (y + tall * 0.85, 0, 0, wide, deep),
        (y + tall, 0, 0, wide * 0.96, deep * 0.96),
    ]
    return part(loft(rings, 16, 2.3), tint, chain(1, SPINE, 0.05))
