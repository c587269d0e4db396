"""Body: skinned parts: lofted limbs and trunks, rounded heads and shoes, and how they follow the bones.

Its one rule: a part knows its colour and its weights when it is made; nothing is weighted afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roomscale.assets.samples.figures import rig
from roomscale.assets.samples.geometry import Array, Mesh, ball, quads, smooth_surface

Rgb = tuple[float, float, float]
Weigher = Callable[[Array], Array]


@dataclass(frozen=True)
class Part:
    """A mesh, its linear colour per vertex, and its weight per vertex and bone."""

    mesh: Mesh
    colours: Array
    weights: Array


def colour(text: str) -> Rgb:
    """#rrggbb in linear light."""
    values = [int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return (red, green, blue)


def rigid(bone: str) -> Weigher:
    """Everything follows one bone."""
    return lambda points: _columns(len(points), [(bone, np.ones(len(points)))])


def chain(axis: int, stops: Sequence[tuple[float, str]], width: float = 0.06) -> Weigher:
    """Bones one after the other along an axis: `stops` are (coordinate where the bone begins, bone), ascending."""

    def weigh(points: Array) -> Array:
        along = points[:, axis]
        shares = []
        for k, (begin, bone) in enumerate(stops):
            low = np.ones(len(points)) if k == 0 else _ramp(along, begin, width)
            high = np.zeros(len(points)) if k + 1 == len(stops) else _ramp(along, stops[k + 1][0], width)
            shares.append((bone, low - high))
        return _columns(len(points), shares)

    return weigh


def skirt(top: float, bottom: float, share: float = 0.94) -> Weigher:
    """Cloth from the hips down: more and more with the leg on its side, between both in the middle."""

    def weigh(points: Array) -> Array:
        down = np.clip((top - points[:, 1]) / (top - bottom), 0, 1) ** 0.6 * share
        left = _ramp(points[:, 0], 0.0, 0.13)
        return _columns(
            len(points), [("hips", 1 - down), ("leftUpperLeg", down * left), ("rightUpperLeg", down * (1 - left))]
        )

    return weigh


def _ramp(values: Array, at: float, width: float) -> Array:
    t = np.clip((values - at) / (2 * width) + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _columns(count: int, shares: Sequence[tuple[str, Array]]) -> Array:
    weights = np.zeros((count, len(rig.NAMES)))
    for bone, share in shares:
        weights[:, rig.INDEX[bone]] += share
    return weights


def part(mesh: Mesh, tint: Rgb | Array, weigh: Weigher, shade: NDArray[np.floating[Any]] | None = None) -> Part:
    """A part in one colour (or one per vertex), darker where `shade` says so."""
    tints = np.broadcast_to(np.asarray(tint, dtype=np.float64), (len(mesh.positions), 3)).copy()
    if shade is not None:
        tints *= shade[:, None]
    return Part(mesh, tints, weigh(mesh.positions))


def mirrored(one: Part) -> Part:
    """The same for the right side."""
    flip = np.diag([-1.0, 1, 1, 1])
    swap = [rig.INDEX[_other(name)] for name in rig.NAMES]
    return Part(one.mesh.moved(flip), one.colours, one.weights[:, swap])


def _other(name: str) -> str:
    if name.startswith("left"):
        return "right" + name[4:]
    return "left" + name[5:] if name.startswith("right") else name


Ring = tuple[float, float, float, float, float]
"""Height, x of the centre, z of the centre, half width, half depth."""


def loft(rings: Sequence[Ring], sides: int = 14, squareness: float = 2.2, cap: bool = True) -> Mesh:
    """A standing body through ellipses (super-ellipses above 2), closed at both ends."""
    angles = np.linspace(0, 2 * np.pi, sides + 1)[:-1]
    c, s = np.cos(angles), np.sin(angles)
    x = np.sign(c) * np.abs(c) ** (2 / squareness)
    z = np.sign(s) * np.abs(s) ** (2 / squareness)
    rows = [np.stack([cx + rx * x, np.full(sides, y), cz + rz * z], axis=1) for y, cx, cz, rx, rz in rings]
    return _closed(rows, cap)


def limb(points: Sequence[Sequence[float]], radii: Sequence[float], sides: int = 10, flat: float = 1.0) -> Mesh:
    """A lying limb along +X through points; `flat` squeezes it in z."""
    angles = np.linspace(0, 2 * np.pi, sides + 1)[:-1]
    rows = [
        np.stack([np.full(sides, p[0]), p[1] + r * np.cos(angles), p[2] + r * flat * np.sin(angles)], axis=1)
        for p, r in zip(points, radii, strict=True)
    ]
    return _closed(rows, True)


def _closed(rows: list[Array], cap: bool) -> Mesh:
    """Rings joined into a skin; ends drawn together to a point."""
    sides = len(rows[0])
    positions = np.concatenate(rows)
    triangles = []
    for k in range(len(rows) - 1):
        for j in range(sides):
            a, b = k * sides + j, k * sides + (j + 1) % sides
            triangles += [(a, b, b + sides), (a, b + sides, a + sides)]
    if cap:
        ends = np.stack([rows[0].mean(axis=0), rows[-1].mean(axis=0)])
        first, last = len(positions), len(positions) + 1
        positions = np.concatenate([positions, ends])
        top = (len(rows) - 1) * sides
        for j in range(sides):
            triangles += [(first, (j + 1) % sides, j), (last, top + j, top + (j + 1) % sides)]
    mesh = smooth_surface(positions, np.array(triangles))
    middle = positions.mean(axis=0)
    if ((positions - middle) * mesh.normals).sum() < 0:
        mesh = Mesh(mesh.positions, -mesh.normals, mesh.uvs, mesh.triangles[:, ::-1])
    return mesh


def blob(
    centre: Sequence[float], size: Sequence[float], detail: int = 2, dent: Callable[[Array], Array] | None = None
) -> Mesh:
    """An ellipsoid with half axes `size`; `dent` may reshape the unit ball first."""
    base = ball(1.0, detail)
    shape = base.positions if dent is None else dent(base.positions)
    return smooth_surface(shape * np.asarray(size) + np.asarray(centre), base.triangles)


def sheet(rows: list[Array], *, closed: bool = False) -> Mesh:
    """A cloth through rows of points (each (n, 3)), both sides of it."""
    count = len(rows[0])
    if closed:
        rows = [np.concatenate([row, row[:1]]) for row in rows]
        count += 1
    front = smooth_surface(np.concatenate(rows), quads(len(rows) - 1, count - 1))
    back_start = len(front.positions)
    return Mesh(
        np.concatenate([front.positions, front.positions]),
        np.concatenate([front.normals, -front.normals]),
        np.concatenate([front.uvs, front.uvs]),
        np.concatenate([front.triangles, front.triangles[:, ::-1] + back_start]),
    )
